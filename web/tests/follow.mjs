// Follows stories with the client over each Realtime library there is, one JSON line per update:
// {"library","assetType","status","version"}; ends when all are settled and each library was joined.
// `node tests/follow.mjs TOKEN STORY…`
import { readFile } from 'node:fs/promises';
import { RealtimeClient } from '@supabase/realtime-js';
import { createClient as createSupabase } from '@supabase/supabase-js';
import { createClient as createNewest } from 'supabase-js-newest';
import WebSocket from 'ws';
import { createClient } from '../client/dist/index.js';

const { API_URL, SUPABASE_URL, SUPABASE_ANON_KEY } = process.env;
const [token, ...stories] = process.argv.slice(2);
const accessToken = async () => token;
const version = async (library) => JSON.parse(await readFile(new URL(`../node_modules/${library}/package.json`, import.meta.url), 'utf8')).version;
const libraries = {
  [`realtime-js ${await version('@supabase/realtime-js')}`]: new RealtimeClient(`${SUPABASE_URL.replace('http', 'ws')}/realtime/v1`, { params: { apikey: SUPABASE_ANON_KEY }, transport: WebSocket }),
  [`supabase-js ${await version('@supabase/supabase-js')}`]: createSupabase(SUPABASE_URL, SUPABASE_ANON_KEY, { accessToken, realtime: { transport: WebSocket } }),
  [`supabase-js ${await version('supabase-js-newest')}`]: createNewest(SUPABASE_URL, SUPABASE_ANON_KEY, { accessToken, realtime: { transport: WebSocket } }),
};
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const following = Object.entries(libraries).flatMap(([library, realtime]) => {
  const client = createClient({ apiUrl: API_URL, accessToken, realtime, storage: null });
  // A story may be settled before a slow machine has joined: each library is to be seen joined all the same.
  let joined;
  const isJoined = new Promise((done) => (joined = done));
  return [isJoined, ...stories.map((story) => new Promise((done) => {
    client.follow(story, {
      row({ version, asset_generation_status: { overall } }) {
        say({ library, story, version, overall });
        if (overall !== 'generating') done();
      },
      connection(connection) {
        say({ library, story, connection });
        if (connection === 'live') joined();
      },
    });
  }))];
});
await Promise.all(following);
process.exit(0);
