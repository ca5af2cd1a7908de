// What a page loads before anything happens stays small: the limits are the product's.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const first = JSON.parse(await readFile(new URL('first-load.json', dist), 'utf8'));
const files = await readdir(new URL('app', dist));
/** The longest file of words: the reader's are the shorter ones. */
const wordFiles = await Promise.all(files.filter((name) => /^(en|es|de)-/.test(name)).map(packed));
wordFiles.sort((one, other) => one.gzip - other.gzip);
const readersWords = wordFiles[wordFiles.length / 2 - 1].brotli;
const words = wordFiles.at(-1).gzip;

async function packed(name) {
  const bytes = await readFile(new URL(`app/${name}`, dist));
  return { brotli: brotliCompressSync(bytes).length, gzip: gzipSync(bytes, { level: 9 }).length };
}

async function sum(page, how) {
  const sizes = await Promise.all(first[page].map(packed));
  return sizes.reduce((all, size) => all + size[how], 0);
}

test('the reader loads at most 15 KB of script (brotli), words included', async () => {
  const size = (await sum('read', 'brotli')) + readersWords;
  console.log(`reader: ${size} B brotli`);
  assert.ok(size <= 15_000, `${size}`);
});

for (const page of ['shelf', 'make', 'story']) {
  test(`${page} loads at most 60 KB of script (gzip), Realtime included where it follows`, async () => {
    const realtime = files.find((name) => name.startsWith('module-'));
    const late = page === 'story' ? Math.max(...(await Promise.all(files.filter((name) => name.startsWith('module-')).map(async (name) => (await packed(name)).gzip)))) : 0;
    const size = (await sum(page, 'gzip')) + words + late;
    console.log(`${page}: ${size} B gzip`);
    assert.ok(realtime && size <= 60_000, `${size}`);
  });
}

test('the client is at most 6 KB (gzip)', async () => {
  const { transform } = await import('esbuild');
  const source = await readFile(new URL('../../client/dist/index.js', import.meta.url), 'utf8');
  const { code } = await transform(source, { minify: true });
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`client: ${size} B gzip`);
  assert.ok(size <= 6_000, `${size}`);
});
