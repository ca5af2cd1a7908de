// What start.ts began before this script was there.
import type { Config } from './config.js';
import type { Language, Strings } from './words.js';

export interface Begun {
  page: string;
  /** What the page is for can be seen: now its type may come. */
  dress: () => void;
  config: Config;
  language: Language;
  strings: Promise<{ default: Strings }>;
  /** Requests under way, by address; null for one that nothing answered. */
  answers: Map<string, Promise<Response | null>>;
}

declare global {
  // eslint-disable-next-line no-var
  var begun: Begun;
}

/** `fetch`, or what was begun of it; each only once, for the next answer may be another one. */
export const fetchBegun: typeof fetch = async (address, request) => {
  const url = String(address);
  const answer = request?.method === 'GET' ? begun.answers.get(url) : undefined;
  begun.answers.delete(url);
  return (await answer) ?? fetch(address, request);
};
