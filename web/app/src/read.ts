// The reader: opens one story as a book, reads it aloud with each word marked as it sounds, and keeps it for later.
import { createApi, ApiError } from '../../client/src/api.js';
import type { Assets, AssetStatus, Story } from '../../client/src/index.js';
import { FIELDS, SPOKEN } from './asked.js';
import { closedBook, element, fill, loadScenes } from './book.js';
import { fetchBegun } from './begun.js';
import { config } from './config.js';
import { keepAsFile } from './keep.js';
import { Pager } from './pager.js';
import { ReadAlong } from './read-along.js';
import { accessToken, isSignedIn } from './session.js';
import { sourcesOf } from './sources.js';
import { assetsOf } from './telling.js';
import { t } from './words.js';

const query = new URLSearchParams(location.search);
/** A shared book's token stands behind `#`, where no server sees it. */
const token = new URLSearchParams(location.hash.slice(1)).get('share');
let id = query.get('id') ?? '';
const main = document.querySelector('main')!;
const speaker = document.querySelector('#speaker')!;
const api = createApi({ apiUrl: config.apiUrl, accessToken, fetch: fetchBegun });
const SPEEDS = [0.75, 0.9, 1, 1.1, 1.25];
const CHOICES = 'storytailor-reading';
/** Until what is there is drawn: what comes only then keeps it from nobody. */
const SEEN_MS = 400;

interface Choices {
  speed: number;
  mark: 'word' | 'sentence' | 'off';
  waits: boolean;
}

function choices(): Choices {
  const usual: Choices = { speed: 1, mark: 'word', waits: false };
  try {
    return { ...usual, ...(JSON.parse(localStorage.getItem(CHOICES) ?? '{}') as Partial<Choices>) };
  } catch {
    return usual;
  }
}

function keep(chosen: Choices): void {
  try {
    localStorage.setItem(CHOICES, JSON.stringify(chosen));
  } catch {
    // Then they hold for this page.
  }
}

function say(words: string, link: string, words2: string): void {
  main.replaceChildren(element('section', { class: 'empty' }, element('h1', {}, words), element('a', { class: 'big button', href: link }, words2)));
}

async function start(): Promise<void> {
  if (!token && (!id || !isSignedIn())) return say(t('sign-in.again'), `index.html`, t('sign-in.enter'));
  main.replaceChildren(element('p', { class: 'waiting', role: 'status' }, t('story.opening')));
  let story: Story;
  try {
    story = token ? ({ ...(await api.shared(token)), status: 'ready' as const, version: 0 } as Story) : await api.story(id, FIELDS);
    id = story.id;
  } catch (error) {
    const status = error instanceof ApiError ? error.status : 0;
    if (status === 401) return say(t('sign-in.again'), 'index.html', t('sign-in.enter'));
    if (token && status === 404) return say(t('reader.link-closed'), 'index.html', 'Storytailor');
    if (status === 404 || status === 400) return say(t('story.gone'), 'index.html', t('back.shelf'));
    return say(t('connection.offline'), location.href, t('do.retry'));
  }
  if (!story.content.beats?.length) return say(t('reader.not-yet'), `story.html?id=${id}`, t('reader.watch'));
  const shut = closed(story);
  await new Promise((done) => setTimeout(done));
  // Without them it is read without marks.
  const spoken = token ? {} : await api.story(id, SPOKEN).catch(() => ({}));
  openBook({ ...story, ...spoken }, shut);
}

interface Closed {
  book: HTMLElement;
  bar: HTMLElement;
  begin: HTMLButtonElement | false;
  alone: HTMLButtonElement;
  /** The button that was pressed before the pages were there. */
  pressed: HTMLButtonElement | null;
}

const home = (): HTMLElement => element('a', { class: 'icon is-home', href: 'index.html', 'aria-label': t('back.shelf'), title: t('back.shelf') });

/** Shows the cover and what can be done with the book: whoever is quicker than the pages gets what they pressed. */
function closed(story: Story): Closed {
  document.title = `${story.title} · Storytailor`;
  const book = closedBook(story);
  const begin = Boolean(assetsOf(story).audio?.url) && element('button', { class: 'big', type: 'button', 'data-action': 'begin' }, t('reader.read-to-me'));
  const alone = element('button', { class: 'quiet', type: 'button', 'data-action': 'open' }, t('reader.read-myself'));
  // As high as the one that takes its place.
  const bar = element('nav', { class: 'reader-bar', 'aria-label': t('reader.controls') }, home(), element('output', { class: 'place' }, t('reader.cover')),
    element('div', { class: 'turning' }, element('span', { class: 'icon is-play' })), element('div', { class: 'tools' }, element('span', { class: 'icon is-more' })));
  const made: Closed = { book, bar, begin, alone, pressed: null };
  for (const each of [begin, alone]) {
    if (each) each.onclick = () => (made.pressed = each).setAttribute('aria-busy', 'true');
  }
  book.querySelector('.cover-words')!.append(...[begin, alone].filter((each) => each !== false));
  // Outside of the pages, of which all but the open one are inert.
  main.replaceChildren(element('h1', { class: 'hidden', dir: 'auto' }, story.title), book, bar);
  document.body.classList.add('is-reading');
  return made;
}

