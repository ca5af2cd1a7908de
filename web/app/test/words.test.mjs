// The page's words: every language says everything, with the same values in it, and nothing is said twice.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';

const app = new URL('..', import.meta.url);
const read = async (file) => JSON.parse(await readFile(new URL(`strings/${file}`, app), 'utf8'));
const english = await read('en.json');
const values = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

for (const file of (await readdir(new URL('strings', app))).filter((name) => name !== 'en.json')) {
  test(`${file} says what English says`, async () => {
    const other = await read(file);
    assert.deepEqual(Object.keys(other).sort(), Object.keys(english).sort());
    for (const [key, words] of Object.entries(other)) {
      assert.deepEqual(values(words), values(english[key]), key);
      assert.notEqual(words.trim(), '', key);
    }
  });
}

test('what the page asks for is there, and what is there is asked for', async () => {
  const files = (await readdir(new URL('src', app))).filter((name) => name.endsWith('.ts'));
  const source = (await Promise.all(files.map((file) => readFile(new URL(`src/${file}`, app), 'utf8')))).join('\n');
  const asked = [...source.matchAll(/\bt\(\s*'([\w.-]+)'/g)].map(([, key]) => key);
  const isThere = (key) => key in english || `${key}.other` in english;
  assert.deepEqual(asked.filter((key) => !isThere(key)), []);
  // Built from a code of the API or of a catalogue.
  const built = /^(kind|look|nature|trait|traits|type|theme|state|reason|problem|photo|overall|asset|shelf|confirm|do|sign-in|toast|reader\.mark)\./;
  const quoted = (key) => source.includes(`'${key}'`) || source.includes(`'${key.replace(/\.(one|other)$/, '')}'`);
  assert.deepEqual(Object.keys(english).filter((key) => !quoted(key) && !built.test(key)), []);
});
