// The whole wish on one page: heroes, kind of story, themes, idea, reader's age, voice.
import { Composer } from './composer.js';
import { html, open, redraw } from './page.js';
import { t } from './words.js';

export async function make(): Promise<void> {
  const composer = new Composer(redraw, true);
  const isIn = await open(
    t('make.title'),
    () => html`<section class="make">
      <p><a class="back" href="index.html">${t('back.shelf')}</a></p>
      <h1>${t('make.title')}</h1>
      <p class="lead">${t('make.lead')}</p>
      ${composer.isReady ? html`<div class="card">${composer.view()}</div>` : html`<p class="waiting" role="status">${t('wish.asking')}</p>`}
    </section>`,
  );
  if (isIn) await composer.load();
}
