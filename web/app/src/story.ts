// One story while it is made, and afterwards: it grows, says what happens, and has the button that helps.
import { differences, type Assets, type AssetStatus, type AssetType, type Connection, type Options, type Story, type Version, type Voice } from '../../client/src/index.js';
import { voiceWords } from './catalogue.js';
import { client } from './client.js';
import { announce, askToSignIn, attempt, html, nothing, open, redraw, toast, type TemplateResult } from './page.js';
import { picture } from './picture.js';
import { ASSETS, altOf, assetsOf, name, overallWords, PICTURES, progressOf, secondsLeft, shelfOf, stateWords, titleOf, wholeOf } from './telling.js';
import { language, t } from './words.js';

const id = new URLSearchParams(location.search).get('id') ?? '';

let story: Story | null = null;
let connection: Connection = 'polling';
let isSlow = false;
let isGone = false;
let isReviewing = false;
let busy = new Set<string>();
let versions: Version[] | null = null;

const COVER_SIZES = '(max-width: 44rem) 100vw, 22rem';
const SCENE_SIZES = '(max-width: 44rem) 100vw, 30rem';

const isPicture = (asset: AssetType): boolean => (PICTURES as readonly string[]).includes(asset);
const isMissing = (state: AssetStatus | undefined): boolean => state?.status === 'failed';
const coloursOf = (asset: AssetType): string[] | undefined => {
  const hues = (story?.hue_extracted_colors ?? {}) as Record<string, string[]>;
  return hues[asset] ?? hues.cover;
};

/** Runs a verb under a name, so that its button rests meanwhile; the focus stays with the asset. */
async function act(what: string, verb: () => Promise<unknown>, asset?: AssetType): Promise<void> {
  if (busy.has(what)) return;
  busy = new Set(busy).add(what);
  redraw();
  const isDone = await attempt(verb);
  busy.delete(what);
  redraw();
  if (isDone) versions = null;
  const had = document.activeElement;
  if (asset && (!had || had === document.body || !had.isConnected)) {
    document.querySelector<HTMLElement>(`[data-asset="${asset}"] h2`)?.focus();
  }
}

const button = (what: string, words: string, verb: () => Promise<unknown>, asset?: AssetType, kind = ''): TemplateResult =>
  html`<button class=${kind} data-action=${what} ?disabled=${busy.has(what)} @click=${() => act(what, verb, asset)}>${words}</button>`;

/** What failed and whatever it needs that failed as well. */
function withNeeds(asset: AssetType, assets: Assets): AssetType[] {
  const needs: AssetType[] = asset === 'pdf' ? [...PICTURES, 'activities'] : asset.startsWith('scene') ? ['cover'] : [];
  return [asset, ...['content' as const, ...needs].filter((need) => need !== asset && isMissing(assets[need]))];
}

/** The buttons that help with an asset that is not there. */
function remedies(asset: AssetType, state: AssetStatus, assets: Assets): TemplateResult | typeof nothing {
  const again = (words: string, options?: Options) =>
    button(`retry-${asset}`, words, () => client.retry(id, { assetTypes: withNeeds(asset, assets), options }), asset);
  if (state.status === 'cancelled' || state.status === 'skipped') {
    // Without a text nothing else can be made; the text brings it along.
    if (asset !== 'content' && assets.content?.status !== 'ready') return nothing;
    if (asset !== 'content') return button(`generate-${asset}`, t('do.generate'), () => client.generate(id, [asset]), asset);
    return again(t('do.retry'));
  }
  if (state.status !== 'failed') return state.isPlaceholder ? again(t('do.paint')) : nothing;
  // What was asked for may be what is refused, however often it is written anew.
  if (asset === 'content') return html`${again(t('do.rewrite'))}<a class="quiet" data-action="another-idea" href="make.html">${t('do.another-idea')}</a>`;
  const simpler = isPicture(asset) && state.code === 'CONTENT_POLICY_VIOLATION';
  return html`${again(simpler ? t('do.simpler') : t('do.retry'), simpler ? { simplifyPrompt: true } : undefined)}
    ${asset === 'audio' ? html`<a class="quiet" href="#voice">${t('do.voice')}</a>` : nothing}`;
}

