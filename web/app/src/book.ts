// The book as plain HTML: cover, a page per beat, the end. Everything else only enhances it.
// Text is text: what the server marked up is read in an inert document, and of it only words and paragraphs are taken.
import type { AssetStatus, AssetType, Story } from '../../client/src/index.js';
import { fallback, paint } from './palette.js';
import { sourcesOf } from './sources.js';
import { assetsOf } from './telling.js';
import { t } from './words.js';

type Child = Node | string | null | undefined | false;

/** An element with attributes and children; an attribute that is false or undefined is left out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Record<string, string | number | boolean | undefined> = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child): child is Node | string => Boolean(child)));
  return made;
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
/** Whether the book opens from the right. */
export const opensFromTheRight = (story: Story): boolean => RIGHT_TO_LEFT.test(story.content.beats?.[0]?.text ?? story.title);

/** A book that shows its cover already. */
export function closedBook(story: Story): HTMLElement {
  const made = element('article', { class: 'book', 'data-story-id': story.id, dir: opensFromTheRight(story) ? 'rtl' : 'ltr', 'aria-label': story.title }, cover(story));
  number(made);
  return made;
}

/** Its other pages. */
export function fill(book: HTMLElement, story: Story): void {
  book.append(...(story.content.beats ?? []).map((_, index) => beatPage(story, index)), end(story));
  number(book);
}

const number = (book: HTMLElement): void => [...book.children].forEach((page, index) => page.setAttribute('data-page', String(index)));

function coloursOf(story: Story, asset: AssetType): string[] {
  const hues = (story.hue_extracted_colors ?? {}) as Record<string, string[]>;
  return hues[asset] ?? hues.cover ?? fallback(story.id);
}

function page(story: Story, asset: AssetType, kind: string, ...children: Child[]): HTMLElement {
  const made = element('section', { class: `page is-${kind}`, 'data-asset': asset, 'data-status': assetsOf(story)[asset]?.status }, ...children);
  paint(made, coloursOf(story, asset));
  return made;
}

/** The cover's is square; a scene fills its half of the page. */
const SIZES = { cover: 'min(94vw, 78vh)', scene: '(max-width: 46rem) max(96vw, 46vh), max(50vw, 92vh)' };

function image(state: AssetStatus | undefined, alt: string, kind: keyof typeof SIZES): HTMLElement {
  const frame = element('figure', { class: 'picture' });
  const { src, srcset } = sourcesOf(state);
  if (!state || !src) return frame;
  const isCover = kind === 'cover';
  const shown = element('img', {
    loading: isCover ? 'eager' : 'lazy', fetchpriority: isCover ? 'high' : undefined, decoding: 'async',
    alt, width: 1024, height: 1024, sizes: srcset && SIZES[kind], ...(isCover ? { srcset, src } : { 'data-srcset': srcset, 'data-src': src }),
  });
  shown.addEventListener('error', () => {
    frame.classList.add('is-broken');
    frame.setAttribute('data-broken', alt);
  });
  frame.append(shown);
  if (state.isPlaceholder) frame.append(element('figcaption', {}, t('state.placeholder')));
  return frame;
}

/** Lets the scenes' pictures come: nobody should wait for the cover because of them. */
export function loadScenes(book: HTMLElement): void {
  for (const image of book.querySelectorAll<HTMLImageElement>('[data-src]')) {
    const { src, srcset } = image.dataset;
    if (srcset) image.srcset = srcset;
    image.src = src!;
    delete image.dataset.src;
  }
}

function cover(story: Story): HTMLElement {
  const words = element('div', { class: 'cover-words' }, element('p', { class: 'title', dir: 'auto' }, story.title));
  return page(story, 'cover', 'cover', image(assetsOf(story).cover, t('alt.cover', { title: story.title }), 'cover'), words);
}

function beatPage(story: Story, index: number): HTMLElement {
  const beat = story.content.beats![index]!;
  const asset = `scene_${index + 1}` as AssetType;
  const block = story.audio_blocks?.[('abcd'[index] ?? 'd') as 'a'];
  const text = element('div', { class: 'text' }, element('h2', { dir: 'auto' }, beat.heading), ...paragraphs(block, beat.text));
  const words = element('div', { class: 'words', tabindex: 0 }, text);
  return page(story, asset, 'beat', image(assetsOf(story)[asset], beat.sceneDescription, 'scene'), words);
}

/** The paragraphs with a span around each spoken word, or the plain text where nothing is spoken. */
function paragraphs(block: string | undefined, text: string): HTMLElement[] {
  const marked = block ? [...new DOMParser().parseFromString(block, 'text/html').querySelectorAll('p')] : [];
  if (!marked.length) return text.split(/\n+/).map((line) => element('p', { dir: 'auto' }, line));
  return marked.map((paragraph) => {
    const made = element('p', { dir: 'auto', lang: paragraph.lang || undefined });
    for (const node of paragraph.childNodes) {
      const number = node instanceof HTMLElement ? Number(node.dataset.w) : NaN;
      const words = node.textContent ?? '';
      made.append(Number.isInteger(number) ? element('span', { 'data-word': number }, words) : words);
    }
    return made;
  });
}

function end(story: Story): HTMLElement {
  const assets = assetsOf(story);
  const data = assets.activities?.status === 'ready' ? assets.activities.data : undefined;
  const words = element('div', { class: 'words', tabindex: 0 }, element('div', { class: 'text' },
    element('h2', {}, t('reader.end')),
    story.content.moral && element('p', { class: 'moral', dir: 'auto' }, story.content.moral),
    data && element('h3', {}, t('reader.talk')),
    data && element('ul', { class: 'questions' }, ...data.questions.map(({ question, answer }) =>
      element('li', {}, element('details', {}, element('summary', { dir: 'auto' }, question), element('p', { dir: 'auto' }, answer))))),
    data && element('h3', {}, t('reader.words')),
    data && element('dl', { class: 'vocabulary' }, ...data.vocabulary.flatMap(({ word, meaning }) =>
      [element('dt', { dir: 'auto' }, word), element('dd', { dir: 'auto' }, meaning)])),
    data && element('h3', { dir: 'auto' }, data.activity.title),
    data && element('p', { dir: 'auto' }, data.activity.instructions),
  ));
  return page(story, 'activities', 'end', words);
}
