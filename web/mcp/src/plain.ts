// What is told of a story: without what only a page needs.
import type { AssetStatus } from '../../client/src/index.js';

const TOLD = ['status', 'progress', 'url', 'data', 'error', 'code', 'isPlaceholder', 'stale', 'lastError'] as const;

/** An answer of the API whose assets tell what a person would ask; sizes, checks and times of each are left out. */
export function plain<Answer extends object>(answer: Answer): Answer {
  const status = (answer as { asset_generation_status?: { assets: Record<string, AssetStatus> } }).asset_generation_status;
  if (!status) return answer;
  const told = (asset: AssetStatus) => Object.fromEntries(TOLD.filter((name) => asset[name] !== undefined).map((name) => [name, asset[name]]));
  const assets = Object.fromEntries(Object.entries(status.assets).map(([name, asset]) => [name, told(asset)]));
  return { ...answer, asset_generation_status: { ...status, assets } };
}
