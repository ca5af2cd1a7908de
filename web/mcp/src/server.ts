// Stories as tools for an assistant, over stdio: `STORYTAILOR_API` says where the API is, `STORYTAILOR_TOKEN` who asks.
// Standard output carries the protocol and nothing else; what a person should know goes to standard error.
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createClient } from '../../client/src/index.js';
import { version } from '../package.json';
import { serverOf } from './tools.js';

declare const process: {
  env: Record<string, string | undefined>;
  exit(status: number): never;
};

function quit(problem: string): never {
  console.error(`storytailor-mcp: ${problem}`);
  process.exit(2);
}

const { STORYTAILOR_API: apiUrl, STORYTAILOR_TOKEN: token } = process.env;
if (!apiUrl || !URL.canParse(apiUrl)) quit('STORYTAILOR_API must be the address of the API (API_URL of .local/env for the local stack)');
if (!token) quit('STORYTAILOR_TOKEN must be an access token of the user (DEMO_USER_TOKEN of .local/env for the local stack)');
const { protocol, hostname } = new URL(apiUrl);
// The token opens all of a family's stories.
if (protocol !== 'https:' && !['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) quit('STORYTAILOR_API must begin with https://');

// A wish whose answer was lost is asked for again under the same key, as long as this process lives.
const keys = new Map<string, string>();
const storage = {
  getItem: (name: string) => keys.get(name) ?? null,
  setItem: (name: string, value: string) => void keys.set(name, value),
  removeItem: (name: string) => void keys.delete(name),
};
const client = createClient({ apiUrl, accessToken: async () => token, storage, fields: ['id', 'title', 'status', 'asset_generation_status', 'version'] });

serveStdio(() => serverOf(client, version), { onerror: ({ message }) => console.error(`storytailor-mcp: ${message}`) });
