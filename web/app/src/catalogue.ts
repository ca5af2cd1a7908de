// What there is to choose from: the same for everybody, and read once by whoever needs it first.
import type { Voice } from '../../client/src/index.js';
import { client } from './client.js';

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null;
  return () =>
    (asked ??= read().catch((error) => {
      asked = null;
      throw error;
    }));
}

export const voices = once(() => client.voices());
export const plans = once(() => client.plans());
export const traits = once(() => client.traits());

/** A voice, as it is chosen by. */
export const voiceWords = ({ name, description }: Voice): string => [name, description].filter(Boolean).join(': ');
