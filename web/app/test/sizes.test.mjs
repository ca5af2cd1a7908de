// What a page loads before anything happens stays small: the limits are the product's.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const first = JSON.parse(await readFile(new URL('first-load.json', dist), 'utf8'));
const files = await readdir(new URL('app', dist));
const longest = async (pattern, how) => Math.max(...(await Promise.all(files.filter((name) => pattern.test(name)).map(packed))).map((size) => size[how]));
const readersWords = await longest(/^reader-\w\w-/, 'brotli');
const words = await longest(/^(en|es|de)-/, 'gzip');

async function packed(name) {
  const bytes = await readFile(new URL(`app/${name}`, dist));
  return { brotli: brotliCompressSync(bytes).length, gzip: gzipSync(bytes, { level: 9 }).length };
}

async function sum(page, how) {
  const sizes = await Promise.all(first[page].map(packed));
  return sizes.reduce((all, size) => all + size[how], 0);
}

test('the first load of a page is what begins it and one script', () => {
  for (const files of Object.values(first)) assert.equal(files.length, 2, `${files}`);
});

test('the reader loads at most 15 KB of script (brotli), words included', async () => {
  const size = (await sum('read', 'brotli')) + readersWords;
  console.log(`reader: ${size} B brotli`);
  assert.ok(size <= 15_000, `${size}`);
});

test('the other pages load at most 60 KB of script (gzip), Realtime included, which follows a story', async () => {
  const late = files.filter((name) => name.startsWith('module-') && name.endsWith('.js'));
  // Realtime is the larger one of the two that come late; who signs in waits for the other.
  const realtime = (await Promise.all(late.map(async (name) => [(await readFile(new URL(`app/${name}`, dist), 'utf8')).includes('phx_join'), await packed(name)]))).filter(([is]) => is);
  assert.equal(realtime.length, 1);
  const size = (await sum('app', 'gzip')) + words + realtime[0][1].gzip;
  console.log(`other pages: ${size} B gzip`);
  assert.ok(size <= 60_000, `${size}`);
});

test('the client is at most 6 KB (gzip)', async () => {
  const { transform } = await import('esbuild');
  const source = await readFile(new URL('../../client/dist/index.js', import.meta.url), 'utf8');
  const { code } = await transform(source, { minify: true });
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`client: ${size} B gzip`);
  assert.ok(size <= 6_000, `${size}`);
});
