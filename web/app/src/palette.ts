// Colours of a story's pictures: painted on an element, and chosen so that what stands on them can be read.

export type Rgb = readonly [number, number, number];

export function parse(hex: string): Rgb | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex)?.[1];
  if (!digits) return null;
  const value = parseInt(digits, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Relative luminance, as WCAG 2 defines it. */
export function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const WHITE: Rgb = [255, 255, 255];

/** Words on cream paper are legible in such a colour, too. */
const LEGIBLE = 5.5;

/** The colour, as far darkened as white words on it need it. */
export function underWhite(rgb: Rgb): Rgb {
  let shade = rgb;
  while (contrast(shade, WHITE) < LEGIBLE) shade = shade.map((channel) => Math.floor(channel * 0.92)) as unknown as Rgb;
  return shade;
}

export const css = (rgb: Rgb): string => `rgb(${rgb.join(' ')})`;

const FALLBACKS = [
  ['#7A4B2A', '#2F5D62', '#8A3B5A'],
  ['#39537F', '#6B4A7E', '#2F6B5B'],
  ['#5B6B2F', '#8A5A2B', '#2E5A78'],
  ['#7F3B3B', '#44506B', '#6B5B2B'],
];

/** What a story without pictures wears: always the same for the same story. */
export function fallback(seed: string): string[] {
  let sum = 0;
  for (const letter of seed) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return FALLBACKS[sum % FALLBACKS.length]!;
}

/** Sets `--hue-1` to `--hue-3` and `--mark` on the element. By CSSOM, for the page's policy forbids style attributes. */
export function paint(element: HTMLElement, colours: readonly string[] | undefined): void {
  const known = (colours ?? []).map(parse).filter((rgb): rgb is Rgb => rgb !== null);
  if (!known.length) return;
  known.slice(0, 3).forEach((rgb, index) => element.style.setProperty(`--hue-${index + 1}`, css(underWhite(rgb))));
}
