// An assistant makes a story with the tools, over stdio: a client of the protocol starts the server as assistants do, once in
// each of the protocol's two forms. `node tests/mcp.mjs`, with the variables of `.local/env`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const { API_URL, DEMO_USER_TOKEN, STORYTAILOR_TOKEN = DEMO_USER_TOKEN, PATH } = process.env;
const SERVER = fileURLToPath(new URL('../mcp/dist/server.js', import.meta.url));
const { components } = JSON.parse(await readFile(new URL('../../functions/universal-agent/openapi.json', import.meta.url), 'utf8'));
const NOBODYS = '00000000-0000-4000-8000-00000000dead';
const ASSISTANTS = { '2026-07-28': { mode: { pin: '2026-07-28' } }, '2025-11-25': { mode: 'legacy' } };

async function assistant(versionNegotiation, token) {
  const client = new Client({ name: 'tests', version: '1' }, { versionNegotiation });
  const env = { PATH, STORYTAILOR_API: API_URL, STORYTAILOR_TOKEN: token };
  const transport = new StdioClientTransport({ command: process.execPath, args: [SERVER], env, stderr: 'pipe' });
  let told = '';
  transport.stderr.on('data', (bytes) => (told += bytes));
  // A line that is not of the protocol is an error here. News that are read together with the answer come too late for the SDK.
  client.onerror = ({ message }) => assert.match(message, /progress notification for an unknown token/, `on standard output: ${message}`);
  await client.connect(transport);
  /** Calls a tool; answers what it said, read. */
  const call = async (name, asked, options) => {
    const { content, isError = false } = await client.callTool({ name, arguments: asked }, options);
    assert.equal(content.length, 1);
    const { text } = content[0];
    assert.ok(!text.includes(token));
    return { isError, said: text.startsWith('{') ? JSON.parse(text) : text };
  };
  const leave = async () => {
    await client.close();
    assert.equal(told, '', 'nothing was worth telling a person');
  };
  return { client, call, leave };
}

for (const [version, negotiation] of Object.entries(ASSISTANTS)) {
  const { client, call, leave } = await assistant(negotiation, STORYTAILOR_TOKEN);
  assert.equal(client.getNegotiatedProtocolVersion(), version);

  const { tools } = await client.listTools();
  const inputs = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema]));
  assert.deepEqual(Object.keys(inputs).sort(), ['cancel_story', 'get_story', 'list_characters', 'list_stories', 'make_character', 'make_story', 'retry_story', 'watch_story']);
  // What a tool takes is what the API takes, no more and no less, and no reference is left to follow.
  assert.ok(!JSON.stringify(inputs).includes('$ref'));
  assert.deepEqual(Object.keys(inputs.make_story.properties), Object.keys(components.schemas.NewStory.properties));
  assert.deepEqual(inputs.make_story.required, components.schemas.NewStory.required);
  assert.deepEqual(inputs.make_character.properties.traits.items.enum, components.schemas.TraitCode.enum);
  assert.deepEqual(Object.keys(inputs.retry_story.properties), ['id', ...Object.keys(components.schemas.Retry.properties)]);

  const { said: hero } = await call('make_character', { name: 'Ember', species: 'dragon', traits: ['glasses'] });
  const { said: heroes } = await call('list_characters', { limit: 1 });
  assert.equal(heroes.characters[0].id, hero.id);

  const { said: { id } } = await call('make_story', { character_ids: [hero.id], story_type: 'adventure', themes: ['courage'], idea: 'a picnic on the moon' });
  const watched = [];
  let told;
  do {
    const news = [];
    watched.push(news);
    ({ said: told } = await call('watch_story', { id, seconds: 45 }, { onprogress: (progress) => news.push(progress) }));
  } while (!told.finished);
  assert.equal(told.asset_generation_status.overall, 'ready');
  const grows = (news) => news.every(({ progress, total }, at) => total === 9 && progress <= 9 && (at === 0 || progress > news[at - 1].progress));
  assert.ok(watched.flat().length > 0 && watched.every(grows), JSON.stringify(watched));

  const { said: story } = await call('get_story', { id });
  assert.equal(story.content.beats.length, 4);
  assert.match(story.asset_generation_status.assets.pdf.url, /^http/);
  assert.ok(!('audio_words' in story) && !('metadata' in story.asset_generation_status.assets.cover));
  assert.deepEqual(Object.keys((await call('get_story', { id, fields: ['title'] })).said), ['title']);
  const { said: list } = await call('list_stories', { limit: 1 });
  assert.deepEqual([list.stories[0].id, list.stories[0].overall], [id, 'ready']);
  const { said: stopped } = await call('cancel_story', { id });
  assert.equal(stopped.unchanged.length, 9);
  const { said: retried } = await call('retry_story', { id });
  assert.deepEqual(retried.assetTypes, []);

  // The API's own words, and what the schema refuses before it is asked.
  const unknown = await call('make_story', { character_ids: [NOBODYS], story_type: 'adventure', themes: [] });
  assert.ok(unknown.isError);
  assert.equal(unknown.said.code, 'CHARACTER_NOT_FOUND');
  const gone = await call('watch_story', { id: NOBODYS });
  assert.deepEqual([gone.isError, gone.said.code], [true, 'STORY_NOT_FOUND']);
  const wrong = await call('make_story', { character_ids: [], story_type: 'adventure', themes: [] });
  assert.ok(wrong.isError);
  assert.match(wrong.said, /character_ids/);
  await leave();
  console.log(`${version}: made and read ${id}, progress told ${watched.flat().length} times`);
}

// A stranger's token is refused by the API, and told to nobody.
const { call, leave } = await assistant(ASSISTANTS['2026-07-28'], 'not-a-token-of-anybody');
const refused = await call('list_stories', {});
assert.deepEqual([refused.isError, refused.said.code], [true, 'TOKEN_INVALID']);
await leave();

// What cannot work is told to a person, with the name of what is missing; nothing is on standard output.
for (const [env, problem] of [
  [{ STORYTAILOR_TOKEN: 'secret-of-a-family' }, /STORYTAILOR_API/],
  [{ STORYTAILOR_API: API_URL }, /STORYTAILOR_TOKEN/],
  [{ STORYTAILOR_API: 'http://stories.example', STORYTAILOR_TOKEN: 'secret-of-a-family' }, /https:/],
]) {
  const server = spawn(process.execPath, [SERVER], { env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let told = '';
  server.stdout.on('data', (bytes) => (said += bytes));
  server.stderr.on('data', (bytes) => (told += bytes));
  const status = await new Promise((done) => server.on('close', done));
  assert.deepEqual([status, said], [2, '']);
  assert.match(told, problem);
  assert.ok(!told.includes('secret-of-a-family'));
}
