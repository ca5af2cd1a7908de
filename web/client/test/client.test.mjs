// The client against a scripted API and a scripted Realtime: what is lost, late, doubled or refused.
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { ApiError, createClient, POLL_MAX_MS, POLL_MIN_MS, SLOW_AFTER_MS } from '../dist/index.js';

const STORY = '0d3c0000-0000-4000-8000-000000000001';

/** Lets everything that waits for a promise go on. */
const settle = async () => {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
};
const pass = async (milliseconds) => {
  mock.timers.tick(milliseconds);
  await settle();
};

const row = (version, assets = {}, overall = 'generating') => ({
  id: STORY,
  title: 'Ember',
  content: { title: 'Ember' },
  version,
  asset_generation_status: { overall, assets },
});

/** An API whose answers are a function of the request. */
class Server {
  requests = [];
  story = row(1);
  answer = null;
  fetch = async (url, { method, headers, body }) => {
    this.requests.push({ method, path: new URL(url).pathname, headers, body: body && JSON.parse(body) });
    const answer = (await this.answer?.(this.requests.at(-1))) ?? { status: 200, data: this.story };
    if (answer === 'down') throw new TypeError('fetch failed');
    const success = answer.status < 400;
    return new Response(
      answer.status === 204 ? null : (answer.text ?? JSON.stringify({ success, data: answer.data, code: answer.code, message: answer.code })),
      { status: answer.status, headers: answer.headers },
    );
  };
}

/** The Realtime client as far as it is used; tests speak as the server. */
class Realtime {
  channels = [];
  calls = [];
  async setAuth() {
    this.calls.push('setAuth');
    this.token = await this.accessToken();
  }
  channel(topic, options) {
    this.calls.push('channel');
    const channel = {
      topic, options, handlers: [],
      on(type, filter, handler) {
        this.handlers.push({ type, filter, handler });
        return this;
      },
      subscribe: (callback) => {
        this.calls.push('subscribe');
        channel.status = callback;
        return channel;
      },
    };
    this.channels.push(channel);
    return channel;
  }
  async removeChannel(channel) {
    channel.isRemoved = true;
  }
  get last() {
    return this.channels.at(-1);
  }
  stand(channel = this.last) {
    channel.handlers.find(({ type }) => type === 'system').handler({ extension: 'postgres_changes', status: 'ok' });
  }
  update(next, errors = null, channel = this.last) {
    const handler = channel.handlers.find(({ filter }) => filter.event === 'UPDATE').handler;
    handler({ eventType: 'UPDATE', new: next, old: { id: STORY }, errors });
  }
  remove(id, channel = this.last) {
    channel.handlers.find(({ filter }) => filter.event === 'DELETE').handler({ eventType: 'DELETE', new: {}, old: { id }, errors: null });
  }
}

class Storage {
  values = new Map();
  getItem = (name) => this.values.get(name) ?? null;
  setItem = (name, value) => void this.values.set(name, value);
  removeItem = (name) => void this.values.delete(name);
}

let server, realtime, storage, client;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  server = new Server();
  realtime = new Realtime();
  storage = new Storage();
  client = createClient({
    apiUrl: 'http://api.test', accessToken: async () => 'token', fetch: server.fetch, storage, realtime,
  });
});

/** Follows the story and keeps what is heard of it. */
function follow() {
  const heard = { versions: [], connections: [], slow: [], gone: 0, signedOut: 0, rows: [] };
  heard.stop = client.follow(STORY, {
    row: (story) => {
      heard.rows.push(story);
      heard.versions.push(story.version);
    },
    connection: (how) => heard.connections.push(how),
    slow: (isSlow) => heard.slow.push(isSlow),
    gone: () => heard.gone++,
    signedOut: () => heard.signedOut++,
  });
  return heard;
}
const reads = () => server.requests.filter(({ method }) => method === 'GET').length;

test('the token is set before the channel is joined, and the row is read after the subscription stands', async () => {
  const heard = follow();
  await settle();
  assert.deepEqual(realtime.calls, ['setAuth', 'channel', 'subscribe']);
  assert.equal(realtime.token, 'token');
  assert.deepEqual(realtime.last.options.config.postgres_changes_options, { wait: true });
  const before = reads();
  server.story = row(2);
  realtime.stand();
  await settle();
  assert.equal(reads(), before + 1);
  assert.deepEqual(heard.versions, [1, 2]);
  assert.equal(heard.connections.at(-1), 'live');
});

test('a supabase-js client is taken as it is, and its own token is used', async () => {
  const calls = [];
  const whole = {
    realtime: { setAuth: async (token) => void calls.push(token) },
    channel: (...all) => realtime.channel(...all),
    removeChannel: (channel) => realtime.removeChannel(channel),
  };
  client = createClient({ apiUrl: 'http://api.test', accessToken: async () => 'token', fetch: server.fetch, storage, realtime: whole });
  const heard = follow();
  await settle();
  assert.deepEqual(calls, [undefined]);
  heard.stop();
  assert.ok(realtime.last.isRemoved);
});

