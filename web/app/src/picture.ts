// A picture in its frame: the story's colours until it is there, and words where it cannot be shown.
import { html, nothing, type TemplateResult } from 'lit-html';
import { ref } from 'lit-html/directives/ref.js';
import { ifDefined } from 'lit-html/directives/if-defined.js';
import type { AssetStatus } from '../../client/src/index.js';
import { fallback, paint } from './palette.js';
import { sourcesOf } from './sources.js';
import { t } from './words.js';

export interface Picture {
  state?: Pick<AssetStatus, 'url' | 'metadata'>;
  /** How wide it is shown, as `sizes` says it. */
  sizes: string;
  alt: string;
  colours?: readonly string[];
  /** Decides the colours where the story has none yet. */
  seed: string;
  isFirst?: boolean;
}

export function picture({ state, sizes, alt, colours, seed, isFirst }: Picture): TemplateResult {
  const { src, srcset } = sourcesOf(state);
  const glimpse = src ? undefined : state?.metadata?.previewUrl;
  const painted = ref((element) => element && paint(element as HTMLElement, colours?.length ? colours : fallback(seed)));
  return html`<div class="picture" ${painted}>
    ${src
      ? html`<img loading=${isFirst ? 'eager' : 'lazy'} fetchpriority=${isFirst ? 'high' : 'auto'} decoding="async"
            width="1024" height="1024" alt=${alt} sizes=${ifDefined(srcset && sizes)} srcset=${ifDefined(srcset)} src=${src}
            @load=${shown} @error=${broken}>`
      : glimpse ? html`<img class="is-glimpse" width="384" height="384" alt="" src=${glimpse}><span class="glimpse">${t('making.glimpse')}</span>` : nothing}
  </div>`;
}

function shown(event: Event): void {
  (event.target as HTMLElement).closest('.picture')?.classList.remove('is-broken');
}

/** A line that broke deserves a second look; then the description stands in. */
function broken(event: Event): void {
  const image = event.target as HTMLImageElement;
  if (!image.dataset.triedAgain) {
    image.dataset.triedAgain = 'yes';
    const { src, srcset } = image;
    setTimeout(() => Object.assign(image, { srcset, src }), 2_000);
    return;
  }
  const frame = image.closest<HTMLElement>('.picture');
  frame?.classList.add('is-broken');
  frame?.setAttribute('data-broken', t('picture.broken'));
}
