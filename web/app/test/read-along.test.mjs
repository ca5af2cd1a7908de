// Which word sounds when: at the edges of words, in pauses, before the first and after the last.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { build } from 'esbuild';

const bundle = async (file) => {
  const { outputFiles } = await build({ entryPoints: [new URL(`../src/${file}`, import.meta.url).pathname], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
};
const { wordAt, sentenceStarts } = await bundle('read-along.ts');
const { contrast, parse, underWhite } = await bundle('palette.ts');

const words = [
  { txt: 'Once', start: 0.1, end: 0.4 },
  { txt: 'upon.', start: 0.4, end: 0.8 },
  { txt: '“Well,”', start: 1.6, end: 2 },
  { txt: 'said', start: 2, end: 2.2 },
  { txt: 'he.”', start: 2.2, end: 2.5 },
  { txt: 'Then', start: 2.6, end: 3 },
];

test('the marked word is the one that sounds, give or take 50 milliseconds', () => {
  for (let time = 0; time < 3.5; time += 0.005) {
    const word = words[wordAt(words, time)];
    const sounding = words.find(({ start, end }) => time >= start && time < end);
    if (word) assert.ok(time >= word.start - 0.05 && time <= word.end + 0.05, `${time}: ${word.txt}`);
    else assert.ok(!sounding, `${time}: nothing is marked, ${sounding?.txt} sounds`);
  }
  assert.equal(wordAt(words, 1.2), -1, 'in a pause nothing is marked');
  assert.equal(wordAt([], 1), -1);
});

test('sentences begin after a full stop, also one inside quotation marks', () => {
  assert.deepEqual(sentenceStarts(words), [0, 2, 5]);
  assert.deepEqual(sentenceStarts([{ txt: 'ねこ。' }, { txt: 'いぬ' }]), [0, 1]);
});

test('white words can be read on any colour of a story', () => {
  for (const hex of ['#ffffff', '#ffd27a', '#375D26', '#7F3B00', '#ff00ff', '#00ff00', '#808080', '#000000']) {
    assert.ok(contrast(underWhite(parse(hex)), [255, 255, 255]) >= 4.5, hex);
  }
  assert.equal(parse('javascript:1'), null);
});
