// Subscribes to a story exactly as the documents' front end does, with the unmodified client, and prints one JSON line per
// event: {"event":"subscribed"}, {"event":"update","status":{…},"version":N}, {"event":"delete","old":{…}}. Ends when the
// story is settled or gone, or stdin closes.
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';

const [storyId, accessToken] = process.argv.slice(2);
const { SUPABASE_URL, SUPABASE_ANON_KEY } = process.env;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const supabase = createClient(SUPABASE_URL, SUPABASE_ANON_KEY, { realtime: { transport: WebSocket } });
await supabase.realtime.setAuth(accessToken);

const channel = supabase
  .channel(`story-${storyId}`)
  .on('system', {}, (message) => say({ event: 'system', status: message.status }))
  .on(
    'postgres_changes',
    { event: 'UPDATE', schema: 'public', table: 'stories', filter: `id=eq.${storyId}` },
    (payload) => {
      const status = payload.new.asset_generation_status;
      say({ event: 'update', status, version: payload.new.version });
      if (status.overall !== 'generating') finish();
    },
  )
  .on(
    'postgres_changes',
    { event: 'DELETE', schema: 'public', table: 'stories', filter: `id=eq.${storyId}` },
    (payload) => {
      say({ event: 'delete', old: payload.old });
      finish();
    },
  )
  .subscribe((status) => say({ event: 'subscribe', status }));

async function finish() {
  await supabase.removeChannel(channel);
  process.exit(0);
}
process.stdin.on('end', finish).resume();