function frame(asset: AssetType, body: TemplateResult | typeof nothing = nothing): TemplateResult | typeof nothing {
  const assets = assetsOf(story!);
  const state = assets[asset];
  if (!state) return nothing;
  const left = secondsLeft(state);
  const isMoving = state.status === 'generating' || state.status === 'retrying';
  const beat = isPicture(asset) && asset !== 'cover' ? story!.content.beats?.[Number(asset.slice(-1)) - 1] : undefined;
  return html`<article class="asset is-${asset}" data-asset=${asset} data-status=${state.status}
      ?data-placeholder=${state.isPlaceholder} ?data-stale=${state.stale}>
    ${isPicture(asset)
      ? picture({ state, sizes: asset === 'cover' ? COVER_SIZES : SCENE_SIZES, alt: altOf(story!, asset), colours: coloursOf(asset), seed: id, isFirst: asset === 'cover' })
      : nothing}
    <div class="asset-words">
      <h2 tabindex="-1" dir="auto">${beat?.heading ?? name(asset)}</h2>
      <p class="state">${stateWords(asset, state)}${left ? html` <span class="left">${t('making.left', { count: left })}</span>` : nothing}</p>
      ${isMoving ? html`<progress max="100" value=${state.progress} aria-label=${t('making.progress-of', { asset: name(asset) })}></progress>` : nothing}
      ${state.stale ? html`<p class="hint">${t('state.stale')}</p>` : nothing}
      ${state.lastError ? html`<p class="hint">${t('state.last-error')}</p>` : nothing}
      <div class="row">${remedies(asset, state, assets)}</div>
      ${body}
      ${isReviewing ? review(asset, state) : nothing}
    </div>
  </article>`;
}

/** A prompt is a page of words: on a phone it would push the pictures apart. */
const isWide = matchMedia('(min-width: 44rem)').matches;

/** What a picture was asked for with, another try, and the tries before. */
function review(asset: AssetType, state: AssetStatus): TemplateResult | typeof nothing {
  if (state.status !== 'ready' && !state.isPlaceholder) return nothing;
  const shown = versions?.find((version) => version.assetType === asset && version.shown);
  const prompt = isPicture(asset) ? (shown?.prompt ?? altOf(story!, asset)) : null;
  const paint = (event: SubmitEvent) => {
    event.preventDefault();
    const style = String(new FormData(event.target as HTMLFormElement).get('style') ?? '').trim();
    void act(`regenerate-${asset}`, () => client.regenerate(id, [asset], style ? { style } : undefined), asset);
  };
  const earlier = versions?.filter((version) => version.assetType === asset && !version.shown) ?? [];
  // A recording has its own form, with the voices; questions and book are made from the rest.
  const isMadeHere = isPicture(asset) || asset === 'content';
  if (!isMadeHere && !earlier.length) return nothing;
  return html`<div class="review">
    ${prompt ? html`<details class="prompt" ?open=${isWide}><summary>${t('review.prompt')}</summary><p dir="auto">${prompt}</p></details>` : nothing}
    ${isMadeHere ? html`<form class="again" @submit=${paint}>
      ${isPicture(asset) ? html`<label>${t('review.style')}<input name="style" maxlength="60" autocomplete="off" placeholder=${t('review.style.hint')}></label>` : nothing}
      <button class="quiet" data-action="regenerate-${asset}" ?disabled=${busy.has(`regenerate-${asset}`)}>${t(isPicture(asset) ? 'do.paint' : 'do.again.content')}</button>
    </form>` : nothing}
    ${earlier.length ? html`<ul class="versions" aria-label=${t('review.versions')}>${earlier.map((version) => html`<li>
      ${isPicture(asset) && version.url ? html`<img src=${version.url} alt=${t('review.version', { count: version.version })} width="1024" height="1024" loading="lazy">` : html`<span>${version.title ?? t('review.version', { count: version.version })}</span>`}
      ${button(`restore-${asset}-${version.version}`, t('do.restore'), () => client.restore(id, asset, version.version), asset, 'quiet')}
    </li>`)}</ul>` : nothing}
  </div>`;
}

async function toggleReview(): Promise<void> {
  isReviewing = !isReviewing;
  redraw();
  if (isReviewing) await readVersions();
}

async function readVersions(): Promise<void> {
  versions = (await client.history(id).catch(() => null))?.versions ?? [];
  redraw();
}

