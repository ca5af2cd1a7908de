// The wish for a story: in one line on the shelf, in full on its own page. What it costs stands before the button.
import { html, nothing, type TemplateResult } from 'lit-html';
import type { AssetType, NewStory, Plans, Usage, Voice } from '../../client/src/index.js';
import { ApiError } from '../../client/src/index.js';
import { plans, voices, voiceWords } from './catalogue.js';
import { client } from './client.js';
import { Heroes } from './heroes.js';
import { askToSignIn, attempt, explain } from './page.js';
import { ASSETS, name } from './telling.js';
import { language, t } from './words.js';

const TYPES = ['adventure', 'bedtime', 'friendship', 'mystery', 'funny', 'discovery'];
const THEMES = ['courage', 'friendship', 'kindness', 'curiosity', 'family', 'nature', 'sharing', 'feelings'];
const THEMES_MAX = 8;
/** Languages that a story is told in, as people call them here; others come with the language of the idea. */
const TOLD_IN = ['en', 'es', 'de', 'fr', 'it', 'nl', 'pl', 'pt', 'sv', 'tr', 'uk'];
const nameOf = new Intl.DisplayNames([language], { type: 'language' });

export class Composer {
  readonly heroes: Heroes;
  #usage: Usage | null = null;
  #plans: Plans | null = null;
  #voices: Voice[] = [];
  #voice: string | null = null;
  #type = 'adventure';
  #themes = new Set(['courage']);
  #isBusy = false;
  /** Whether it is known who may be in a story and what it costs: before, whatever stood there would be pushed away. */
  isReady = false;
  #refusal: string | null = null;