test('an older row after a newer one is dropped, whatever way it came', async () => {
  const heard = follow();
  await settle();
  realtime.stand();
  await settle();
  realtime.update(row(2));
  realtime.update(row(2));
  realtime.update(row(1));
  await pass(POLL_MAX_MS);
  assert.deepEqual(heard.versions, [1, 2], 'the poll answered version 1');
});

test('a change without what it did not touch is merged into what was there', async () => {
  const heard = follow();
  await settle();
  realtime.stand();
  await settle();
  const { content, ...rest } = row(2);
  realtime.update(rest);
  assert.deepEqual(heard.rows.at(-1).content, content);
});

test('after a lost change, or one that was too large, the row is read', async () => {
  const heard = follow();
  await settle();
  realtime.stand();
  await settle();
  server.story = row(4);
  realtime.update(row(4));
  assert.deepEqual(heard.versions, [1], 'a gap is not merged');
  await settle();
  assert.deepEqual(heard.versions, [1, 4]);
  server.story = row(5);
  realtime.update({ id: STORY, version: 5 }, ['Error 413: Payload Too Large']);
  await settle();
  assert.deepEqual(heard.versions, [1, 4, 5]);
});

test('polling begins at two seconds, backs off to fifteen, and a change brings it back', async () => {
  follow();
  await settle();
  const at = [];
  let clock = 0;
  let seen = reads();
  while (clock < 60_000) {
    await pass(500);
    clock += 500;
    if (reads() > seen) at.push(clock);
    seen = reads();
  }
  const gaps = at.map((time, index) => time - (at[index - 1] ?? 0));
  assert.ok(gaps[0] <= POLL_MIN_MS && gaps.every((gap, index) => gap >= (gaps[index - 1] ?? 0)), String(gaps));
  assert.ok(gaps.at(-1) <= POLL_MAX_MS && gaps.at(-1) > 10_000, String(gaps));
  server.story = row(2);
  await pass(POLL_MAX_MS);
  const before = reads();
  await pass(POLL_MIN_MS);
  assert.equal(reads(), before + 1);
});

test('a standing subscription that loses frames is caught up within fifteen seconds', async () => {
  const heard = follow();
  await settle();
  realtime.stand();
  await settle();
  server.story = row(3, {}, 'ready');
  await pass(POLL_MAX_MS);
  assert.deepEqual(heard.versions, [1, 3]);
  const before = reads();
  await pass(10 * POLL_MAX_MS);
  assert.equal(reads(), before, 'a settled story is not asked for while news are pushed');
});

test('three minutes without a change are told, and asking goes on', async () => {
  const heard = follow();
  await settle();
  for (let waited = 0; waited < SLOW_AFTER_MS; waited += 1_000) await pass(1_000);
  assert.deepEqual(heard.slow, [true]);
  server.story = row(2);
  for (let waited = 0; waited < POLL_MAX_MS; waited += 1_000) await pass(1_000);
  assert.deepEqual(heard.slow, [true, false]);
  assert.deepEqual(heard.versions, [1, 2]);
});

test('a cut socket means polling at once, and the gap is closed when the subscription stands again', async () => {
  const heard = follow();
  await settle();
  realtime.stand();
  await settle();
  server.story = row(2);
  realtime.last.status('CHANNEL_ERROR', new Error('socket closed: 1006'));
  await settle();
  assert.deepEqual(heard.versions, [1, 2]);
  assert.equal(heard.connections.at(-1), 'polling');
  server.story = row(3);
  realtime.stand();
  await settle();
  assert.deepEqual(heard.versions, [1, 2, 3]);
  assert.equal(heard.connections.at(-1), 'live');
});

test('a channel closed by the server is made anew, and the old one is not listened to', async () => {
  const heard = follow();
  await settle();
  const old = realtime.last;
  old.status('CLOSED');
  await pass(1_000);
  assert.equal(realtime.channels.length, 2);
  realtime.stand();
  await settle();
  realtime.update(row(2), null, old);
  assert.deepEqual(heard.versions, [1]);
  realtime.update(row(2));
  assert.deepEqual(heard.versions, [1, 2]);
});

test('without a connection it says so, and goes on by itself', async () => {
  server.answer = () => 'down';
  const heard = follow();
  for (let waited = 0; waited < 10_000; waited += 500) await pass(500);
  assert.deepEqual(heard.connections, ['offline']);
  server.answer = null;
  for (let waited = 0; waited < POLL_MAX_MS; waited += 500) await pass(500);
  assert.deepEqual(heard.versions, [1]);
  assert.equal(heard.connections.at(-1), 'polling');
});

test('a deleted story ends it; a deletion of another does not', async () => {
  const heard = follow();
  await settle();
  realtime.remove('0d3c0000-0000-4000-8000-00000000beef');
  assert.equal(heard.gone, 0);
  realtime.remove(STORY);
  assert.equal(heard.gone, 1);
  assert.ok(realtime.last.isRemoved);
  const before = reads();
  await pass(10 * POLL_MAX_MS);
  assert.equal(reads(), before);
});

