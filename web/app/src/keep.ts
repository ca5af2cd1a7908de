// The book as one file that opens anywhere and for ever: text, pictures with their descriptions, the voice with captions;
// no script, and nothing that is fetched.
import type { Story } from '../../client/src/index.js';
import { element } from './book.js';
import { sentenceStarts, type Word } from './read-along.js';
import { sourcesOf } from './sources.js';
import { altOf, assetsOf } from './telling.js';
import { t } from './words.js';

const STYLE = `
body { margin: 0 auto; max-width: 44rem; padding: 1rem 1.2rem 4rem; font: 1.25rem/1.6 Andika, "Noto Sans", sans-serif; background: #fbf4e6; color: #2d2722; }
h1, h2 { font-family: "Averia Serif", Georgia, serif; line-height: 1.2; text-align: center; } h1 { font-size: 2.4rem; } section { margin-top: 3rem; break-before: page; }
img { display: block; width: 100%; height: auto; border-radius: 16px; } audio { width: 100%; margin: 1.5rem 0; } dt { font-weight: bold; } li, dd { margin-bottom: .6em; }
@media (prefers-color-scheme: dark) { body { background: #1f1a24; color: #f4ecdf; } } @media print { audio { display: none; } }`;
const PICTURE_QUALITY = 0.86;

async function asData(blob: Blob): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Light as it is; an original that has no lighter file is made one. */
async function pictureData(url: string): Promise<string> {
  const file = await (await fetch(url)).blob();
  if (file.type === 'image/jpeg') return asData(file);
  const bitmap = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
  return asData(await canvas.convertToBlob({ type: 'image/jpeg', quality: PICTURE_QUALITY }));
}

/** Captions: a cue per sentence. */
export function captions(words: readonly Word[]): string {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 23);
  const starts = sentenceStarts(words);
  const cues = starts.map((first, index) => {
    const sentence = words.slice(first, starts[index + 1]);
    // An arrow in the text would begin another cue.
    const text = sentence.map(({ txt }) => txt).join(' ').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    return `${time(sentence[0]!.start)} --> ${time(sentence.at(-1)!.end)}\n${text}`;
  });
  return `WEBVTT\n\n${cues.join('\n\n')}\n`;
}

/** Every text of the story is written through this. */
const safe = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const paragraphs = (text: string): string => text.split(/\n+/).map((line) => `<p dir="auto">${safe(line)}</p>`).join('\n');
const heading = (text: string): string => `<h2 dir="auto">${safe(text)}</h2>`;

export async function oneFile(story: Story): Promise<Blob> {
  const assets = assetsOf(story);
  const language = safe(/lang="([\w-]+)"/.exec(story.audio_blocks?.a ?? '')?.[1] ?? document.documentElement.lang);
  const image = async (asset: 'cover' | 'scene_1') => {
    const url = sourcesOf(assets[asset]).src;
    return url ? `<img src="${await pictureData(url)}" alt="${safe(altOf(story, asset))}" width="1024" height="1024">` : '';
  };
  const voice = async (url: string) => {
    const track = story.audio_words?.length
      ? `<track default kind="captions" srclang="${language}" label="${safe(t('reader.captions'))}" src="data:text/vtt;charset=utf-8,${encodeURIComponent(captions(story.audio_words))}">`
      : '';
    return `<audio controls preload="metadata" src="${await asData(await (await fetch(url)).blob())}">${track}</audio>`;
  };
  const beats = await Promise.all((story.content.beats ?? []).map(async (beat, index) =>
    `<section>${heading(beat.heading)}\n${await image(`scene_${index + 1}` as 'scene_1')}\n${paragraphs(beat.text)}</section>`));
  const data = assets.activities?.data;
  const activities = data
    ? [heading(t('reader.talk')), `<ul>${data.questions.map(({ question }) => `<li dir="auto">${safe(question)}</li>`).join('')}</ul>`,
        heading(t('reader.words')), `<dl>${data.vocabulary.map(({ word, meaning }) => `<dt dir="auto">${safe(word)}</dt><dd dir="auto">${safe(meaning)}</dd>`).join('')}</dl>`,
        heading(data.activity.title), paragraphs(data.activity.instructions)]
    : [];
  // Written as text: elements made in this page would be loaded here, under the page's own policy.
  return new Blob([`<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Storytailor">
<title>${safe(story.title)}</title>
<style>${STYLE}</style>
<h1 dir="auto">${safe(story.title)}</h1>
${await image('cover')}
${assets.audio?.url ? await voice(assets.audio.url) : ''}
${beats.join('\n')}
<section>${heading(t('reader.end'))}
${story.content.moral ? paragraphs(story.content.moral) : ''}
${activities.join('\n')}</section>
`], { type: 'text/html' });
}

/** Offers the file under the title's own letters. */
export async function keepAsFile(story: Story): Promise<void> {
  const url = URL.createObjectURL(await oneFile(story));
  const name = story.title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 60) || 'story';
  element('a', { href: url, download: `${name}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
