// A picture in its frame: the story's colours until it is there, and words where it cannot be shown.
import { html, nothing, type TemplateResult } from 'lit-html';
import { ref } from 'lit-html/directives/ref.js';
import { fallback, paint } from './palette.js';
import { t } from './words.js';

export interface Picture {
  url?: string;
  alt: string;
  colours?: readonly string[];
  /** Decides the colours where the story has none yet. */
  seed: string;
  isFirst?: boolean;
}

export function picture({ url, alt, colours, seed, isFirst }: Picture): TemplateResult {
  const painted = ref((element) => element && paint(element as HTMLElement, colours?.length ? colours : fallback(seed)));
  return html`<div class="picture" ${painted}>
    ${url
      ? html`<img src=${url} alt=${alt} width="1024" height="1024" decoding="async"
            loading=${isFirst ? 'eager' : 'lazy'} fetchpriority=${isFirst ? 'high' : 'auto'}
            @load=${shown} @error=${broken}>`
      : nothing}
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
    const again = image.src;
    setTimeout(() => (image.src = again), 2_000);
    return;
  }
  const frame = image.closest<HTMLElement>('.picture');
  frame?.classList.add('is-broken');
  frame?.setAttribute('data-broken', t('picture.broken'));
}
