// How states are told: which words, which chip, which picture description.
import type { Assets, AssetStatus, AssetType, ListedStory, Story } from '../../client/src/index.js';
import { has, t } from './words.js';

export const PICTURES = ['cover', 'scene_1', 'scene_2', 'scene_3', 'scene_4'] as const;
/** In the order in which a story shows them. */
export const ASSETS: readonly AssetType[] = ['content', ...PICTURES, 'audio', 'activities', 'pdf'];

export const assetsOf = (story: { asset_generation_status?: { assets?: unknown } }): Assets =>
  (story.asset_generation_status?.assets ?? {}) as Assets;

export const name = (asset: AssetType): string => t(`asset.${asset}`);

const isUnderWay = (status: string): boolean => ['pending', 'generating', 'retrying'].includes(status);

/** Percent of everything that was asked for. */
export function progressOf(assets: Assets): number {
  const states = Object.values(assets);
  if (!states.length) return 0;
  const done = (state: AssetStatus) => (isUnderWay(state.status) ? state.progress : 100);
  return Math.floor(states.reduce((sum, state) => sum + done(state), 0) / states.length);
}

export type Shelf = 'making' | 'ready' | 'help';

/** How a story is as a whole. */
export type Whole = Pick<ListedStory, 'overall' | 'placeholders'>;

export const wholeOf = (story: Story): Whole => ({
  overall: story.asset_generation_status.overall,
  placeholders: Object.values(assetsOf(story)).filter((state) => state.isPlaceholder).length,
});

/** On which part of the shelf a story stands. */
export function shelfOf({ overall, placeholders }: Whole): Shelf {
  if (overall === 'generating') return 'making';
  return overall === 'ready' && !placeholders ? 'ready' : 'help';
}

export function overallWords({ overall, placeholders }: Whole): string {
  if (overall === 'ready' && placeholders) return t('overall.placeholder', { count: placeholders });
  return t(`overall.${overall}`);
}

/** What the database calls a story that nobody has named yet. */
const UNTITLED = 'Untitled Story';
export const titleOf = ({ title }: { title?: string }): string => (title && title !== UNTITLED ? title : t('story.untitled'));

/** What happens to an asset now, in a few words. */
export function stateWords(asset: AssetType, state: AssetStatus): string {
  const kind = asset.startsWith('scene') ? 'scene' : asset;
  if (state.status === 'failed' || state.status === 'cancelled') {
    return state.isPlaceholder ? `${reason(kind, state)} ${t('state.placeholder')}` : reason(kind, state);
  }
  if (state.isPlaceholder && state.status === 'ready') return t('state.placeholder');
  const key = `state.${kind}.${state.status}`;
  return t(has(key) ? key : `state.${state.status}`);
}

/** Why an asset is not there, in plain words. */
function reason(kind: string, state: AssetStatus): string {
  const own = `reason.${kind}.${state.code}`;
  const key = has(own) ? own : `reason.${state.code}`;
  return has(key) ? t(key) : (state.error ?? t(`state.${state.status}`));
}

/** Seconds until it is there, as far as that is known and worth saying. */
export function secondsLeft(state: AssetStatus, now = Date.now()): number | null {
  if (state.status !== 'generating' || !state.estimatedCompletion) return null;
  const left = Math.round((Date.parse(state.estimatedCompletion) - now) / 1000);
  return left >= 3 && left <= 600 ? left : null;
}

/** What a picture shows, for those who do not see it. */
export function altOf(story: Story, asset: AssetType): string {
  if (asset === 'cover') return t('alt.cover', { title: story.title });
  const beat = story.content.beats?.[Number(asset.slice(-1)) - 1];
  return beat?.sceneDescription ?? name(asset);
}
