// Which file of a picture a screen loads: the light ones where there are some, the original where not.
import type { AssetStatus } from '../../client/src/index.js';

export interface Sources {
  src?: string;
  srcset?: string;
}

export function sourcesOf(state: Pick<AssetStatus, 'url' | 'metadata'> | undefined): Sources {
  const { screenUrl, thumbnailUrl } = state?.metadata ?? {};
  if (!state?.url || !screenUrl) return { src: state?.url };
  return { src: screenUrl, ...(thumbnailUrl && { srcset: `${thumbnailUrl} 512w, ${screenUrl} 1024w` }) };
}