  constructor(
    private readonly redraw: () => void,
    /** Everything that can be wished for, or an idea alone. */
    private readonly isWhole: boolean,
  ) {
    this.heroes = new Heroes(redraw, () => this.#usage?.tier);
  }

  async load(): Promise<void> {
    await attempt(() => Promise.all([this.heroes.load(), client.usage().then((usage) => (this.#usage = usage))]));
    if (this.#isUsedUp) this.#plans = await plans().catch(() => null);
    this.isReady = true;
    this.redraw();
    if (this.isWhole) {
      // A voice can be chosen later as well: a catalogue that is away keeps nobody from a story.
      await voices().then((told) => (this.#voices = told.voices), () => null);
    }
    this.redraw();
  }

  get #isUsedUp(): boolean {
    const { storiesUsed = 0, storyLimit = null, storiesToday = 0, dailyLimit = null } = this.#usage ?? {};
    return (storyLimit !== null && storiesUsed >= storyLimit) || (dailyLimit !== null && storiesToday >= dailyLimit);
  }

  view(): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      void this.#ask(event.target as HTMLFormElement);
    };
    // The maker of heroes is a form of its own, so the wish's fields belong to theirs by name.
    return html`<div class="composer">
      ${this.heroes.chooser()}
      <form id="wish" @submit=${submit}>
        <label class="idea"><span>${t('wish.idea')}</span>
          <textarea name="idea" rows=${this.isWhole ? 4 : 2} maxlength="500" placeholder=${t('wish.idea.hint')}></textarea>
        </label>
        ${this.isWhole ? this.#details() : nothing}
        ${this.#cost()}
        ${this.#refusal ? html`<p class="note is-bad" role="alert" data-refusal>${this.#refusal}</p>` : nothing}
        <div class="row">
          <button class="big" data-action="create-story" ?disabled=${this.#isBusy || !this.heroes.ids.length || this.#isUsedUp}>
            ${this.#isBusy ? t('wish.asking') : t('wish.ask')}
          </button>
          ${this.isWhole ? nothing : html`<a class="quiet" href="make.html">${t('wish.more')}</a>`}
        </div>
        ${this.heroes.ids.length ? nothing : html`<p class="hint">${t('wish.no-hero')}</p>`}
      </form>
    </div>`;
  }

  #details(): TemplateResult {
    const theme = (code: string) => () => {
      if (!this.#themes.delete(code) && this.#themes.size < THEMES_MAX) this.#themes.add(code);
      this.redraw();
    };
    return html`
      <fieldset><legend>${t('wish.type')}</legend><div class="chips">
        ${TYPES.map((type) => html`<label class="chip box"><input type="radio" name="type" value=${type} ?checked=${type === this.#type}
          @change=${() => (this.#type = type)}>${t(`type.${type}`)}</label>`)}
      </div></fieldset>
      <fieldset><legend>${t('wish.themes')}</legend><div class="chips">
        ${THEMES.map((code) => html`<button type="button" class="chip" aria-pressed=${this.#themes.has(code)} @click=${theme(code)}>${t(`theme.${code}`)}</button>`)}
      </div></fieldset>
      <div class="fields">
        <label>${t('wish.age')}<input name="age" type="number" min="1" max="18" inputmode="numeric" placeholder="6"></label>
        <label>${t('wish.language')}<select name="language">
          <option value="">${t('wish.language.idea')}</option>
          ${TOLD_IN.map((code) => html`<option value=${code} ?selected=${code === language && code !== 'en'}>${nameOf.of(code)}</option>`)}
        </select></label>
        <label>${t('review.style')}<input name="style" maxlength="60" autocomplete="off" placeholder=${t('review.style.hint')}></label>
        ${this.#voiceChoice()}
      </div>`;
  }

  #voiceChoice(): TemplateResult {
    const chosen = this.#voices.find(({ id, isDefault }) => (this.#voice ? id === this.#voice : isDefault));
    const choose = (event: Event) => {
      this.#voice = (event.target as HTMLSelectElement).value;
      this.redraw();
    };
    return html`<label>${t('wish.voice')}
        <select name="voice" ?disabled=${!this.#voices.length} @change=${choose}>${this.#voices.map((voice) => html`<option value=${voice.id} ?selected=${voice === chosen}>${voiceWords(voice)}</option>`)}</select>
      </label>
      <div class="sample">${chosen?.previewUrl ? html`<span>${t('wish.voice.sample', { name: chosen.name })}</span>
        <audio controls preload="none" src=${chosen.previewUrl}></audio>` : nothing}</div>`;
  }

  /** What the plan allows and what this story takes of it. */
  #cost(): TemplateResult | typeof nothing {
    const usage = this.#usage;
    if (!usage) return html`<p class="cost" aria-hidden="true">&nbsp;</p>`;
    if (this.#isUsedUp) return this.#offers();
    const missing = ASSETS.filter((asset) => !usage.assetTypes.includes(asset));
    const left = usage.storyLimit === null ? null : usage.storyLimit - usage.storiesUsed;
    return html`<p class="cost">
      ${left === null ? t('cost.unlimited') : t('cost.left', { count: left, limit: usage.storyLimit! })}
      ${missing.length ? t('cost.without', { assets: missing.map(name).join(', ') }) : nothing}
    </p>`;
  }

  #offers(): TemplateResult {
    const options = this.#usage?.upgradeOptions ?? [];
    const packs = this.#plans?.packs.filter(({ code }) => options.includes(code)) ?? [];
    const plans = this.#plans?.plans.filter(({ code }) => options.includes(code)) ?? [];
    return html`<div class="note" data-refusal><p>${t('cost.used-up')}</p><ul>
      ${packs.map((pack) => html`<li><b>${pack.name}</b>: ${t('cost.once', { price: pack.priceUsd })}</li>`)}
      ${plans.map((plan) => html`<li><b>${plan.name}</b>: ${plan.priceUsdMonth === null ? t('cost.agreed') : t('cost.month', { price: plan.priceUsdMonth })}</li>`)}
    </ul></div>`;
  }

  async #ask(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const text = (field: string) => String(data.get(field) ?? '').trim();
    const included = this.#usage?.assetTypes as AssetType[] | undefined;
    // Without an idea there is no language to take it from but the page's.
    const told = this.isWhole ? text('language') : text('idea') || language === 'en' ? '' : language;
    const wish: NewStory = {
      character_ids: this.heroes.ids,
      story_type: this.#type,
      themes: this.isWhole ? [...this.#themes] : ['courage'],
      ...(text('idea') && { idea: text('idea') }),
      ...(told && { language: told }),
      ...(text('style') && { style: text('style') }),
      ...(text('age') && { readerAge: Number(text('age')) }),
      ...(this.#voice && included?.includes('audio') && { voiceId: this.#voice }),
    };
    this.#isBusy = true;
    this.#refusal = null;
    this.redraw();
    try {
      const { id } = await client.createStory(wish);
      location.assign(`story.html?id=${id}`);
    } catch (error) {
      this.#isBusy = false;
      if (error instanceof ApiError && error.status === 401) return askToSignIn();
      if (error instanceof ApiError && error.code === 'QUOTA_EXCEEDED') {
        this.#usage = await client.usage().catch(() => this.#usage);
        this.#plans = await plans().catch(() => null);
      }
      this.#refusal = explain(error);
      this.redraw();
    }
  }
}