function openBook(story: Story, shut: Closed): void {
  const assets = assetsOf(story);
  const { book, begin, alone } = shut;
  fill(book, story);
  const chosen = choices();
  const words = story.audio_words ?? [];
  const url = assets.audio?.url;
  const audio = element('audio', { preload: 'none', src: url });
  const spans: HTMLElement[] = [];
  for (const span of book.querySelectorAll<HTMLElement>('[data-word]')) spans[Number(span.dataset.word)] = span;
  const pageOf = (word: number): number => Number(spans[word]?.closest<HTMLElement>('[data-page]')?.dataset.page ?? -1);
  const firstOn = (page: number): number => spans.findIndex((span) => span && Number(span.closest<HTMLElement>('[data-page]')?.dataset.page) === page);

  const play = button('play', t('reader.play'), 'play');
  const place = element('output', { class: 'place' });
  const back = button('previous', t('reader.previous'), 'back');
  const next = button('next', t('reader.next'), 'next');
  const reading = new ReadAlong(audio, words, spans, (word) => {
    const page = pageOf(word);
    // A frame that was under way when the reader turned to a page without a voice turns nothing back.
    if (page >= 0 && page !== pager.current && !audio.paused) pager.follow(page);
    lightSentence(word);
    reveal(spans[word]);
  });
  const pager = new Pager(book, turnedByHand, (page) => {
    const count = book.querySelectorAll('.page.is-beat').length;
    const last = count + 1;
    place.textContent = page === 0 ? t('reader.cover') : page === last ? t('reader.end') : t('reader.page', { page, count });
    back.disabled = page === 0;
    next.disabled = page === last;
    book.style.setProperty('--open', String(page));
    if (page > 0) loadScenes(book);
  });

  function turnedByHand(page: number): void {
    speaker.textContent = place.textContent;
    const first = firstOn(page);
    // A page turn is no pause, and never leaves the voice on another page.
    if (!audio.paused && first < 0) audio.pause();
    if (first >= 0 && pageOf(Math.max(reading.last, 0)) !== page) reading.seek(first);
  }

  let lit: HTMLElement[] = [];
  function lightSentence(word: number): void {
    if (chosen.mark !== 'sentence') return;
    const [first, last] = reading.sentenceOf(word);
    if (lit[0] === spans[first]) return;
    lit.forEach((span) => span.removeAttribute('data-sentence'));
    lit = spans.slice(first, last + 1).filter(Boolean);
    lit.forEach((span) => span.setAttribute('data-sentence', ''));
  }

  /** A long text scrolls with the voice. */
  function reveal(span: HTMLElement | undefined): void {
    const box = span?.closest<HTMLElement>('.words');
    if (!span || !box || box.scrollHeight <= box.clientHeight) return;
    const [inner, outer] = [span.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top + 8 || inner.bottom > outer.bottom - 40) box.scrollBy({ top: inner.top - outer.top - outer.height / 3, behavior: 'smooth' });
  }

  async function toggle(): Promise<void> {
    if (!audio.paused) return audio.pause();
    const isOpenElsewhere = reading.last < 0 || pageOf(reading.last) !== pager.current;
    if (audio.ended || isOpenElsewhere) reading.seek(Math.max(firstOn(pager.current), 0));
    audio.playbackRate = chosen.speed;
    await audio.play().catch((error: unknown) => {
      // Nobody has touched the page yet: the cover's button waits.
      if ((error as DOMException).name !== 'NotAllowedError') speaker.textContent = t('reader.no-sound');
    });
  }

  for (const event of ['play', 'pause', 'ended']) {
    audio.addEventListener(event, () => {
      const isPlaying = !audio.paused;
      play.setAttribute('aria-pressed', String(isPlaying));
      play.setAttribute('aria-label', t(isPlaying ? 'reader.pause' : 'reader.play'));
      document.body.classList.toggle('is-playing', isPlaying);
      if (isPlaying && pager.current === 0) pager.follow(1);
    });
  }
  // The line broke in the middle: what the worker kept goes on from there.
  let isMended = false;
  audio.addEventListener('error', () => {
    if (isMended) return;
    isMended = true;
    const { currentTime } = audio;
    audio.load();
    audio.currentTime = currentTime;
    audio.playbackRate = chosen.speed;
    if (document.body.classList.contains('is-playing')) void audio.play().catch(() => undefined);
    setTimeout(() => (isMended = false), 5_000);
  });
  audio.addEventListener('ended', () => pager.follow(pager.pages.length - 1));
  let rest: Promise<WakeLockSentinel> | undefined;
  audio.addEventListener('play', () => (rest = navigator.wakeLock?.request('screen')));
  audio.addEventListener('pause', () => void rest?.then((lock) => lock.release(), () => undefined));

  book.addEventListener('click', (event) => {
    const span = (event.target as HTMLElement).closest<HTMLElement>('[data-word]');
    if (!span || !url || !getSelection()?.isCollapsed) return;
    reading.seek(Number(span.dataset.word));
    if (audio.paused) void toggle();
  });
  const step = (away: number) => {
    reading.seek(reading.sentence(away));
    if (audio.paused) void toggle();
  };
  play.addEventListener('click', toggle);
  back.addEventListener('click', () => pager.turnTo(pager.current - 1));
  next.addEventListener('click', () => pager.turnTo(pager.current + 1));
  addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    if (event.altKey || event.ctrlKey || event.metaKey || target.closest('input, select, textarea, summary')) return;
    const forward = pager.isFromTheRight ? 'ArrowLeft' : 'ArrowRight';
    const backward = pager.isFromTheRight ? 'ArrowRight' : 'ArrowLeft';
    const keys: Record<string, () => void> = {
      [forward]: () => pager.turnTo(pager.current + 1),
      [backward]: () => pager.turnTo(pager.current - 1),
      PageDown: () => pager.turnTo(pager.current + 1),
      PageUp: () => pager.turnTo(pager.current - 1),
      Home: () => pager.turnTo(0),
      End: () => pager.turnTo(pager.pages.length - 1),
      j: () => url && step(-1),
      l: () => url && step(1),
      f: () => void fullScreen(),
    };
    if (!target.closest('button, a')) keys[' '] = () => url && void toggle();
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  const sentenceBack = button('sentence-back', t('reader.sentence-back'), 'rewind');
  const sentenceNext = button('sentence-next', t('reader.sentence-next'), 'forward');
  sentenceBack.addEventListener('click', () => step(-1));
  sentenceNext.addEventListener('click', () => step(1));
  const whole = button('full-screen', t('reader.full-screen'), 'full');
  whole.addEventListener('click', fullScreen);

  const bar = element('nav', { class: 'reader-bar', 'aria-label': t('reader.controls') },
    home(),
    place,
    element('div', { class: 'turning' }, back, url && sentenceBack, url && play, url && sentenceNext, next),
    element('div', { class: 'tools' }, settings(chosen, audio, reading, book, Boolean(url)), more(story, id), document.fullscreenEnabled && whole),
  );
  book.dataset.mark = chosen.mark;
  reading.waits = chosen.waits;
  if (begin) begin.onclick = toggle;
  alone.onclick = () => pager.turnTo(1);
  shut.bar.replaceWith(bar);
  main.append(audio);
  shut.pressed?.removeAttribute('aria-busy');
  shut.pressed?.click();
  lockScreen(story, sourcesOf(assets.cover).src, toggle, step);
  if (query.get('play') && url) {
    // A reload should not begin to speak by itself.
    history.replaceState(null, '', `read.html?id=${id}`);
    void toggle();
  }
  void seen(book.querySelector('img')).then(() => {
    audio.preload = 'metadata';
    loadScenes(book);
    begun.dress();
    if (!token) void keepOffline(filesOf(assets));
  });
}

