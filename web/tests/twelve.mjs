// Twelve stories to look at: ages 3 to 11, four styles, six languages. `node tests/twelve.mjs [folder]` beside a stack that is up,
// with the variables of `.local/env`; with the keys of real providers set, they are asked. Leaves sheet.png and texts.md in out/twelve.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demo, launch } from './stage.mjs';

const folder = process.argv[2] ?? '../out/twelve';
const KINDS = [['adventure', 'courage'], ['friendship', 'sharing'], ['bedtime', 'calm'], ['mystery', 'curiosity'], ['school', 'kindness']];
const STYLES = ['watercolour', 'paper collage', 'soft 3D animation', 'ink and crayon'];
/** Language, age, hero, what it is about. */
const WISHES = [
  ['en', 3, { name: 'Pip', species: 'fox' }, 'Pip cannot find his yellow boot'],
  ['es', 4, { name: 'Lucía', species: 'human child', age: 4, traits: ['curly_hair'] }, 'Lucía quiere regar el jardín de su abuela'],
  ['de', 5, { name: 'Jörg', species: 'hedgehog' }, 'Jörg traut sich nicht über die Brücke'],
  ['fr', 6, { name: 'Éloïse', species: 'cat' }, 'Éloïse cherche la lune dans le lac'],
  ['pl', 7, { name: 'Żaneta', species: 'human child', age: 7, traits: ['glasses'] }, 'Żaneta buduje latawiec dla całej klasy'],
  ['tr', 8, { name: 'Çağlar', species: 'owl' }, 'Çağlar gündüzü görmek ister'],
  ['en', 9, { name: 'Maya', species: 'human child', age: 9, traits: ['wheelchair'] }, 'Maya maps every star above her street'],
  ['es', 10, { name: 'Íñigo', species: 'dragon' }, 'Íñigo aprende a cocinar sin quemar la sopa'],
  ['de', 11, { name: 'Mia', species: 'human child', age: 11 }, 'Mia rettet das alte Kino ihrer Stadt'],
  ['fr', 5, { name: 'Noé', species: 'bear' }, 'Noé a peur de l’orage'],
  ['pl', 4, { name: 'Bąbel', species: 'rabbit' }, 'Bąbel nie chce iść spać'],
  ['tr', 10, { name: 'Işıl', species: 'human child', age: 10, traits: ['hearing_aid'] }, 'Işıl kayıp bir şarkıyı arar'],
];
const PICTURES = ['cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4'];
/** Real providers take minutes, and the API answers so many questions a minute. */
const PATIENCE_MS = 900_000;
const PAUSE_MS = 3_000;

await mkdir(folder, { recursive: true });
const session = await demo();
const html = (text) => String(text ?? '').replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);

/** What the API answers; a question that was one too many, or came too soon, is asked again. */
async function ask(method, path, body, isEnough = () => true) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await new Promise((done) => setTimeout(done, PAUSE_MS))) {
    const headers = { authorization: `Bearer ${session.access_token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${process.env.API_URL}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const told = await answer.json();
    if (answer.ok && isEnough(told.data)) return told.data;
    if (!answer.ok && answer.status !== 429) throw new Error(`${method} ${path}: ${JSON.stringify(told)}`);
  }
  throw new Error(`${method} ${path}: nothing in ${PATIENCE_MS / 1000} s`);
}

async function make([language, readerAge, hero, idea], number) {
  const style = STYLES[number % STYLES.length];
  const [story_type, theme] = KINDS[number % KINDS.length];
  const { id } = await ask('POST', '/characters', hero);
  const wish = { character_ids: [id], story_type, themes: [theme], language, readerAge, style, idea };
  const begun = await ask('POST', '/stories', wish);
  const story = await ask('GET', `/stories/${begun.id}`, undefined, (now) => now.asset_generation_status.overall !== 'generating');
  console.log(`${story.asset_generation_status.overall}  ${language} ${readerAge}  ${story.title}`);
  return { language, readerAge, style, idea, story };
}

/** How long its sentences are, in words. */
function measure(text) {
  const sentences = text.split(/[.!?…]+["”»’“]*\s+/u).filter((sentence) => /\p{L}/u.test(sentence));
  const words = sentences.map((sentence) => sentence.match(/[\p{L}\p{M}\p{N}’'-]+/gu)?.length ?? 0);
  const all = words.reduce((sum, count) => sum + count, 0);
  return `${all} words, ${(all / Math.max(words.length, 1)).toFixed(1)} a sentence, ${Math.max(0, ...words)} at most`;
}

function texts({ language, readerAge, style, idea, story }, number) {
  const { assets } = story.asset_generation_status;
  const bad = Object.entries(assets).filter(([, asset]) => asset.status !== 'ready' || asset.isPlaceholder);
  const beats = story.content?.beats ?? [];
  return [
    `## ${number + 1}. ${story.title}`, '',
    `\`${language}\`, age ${readerAge}, ${style}; wish: ${idea}; story ${story.id}: ${story.asset_generation_status.overall}`, '',
    ...bad.map(([name, asset]) => `**${name}: ${asset.status} ${asset.code ?? ''} ${asset.error ?? ''}**\n`),
    ...beats.flatMap((beat) => [`### ${beat.heading}`, '', beat.text, '', `*${measure(beat.text)}. Picture: ${beat.sceneDescription ?? beat.scene_description}*`, '']),
    `**Moral:** ${story.content?.moral}`, '',
    '```json', JSON.stringify({ activities: assets.activities?.data, audio: assets.audio?.metadata, book: assets.pdf?.metadata?.htmlUrl }, null, 1), '```', '',
  ].join('\n');
}

function row({ language, readerAge, style, story }) {
  const { assets } = story.asset_generation_status;
  const pictures = PICTURES.map((name) => {
    const { url, status, isPlaceholder, metadata } = assets[name] ?? {};
    const address = metadata?.screenUrl ?? url;
    return `<figure>${address ? `<img src="${html(address)}">` : `<p>${html(status)}</p>`}${isPlaceholder ? '<b>placeholder</b>' : ''}</figure>`;
  });
  return `<section><h2>${html(story.title)}</h2><p>${language}, age ${readerAge}, ${html(style)}</p><div>${pictures.join('')}</div></section>`;
}

const made = await Promise.all(WISHES.map(make));
await writeFile(join(folder, 'texts.md'), `# Twelve stories\n\n${made.map(texts).join('\n')}`);
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1640, height: 1000 } });
await page.setContent(`<meta charset="utf-8"><style>body{font:16px sans-serif;margin:12px}h2{font-size:20px;margin:8px 0 0}p{margin:2px 0}
  div{display:flex;gap:6px}figure{margin:0;position:relative}img{width:316px;height:316px;display:block}b{position:absolute;left:4px;top:4px;background:#fff}</style>${made.map(row).join('')}`);
await page.waitForFunction(() => [...document.images].every((image) => image.complete));
const empty = await page.evaluate(() => [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src));
await page.screenshot({ path: join(folder, 'sheet.png'), fullPage: true });
await browser.close();
const whole = made.filter(({ story }) => story.asset_generation_status.overall === 'ready');
console.log(`${whole.length} of ${made.length} whole; ${empty.length} pictures without a file; ${join(folder, 'sheet.png')}, ${join(folder, 'texts.md')}`);
process.exit(whole.length === made.length && !empty.length ? 0 : 1);
