// How the page feels, beside its goals: `node tests/figures.mjs [part]`, with the variables of `.local/env`, on a quiet machine;
// parts are `use`, `scroll`, `change` and `scores`. Scores are Lighthouse's: `npm install --no-save lighthouse@12.8.2`.
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { Api, appUrl, demo, findChromium, launch, QUICK, signedIn, standIns } from './stage.mjs';
import { framesOf, marksOf, traced } from './trace.mjs';

const STORIES = 50;
const VISITS = 3;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true };
/** Lighthouse's slow phone: 150 ms and 1.6 Mbit/s, a processor four times slower. */
const LINE = { offline: false, latency: 150, downloadThroughput: (1_600 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 };
const only = process.argv[2];
const figures = [];
const figure = (name, value, goal, isGood) => {
  figures.push(isGood);
  console.log(`${isGood ? '✓' : '✗'} ${name}: ${value} (goal ${goal})`);
};
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
/** How quick this machine is just now: what is measured beside others is their figure, too. */
const tellMachine = (browser) => browser.newContext().then(async (context) => {
  const page = await context.newPage();
  const took = await page.evaluate(() => {
    const began = performance.now();
    for (let round = 0, sum = 0; round < 2e7; round++) sum = (sum + round * 7) % 1_000_003;
    return performance.now() - began;
  });
  await context.close();
  console.log(`– machine: load ${loadavg()[0].toFixed(2)}, twenty million rounds of a loop in ${Math.round(took)} ms`);
});

await standIns({ latency: QUICK, next: [] });
const session = await demo();
const api = new Api(session);
const { id } = await api.makeStory({ name: 'Ember', species: 'dragon' });
const made = (await api.settled(id)).asset_generation_status;
if (made.overall !== 'ready') throw new Error(JSON.stringify(made));
const pages = [['welcome', null, appUrl, '[data-action=demo-sign-in]'], ['shelf', session, appUrl, '[data-action=create-story]:not(:disabled)'],
  ['making', session, `${appUrl}story.html?id=${id}`, '[data-action=play]'], ['reader', session, `${appUrl}read.html?id=${id}`, '[data-action=begin]']];

const browser = await launch();
const parts = { use, scroll, change };
for (const [name, part] of Object.entries(parts)) {
  if (only && only !== name) continue;
  await tellMachine(browser);
  await part();
}
await tellMachine(browser);
await browser.close();
if (!only || only === 'scores') await scores();
process.exit(figures.every(Boolean) ? 0 : 1);

/** A page that tells when its button is there and the processor free to take a click; and of what was pushed about. */
async function opened(who) {
  const context = who ? await signedIn(browser, who, PHONE) : await browser.newContext({ locale: 'en-GB', ...PHONE });
  const page = await context.newPage();
  const client = await context.newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.emulateNetworkConditions', LINE);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const loaded = { bytes: 0, files: 0 };
  client.on('Network.loadingFinished', ({ encodedDataLength }) => Object.assign(loaded, { bytes: loaded.bytes + encodedDataLength, files: loaded.files + 1 }));
  return { context, page, loaded };
}

/** From nothing to the first click: a new visitor each time, then the same one again. */
async function use() {
  for (const [name, who, address, button] of pages) {
    const first = [];
    const again = [];
    let shifts = 0;
    let carried = '';
    for (let visit = 0; visit < VISITS; visit++) {
      const { context, page, loaded } = await opened(who);
      await context.addInitScript((button) => {
        window.shifts = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shifts += entry.hadRecentInput ? 0 : entry.value))).observe({ type: 'layout-shift', buffered: true });
        const look = () => (document.querySelector(button) ? setTimeout(() => (window.readyAt ??= performance.now())) : requestAnimationFrame(look));
        look();
      }, button);
      const go = async () => {
        await page.goto(address, { waitUntil: 'commit' });
        await page.waitForFunction(() => window.readyAt !== undefined);
        return Math.round(await page.evaluate(() => window.readyAt));
      };
      first.push(await go());
      carried = `${Math.round(loaded.bytes / 1024)} KB in ${loaded.files} files until then`;
      // What comes late may still push what stands.
      await page.waitForLoadState('networkidle');
      shifts = Math.max(shifts, await page.evaluate(() => window.shifts));
      again.push(await go());
      await context.close();
    }
    figure(`${name}, first use`, `${median(first)} ms (${first.join(', ')}; ${carried}), again ${median(again)} ms`, '1,000 ms', median(first) <= 1_000);
    figure(`${name}, layout shift`, shifts.toFixed(3), '0', shifts < 0.005);
  }
}

