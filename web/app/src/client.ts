// The one client of a page. Realtime is loaded when the first story is followed.
import { createClient } from '../../client/src/index.js';
import { config } from './config.js';
import { accessToken } from './session.js';

export const client = createClient({
  apiUrl: config.apiUrl,
  accessToken,
  realtime: async () => {
    const { RealtimeClient } = await import('@supabase/realtime-js');
    const url = `${config.supabaseUrl.replace(/^http/, 'ws')}/realtime/v1`;
    return new RealtimeClient(url, { params: { apikey: config.anonKey }, accessToken });
  },
});