function button(action: string, label: string, icon: string): HTMLButtonElement {
  return element('button', { class: `icon is-${icon}`, type: 'button', 'data-action': action, 'aria-label': label, title: label });
}

async function fullScreen(): Promise<void> {
  await (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => undefined);
}

/** Speed, what is marked, and waiting after each sentence. */
function settings(chosen: Choices, audio: HTMLAudioElement, reading: ReadAlong, book: HTMLElement, speaks: boolean): HTMLElement | null {
  if (!speaks) return null;
  const speed = element('select', { name: 'speed', 'data-action': 'speed' }, ...SPEEDS.map((value) =>
    element('option', { value, selected: value === chosen.speed }, `${value.toLocaleString()} ×`)));
  speed.addEventListener('change', () => {
    chosen.speed = audio.playbackRate = Number(speed.value);
    keep(chosen);
  });
  const mark = element('select', { name: 'mark' }, ...(['word', 'sentence', 'off'] as const).map((value) =>
    element('option', { value, selected: value === chosen.mark }, t(`reader.mark.${value}`))));
  mark.addEventListener('change', () => {
    chosen.mark = book.dataset.mark = mark.value as Choices['mark'];
    keep(chosen);
  });
  const waits = element('input', { type: 'checkbox', name: 'waits' });
  waits.checked = chosen.waits;
  waits.addEventListener('change', () => {
    chosen.waits = reading.waits = waits.checked;
    keep(chosen);
  });
  return drawer('settings', t('reader.settings'),
    element('label', {}, t('reader.speed'), speed), element('label', {}, t('reader.mark'), mark),
    element('label', { class: 'check' }, waits, t('reader.waits')),
    element('p', { class: 'hint' }, t('reader.keys')));
}

