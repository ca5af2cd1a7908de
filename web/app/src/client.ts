// The one client of a page. Realtime is loaded when the first story is followed.
import { createClient } from '../../client/src/index.js';
import { FIELDS } from './asked.js';
import { fetchBegun } from './begun.js';
import { config } from './config.js';
import { accessToken } from './session.js';

/** What is seen first comes first. */
const isIdle = () => new Promise<void>((done) => ('requestIdleCallback' in globalThis ? requestIdleCallback(() => done(), { timeout: 2_000 }) : setTimeout(done, 200)));

export const client = createClient({
  apiUrl: config.apiUrl,
  accessToken,
  fetch: fetchBegun,
  fields: FIELDS,
  realtime: async () => {
    await isIdle();
    const { RealtimeClient } = await import('@supabase/realtime-js');
    const url = `${config.supabaseUrl.replace(/^http/, 'ws')}/realtime/v1`;
    return new RealtimeClient(url, { params: { apikey: config.anonKey }, accessToken });
  },
});