function view(): TemplateResult {
  if (isGone || !id) {
    return html`<section class="empty"><h1>${t('story.gone')}</h1><p>${t('story.gone.why')}</p><a class="big button" href="index.html">${t('back.shelf')}</a></section>`;
  }
  if (!story) return html`<p class="waiting" role="status">${connection === 'offline' ? t('connection.offline') : t('story.opening')}</p>`;
  const assets = assetsOf(story);
  const overall = story.asset_generation_status.overall;
  const isMaking = overall === 'generating';
  const percent = progressOf(assets);
  // While a text is being written, its beats are shown as they come; it is read when it is whole.
  const hasText = assets.content?.status === 'ready' || story.asset_generation_status.textVersion !== undefined;
  const hasFailed = Object.values(assets).some(isMissing);
  return html`<section class="story" data-story-id=${id} data-overall=${overall} data-connection=${connection}>
    <p><a class="back" href="index.html">${t('back.shelf')}</a></p>
    <div class="story-top">${frame('cover')}
    <div class="story-head">
      <h1 dir="auto">${titleOf(story)}</h1>
      <p class="state is-${shelfOf(wholeOf(story))}">${overallWords(wholeOf(story))}</p>
      ${isMaking ? html`<progress class="whole" max="100" value=${percent} aria-label=${t('making.progress')}></progress>` : nothing}
      ${connection === 'offline' ? html`<p class="note" role="status" data-offline>${t('connection.offline')}</p>` : nothing}
      ${isSlow ? html`<p class="note" role="status">${t('making.slow')}</p>` : nothing}
      <div class="row">
        ${hasText ? readButton(assets) : nothing}
        ${hasFailed && !isMissing(assets.content) ? button('retry-all', t('do.retry-all'), () => client.retry(id), undefined, 'quiet') : nothing}
        ${hasFailed && hasText && overall === 'partial' ? button('continue', t('do.continue'), () => client.continue(id), undefined, 'quiet') : nothing}
        ${hasText ? html`<button class="quiet" data-action="review" aria-pressed=${isReviewing} @click=${toggleReview}>${t('do.review')}</button>` : nothing}
        ${hasText ? button('share', t('do.share'), share, undefined, 'quiet') : nothing}
        ${isMaking ? html`<button class="quiet" data-action="cancel" @click=${() => confirm('cancel')}>${t('do.cancel')}</button>` : nothing}
        <button class="quiet" data-action="delete" @click=${() => confirm('delete')}>${t('do.delete')}</button>
      </div>
      ${frame('content')}
    </div></div>
    <div class="pages">
      ${PICTURES.slice(1).map((asset) => frame(asset, beatOf(asset)))}
    </div>
    <div class="extras">
      ${frame('audio', isReviewing || isMissing(assets.audio) ? html`<div id="voice">${voices()}</div>` : nothing)}
      ${frame('activities')}
      ${frame('pdf', assets.pdf?.url ? html`<a class="quiet" data-action="download-pdf" href=${assets.pdf.url} download>${t('do.download')}</a>` : nothing)}
    </div>
    ${dialog()}${shareDialog()}
  </section>`;
}

function readButton(assets: Assets): TemplateResult {
  const speaks = assets.audio?.status === 'ready';
  return html`<a class="big button" data-action=${speaks ? 'play' : 'read'} href="read.html?id=${id}${speaks ? '&play=1' : ''}">${speaks ? t('do.play') : t('do.read')}</a>`;
}

function beatOf(asset: AssetType): TemplateResult | typeof nothing {
  const beat = story!.content.beats?.[Number(asset.slice(-1)) - 1];
  return asset !== 'cover' && beat ? html`<p class="beat" dir="auto">${beat.text}</p>` : nothing;
}

let catalogue: Voice[] | null = null;

function voices(): TemplateResult {
  if (!catalogue) {
    catalogue = [];
    void client.voices().then(({ voices }) => {
      catalogue = voices;
      redraw();
    }, () => null);
  }
  const current = (assetsOf(story!).audio?.metadata as { voiceId?: string } | undefined)?.voiceId;
  const choose = (event: SubmitEvent) => {
    event.preventDefault();
    const voice = String(new FormData(event.target as HTMLFormElement).get('voice'));
    void act('voice', () => client.narrate(id, voice), 'audio');
  };
  return html`<form class="again" @submit=${choose}>
    <label>${t('wish.voice')}<select name="voice">${catalogue.map((voice) => html`<option value=${voice.id} ?selected=${voice.id === current}>${voiceWords(voice)}</option>`)}</select></label>
    <button class="quiet" data-action="voice" ?disabled=${busy.has('voice')}>${t('do.again.audio')}</button>
  </form>`;
}

let link: { url: string; plain: string; until: string } | null = null;

