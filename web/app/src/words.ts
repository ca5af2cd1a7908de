// The page's words, one file per language. A sentence that depends on a number has one form per plural category.
import './begun.js';

export const LANGUAGES = { en: 'English', es: 'Español', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;
export type Strings = Record<string, string>;

export const { language } = begun;
const strings: Strings = (await begun.strings).default;
const plural = new Intl.PluralRules(language);

/** The words under `key`, with `{name}` replaced; `count` chooses the form. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const form = typeof values.count === 'number' ? strings[`${key}.${plural.select(values.count)}`] : undefined;
  const words = form ?? strings[key] ?? strings[`${key}.other`] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Whether there are words under `key`. */
export const has = (key: string): boolean => key in strings;

export function speak(next: string): void {
  try {
    localStorage.setItem('storytailor-language', next);
  } catch {
    // Then the browser's own language stays.
  }
  location.reload();
}