test('a story of somebody else is gone, a signed-out caller is told', async () => {
  server.answer = () => ({ status: 404, code: 'STORY_NOT_FOUND' });
  const stranger = follow();
  await settle();
  assert.equal(stranger.gone, 1);
  server.answer = () => ({ status: 401, code: 'TOKEN_EXPIRED' });
  const late = follow();
  await settle();
  assert.equal(late.signedOut, 1);
  server.answer = null;
  await pass(POLL_MIN_MS);
  assert.deepEqual(late.versions, [1]);
  late.stop();
});

test('the callback hears each asset once as it is, then only what changed, and nothing after unsubscribing', async () => {
  const pending = { status: 'pending', progress: 0 };
  server.story = row(1, { content: { status: 'generating', progress: 10 }, cover: pending });
  const heard = [];
  const unsubscribe = client.subscribeToAssetUpdates(STORY, (update) => heard.push(update));
  await settle();
  realtime.stand();
  await settle();
  assert.deepEqual(heard.map(({ assetType }) => assetType), ['content', 'cover']);
  const ready = { status: 'ready', progress: 100, url: 'https://cdn/cover.png' };
  realtime.update(row(2, { content: { status: 'generating', progress: 10 }, cover: ready }));
  assert.deepEqual(heard.slice(2), [{ assetType: 'cover', ...ready }]);
  realtime.update(row(3, { content: { status: 'failed', progress: 10, error: 'Sorry.' }, cover: ready }));
  assert.deepEqual(heard.slice(3), [{ assetType: 'content', status: 'failed', progress: 10, error: 'Sorry.' }]);
  unsubscribe();
  realtime.update(row(4, {}));
  await pass(10 * POLL_MAX_MS);
  assert.equal(heard.length, 4);
});

const wish = { character_ids: [STORY], story_type: 'adventure', themes: [] };
const keys = () => server.requests.filter(({ method }) => method === 'POST').map(({ headers }) => headers['idempotency-key']);

/** A call whose pauses pass by themselves. */
async function patiently(call) {
  const outcome = call.then((value) => ({ value }), (error) => ({ error }));
  for (let turn = 0; turn < 20; turn++) await pass(1_000);
  return outcome;
}

test('a wish whose answer is lost is asked for again under the same key, also after a reload', async () => {
  server.answer = () => 'down';
  const { error } = await patiently(client.createStory(wish));
  assert.ok(error instanceof ApiError && error.isOutage);
  assert.equal(error.code, 'OFFLINE');
  assert.equal(keys().length, 3);
  const reloaded = createClient({ apiUrl: 'http://api.test', accessToken: async () => 'token', fetch: server.fetch, storage });
  server.answer = () => ({ status: 201, data: { id: STORY } });
  assert.equal((await reloaded.createStory(wish)).id, STORY);
  assert.equal(new Set(keys()).size, 1);
  await reloaded.createStory(wish);
  assert.equal(new Set(keys()).size, 2, 'once answered, the same wish is a new one');
});

test('another wish has another key, and a refusal settles a wish', async () => {
  server.answer = () => 'down';
  await patiently(client.createStory(wish));
  await patiently(client.createStory({ ...wish, idea: 'a boat' }));
  assert.equal(new Set(keys()).size, 2);
  server.answer = () => ({ status: 403, code: 'QUOTA_EXCEEDED', data: { upgradeOptions: ['individual'] } });
  const { error } = await patiently(client.createStory(wish));
  assert.equal(error.code, 'QUOTA_EXCEEDED');
  assert.ok(!error.isOutage);
  assert.equal(storage.values.size, 1, "the other wish's");
});

test('an outage is waited for as long as it says, if that is not long', async () => {
  let answers = [{ status: 503, code: 'SERVICE_UNAVAILABLE', headers: { 'retry-after': '2' } }, { status: 201, data: { id: STORY } }];
  server.answer = () => answers.shift();
  const { value } = await patiently(client.createStory(wish));
  assert.equal(value.id, STORY);
  answers = [{ status: 503, code: 'PLATFORM_PAUSED', headers: { 'retry-after': '3600' } }];
  const { error } = await patiently(client.retry(STORY));
  assert.equal(error.retryAfter, 3600);
});

test('an answer that is no JSON is an error of its own', async () => {
  server.answer = () => ({ status: 404, text: '<html>' });
  const { error } = await patiently(client.story(STORY));
  assert.equal(error.code, 'UNREADABLE');
  assert.equal(error.status, 404);
});

test('the verbs send what openapi.json asks for', async () => {
  await client.retry(STORY, { assetTypes: ['cover'], options: { simplifyPrompt: true } });
  await client.continue(STORY);
  await client.cancel(STORY);
  await client.regenerate(STORY, ['scene_2'], { style: 'watercolour' });
  const sent = server.requests.map(({ path, body }) => [path.replace(`/api/v1/stories/${STORY}`, ''), body]);
  assert.deepEqual(sent, [
    ['/assets/retry', { assetTypes: ['cover'], options: { simplifyPrompt: true } }],
    ['/assets/continue', {}],
    ['/assets/cancel', {}],
    ['/assets/regenerate', { assetTypes: ['scene_2'], options: { style: 'watercolour' }, cascade: true }],
  ]);
});
