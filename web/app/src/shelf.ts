// The shelf: my stories, newest first, each with its cover and how far it is; and the way to a new one.
import type { ListedStory } from '../../client/src/index.js';
import { SHELVED } from './asked.js';
import { client } from './client.js';
import { Composer } from './composer.js';
import { askToSignIn, attempt, html, nothing, open, redraw, type TemplateResult } from './page.js';
import { picture } from './picture.js';
import { overallWords, shelfOf, titleOf, type Shelf } from './telling.js';
import { t } from './words.js';
import { live } from 'lit-html/directives/live.js';
import { repeat } from 'lit-html/directives/repeat.js';
import { ApiError } from '../../client/src/index.js';

/** What a phone shows at first, and what comes when that is seen. */
const FIRST = 8;
const PAGE = 24;
const LOOK_AGAIN_MS = 3_000;

let stories: ListedStory[] | null = null;
let hasMore = false;
/** How many of them are shown. */
let wanted = FIRST;
let isAway = false;
let filter: Shelf | 'all' = 'all';
/** Whether a mail comes when a story is finished; null until that is known. */
let wantsMail: boolean | null = null;
const composer = new Composer(redraw, false);

async function read(): Promise<void> {
  try {
    const asked = wanted;
    const page = await client.stories({ limit: Math.min(asked, 100), fields: [...SHELVED] });
    // More was asked for meanwhile, and comes.
    if (asked < wanted && stories) return;
    stories = page.stories ?? [];
    hasMore = page.hasMore;
    isAway = false;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return askToSignIn();
    isAway = true;
  }
  redraw();
}

function readMore(): void {
  wanted = wanted < PAGE ? PAGE : wanted + PAGE;
  void read();
}

async function readSettings(): Promise<void> {
  wantsMail = await client.settings().then((settings) => settings.notices, () => null);
  redraw();
}

async function chooseMail(event: Event): Promise<void> {
  const notices = (event.target as HTMLInputElement).checked;
  // At once, or what is drawn meanwhile would turn the box back.
  wantsMail = notices;
  if (!(await attempt(() => client.changeSettings({ notices })))) wantsMail = !notices;
  redraw();
}

/** While something is being made, or the line is down, the shelf looks again. */
function keepLooking(): void {
  setTimeout(async () => {
    const isMaking = stories?.some((story) => shelfOf(story) === 'making');
    if (document.visibilityState === 'visible' && (isMaking || isAway)) await read();
    keepLooking();
  }, LOOK_AGAIN_MS);
}

function view(): TemplateResult {
  // A wish can be made before the shelf is there, which stands below and pushes nothing.
  if (!composer.isReady) return html`<p class="waiting" role="status">${t('shelf.opening')}</p>`;
  const all = stories ?? [];
  const shown = all.filter((story) => filter === 'all' || shelfOf(story) === filter);
  return html`
    <section class="new-story card" aria-labelledby="new-story">
      <h2 id="new-story">${t('wish.title')}</h2>
      ${composer.view()}
    </section>
    <section class="shelf" aria-labelledby="shelf">
      <div class="shelf-head"><h1 id="shelf">${t('shelf.title')}</h1>${all.length ? filters(all) : nothing}</div>
      ${isAway ? html`<p class="note" role="status">${t('shelf.away')}</p>` : stories ? nothing : html`<p class="waiting" role="status">${t('shelf.opening')}</p>`}
      ${stories && !all.length ? html`<p class="empty">${t('shelf.empty')}</p>` : nothing}
      ${all.length && !shown.length ? html`<p class="empty">${t('shelf.none')}</p>` : nothing}
      <ul class="books">${repeat(shown, (story) => story.id, card)}</ul>
      ${hasMore ? html`<div class="row centred"><button class="quiet" data-action="more" @click=${readMore}>${t('shelf.more')}</button></div>` : nothing}
    </section>
    ${wantsMail === null || !(stories || isAway) ? nothing : settings(wantsMail)}`;
}

function settings(mail: boolean): TemplateResult {
  return html`<section class="card" aria-labelledby="settings"><h2 id="settings">${t('shelf.settings')}</h2>
    <label class="check"><input type="checkbox" data-action="notices" .checked=${live(mail)} @change=${chooseMail}>${t('shelf.mail')}</label>
  </section>`;
}

function filters(all: ListedStory[]): TemplateResult {
  const kinds = ['all', 'making', 'ready', 'help'] as const;
  const count = (kind: Shelf | 'all') => (kind === 'all' ? all.length : all.filter((story) => shelfOf(story) === kind).length);
  const choose = (kind: typeof filter) => () => {
    filter = kind;
    redraw();
  };
  return html`<div class="chips filters" role="group" aria-label=${t('shelf.filter')}>
    ${kinds.map((kind) => html`<button class="chip" aria-pressed=${filter === kind} data-filter=${kind} @click=${choose(kind)}>${t(`shelf.${kind}`)} <small>${count(kind)}</small></button>`)}
  </div>`;
}

function card(story: ListedStory, index: number): TemplateResult {
  const state = shelfOf(story);
  const id = story.id!;
  // A book opens; what still needs somebody opens where it is made.
  const page = state === 'ready' ? 'read' : 'story';
  return html`<li class="book-card" data-story-id=${id} data-status=${story.overall ?? ''}>
    <a href="${page}.html?id=${id}">
      ${picture({ state: story.cover ?? undefined, sizes: '(max-width: 50rem) 44vw, 14rem', alt: '', seed: id, isFirst: index < 2 })}
      <h2 dir="auto">${titleOf(story)}</h2>
      <p class="state is-${state}">${overallWords(story)}</p>
      ${state === 'making' ? html`<progress max="100" value=${story.progress ?? 0} aria-label=${t('making.progress')}></progress>` : nothing}
    </a>
    ${page === 'read' ? html`<a class="look-after" href="story.html?id=${id}">${t('shelf.look-after')}</a>` : nothing}
  </li>`;
}

export async function shelf(): Promise<void> {
  if (!(await open(t('shelf.title'), view))) return;
  await Promise.all([read(), composer.load(), readSettings()]);
  if (hasMore) readMore();
  keepLooking();
}
