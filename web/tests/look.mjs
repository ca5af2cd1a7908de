// Takes a picture of every page in every state, three widths, light and dark, and of some in each language: `cargo local look`
// puts them into out/look.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Api, appUrl, demo, glimpsed, launch, signedIn, signUp, standIns } from './stage.mjs';

const folder = process.argv[2] ?? 'out/look';
const only = process.argv[3] ?? '';
const WIDTHS = { phone: { width: 390, height: 844 }, tablet: { width: 1024, height: 768 }, desk: { width: 1600, height: 950 } };
await mkdir(folder, { recursive: true });
await standIns({ latency: 'text=60,image=120,speech=90', next: [] });

const session = await demo();
const api = new Api(session);
const ready = await api.makeStory({ name: 'Ember', species: 'dragon', appearance: { skin: 'soft green scales' } }, { idea: 'a shy dragon who is afraid of the dark' });
const { asset_generation_status: made } = await api.settled(ready.id);
await standIns({ next: [{ outcome: 'policy', kind: 'image', times: 4 }] });
const partial = await api.makeStory({ name: 'Luna', species: 'human child', age: 6, traits: ['wheelchair', 'curly_hair'] });
await api.settled(partial.id);
await standIns({ next: [{ outcome: 'policy', kind: 'text' }] });
const failed = await api.makeStory({ name: 'Pip', species: 'fox' });
await api.settled(failed.id);
await standIns({ latency: 'text=400,image=9000,speech=20000', next: [] });
const making = await api.makeStory({ name: 'Nox', species: 'owl' });
const newcomer = await signUp();
const address = (file, id) => `${appUrl}${file}${id ? `?id=${id}` : ''}`;

const browser = await launch();
const shots = [
  ['making', session, address('story.html', making.id), async (page) => page.waitForSelector('.beat')],
  ['glimpse', session, address('story.html', ready.id), async (page) => page.waitForFunction(() => document.querySelector('img.is-glimpse')?.naturalWidth)],
  ['welcome', null, appUrl],
  ['shelf', session, appUrl, async (page) => page.waitForSelector('.book-card[data-story-id]')],
  ['shelf-empty', newcomer, appUrl, async (page) => page.waitForSelector('.hero-maker')],
  ['make', session, address('make.html'), async (page) => page.waitForSelector('.sample, [name=voice]')],
  ['hero', session, address('make.html'), async (page) => {
    await page.click('[data-action=new-hero]');
    await page.click('.hero-more > summary');
    await page.waitForSelector('[name=hero-voice]');
    await page.click('.traits details:nth-of-type(4) summary');
  }],
  ['story', session, address('story.html', ready.id), async (page) => page.waitForSelector('[data-action=play]')],
  ['review', session, address('story.html', ready.id), async (page) => {
    await page.click('[data-action=review]');
    await page.waitForSelector('.prompt');
  }],
  ['share', session, address('story.html', ready.id), async (page) => {
    await page.click('[data-action=share]');
    await page.waitForSelector('dialog.share[open]');
  }],
  ['partial', session, address('story.html', partial.id), async (page) => page.waitForSelector('[data-placeholder]')],
  ['failed', session, address('story.html', failed.id), async (page) => page.waitForSelector('[data-action=retry-content]')],
  ['gone', newcomer, address('story.html', ready.id), async (page) => page.waitForSelector('.empty')],
  ['read-cover', session, address('read.html', ready.id), async (page) => page.waitForSelector('.book')],
  ['read-page', session, address('read.html', ready.id), async (page) => {
    await page.click('[data-action=begin]');
    await page.waitForFunction(() => Number(document.querySelector('[data-current]')?.dataset.word) > 8);
    await page.click('[data-action=play]');
    await page.waitForTimeout(600);
  }],
  ['read-settings', session, address('read.html', ready.id), async (page) => {
    await page.click('.drawer summary.is-settings');
  }],
  ['read-end', session, address('read.html', ready.id), async (page) => {
    await page.waitForSelector('.book');
    await page.keyboard.press('End');
    await page.waitForTimeout(900);
  }],
  ['plain-page', null, made.assets.pdf.metadata.htmlUrl],
];
// Words of other lengths break other lines.
for (const locale of ['de-DE', 'es-ES']) {
  for (const name of ['welcome', 'shelf', 'shelf-empty', 'make', 'hero', 'making', 'glimpse', 'review', 'share', 'partial', 'failed', 'read-settings']) {
    const [, who, where, prepare] = shots.find(([known]) => known === name);
    shots.push([`${name}-${locale.slice(0, 2)}`, who, where, prepare, locale]);
  }
}
const wanted = shots.filter(([name]) => name.includes(only));

for (const [name, who, where, prepare, locale] of wanted) {
  for (const [width, viewport] of Object.entries(WIDTHS).filter(([width]) => !locale || width !== 'desk')) {
    for (const colorScheme of locale || width === 'desk' ? ['light'] : ['light', 'dark']) {
      const options = { viewport, colorScheme, reducedMotion: 'reduce', deviceScaleFactor: 1, ...(locale && { locale }) };
      const context = who ? await signedIn(browser, who, options) : await browser.newContext({ locale: 'en-GB', ...options });
      if (name.startsWith('glimpse')) await glimpsed(context);
      const page = await context.newPage();
      page.setDefaultTimeout(15_000);
      await page.goto(where);
      try {
        await prepare?.(page);
        await page.waitForLoadState('networkidle', { timeout: 4_000 }).catch(() => undefined);
        // Pictures further down are loaded when they are looked at.
        await page.evaluate(async () => {
          for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight / 2) {
            scrollTo(0, top);
            await new Promise(requestAnimationFrame);
          }
          scrollTo(0, 0);
        });
        await page.waitForFunction(() => [...document.querySelectorAll('.asset img, .book-card img')].every((image) => image.complete), null, { timeout: 5_000 }).catch(() => undefined);
        await page.evaluate(() => Promise.all([...document.images].filter((image) => image.loading !== 'lazy').map((image) => image.decode().catch(() => undefined))));
      } catch (error) {
        process.exitCode = 1;
        console.error(`${name}, ${width}: ${error.message}`);
      }
      await page.screenshot({ path: join(folder, `${name}-${width}${colorScheme === 'dark' ? '-dark' : ''}.png`), fullPage: !name.startsWith('read') && width !== 'tablet' });
      await context.unrouteAll({ behavior: 'ignoreErrors' });
      await context.close();
    }
  }
}
await browser.close();
await standIns({ latency: 'text=60,image=120,speech=90' });
console.log(`${wanted.length} pages and states, in ${folder}`);