/** What else can be done with the book. */
function more(story: Story, storyId: string): HTMLElement {
  const { pdf } = assetsOf(story);
  const page = pdf?.metadata?.htmlUrl;
  const print = element('button', { class: 'quiet', type: 'button', 'data-action': 'print' }, t('reader.print'));
  print.addEventListener('click', () => window.print());
  const file = element('button', { class: 'quiet', type: 'button', 'data-action': 'keep-file' }, t('reader.keep'));
  file.addEventListener('click', async () => {
    file.disabled = true;
    await keepAsFile(story).catch(() => (speaker.textContent = t('connection.offline')));
    file.disabled = false;
  });
  return drawer('more', t('reader.more'), file,
    pdf?.url && element('a', { href: pdf.url, download: '', 'data-action': 'download-pdf' }, t('do.download')),
    page && element('a', { href: page, 'data-action': 'plain-page' }, t('reader.plain')),
    print, !token && element('a', { href: `story.html?id=${storyId}` }, t('shelf.look-after')));
}

function drawer(icon: string, label: string, ...children: (Node | false | undefined | '')[]): HTMLElement {
  const made = element('details', { class: 'drawer' }, element('summary', { class: `icon is-${icon}`, 'aria-label': label, title: label }),
    element('div', { class: 'drawer-content' }, ...children.filter((child): child is Node => Boolean(child))));
  made.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    made.open = false;
    made.querySelector('summary')!.focus();
  });
  addEventListener('pointerdown', ({ target }) => {
    if (!made.contains(target as Node)) made.open = false;
  });
  return made;
}

/** The buttons of a locked screen or a headset. */
function lockScreen(story: Story, artwork: string | undefined, toggle: () => void, step: (away: number) => void): void {
  if (!('mediaSession' in navigator)) return;
  const art = artwork ? [{ src: artwork, sizes: '1024x1024' }] : [];
  navigator.mediaSession.metadata = new MediaMetadata({ title: story.title, artist: 'Storytailor', artwork: art });
  const actions = { play: toggle, pause: toggle, previoustrack: () => step(-1), nexttrack: () => step(1) };
  for (const [action, handler] of Object.entries(actions)) navigator.mediaSession.setActionHandler(action as MediaSessionAction, handler);
}

/** What a book is read with: of a picture both files, for a screen that is turned may take the other. */
function filesOf(assets: Assets): string[] {
  const light = (asset: AssetStatus) => [asset.metadata?.screenUrl, asset.metadata?.thumbnailUrl];
  const files = Object.entries(assets).filter(([asset]) => asset !== 'pdf').flatMap(([, state]) => (state.metadata?.screenUrl ? light(state) : state.url));
  return files.filter((file): file is string => Boolean(file));
}

/** Until a picture can be seen, or will not come. */
async function seen(image: HTMLImageElement | null): Promise<void> {
  await image?.decode().catch(() => undefined);
  await new Promise((done) => setTimeout(done, SEEN_MS));
}

/** Once opened, a book can be read without a line: the worker keeps its files. */
async function keepOffline(files: string[]): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const registered = await navigator.serviceWorker.register('sw.js').then(() => navigator.serviceWorker.ready).catch(() => null);
  const worker = registered?.active;
  const answered = new MessageChannel();
  answered.port1.onmessage = () => document.body.setAttribute('data-kept', '');
  worker?.postMessage({ keep: [`${config.apiUrl.replace(/\/$/, '')}/api/v1/stories/${id}`, ...files], token: await accessToken() }, [answered.port2]);
}

await start();
