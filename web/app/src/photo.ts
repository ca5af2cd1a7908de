// A photo of a hero: made small here, sent to the bucket, and looked at there before anything is drawn from it.
import type { Character } from '../../client/src/index.js';
import { client } from './client.js';

/** Longest side, pixels, of what is sent: a book shows no more. */
const SIDE_MAX = 2048;
/** How long its state is asked for, and how often. */
const ASKED = 20;
const PAUSE_MS = 1500;

/** The pixels alone, upright: no camera's notes leave the device. */
async function pixelsOf(file: File): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const jpeg = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.9));
  if (!jpeg) throw new Error('The picture could not be read.');
  return jpeg;
}

/** The hero with the photo among its references. */
export async function givePhoto(hero: Character, file: File): Promise<Character> {
  const reference = await client.upload(hero.id, await pixelsOf(file));
  return client.changeCharacter(hero.id, { referenceImages: [...hero.referenceImages, reference] });
}

/** What is to be told of a hero's photos; nothing where there are none. */
export function photoState({ references }: Character): 'pending' | 'ready' | 'refused' | 'unreadable' | null {
  const states = references.map(({ status }) => status);
  return (['refused', 'unreadable', 'pending', 'ready'] as const).find((state) => states.includes(state)) ?? null;
}

/** Calls back with the hero once its photos were looked at, or after a while. */
export async function whenLookedAt(hero: Character, tell: (hero: Character) => void): Promise<void> {
  for (let asked = 0; asked < ASKED && photoState(hero) === 'pending'; asked++) {
    await new Promise((done) => setTimeout(done, PAUSE_MS));
    hero = await client.character(hero.id);
  }
  tell(hero);
}
