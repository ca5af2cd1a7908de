// The REST API: a method per verb, typed by openapi.json. What costs carries an idempotency key and may be repeated.
import { holdKey, type KeyStorage } from './keys.js';
import type {
  AssetType, Character, CharacterChange, CharacterList, ErrorCode, Estimates, History, NewCharacter, NewStory, Options, Outcome, Plans, Retry, Share, SharedStory, Story,
  StoriesAsked, StoryAccepted, StoryList, Trait, Upload, Usage, User, UserChange, Voice,
} from './types.js';

/** A refusal of the API, or (status 0) no answer at all. Show `message` to people, decide by `code`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: ErrorCode | 'OFFLINE' | 'UNREADABLE',
    message: string,
    readonly data: Record<string, unknown> = {},
    /** Seconds, where the answer names them. */
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Nobody decided anything: the same request may be sent again. */
  get isOutage(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

export interface ApiConfig {
  /** Where `/api/v1` is. */
  apiUrl: string;
  /** The caller's access token, asked for before each request; null for nobody. */
  accessToken: () => Promise<string | null>;
  /** Where keys outlive a reload. Left out: `localStorage`, where there is one. */
  storage?: KeyStorage | null;
  fetch?: typeof fetch;
}

const TRIES = 3;
const PAUSE_MS = 600;
/** Longer than this nobody is kept waiting in silence. */
const RETRY_AFTER_MAX_S = 5;

export type Api = ReturnType<typeof createApi>;

/** `?name=value&…` of what is there. */
function query(asked: object): string {
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  return given.length ? `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}` : '';
}

export function createApi(config: ApiConfig) {
  const storage = config.storage === undefined ? (globalThis.localStorage ?? null) : config.storage;
  const fetchIt = config.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request));
  const base = `${config.apiUrl.replace(/\/$/, '')}/api/v1`;

  async function once<T>(method: string, path: string, body: string | undefined, key: string | undefined): Promise<T> {
    const token = await config.accessToken();
    const headers: Record<string, string> = {};
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (key) headers['idempotency-key'] = key;
    let response: Response;
    try {
      response = await fetchIt(base + path, { method, headers, body });
    } catch {
      throw new ApiError(0, 'OFFLINE', 'No connection.');
    }
    if (response.status === 204) return undefined as T;
    // A proxy's page of HTML, or half an answer.
    const answer = await response.json().catch(() => null);
    if (response.ok && answer?.success) return answer.data as T;
    const seconds = Number(response.headers.get('retry-after')) || undefined;
    throw answer?.code
      ? new ApiError(response.status, answer.code, answer.message, answer.data ?? {}, seconds)
      : new ApiError(response.status, 'UNREADABLE', `The answer (${response.status}) could not be read.`, {}, seconds);
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const held = method === 'POST' || method === 'DELETE' ? holdKey(storage, `${method} ${path} ${text}`) : undefined;
    const mayRepeat = held !== undefined || method === 'GET';
    for (let tries = 1; ; tries++) {
      try {
        const data = await once<T>(method, path, text, held?.key);
        held?.release();
        return data;
      } catch (error) {
        if (!(error instanceof ApiError) || !error.isOutage) {
          held?.release();
          throw error;
        }
        const wait = error.retryAfter ?? 0;
        if (!mayRepeat || tries === TRIES || wait > RETRY_AFTER_MAX_S) throw error;
        await new Promise((done) => setTimeout(done, Math.max(wait * 1000, PAUSE_MS * tries)));
      }
    }
  }

  /** Sends a picture by a form of the API; answers what its character names it by among `referenceImages`. */
  async function upload(characterId: string, picture: Blob): Promise<string> {
    const form = await call<Upload>('POST', `/characters/${encodeURIComponent(characterId)}/uploads`);
    const body = new FormData();
    for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
    // The bucket reads nothing behind the file.
    body.append('Content-Type', picture.type);
    body.append('file', picture);
    let response: Response;
    try {
      response = await fetchIt(form.url, { method: 'POST', body });
    } catch {
      throw new ApiError(0, 'OFFLINE', 'No connection.');
    }
    if (!response.ok) throw new ApiError(response.status, 'UNREADABLE', `The picture was not taken (${response.status}).`);
    return form.reference;
  }

  const of = (storyId: string, rest = '') => `/stories/${encodeURIComponent(storyId)}${rest}`;
  const steer = (verb: string) => (storyId: string, body: object) =>
    call<Outcome>('POST', of(storyId, `/assets/${verb}`), body);

  return {
    createStory: (wish: NewStory) => call<StoryAccepted>('POST', '/stories', wish),
    /** All of it, or the columns that are named. */
    story: (storyId: string, fields?: readonly (keyof Story)[]) => call<Story>('GET', of(storyId, fields ? `?fields=${fields.join()}` : '')),
    /** A page of them, or of those that are asked for. */
    stories: (asked: StoriesAsked = {}) => call<StoryList>('GET', `/stories${query(asked)}`),
    deleteStory: (storyId: string) => call<void>('DELETE', of(storyId)),
    /** A link by which anybody reads the book for 30 days; asked again, the same one. */
    share: (storyId: string) => call<Share>('POST', of(storyId, '/share')),
    unshare: (storyId: string) => call<void>('DELETE', of(storyId, '/share')),
    shared: (token: string) => call<SharedStory>('GET', `/shared/${encodeURIComponent(token)}`),
    /** Where a link leads to the book as one page that needs no script; it asks for nothing. */
    sharedPage: (token: string) => `${base}/shared/${encodeURIComponent(token)}/book`,
    history: (storyId: string) => call<History>('GET', of(storyId, '/history')),

    /** What failed, again; all of it where none is named. */
    retry: (storyId: string, wish: Retry = {}) => steer('retry')(storyId, wish),
    /** The story without what failed. */
    continue: (storyId: string) => steer('continue')(storyId, {}),
    /** Stops what is not settled. */
    cancel: (storyId: string, assetTypes?: AssetType[]) => steer('cancel')(storyId, assetTypes ? { assetTypes } : {}),
    /** What is there, anew, and with `cascade` what is made from it. */
    regenerate: (storyId: string, assetTypes: AssetType[], options?: Options, cascade = true) =>
      steer('regenerate')(storyId, { assetTypes, ...(options && { options }), cascade }),
    /** What was not asked for, was cancelled or skipped. */
    generate: (storyId: string, assetTypes: AssetType[]) => steer('generate')(storyId, { assetTypes }),
    /** An earlier version again. */
    restore: (storyId: string, assetType: AssetType, version: number) =>
      steer('restore')(storyId, { assetType, version }),
    /** What it would cost; changes nothing. */
    estimate: (storyId: string, assetTypes: AssetType[]) =>
      call<Estimates>('POST', of(storyId, '/assets/estimate'), { assetTypes }),
    narrate: (storyId: string, voiceId: string | null) =>
      call<Outcome>('POST', of(storyId, '/audio'), { voiceId, regenerate: true }),

    voices: () => call<{ voices: Voice[]; defaultVoiceId: string }>('GET', '/audio/voices'),
    characters: (limit = 50, offset = 0) =>
      call<CharacterList>('GET', `/characters${query({ limit, ...(offset && { offset }) })}`),
    createCharacter: (character: NewCharacter) => call<Character>('POST', '/characters', character),
    character: (characterId: string) => call<Character>('GET', `/characters/${encodeURIComponent(characterId)}`),
    /** What is left out stays. */
    changeCharacter: (characterId: string, change: CharacterChange) =>
      call<Character>('PATCH', `/characters/${encodeURIComponent(characterId)}`, change),
    upload,
    traits: () => call<{ traits: Trait[] }>('GET', '/characters/traits'),
    usage: () => call<Usage>('GET', '/users/me/usage'),
    settings: () => call<User>('GET', '/users/me'),
    /** What is left out stays. */
    changeSettings: (change: UserChange) => call<User>('PATCH', '/users/me', change),
    plans: () => call<Plans>('GET', '/plans'),
  };
}
