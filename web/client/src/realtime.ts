// What is asked of Realtime: a RealtimeClient by itself or the one inside a SupabaseClient, whichever there is.

export interface Channel {
  on(type: 'system' | 'postgres_changes', filter: object, callback: (message: any) => void): Channel;
  subscribe(callback: (status: string, error?: Error) => void): Channel;
}

/** A `RealtimeClient` of realtime-js. */
export interface RealtimeLike {
  channel(topic: string, options?: any): any;
  removeChannel(channel: any): Promise<unknown>;
  setAuth(token?: string | null): Promise<void>;
  accessToken?: (() => Promise<string | null>) | null;
}

/** A `SupabaseClient` of supabase-js. */
export interface SupabaseLike {
  realtime: RealtimeLike;
  channel(topic: string, options?: any): any;
  removeChannel(channel: any): Promise<unknown>;
}

export type RealtimeSource = RealtimeLike | SupabaseLike;

export interface RowChange {
  eventType: 'INSERT' | 'UPDATE' | 'DELETE';
  new: Record<string, unknown>;
  old: Record<string, unknown>;
  errors: string[] | null;
}

export interface Watcher {
  /** From now on every committed change arrives: the moment to read the row. Comes again after each new token. */
  standing(): void;
  /** Changes may be missed until it stands again. */
  fallen(): void;
  /** Closed for good by the other side: it takes a new channel. */
  closed(): void;
  change(change: RowChange): void;
}

let channels = 0;

/**
 * Watches one row of `stories`. Resolves with the way to stop.
 *
 * The token is set before the join: a join that begins without one stays without rights, silently, for up to an hour.
 */
export async function watchStory(
  source: RealtimeSource,
  accessToken: () => Promise<string | null>,
  storyId: string,
  watcher: Watcher,
): Promise<() => void> {
  const realtime = 'realtime' in source ? source.realtime : source;
  // A bare client learns where fresh tokens are; it asks with every heartbeat. A SupabaseClient knows.
  if (source === realtime) realtime.accessToken ??= accessToken;
  await realtime.setAuth();
  const filter = { schema: 'public', table: 'stories', filter: `id=eq.${storyId}` };
  // Newer servers answer the join only when the subscription stands; others ignore the option and say it by `system`.
  const options = { config: { postgres_changes_options: { wait: true } } };
  const channel: Channel = source.channel(`story-${storyId}-${++channels}`, options);
  channel
    .on('system', {}, (message) => {
      if (message.extension !== 'postgres_changes') return;
      if (message.status === 'ok') watcher.standing();
      else watcher.fallen();
    })
    .on('postgres_changes', { event: 'UPDATE', ...filter }, watcher.change)
    .on('postgres_changes', { event: 'DELETE', ...filter }, watcher.change)
    .subscribe((status) => {
      if (status === 'CLOSED') watcher.closed();
      else if (status !== 'SUBSCRIBED') watcher.fallen();
    });
  return () => void source.removeChannel(channel);
}
