// Turning pages: by key, swipe and button, in the book's own direction; and by the voice.

export class Pager {
  current = 0;
  readonly pages: HTMLElement[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Where a turn that is under way leads; a hand on the book ends it. */
  #aim: number | null = null;
  #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(
    private readonly book: HTMLElement,
    /** The reader turned to this page, not the voice. */
    private readonly turnedByHand: (page: number) => void,
    private readonly changed: (page: number) => void,
  ) {
    this.pages = [...book.querySelectorAll<HTMLElement>('[data-page]')];
    if ('onscrollend' in book) book.addEventListener('scrollend', () => this.#settled());
    else {
      // Elsewhere a scroll that pauses for a moment has ended.
      (book as HTMLElement).addEventListener('scroll', () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#settled(), 140);
      }, { passive: true });
    }
    for (const hand of ['pointerdown', 'wheel', 'touchstart']) book.addEventListener(hand, () => (this.#aim = null), { passive: true });
    addEventListener('resize', () => this.#place(this.current, 'instant'));
    this.#show(0);
  }

  get isFromTheRight(): boolean {
    return this.book.dir === 'rtl';
  }

  /** Turns to a page for the reader. */
  turnTo(page: number): void {
    if (this.#go(page)) this.turnedByHand(this.current);
  }

  /** Turns to a page for the voice. */
  follow(page: number): void {
    this.#go(page);
  }

  #go(page: number): boolean {
    const next = Math.min(Math.max(page, 0), this.pages.length - 1);
    if (next === this.current) return false;
    this.#show(next);
    this.#aim = next;
    this.#place(next, this.#still.matches ? 'instant' : 'smooth');
    return true;
  }

  #place(page: number, behavior: ScrollBehavior): void {
    const left = this.pages[page]!.offsetLeft - this.pages[0]!.offsetLeft;
    this.book.scrollTo({ left, behavior });
  }

  #settled(): void {
    const middle = this.book.scrollLeft + this.pages[0]!.offsetLeft;
    const distance = (page: HTMLElement) => Math.abs(page.offsetLeft - middle);
    const nearest = this.pages.reduce((best, page, index) => (distance(page) < distance(this.pages[best]!) ? index : best), 0);
    const aim = this.#aim;
    this.#aim = null;
    if (nearest === this.current) return;
    // A turn that stopped half-way, on a busy machine or for a focus, is no hand that turned back.
    if (aim !== null) return this.#place(aim, 'instant');
    this.#show(nearest);
    this.turnedByHand(nearest);
  }

  /** Only the open page is there for keys and screen readers. */
  #show(page: number): void {
    this.current = page;
    this.pages.forEach((each, index) => {
      each.inert = index !== page;
      each.toggleAttribute('data-open', index === page);
    });
    this.changed(page);
  }
}
