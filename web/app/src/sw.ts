// Makes the page open without a line: its own files always, and every book that was opened once.
declare const self: ServiceWorkerGlobalScope;
/** The page's files, put in by the build; their names change with what is in them. */
declare const SHELL: string[];
declare const VERSION: string;
export {};

const PAGE = `page-${VERSION}`;
const BOOKS = 'books';

/** What is named after its content may come from where the page has it already. */
const fresh = (file: string): Request => new Request(file, { cache: /-\w{8}\.\w+$/.test(file) ? 'default' : 'reload' });

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(PAGE).then((cache) => cache.addAll(SHELL.map(fresh))).then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  const old = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== PAGE && name !== BOOKS).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(old());
});

/** A reader names what its book is made of. */
self.addEventListener('message', (event) => {
  const { keep, token } = event.data as { keep?: string[]; token?: string };
  if (!keep) return;
  const store = async () => {
    const cache = await caches.open(BOOKS);
    for (const [index, url] of keep.entries()) {
      // The story itself is read anew; files never change under their address.
      if (index > 0 && (await cache.match(url))) continue;
      const headers = index === 0 && token ? { authorization: `Bearer ${token}` } : undefined;
      const answer = await fetch(url, { headers }).catch(() => null);
      if (answer?.ok) await cache.put(url, answer);
    }
    event.ports[0]?.postMessage('kept');
  };
  event.waitUntil(store());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = new URL(request.url);
  if (url.href.startsWith(self.registration.scope)) event.respondWith(page(request));
  else if (/\/api\/v1\/stories\/[^/]+$/.test(url.pathname)) event.respondWith(newest(request));
  else if (url.pathname.includes('/stories/')) event.respondWith(file(request));
});

/** Hashed files from the cache; the pages themselves from the line, so that a new version is seen. */
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(PAGE);
  const isPage = request.mode === 'navigate';
  if (!isPage) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
  }
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function newest(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(BOOKS)).match(request.url, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

async function file(request: Request): Promise<Response> {
  const kept = await (await caches.open(BOOKS)).match(request.url);
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get('range') ?? '');
  if (!kept) return fetch(request);
  if (!range) return kept;
  // A player refuses a file whose parts come from two places, so they come from the line as long as there is one.
  return fetch(request).catch(() => part(kept, range[1]!, range[2]!));
}

/** A player that seeks asks for parts, and takes a whole for none. */
async function part(whole: Response, from: string, to: string): Promise<Response> {
  const body = await whole.blob();
  const last = body.size - 1;
  const first = from === '' ? Math.max(body.size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? last : Math.min(Number(to), last);
  const type = whole.headers.get('content-type') ?? 'application/octet-stream';
  if (first > last) return new Response(null, { status: 416, headers: { 'content-range': `bytes */${body.size}` } });
  const headers = { 'content-type': type, 'content-range': `bytes ${first}-${end}/${body.size}`, 'content-length': String(end - first + 1), 'accept-ranges': 'bytes' };
  return new Response(body.slice(first, end + 1), { status: 206, statusText: 'Partial Content', headers });
}
