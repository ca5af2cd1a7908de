// What is different about which asset between two states of a story.
import type { Assets, AssetType, AssetUpdate } from './types.js';

/** The assets of `after` that are not as they were, in the order of the story. */
export function differences(before: Assets | null, after: Assets): AssetUpdate[] {
  return (Object.keys(after) as AssetType[])
    .filter((assetType) => JSON.stringify(before?.[assetType]) !== JSON.stringify(after[assetType]))
    .map((assetType) => ({ ...after[assetType]!, assetType }));
}
