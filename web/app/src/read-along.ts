// The word that sounds is the word that is marked: read from the audio's clock at every animation frame, for `timeupdate`
// comes four times a second. `data-current` is on at most one word.

export interface Word {
  txt: string;
  start: number;
  end: number;
}

/** A frame is seen a moment after it is drawn. */
const LEAD_S = 0.015;
/** Between words of one breath the mark stays; in a pause nothing sounds, so nothing is marked. */
const TAIL_S = 0.04;

/** The word that sounds at `time` seconds, or -1. Words are in the order of their starts. */
export function wordAt(words: readonly Word[], time: number): number {
  let low = 0;
  let high = words.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (words[middle]!.start <= time + LEAD_S) low = middle + 1;
    else high = middle - 1;
  }
  return high >= 0 && time <= words[high]!.end + TAIL_S ? high : -1;
}

const ENDS_SENTENCE = /[.!?…。！？؟।][\s"'”’»)\]]*$/;

/** The first word of each sentence. */
export function sentenceStarts(words: readonly Word[]): number[] {
  return words.flatMap((_, index) => (index === 0 || ENDS_SENTENCE.test(words[index - 1]!.txt) ? [index] : []));
}

export class ReadAlong {
  /** Pauses after each sentence, for those who read it after. */
  waits = false;
  #current = -1;
  /** The last word that sounded: where a pause between words belongs. */
  last = -1;
  #frame = 0;
  readonly #starts: number[];

  constructor(
    readonly audio: HTMLAudioElement,
    readonly words: readonly Word[],
    private readonly spans: readonly (HTMLElement | undefined)[],
    private readonly reached: (word: number) => void,
  ) {
    this.#starts = sentenceStarts(words);
    const run = () => {
      cancelAnimationFrame(this.#frame);
      this.#follow();
    };
    for (const event of ['play', 'playing', 'seeked', 'seeking']) audio.addEventListener(event, run);
    audio.addEventListener('ended', () => this.#mark(-1));
  }

  #follow = (): void => {
    const word = wordAt(this.words, this.audio.currentTime);
    const isNext = word > this.last && this.last >= 0 && this.#starts.includes(word);
    if (this.waits && isNext && !this.audio.paused && word === this.last + 1) {
      this.audio.pause();
      this.last = word;
      return;
    }
    this.#mark(word);
    if (!this.audio.paused && !this.audio.ended) this.#frame = requestAnimationFrame(this.#follow);
  };

  #mark(word: number): void {
    if (word === this.#current) return;
    this.spans[this.#current]?.removeAttribute('data-current');
    this.#current = word;
    if (word < 0) return;
    this.last = word;
    this.spans[word]?.setAttribute('data-current', '');
    this.reached(word);
  }

  /** Goes on from the start of a word. */
  seek(word: number): void {
    const found = this.words[word];
    if (!found) return;
    this.last = word - 1;
    this.audio.currentTime = found.start;
  }

  /** The first word of the sentence so many sentences away. */
  sentence(away: number): number {
    const here = this.#starts.findLastIndex((start) => start <= Math.max(this.last, 0));
    return this.#starts[Math.min(Math.max(here + away, 0), this.#starts.length - 1)] ?? 0;
  }

  /** Words of the sentence that a word belongs to, first and last. */
  sentenceOf(word: number): [number, number] {
    const at = this.#starts.findLastIndex((start) => start <= word);
    return [this.#starts[at] ?? 0, (this.#starts[at + 1] ?? this.words.length) - 1];
  }
}
