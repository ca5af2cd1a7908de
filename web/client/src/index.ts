// What a front end needs of Storytailor: ask for stories, follow them while they are made, and mend them.
import { createApi, type Api, type ApiConfig } from './api.js';
import { differences } from './differences.js';
import { followStory, type Following } from './follow.js';
import type { RealtimeSource } from './realtime.js';
import type { Assets, AssetUpdate, Story } from './types.js';

export { ApiError, type Api, type ApiConfig } from './api.js';
export { differences } from './differences.js';
export { POLL_MAX_MS, POLL_MIN_MS, SLOW_AFTER_MS, type Connection, type Following } from './follow.js';
export type { KeyStorage } from './keys.js';
export type { RealtimeLike, RealtimeSource, SupabaseLike } from './realtime.js';
export type * from './types.js';

export interface ClientConfig extends ApiConfig {
  /**
   * A SupabaseClient, a RealtimeClient, or how to get one when the first story is followed. Left out: polling alone.
   */
  realtime?: RealtimeSource | (() => Promise<RealtimeSource | null>);
  /** Columns of a followed story that are read, `version` among them; all of them where this is left out. */
  fields?: readonly (keyof Story)[];
}

export type Unsubscribe = () => void;

export interface Client extends Api {
  /** Calls back with each asset as it is now and whenever it changes; answers the way to stop. */
  subscribeToAssetUpdates(storyId: string, callback: (update: AssetUpdate) => void): Unsubscribe;
  /** The same for the whole row, with what else a page wants to know. */
  follow(storyId: string, following: Following): Unsubscribe;
}

export function createClient(config: ClientConfig): Client {
  const api = createApi(config);
  const { realtime } = config;
  const source = typeof realtime === 'function' ? realtime : realtime ? async () => realtime : null;
  const follow = (storyId: string, following: Following) =>
    followStory({ story: (id) => api.story(id, config.fields), accessToken: config.accessToken, realtime: source }, storyId, following);
  return {
    ...api,
    follow,
    subscribeToAssetUpdates(storyId, callback) {
      let before: Assets | null = null;
      return follow(storyId, {
        row(story) {
          const after = story.asset_generation_status.assets as Assets;
          const updates = differences(before, after);
          before = after;
          for (const update of updates) callback(update);
        },
      });
    },
  };
}

let configured: Client | null = null;

/** Says once, for the whole page, where the API is and who asks. */
export function configure(config: ClientConfig): Client {
  return (configured = createClient(config));
}

/** `subscribeToAssetUpdates` of the client that was configured, as the documents use it (S0-059). */
export function subscribeToAssetUpdates(storyId: string, callback: (update: AssetUpdate) => void): Unsubscribe {
  if (!configured) throw new Error('call configure() first');
  return configured.subscribeToAssetUpdates(storyId, callback);
}
