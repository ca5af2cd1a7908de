// What every page has around its content: header, sign-in, toasts, announcements, and a way to draw again.
import { html, nothing, render, type TemplateResult } from 'lit-html';
import { ApiError } from '../../client/src/index.js';
import { arrive, isSignedIn, onOtherTab, signOut, userEmail } from './session.js';
import { signInPanel } from './sign-in.js';
import { LANGUAGES, has, language, speak, t } from './words.js';

export { html, nothing, type TemplateResult };

const main = document.querySelector<HTMLElement>('main')!;
const header = document.querySelector<HTMLElement>('header')!;
const toasts = document.querySelector<HTMLElement>('#toasts')!;
const speaker = document.querySelector<HTMLElement>('#speaker')!;

let view: () => TemplateResult | typeof nothing = () => nothing;
let isDrawing = false;

/** Draws the page's view anew, once per frame however often it is asked for. */
export function redraw(): void {
  if (isDrawing) return;
  isDrawing = true;
  // Not by animation frame: a page in the background has none, and its title and words should be right all the same.
  queueMicrotask(() => {
    isDrawing = false;
    render(view(), main);
  });
}

/** Shows `signedIn`, or the way to sign in where nobody is; answers whether somebody is. */
export async function open(title: string, signedIn: () => TemplateResult | typeof nothing): Promise<boolean> {
  document.title = `${title} · Storytailor`;
  const refused = await arrive();
  drawHeader();
  onOtherTab(() => location.reload());
  keepForLater();
  main.replaceChildren();
  view = isSignedIn() ? signedIn : () => signInPanel(refused, redraw);
  document.body.classList.toggle('is-welcome', !isSignedIn());
  redraw();
  return isSignedIn();
}

const DRESS_AFTER_MS = 500;
const KEEP_AFTER_MS = 3_000;

/** Type, and what is needed without a line, come when nothing else is waited for. */
function keepForLater(): void {
  const later = () => {
    setTimeout(begun.dress, DRESS_AFTER_MS);
    setTimeout(() => void navigator.serviceWorker?.register('sw.js').catch(() => undefined), KEEP_AFTER_MS);
  };
  if (document.readyState === 'complete') later();
  else addEventListener('load', later, { once: true });
}

/** The session ended elsewhere: the page asks to sign in again, and comes back to where it is. */
export function askToSignIn(): void {
  view = () => signInPanel(t('sign-in.again'), redraw);
  document.body.classList.add('is-welcome');
  redraw();
}

function drawHeader(): void {
  const options = Object.entries(LANGUAGES).map(
    ([tag, name]) => html`<option value=${tag} lang=${tag} ?selected=${tag === language}>${name}</option>`,
  );
  const leave = async () => {
    await signOut();
    location.assign('index.html');
  };
  render(
    html`<label class="quiet-select"><span class="hidden">${t('language')}</span>
        <select name="page-language" @change=${(event: Event) => speak((event.target as HTMLSelectElement).value)}>${options}</select>
      </label>
      ${isSignedIn()
        ? html`<button class="quiet" data-action="sign-out" title=${userEmail()} @click=${leave}>${t('sign-out')}</button>`
        : nothing}`,
    header,
  );
}

let lastSpoken = 0;
let nextWords: string | null = null;
const SPEAK_EVERY_MS = 5_000;

/** Tells a screen reader, politely: the newest words, at most every few seconds. */
export function announce(words: string): void {
  const isWaiting = nextWords !== null;
  nextWords = words;
  if (isWaiting) return;
  const wait = Math.max(0, lastSpoken + SPEAK_EVERY_MS - Date.now());
  setTimeout(() => {
    speaker.textContent = nextWords;
    nextWords = null;
    lastSpoken = Date.now();
  }, wait);
}

const TOASTS_MAX = 3;

/** A short notice in the corner, read out as well. */
export function toast(words: string, kind: 'good' | 'bad' = 'good'): void {
  const note = document.createElement('p');
  note.className = `toast is-${kind}`;
  note.textContent = words;
  // The newest few: what is below can still be seen and pressed.
  while (toasts.children.length >= TOASTS_MAX) toasts.firstElementChild!.remove();
  toasts.append(note);
  announce(words);
  setTimeout(() => note.remove(), 7_000);
}

/** What to tell a person about a refusal. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return t('problem.unknown');
  const key = `problem.${error.code}`;
  return has(key) ? t(key) : error.message;
}

/** Does what a button asks for; a refusal becomes a toast. Answers whether it was done. */
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) askToSignIn();
    else toast(explain(error), 'bad');
    return false;
  }
}
