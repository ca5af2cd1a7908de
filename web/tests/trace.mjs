// What Chromium's own trace says of a page: which frames were shown, and when what changed could be seen.

const CATEGORIES = ['cc', 'benchmark', 'viz', 'devtools.timeline', 'blink.user_timing', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame'];

/** Does something under a trace; answers its events in the order of their time, in microseconds. */
export async function traced(browser, page, act) {
  await browser.startTracing(page, { categories: CATEGORIES });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  return traceEvents.filter(({ ts }) => ts).sort((one, other) => one.ts - other.ts);
}

/** The frames that a page had to show, each with its end and whether it was shown. */
export function framesOf(events) {
  const begun = new Map();
  const frames = [];
  for (const { name, ph, ts, id2, id, pid, args } of events) {
    if (name !== 'PipelineReporter') continue;
    const key = `${pid} ${id2?.local ?? id2?.global ?? id}`;
    const told = args?.chrome_frame_reporter ?? args?.frame_reporter;
    if (ph === 'b') begun.set(key, told);
    if (ph !== 'e') continue;
    const { state, affects_smoothness: isSeen, has_main_animation: main, has_compositor_animation: compositor, scroll_state: scrolling } = { ...begun.get(key), ...told };
    frames.push({ ts, pid, state, isShown: /PRESENTED/.test(state ?? ''), isWanted: state !== 'STATE_NO_UPDATE_DESIRED', isSeen, main, compositor, scrolling });
  }
  return frames;
}

/** Marks that the page set, by name: when, in the trace's time. */
export const marksOf = (events) =>
  new Map(events.filter(({ cat, ph }) => cat?.includes('blink.user_timing') && /[RIb]/.test(ph)).map(({ name, ts }) => [name, ts]));
