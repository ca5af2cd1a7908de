// What the browser tests and the pictures of the pages stand on: Chromium, a signed-in page, the stand-ins' switches, axe.
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const { APP_URL, API_URL, SUPABASE_URL, SUPABASE_ANON_KEY, STANDIN_OPENAI_URL, STANDIN_ELEVENLABS_URL } = process.env;
export const appUrl = APP_URL;
/** How long a condition is waited for: a machine that compiles and tests beside this one is slow, not wrong. */
export const PATIENCE_MS = 90_000;
export const QUICK = 'text=60,image=120,speech=90';

/** The system's Chromium: CHROME_PATH, or the first of its names on the PATH. */
export async function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = [process.env.CHROME_PATH, ...folders.flatMap((folder) => names.map((name) => join(folder, name)))];
  for (const candidate of candidates.filter(Boolean)) {
    if (await access(candidate).then(() => true, () => false)) return candidate;
  }
  console.error('Chromium is missing: install it (Debian: apt-get install chromium) or name it in CHROME_PATH.');
  process.exit(3);
}

export async function launch() {
  return chromium.launch({
    executablePath: await findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--mute-audio'],
  });
}

/** Anything a page complains of: scripts that throw, and what its policy had to stop; and all that it says, for who must find out. */
export function complaints(page) {
  const list = [];
  const said = [];
  page.on('pageerror', (error) => list.push(`${error}`) && said.push(`${error}`));
  page.on('console', (message) => {
    const words = message.text();
    said.push(words);
    if (/Content Security Policy|violates/i.test(words)) list.push(words);
  });
  page.on('requestfailed', (request) => said.push(`${request.failure()?.errorText} ${request.url()}`));
  return { list, said };
}

async function post(url, body, headers = {}) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const told = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${JSON.stringify(told)}`);
  return told;
}

export const standIns = (change) =>
  Promise.all([STANDIN_OPENAI_URL, STANDIN_ELEVENLABS_URL].map((url) => post(`${url}/_local/config`, change)));

/** Waits until the outcomes that were scripted for the next calls have been met. */
export async function scriptIsUsedUp() {
  const began = Date.now();
  while ((await (await fetch(`${STANDIN_OPENAI_URL}/_local/config`)).json()).next.length) {
    if (Date.now() - began > PATIENCE_MS) throw new Error('a scripted outcome was met by no call');
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Somebody new, on the free plan; answers the session as the page keeps it. */
export async function signUp(email = `${crypto.randomUUID()}@example.com`) {
  return post(`${SUPABASE_URL}/auth/v1/signup`, { email, password: 'secret-enough' }, { apikey: SUPABASE_ANON_KEY });
}

export const demo = () =>
  post(`${SUPABASE_URL}/auth/v1/token?grant_type=password`, { email: 'demo@storytailor.dev', password: 'demo-password' }, { apikey: SUPABASE_ANON_KEY });

export class Api {
  constructor(session) {
    this.token = session.access_token;
  }
  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(`${API_URL}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const told = answer.status === 204 ? {} : await answer.json();
    return told.data;
  }
  async makeStory(hero, wish = {}) {
    const { id } = await this.call('POST', '/characters', hero);
    return this.call('POST', '/stories', { character_ids: [id], story_type: 'adventure', themes: ['courage'], ...wish });
  }
  async settled(id) {
    const began = Date.now();
    for (;;) {
      const story = await this.call('GET', `/stories/${id}`);
      if (story.asset_generation_status.overall !== 'generating') return story;
      if (Date.now() - began > PATIENCE_MS) throw new Error(`${id} was not settled: ${JSON.stringify(story.asset_generation_status)}`);
      await new Promise((done) => setTimeout(done, 200));
    }
  }
}

/** A context in which somebody is signed in. */
export async function signedIn(browser, session, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript((kept) => {
    if (!localStorage.getItem('storytailor-session')) localStorage.setItem('storytailor-session', kept);
  }, JSON.stringify(session));
  return context;
}

/** Half-way through its pictures for as long as it is looked at: the row of a story that is ready, with a glimpse of each. */
export async function glimpsed(context) {
  // What Realtime says would undo it, and what a worker asks for is not seen here.
  await context.routeWebSocket(/./, (socket) => socket.close());
  await context.route('**/sw.js', (route) => route.abort());
  await context.route(/\/stories\/[\w-]+\?fields=/, async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    const status = body.data.asset_generation_status;
    status.overall = 'generating';
    for (const [asset, state] of Object.entries(status.assets)) {
      if (!/^(cover|scene_\d)$/.test(asset)) continue;
      status.assets[asset] = { status: 'generating', progress: 55, metadata: { previewUrl: state.metadata.thumbnailUrl } };
    }
    status.assets.pdf = { status: 'pending', progress: 0 };
    await route.fulfill({ response: answer, json: body });
  });
}

const axeSource = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** What axe finds against WCAG 2.2 AA, each with where. */
export async function axe(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} (${failureSummary.replace(/\s+/g, ' ')})`).slice(0, 3).join('; ')}`);
}
