// Runs before anything else of a page is there, and begins what takes long: the words of its language, and what it will ask
// the API. The rest finds it in `begun`.
import { FIELDS, SHELVED } from './asked.js';
import { isFresh, stored } from './stored.js';
import type { Language, Strings } from './words.js';

/** The files of words by page and language, put in by the build. */
declare const STRINGS: Record<'reader' | 'other', Record<Language, string>>;
/** The style sheet that brings the type, and its most needed files. */
declare const TYPE: string;
declare const FONTS: string[];

/** What each page asks first, as `client/src/api.ts` does: a test watches that nothing is asked twice. */
const ASKS: Record<string, (id: string) => string[]> = {
  shelf: () => ['/characters?limit=50', '/users/me/usage', `/stories?limit=8&fields=${encodeURIComponent(SHELVED.join())}`, '/users/me'],
  make: () => ['/characters?limit=50', '/users/me/usage', '/audio/voices'],
  story: (id) => (id ? [`/stories/${id}?fields=${FIELDS.join()}`] : []),
  read: (id) => (id ? [`/stories/${id}?fields=${FIELDS.join()}`] : []),
};

function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

const source = document.currentScript as HTMLScriptElement;
const page = source.dataset.page!;
const config = safely(() => JSON.parse(document.querySelector<HTMLMetaElement>('meta[name="storytailor"]')!.content));
if (!config) throw new Error('This page was deployed without its addresses: see the runbook, "The page".');

const files = STRINGS[page === 'read' ? 'reader' : 'other'];
const wished = [safely(() => localStorage.getItem('storytailor-language')), ...navigator.languages];
const language = (wished.map((tag) => tag?.slice(0, 2)).find((tag) => tag && tag in files) ?? 'en') as Language;
document.documentElement.lang = language;

const answers = new Map<string, Promise<Response | null>>();
const ask = (path: string, headers: Record<string, string>) => {
  const address = `${config.apiUrl.replace(/\/$/, '')}/api/v1${path}`;
  answers.set(address, fetch(address, { headers }).catch(() => null));
};
const session = stored();
const token = page === 'read' ? new URLSearchParams(location.hash.slice(1)).get('share') : null;
if (token) ask(`/shared/${encodeURIComponent(token)}`, {});
else if (session && isFresh(session)) {
  const id = new URLSearchParams(location.search).get('id') ?? '';
  for (const path of ASKS[page]!(encodeURIComponent(id))) ask(path, { authorization: `Bearer ${session.access_token}` });
}

// Type that this device has, or gets in a moment, comes before the first word is drawn; on a slow line when there is nothing
// more urgent. How long this script was on its way tells which line it is.
const KEPT = 'storytailor-type';
const QUICK_MS = 80;
const isKept = safely(() => localStorage.getItem(KEPT)) === TYPE;
const isQuick = (performance.getEntriesByName(source.src)[0]?.duration ?? Infinity) < QUICK_MS;
const link = (of: Record<string, string>) => {
  const made = document.createElement('link');
  for (const [name, value] of Object.entries(of)) made.setAttribute(name, value);
  document.head.append(made);
  return made;
};
const bringType = () => {
  const sheet = link({ rel: 'stylesheet', href: TYPE, ...((isKept || isQuick) && { blocking: 'render' }) });
  if (!isKept) sheet.onload = () => setTimeout(() => document.fonts.ready.then(() => safely(() => localStorage.setItem(KEPT, TYPE))), 100);
};
let isBrought = isKept || isQuick;
if (isBrought) {
  for (const href of FONTS) link({ rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: '', fetchpriority: 'low', href });
  bringType();
}
const dress = () => {
  if (!isBrought) bringType();
  isBrought = true;
};

globalThis.begun = { dress, page, config, language, strings: import(files[language]) as Promise<{ default: Strings }>, answers };