/** A shelf of fifty books with covers: what the API answers of the finished one, fifty times, each picture under an address of its own. */
async function scroll() {
  const context = await signedIn(browser, session, { viewport: { width: 390, height: 844 } });
  await context.route(/\/stories\?limit=/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    const one = JSON.stringify(body.data.stories.find((story) => story.id === id));
    const limit = Number(new URL(route.request().url()).searchParams.get('limit'));
    const copies = Array.from({ length: Math.min(limit, STORIES) }, (_, n) => JSON.parse(one.replaceAll(id, crypto.randomUUID()).replace(/\.(png|jpg)"/g, `.$1?${n}"`)));
    // Their files stay where they are.
    for (const copy of copies) for (const asset of Object.values(copy.asset_generation_status.assets)) restore(asset, one);
    return route.fulfill({ response: answer, json: { ...body, data: { ...body.data, stories: copies, hasMore: limit < STORIES } } });
  });
  const shelf = await context.newPage();
  await shelf.goto(appUrl);
  for (let shown = 0; shown < STORIES;) {
    await shelf.waitForFunction((before) => document.querySelectorAll('.book-card').length > before, shown);
    shown = await shelf.locator('.book-card').count();
    if (shown < STORIES) await shelf.click('[data-action=more]');
  }
  await shelf.evaluate(() => scrollTo(0, 0));
  const client = await context.newCDPSession(shelf);
  const height = await shelf.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  const events = await traced(browser, shelf, () =>
    client.send('Input.synthesizeScrollGesture', { x: 195, y: 600, yDistance: -height, speed: 1_200, gestureSourceType: 'mouse' }));
  if (process.env.TRACE) await writeFile(process.env.TRACE, JSON.stringify(events));
  const frames = framesOf(events).filter(({ isWanted }) => isWanted);
  const shown = frames.filter(({ isShown }) => isShown).length / frames.length;
  figure(`shelf of ${STORIES} scrolls ${height} pixels`, `${(100 * shown).toFixed(1)} % of ${frames.length} frames shown in time, by Chromium's frame reports`, '98 %', shown >= 0.98);
  await context.close();
}

function restore(asset, one) {
  const files = [...one.matchAll(/https?:[^"]+/g)].map(([address]) => address);
  const original = (address) => {
    const [name, mark = ''] = address.split('/').at(-1).split(/(?=\?)/);
    return `${files.find((file) => file.endsWith(name))}${mark}`;
  };
  if (asset.url) asset.url = original(asset.url);
  for (const key of ['screenUrl', 'thumbnailUrl']) if (asset.metadata?.[key]) asset.metadata[key] = original(asset.metadata[key]);
}

/**
 * While a story is made: from the transaction that changed its row (`updated_at`) to the frame that shows it. The page is looked at
 * from outside: a frame of Realtime comes in, the document changes, Chromium presents a frame.
 */
async function change() {
  const context = await signedIn(browser, session, { viewport: { width: 1024, height: 768 } });
  await context.addInitScript(() => {
    window.changes = [];
    let row = null;
    const Native = window.WebSocket;
    window.WebSocket = class extends Native {
      constructor(...to) {
        super(...to);
        this.addEventListener('message', ({ data }) => {
          const changed = typeof data === 'string' && data.includes('postgres_changes') && /"updated_at":"([^"]+)"/.exec(data);
          if (changed) row = { changedAt: Date.parse(changed[1]), cameAt: performance.timeOrigin + performance.now() };
        });
      }
    };
    new MutationObserver(() => {
      if (!row) return;
      const mark = performance.mark(`change-${window.changes.length}`);
      window.changes.push({ ...row, drawnAt: performance.timeOrigin + mark.startTime, name: mark.name });
      row = null;
    }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await standIns({ latency: 'story=6000,text=200,image=900,speech=900' });
  const page = await context.newPage();
  const { id: growing } = await api.makeStory({ name: 'Ember', species: 'dragon' });
  const events = await traced(browser, page, async () => {
    await page.goto(`${appUrl}story.html?id=${growing}`);
    await page.waitForSelector('[data-overall="ready"]', { timeout: 120_000 });
    await page.waitForTimeout(500);
  });
  await standIns({ latency: QUICK });
  const marks = marksOf(events);
  const shown = framesOf(events).filter(({ isShown }) => isShown).map(({ ts }) => ts);
  const changes = await page.evaluate(() => window.changes);
  const took = changes.flatMap(({ name, changedAt, cameAt, drawnAt }) => {
    const mark = marks.get(name);
    const seen = shown.find((ts) => ts > mark);
    return mark && seen ? [{ all: drawnAt - changedAt + (seen - mark) / 1_000, wire: cameAt - changedAt, page: drawnAt - cameAt, paint: (seen - mark) / 1_000 }] : [];
  });
  const of = (what) => took.map((one) => one[what]);
  const late = of('all').filter((ms) => ms > 100).length;
  const words = `median ${Math.round(median(of('all')))} ms, slowest ${Math.round(Math.max(...of('all')))} ms of ${took.length}: `
    + `until the frame of Realtime is here ${Math.round(median(of('wire')))} ms, the page ${median(of('page')).toFixed(1)} ms, until it is shown ${Math.round(median(of('paint')))} ms; later than 100 ms: ${late}`;
  figure('from a changed row to a changed pixel', words, '100 ms in 95 %', took.length > 10 && late <= 0.05 * took.length);
  await context.close();
}

/** The median of three runs, each of somebody who comes for the first time, but is signed in. */
async function scores() {
  const lighthouse = await import('lighthouse').then((module) => module.default, () => null);
  if (!lighthouse) return console.log('– Lighthouse is not installed');
  // Which comes with it.
  const { default: puppeteer } = await import('puppeteer-core');
  const server = await puppeteer.launch({ executablePath: await findChromium(), args: ['--no-sandbox', '--disable-background-networking'] });
  for (const [name, , address] of pages.filter(([name]) => name === 'shelf' || name === 'reader')) {
    const runs = {};
    for (let run = 0; run < VISITS; run++) {
      const page = await server.newPage();
      await page.evaluateOnNewDocument((kept) => localStorage.setItem('storytailor-session', kept), JSON.stringify(session));
      const { lhr } = await lighthouse(address, { logLevel: 'error', output: 'json' }, undefined, page);
      for (const [key, { score, auditRefs }] of Object.entries(lhr.categories)) {
        const missed = auditRefs.filter(({ id, weight }) => weight && lhr.audits[id].score !== null && lhr.audits[id].score < 0.95);
        (runs[key] ??= []).push({ score, missed: missed.map(({ id }) => `${id} ${lhr.audits[id].displayValue ?? ''}`.trim()) });
      }
      console.log(`– ${name}: speed of this machine by Lighthouse ${lhr.environment.benchmarkIndex}`);
      await page.close();
    }
    for (const [key, tries] of Object.entries(runs)) {
      const { score, missed } = [...tries].sort((a, b) => a.score - b.score)[Math.floor(tries.length / 2)];
      figure(`${name}, Lighthouse ${key}`, `${Math.round(score * 100)} (${tries.map((one) => Math.round(one.score * 100)).join(', ')}${missed.length ? `; ${missed.join(', ')}` : ''})`, '95', score >= 0.95);
    }
  }
  await server.close();
}
