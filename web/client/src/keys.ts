// Idempotency keys that outlive a reload: a wish whose answer was lost is asked for again under the same key, so that it is
// made and paid for once. A key is kept from before its request is sent until a definite answer is here.

/** `localStorage`, or whatever keeps strings in its manner. */
export interface KeyStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

// The API remembers a key for a day.
const KEPT_MS = 23 * 60 * 60 * 1000;
const PREFIX = 'storytailor-key-';

export interface HeldKey {
  readonly key: string;
  /** The wish is settled: the same one, asked again, is a new one. */
  release(): void;
}

/** The key of this very request: the one an earlier try left, or a new one. */
export function holdKey(storage: KeyStorage | null, request: string, now = Date.now()): HeldKey {
  const name = PREFIX + digest(request);
  const kept = read(storage, name, now);
  const key = kept ?? crypto.randomUUID();
  if (!kept) attempt(() => storage?.setItem(name, `${now} ${key}`));
  return { key, release: () => attempt(() => storage?.removeItem(name)) };
}

function read(storage: KeyStorage | null, name: string, now: number): string | null {
  const [at, key] = (attempt(() => storage?.getItem(name)) ?? '').split(' ');
  return key && now - Number(at) < KEPT_MS ? key : null;
}

// Storage may be forbidden or full; then a key lives as long as its request.
function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

// 53 bits: enough to tell a person's wishes apart, and should two ever meet, the API refuses the second body.
function digest(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
