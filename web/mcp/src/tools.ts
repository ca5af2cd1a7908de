// The tools: each one an operation of openapi.json, by the name an assistant knows it under.
import { fromJsonSchema, McpServer, type CallToolResult, type ServerContext } from '@modelcontextprotocol/server';
import { ApiError, type Client, type StoriesAsked } from '../../client/src/index.js';
import type { operations } from '../../client/src/openapi.js';
import { plain } from './plain.js';
import { inputOf, storyMembers, summaryOf, type StoryMember } from './schema.js';
import { watch, type Progress } from './watch.js';

type Part<Of> = [Of] extends [never] ? unknown : Of;
type BodyOf<Operation> = Operation extends { requestBody?: { content: { 'application/json': infer Body } } } ? Body : unknown;
/** What openapi.json lets an operation be asked, and what a tool adds to it. */
type Asked<Name extends keyof operations> = Part<Exclude<operations[Name]['parameters']['path'], undefined>>
  & Part<Exclude<operations[Name]['parameters']['query'], undefined>> & BodyOf<operations[Name]>;

/** Whether it changes anything, and whether it takes something away. */
const READS = { readOnlyHint: true, openWorldHint: false };
const MAKES = { readOnlyHint: false, destructiveHint: false, openWorldHint: false };
const STOPS = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false };

/** Shorter than the minute that most assistants wait for a tool. */
const WATCHED_S = 50;
const WATCHED_MAX_S = 600;
/** The times of each word and their marks, three quarters of a story, are for a page that reads along. */
const FOR_PAGES: StoryMember[] = ['audio_words', 'audio_blocks'];
const LISTED = ['id', 'title', 'overall', 'story_type', 'themes', 'created_at'] as const satisfies NonNullable<StoriesAsked['fields']>;

const INSTRUCTIONS = 'Picture stories for children, with a voice, questions and a printable book. make_character first (or list_characters), ' +
  'then make_story with its id: it answers at once and takes one story of the user\'s plan, so ask before making one. It is made in ' +
  'about a minute and a half: watch_story until it is finished, then get_story for text and addresses of pictures, sound and book.';

export function serverOf(client: Client, version: string): McpServer {
  const server = new McpServer({ name: 'storytailor', title: 'Storytailor', version }, { instructions: INSTRUCTIONS });

  function tool<Name extends keyof operations, More = unknown>(
    name: string,
    operation: Name,
    { says = '', hints, own }: { says?: string; hints: object; own?: Record<string, Record<string, unknown>> },
    run: (asked: Asked<Name> & More, context: ServerContext) => Promise<object>,
  ): void {
    const description = [summaryOf(operation), says].filter(Boolean).join('. ');
    const inputSchema = fromJsonSchema<Asked<Name> & More>(inputOf(operation, own));
    server.registerTool(name, { description, inputSchema, annotations: hints }, (asked, context) => answered(run(asked, context)));
  }

  tool('make_character', 'createCharacter', { hints: MAKES, says: 'Species, appearance and traits decide how it is drawn' },
    (character) => client.createCharacter(character));
  tool('list_characters', 'listCharacters', { hints: READS }, ({ limit, offset }) => client.characters(limit, offset));
  tool('make_story', 'createStory', { hints: MAKES, says: 'It answers at once with the id; follow it with watch_story' },
    async (wish) => {
      const { id, status } = await client.createStory(wish);
      return { id, status };
    });
  tool<'getAssetStatus', { seconds?: number }>('watch_story', 'getAssetStatus', {
    hints: READS,
    says: 'Waits until the story is finished, or for `seconds`; `finished` tells which. Not finished: watch it again',
    own: { seconds: { type: 'integer', minimum: 1, maximum: WATCHED_MAX_S, default: WATCHED_S, description: 'How long to wait at most.' } },
  }, ({ id, seconds }, { mcpReq }) => watch(client, id, seconds ?? WATCHED_S, mcpReq.signal, teller(mcpReq)));
  tool('get_story', 'getStory', { hints: READS, says: `Without \`fields\` all but ${FOR_PAGES.join(' and ')}` },
    async ({ id, fields }) => {
      const wanted = fields ?? storyMembers.filter((member) => !FOR_PAGES.includes(member));
      return plain(await client.story(id, wanted));
    });
  tool('list_stories', 'listStories', { hints: READS, says: `Without \`fields\`: ${LISTED.join(', ')}` },
    async (asked) => {
      const list = await client.stories({ fields: [...LISTED], ...asked });
      return { ...list, stories: list.stories.map(plain) };
    });
  tool('retry_story', 'retryAssets', { hints: MAKES },
    async ({ id, ...wish }) => plain(await client.retry(id, wish)));
  tool('cancel_story', 'cancelAssets', { hints: STOPS },
    async ({ id, assetTypes }) => plain(await client.cancel(id, assetTypes as never)));
  return server;
}

/** Progress for whoever asked for it; it only grows. */
function teller({ _meta, notify }: ServerContext['mcpReq']): (progress: Progress) => Promise<void> {
  const progressToken = _meta?.progressToken;
  let told = -1;
  return async (progress) => {
    if (progressToken === undefined || progress.progress <= told) return;
    told = progress.progress;
    await notify({ method: 'notifications/progress', params: { progressToken, ...progress } });
  };
}

/** A refusal is a result as well, in the API's own words, so that the assistant reads it and does better. */
async function answered(running: Promise<object>): Promise<CallToolResult> {
  const text = (of: object) => ({ content: [{ type: 'text' as const, text: JSON.stringify(of) }] });
  try {
    return text(await running);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, data, retryAfter } = error;
    return { ...text({ code, message, data, ...(retryAfter && { retryAfterSeconds: retryAfter }) }), isError: true };
  }
}
