// Waits for a story to end, telling how far it is; for a bounded time, because nobody waits for ever for a tool.
import type { Assets, Client, Story } from '../../client/src/index.js';
import { plain } from './plain.js';

/** How far a story is: assets that are settled, with parts of one for those being made. */
export interface Progress {
  progress: number;
  total: number;
  message: string;
}

const UNDER_WAY = ['pending', 'generating', 'retrying'];

export function progressOf(assets: Assets): Progress {
  const all = Object.entries(assets);
  const settled = all.filter(([, { status }]) => !UNDER_WAY.includes(status));
  const making = all.filter(([, { status }]) => status === 'generating').map(([name, { progress }]) => `${name} ${progress} %`);
  const done = all.reduce((sum, [, { status, progress }]) => sum + (UNDER_WAY.includes(status) ? progress / 100 : 1), 0);
  const message = [`${settled.length} of ${all.length} settled`, ...(making.length ? [`being made: ${making.join(', ')}`] : [])].join('; ');
  return { progress: Math.round(done * 100) / 100, total: all.length, message };
}

/** The story as it is once it has ended, or when the time is over, the caller gone, or nothing more can be known of it. */
export async function watch(client: Client, id: string, seconds: number, signal: AbortSignal, tell: (progress: Progress) => Promise<void>) {
  let end: () => void;
  const over = new Promise<void>((done) => (end = done));
  let newest: Story | undefined;
  let telling = Promise.resolve();
  const lost = () => {
    newest = undefined;
    end();
  };
  const stop = client.follow(id, {
    row(story) {
      newest = story;
      // The end is told by the answer: the SDK's clients take news that come together with it for a mistake.
      if (story.asset_generation_status.overall !== 'generating') return end();
      telling = telling.then(() => tell(progressOf(story.asset_generation_status.assets as Assets)));
    },
    gone: lost,
    signedOut: lost,
  });
  const timer = setTimeout(() => end(), seconds * 1000);
  signal.addEventListener('abort', () => end(), { once: true });
  await over;
  clearTimeout(timer);
  stop();
  // Whoever has the answer listens no more.
  await telling;
  // What was never there, or is no longer, the API tells in its own words.
  const story = newest ?? (await client.story(id));
  return { ...plain(story), finished: story.asset_generation_status.overall !== 'generating' };
}
