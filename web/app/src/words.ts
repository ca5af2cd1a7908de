// The page's words, one file per language. A sentence that depends on a number has one form per plural category.

export const LANGUAGES = { en: 'English', es: 'Español', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
type Strings = Record<string, string>;

const files: Record<Language, () => Promise<{ default: Strings }>> = {
  en: () => import('../strings/en.json'),
  es: () => import('../strings/es.json'),
  de: () => import('../strings/de.json'),
};
/** The reader loads only what it says; the build leaves the rest out. */
const readersFiles: typeof files = {
  en: () => import('../strings/en.json?reader'),
  es: () => import('../strings/es.json?reader'),
  de: () => import('../strings/de.json?reader'),
};
const isReader = document.body?.classList.contains('reader') ?? false;
const CHOICE = 'storytailor-language';

function choose(): Language {
  const wished = [safely(() => localStorage.getItem(CHOICE)), ...navigator.languages];
  const known = wished.map((tag) => tag?.slice(0, 2)).find((tag) => tag && tag in files);
  return (known as Language | undefined) ?? 'en';
}

function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export const language: Language = choose();
const strings: Strings = (await (isReader ? readersFiles : files)[language]()).default;
const plural = new Intl.PluralRules(language);
document.documentElement.lang = language;

/** The words under `key`, with `{name}` replaced; `count` chooses the form. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const form = typeof values.count === 'number' ? strings[`${key}.${plural.select(values.count)}`] : undefined;
  const words = form ?? strings[key] ?? strings[`${key}.other`] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Whether there are words under `key`. */
export const has = (key: string): boolean => key in strings;

export function speak(next: string): void {
  safely(() => localStorage.setItem(CHOICE, next));
  location.reload();
}
