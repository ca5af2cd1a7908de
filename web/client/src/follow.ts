// Follows one story: Realtime where it stands, polling where it does not, and never an older row after a newer one.
import { ApiError } from './api.js';
import { watchStory, type RealtimeSource, type RowChange } from './realtime.js';
import type { Story } from './types.js';

export interface Following {
  /** A newer row than the one before. */
  row(story: Story): void;
  /** How news come now: pushed, by asking again and again, or not at all for the moment. */
  connection?(how: Connection): void;
  /** Nothing has changed for three minutes though something is being made; false when it goes on. */
  slow?(isSlow: boolean): void;
  /** The story was deleted, or is not the caller's. */
  gone?(): void;
  /** The caller must sign in again; asking goes on. */
  signedOut?(): void;
}

export type Connection = 'live' | 'polling' | 'offline';

export interface FollowConfig {
  story: (storyId: string) => Promise<Story>;
  accessToken: () => Promise<string | null>;
  /** Made when the first story is followed, so that a page can load it late. Null: polling alone. */
  realtime: (() => Promise<RealtimeSource | null>) | null;
}

export const POLL_MIN_MS = 2_000;
export const POLL_MAX_MS = 15_000;
export const SLOW_AFTER_MS = 180_000;
const BACK_OFF = 1.5;

export function followStory(config: FollowConfig, storyId: string, following: Following): () => void {
  let row: Story | null = null;
  let isStopped = false;
  let isLive = false;
  let isSlow = false;
  let delay = POLL_MIN_MS;
  let reading = false;
  let readAgain = false;
  let joins = 0;
  let said: Connection | null = null;
  let unwatch: (() => void) | null = null;
  let pollTimer: ReturnType<typeof setTimeout> | undefined;
  let slowTimer: ReturnType<typeof setTimeout> | undefined;
  let joinTimer: ReturnType<typeof setTimeout> | undefined;

  const isUnsettled = () => !row || row.asset_generation_status.overall === 'generating';

  function tell(how: Connection): void {
    if (how !== said) following.connection?.((said = how));
  }

  function take(next: Story): void {
    // The one rule that keeps news in order, whatever way they came.
    if (isStopped || (row && next.version <= row.version)) return;
    row = next;
    delay = POLL_MIN_MS;
    if (isSlow) following.slow?.((isSlow = false));
    clearTimeout(slowTimer);
    if (isUnsettled()) slowTimer = setTimeout(() => following.slow?.((isSlow = true)), SLOW_AFTER_MS);
    following.row(row);
  }

  async function read(): Promise<void> {
    if (isStopped) return;
    // What is asked for while an answer is under way may be newer than that answer.
    if (reading) return void (readAgain = true);
    reading = true;
    clearTimeout(pollTimer);
    try {
      const next = await config.story(storyId);
      tell(isLive ? 'live' : 'polling');
      take(next);
    } catch (error) {
      refused(error);
    }
    reading = false;
    if (readAgain) {
      readAgain = false;
      return read();
    }
    plan();
  }

  function refused(error: unknown): void {
    if (isStopped) return;
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 404) {
      stop();
      following.gone?.();
    } else if (status === 401) {
      following.signedOut?.();
    } else {
      tell('offline');
    }
  }

  /** Asks again later: soon while nothing is pushed, now and then while it is, for frames get lost without a word. */
  function plan(): void {
    clearTimeout(pollTimer);
    if (isStopped || (isLive && !isUnsettled())) return;
    pollTimer = setTimeout(read, isLive || !isUnsettled() ? POLL_MAX_MS : delay);
    delay = Math.min(delay * BACK_OFF, POLL_MAX_MS);
  }

  function changed(change: RowChange): void {
    if (isStopped) return;
    if (change.eventType === 'DELETE') {
      // Deletions come without rights or filter: only the key says whose they are.
      if (change.old.id !== storyId) return;
      stop();
      return following.gone?.();
    }
    const version = Number(change.new.version);
    if (row && version <= row.version) return;
    // A row that is too large comes without its values, one after a gap without what only the lost one changed.
    if (!row || change.errors?.length || version !== row.version + 1) return void read();
    take({ ...row, ...(change.new as Partial<Story>) });
  }

  async function join(): Promise<void> {
    const fail = () => {
      isLive = false;
      if (isStopped) return;
      clearTimeout(joinTimer);
      joinTimer = setTimeout(join, Math.min(1_000 * 2 ** joins++, POLL_MAX_MS));
    };
    unwatch?.();
    unwatch = null;
    try {
      const source = await config.realtime?.();
      if (!source || isStopped) return;
      let isMine = true;
      const stopWatching = await watchStory(source, config.accessToken, storyId, {
        standing: () => {
          if (!isMine) return;
          isLive = true;
          joins = 0;
          void read();
        },
        fallen: () => {
          if (!isMine || !isLive) return;
          isLive = false;
          delay = POLL_MIN_MS;
          void read();
        },
        closed: () => isMine && !isStopped && fail(),
        change: (change) => isMine && changed(change),
      });
      unwatch = () => {
        isMine = false;
        stopWatching();
      };
      if (isStopped) unwatch();
    } catch {
      fail();
    }
  }

  /** The page was away, or its line was: what is known may be old. */
  function wake(event: Event): void {
    // A page that was just opened shows itself, too; it was not away.
    if (event.type === 'pageshow' && !(event as PageTransitionEvent).persisted) return;
    if (globalThis.document?.visibilityState === 'hidden') return;
    delay = POLL_MIN_MS;
    void read();
  }
  function offline(): void {
    tell('offline');
  }
  const wakers = ['online', 'pageshow', 'focus'] as const;
  const target = globalThis.window as Window | undefined;
  for (const name of wakers) target?.addEventListener(name, wake);
  target?.addEventListener('offline', offline);
  target?.document.addEventListener('visibilitychange', wake);

  function stop(): void {
    isStopped = true;
    for (const timer of [pollTimer, slowTimer, joinTimer]) clearTimeout(timer);
    for (const name of wakers) target?.removeEventListener(name, wake);
    target?.removeEventListener('offline', offline);
    target?.document.removeEventListener('visibilitychange', wake);
    unwatch?.();
  }

  void read();
  void join();
  return stop;
}