async function share(): Promise<void> {
  const { token, expiresAt } = await client.share(id);
  const url = new URL(`read.html#share=${token}`, location.href);
  link = { url: url.href, plain: client.sharedPage(token), until: new Date(expiresAt).toLocaleDateString(language, { dateStyle: 'long' }) };
  redraw();
  queueMicrotask(() => {
    const dialog = document.querySelector<HTMLDialogElement>('dialog.share');
    dialog?.showModal();
    // From where it begins: its end is a row of random letters.
    const address = dialog?.querySelector<HTMLInputElement>('[data-link]');
    address?.setSelectionRange(0, 0);
    if (address) address.scrollLeft = 0;
  });
}

function shareDialog(): TemplateResult {
  const close = (event: Event) => (event.target as HTMLElement).closest('dialog')!.close();
  const copy = async () => {
    await navigator.clipboard.writeText(link!.url).catch(() => document.querySelector<HTMLInputElement>('[data-link]')?.select());
    toast(t('share.copied'));
  };
  const takeBack = async (event: Event) => {
    const dialog = event.target as HTMLElement;
    if (!(await attempt(() => client.unshare(id)))) return;
    dialog.closest('dialog')!.close();
    link = null;
    toast(t('share.taken-back'));
  };
  return html`<dialog class="share" aria-labelledby="share">
    <h2 id="share">${t('share.title')}</h2><p>${t('share.why', { date: link?.until ?? '' })}</p>
    <label>${t('share.link')}<input data-link readonly .value=${link?.url ?? ''}></label>
    ${link ? html`<p><a data-action="plain-page" href=${link.plain} target="_blank" rel="noopener">${t('share.plain')}</a></p>` : nothing}
    <div class="row"><button class="big" data-action="copy-link" @click=${copy}>${t('share.copy')}</button>
    <button class="quiet" data-action="unshare" @click=${takeBack}>${t('share.take-back')}</button>
    <button class="quiet" data-action="close" @click=${close}>${t('share.done')}</button></div>
  </dialog>`;
}

let asked: 'cancel' | 'delete' = 'cancel';

function confirm(what: typeof asked): void {
  asked = what;
  redraw();
  queueMicrotask(() => document.querySelector<HTMLDialogElement>('dialog.confirm')?.showModal());
}

function dialog(): TemplateResult {
  const close = (event: Event) => (event.target as HTMLElement).closest('dialog')!.close();
  const go = async (event: Event) => {
    close(event);
    if (asked === 'cancel') return act('cancel', () => client.cancel(id));
    if (await attempt(() => client.deleteStory(id))) location.assign('index.html');
  };
  return html`<dialog class="confirm" aria-labelledby="asked">
    <h2 id="asked">${t(`confirm.${asked}`)}</h2><p>${t(`confirm.${asked}.why`)}</p>
    <div class="row"><button class="big" data-action="confirm-${asked}" @click=${go}>${t(`do.${asked}`)}</button>
    <button class="quiet" @click=${close}>${t('do.not')}</button></div>
  </dialog>`;
}

/** Says what became ready or failed, once, and what the tab's title should say. */
function tell(before: Story | null, now: Story): void {
  const assets = assetsOf(now);
  const overall = now.asset_generation_status.overall;
  const called = titleOf(now);
  const title = overall === 'generating' ? `${progressOf(assets)} % · ${called}` : `${overall === 'ready' ? '★ ' : ''}${called}`;
  document.title = `${title} · Storytailor`;
  if (!before) return;
  const was = assetsOf(before);
  if (overall !== before.asset_generation_status.overall && overall !== 'generating') {
    const key = `toast.overall.${overall}`;
    return toast(t(key, { title: called }), overall === 'ready' ? 'good' : 'bad');
  }
  const ended = differences(was, assets).filter(({ assetType, status }) => was[assetType]?.status !== status);
  for (const { assetType, status } of ASSETS.flatMap((asset) => ended.filter((update) => update.assetType === asset))) {
    if (status === 'ready') toast(t('toast.ready', { asset: name(assetType) }));
    if (status === 'failed') toast(t('toast.failed', { asset: name(assetType) }), 'bad');
  }
  if (!ended.length && overall === 'generating') announce(t('making.percent', { count: progressOf(assets) }));
}

export async function storyPage(): Promise<void> {
  if (!(await open(t('story.title'), view)) || !id) return;
  client.follow(id, {
    row(next) {
      const before = story;
      story = next;
      tell(before, next);
      redraw();
      if (isReviewing && versions === null) void readVersions();
    },
    connection(how) {
      connection = how;
      redraw();
    },
    slow(how) {
      isSlow = how;
      redraw();
    },
    gone() {
      isGone = true;
      redraw();
    },
    signedOut: askToSignIn,
  });
}
