// Choosing heroes, and making one: who they are, how they look, what is special about them.
import { html, nothing, type TemplateResult } from 'lit-html';
import type { Character, NewCharacter, Trait, Voice } from '../../client/src/index.js';
import { plans, traits, voices, voiceWords } from './catalogue.js';
import { client } from './client.js';
import { attempt } from './page.js';
import { givePhoto, photoState, whenLookedAt } from './photo.js';
import { has, t } from './words.js';

/** Suggestions; any other words do as well. */
const KINDS = ['child', 'dragon', 'fox', 'rabbit', 'bear', 'cat', 'robot', 'mermaid', 'owl', 'unicorn'];
const LOOKS = ['hair', 'skin', 'eyes', 'clothes'];
const NATURES = ['shy', 'brave', 'curious', 'kind', 'funny', 'stubborn', 'dreamy', 'clever'];

/** The catalogue in groups that a parent looks for; what the API knows and this does not, comes last. */
const GROUPS: Record<string, readonly string[]> = {
  hair: ['afro_hair', 'braids', 'curly_hair', 'dreadlocks', 'long_hair', 'alopecia'],
  skin: ['dark_skin', 'medium_skin', 'light_skin', 'freckles', 'birthmark', 'vitiligo', 'albinism', 'burn_scars', 'cleft_lip_scar'],
  seeing: ['glasses', 'blind', 'eye_patch', 'heterochromia', 'hearing_aid', 'cochlear_implant', 'braces'],
  moving: ['wheelchair', 'walker', 'crutches', 'cane', 'leg_brace', 'prosthetic_leg', 'prosthetic_arm', 'limb_difference'],
  health: ['insulin_pump', 'feeding_tube', 'down_syndrome', 'autism', 'dwarfism', 'plus_size'],
  faith: ['hijab', 'kippah', 'turban'],
};

export const HEROES_MAX = 5;
export const kindOf = ({ species }: Character): string =>
  species && has(`kind.${species}`) ? t(`kind.${species}`) : (species ?? '');

export class Heroes {
  all: Character[] = [];
  chosen = new Set<string>();
  #traits: Trait[] = [];
  #voices: Voice[] = [];
  /** Whether the plan lets heroes speak for themselves; null until that is known. */
  #mayHaveVoice: boolean | null = null;
  #isMaking = false;
  #isInformed = false;

  constructor(
    private readonly redraw: () => void,
    /** The code of the plan of whoever makes heroes, once it is known. */
    private readonly plan: () => string | undefined,
  ) {}

  async load(): Promise<void> {
    this.all = (await client.characters()).characters;
    const first = this.all[0];
    if (first) this.chosen.add(first.id);
    this.#isMaking = !first;
    this.redraw();
  }

  /** The chosen ones; the one chosen first leads. */
  get ids(): string[] {
    return [...this.chosen];
  }

  /** What a hero can be given is read when the maker opens. */
  async #inform(): Promise<void> {
    if (this.#isInformed) return;
    this.#isInformed = true;
    const choice = async () => {
      // A voice of its own is an extra: what is away of it keeps nobody from a hero.
      const [told, known] = await Promise.all([voices(), plans()]).catch(() => [null, null]);
      this.#voices = told?.voices ?? [];
      this.#mayHaveVoice = known?.plans.find(({ code }) => code === this.plan())?.characterVoices ?? null;
    };
    await Promise.all([attempt(async () => (this.#traits = (await traits()).traits)), choice()]);
    this.redraw();
  }

  chooser(): TemplateResult {
    const pick = (id: string) => () => {
      if (!this.chosen.delete(id) && this.chosen.size < HEROES_MAX) this.chosen.add(id);
      this.redraw();
    };
    const lead = this.ids[0];
    return html`<div class="chips heroes" role="group" aria-label=${t('hero.choose')}>
      ${this.all.map(
        (hero) => html`<button type="button" class="chip hero" data-hero=${hero.id} aria-pressed=${this.chosen.has(hero.id)} @click=${pick(hero.id)}>
          <span class="face" aria-hidden="true">${[...hero.name][0]?.toUpperCase()}</span>
          <span>${hero.name}${hero.species ? html` <small>${kindOf(hero)}</small>` : nothing}</span>
          ${this.#photo(hero)}
          ${this.chosen.size > 1 && lead === hero.id ? html`<small class="lead-hero">${t('hero.leads')}</small>` : nothing}
        </button>`,
      )}
    </div>
    ${this.#isMaking && !this.all.length ? nothing : html`<div class="chips">
      <button type="button" class="chip add" data-action="new-hero" aria-expanded=${this.#isMaking} @click=${() => {
        this.#isMaking = !this.#isMaking;
        // What could not be read is asked for again with the next opening.
        this.#isInformed &&= this.#traits.length > 0 && this.#mayHaveVoice !== null;
        this.redraw();
      }}>${t('hero.new')}</button>
    </div>`}
    ${this.#isMaking ? this.maker() : nothing}`;
  }

  #photo(hero: Character): TemplateResult | typeof nothing {
    const state = photoState(hero);
    return state ? html`<small data-photo=${state}>${t(`photo.${state}`)}</small>` : nothing;
  }

  maker(): TemplateResult {
    void this.#inform();
    const save = (event: SubmitEvent) => {
      event.preventDefault();
      void this.#save(event.target as HTMLFormElement);
    };
    return html`<form class="hero-maker card" @submit=${save}>
      <h2>${t('hero.title')}</h2>
      <div class="fields">
        <label>${t('hero.name')}<input name="name" required maxlength="80" autocomplete="off"></label>
        <label>${t('hero.kind')}<input name="species" maxlength="120" list="kinds" autocomplete="off" placeholder=${t('hero.kind.hint')}></label>
        <datalist id="kinds">${KINDS.map((kind) => html`<option value=${t(`kind.${kind}`)}></option>`)}</datalist>
        <label>${t('hero.said')}<input name="pronunciation" maxlength="80" autocomplete="off" placeholder=${t('hero.said.hint')}></label>
        <label>${t('hero.photo')}<input name="photo" type="file" accept="image/png,image/jpeg,image/webp"></label>
        <label>${t('hero.age')}<input name="age" type="number" min="0" max="1000" inputmode="numeric"></label>
      </div>
      <details class="hero-more"><summary>${t('hero.more')}</summary><div class="hero-more-content">
      <fieldset><legend>${t('hero.looks')}</legend><div class="fields">
        ${LOOKS.map((look) => html`<label>${t(`look.${look}`)}<input name="look-${look}" maxlength="120" autocomplete="off" placeholder=${t(`look.${look}.hint`)}></label>`)}
      </div></fieldset>
      <fieldset><legend>${t('hero.nature')}</legend><div class="chips">
        ${NATURES.map((nature) => box('nature', nature, t(`nature.${nature}`)))}
      </div></fieldset>
      ${this.#voiceChoice()}
      <fieldset class="traits"><legend>${t('hero.traits')}</legend><p class="hint">${t('hero.traits.hint')}</p>
        ${Object.entries(this.#groups()).map(([group, codes]) => html`<details>
          <summary>${t(`traits.${group}`)}</summary>
          <div class="chips">${codes.map((code) => box('trait', code, has(`trait.${code}`) ? t(`trait.${code}`) : this.#describe(code)))}</div>
        </details>`)}
      </fieldset></div></details>
      <div class="row"><button data-action="save-hero">${t('hero.save')}</button></div>
    </form>`;
  }

  /** The narrator reads for everybody, unless the plan lets a hero speak. */
  #voiceChoice(): TemplateResult | typeof nothing {
    if (this.#mayHaveVoice === null || !this.#voices.length) return nothing;
    const isAway = !this.#mayHaveVoice;
    return html`<div class="hero-voice"><label>${t('hero.voice')}<select name="hero-voice" ?disabled=${isAway} aria-describedby="hero-voice">
        <option value="">${t('hero.voice.narrator')}</option>
        ${this.#voices.map((voice) => html`<option value=${voice.id}>${voiceWords(voice)}</option>`)}
      </select></label>
      <p class="hint" id="hero-voice">${isAway ? t('hero.voice.without') : t('hero.voice.hint')}</p></div>`;
  }

  async #give(hero: Character, photo: File): Promise<void> {
    const show = (newer: Character) => {
      this.all = this.all.map((known) => (known.id === newer.id ? newer : known));
      this.redraw();
    };
    const given = await givePhoto(hero, photo);
    show(given);
    await whenLookedAt(given, show);
  }

  #describe(code: string): string {
    return this.#traits.find((known) => known.code === code)?.description ?? code;
  }

  #groups(): Record<string, string[]> {
    const known = this.#traits.map(({ code }) => code as string);
    const grouped: Record<string, string[]> = {};
    for (const [group, codes] of Object.entries(GROUPS)) grouped[group] = codes.filter((code) => known.includes(code));
    const rest = known.filter((code) => !Object.values(GROUPS).flat().includes(code));
    return rest.length ? { ...grouped, other: rest } : grouped;
  }

  async #save(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '').trim();
    const looks = LOOKS.map((look) => [look, text(`look-${look}`)] as const).filter(([, words]) => words);
    const kind = text('species');
    // The stored kind is English where it is one of ours: it decides the drawing.
    const known = KINDS.find((candidate) => t(`kind.${candidate}`).toLowerCase() === kind.toLowerCase());
    const hero: NewCharacter = {
      name: text('name'),
      ...(kind && { species: known === 'child' ? 'human child' : (known ?? kind) }),
      ...(text('pronunciation') && { pronunciation: text('pronunciation') }),
      ...(text('age') && { age: Number(text('age')) }),
      ...(text('hero-voice') && { voiceId: text('hero-voice') }),
      traits: data.getAll('trait') as NewCharacter['traits'],
      appearance: Object.fromEntries(looks),
      personality: data.getAll('nature') as string[],
    };
    await attempt(async () => {
      const made = await client.createCharacter(hero);
      this.all = [made, ...this.all];
      const photo = data.get('photo');
      // The hero is there; a photo that does not arrive is told, and takes nothing away.
      if (photo instanceof File && photo.size) void attempt(() => this.#give(made, photo));
      this.chosen = new Set([made.id, ...this.ids].slice(0, HEROES_MAX));
      if (this.all.length > 1 && this.ids.length > 1) this.chosen = new Set([made.id]);
      this.#isMaking = false;
    });
    this.redraw();
  }
}

function box(name: string, value: string, words: string): TemplateResult {
  return html`<label class="chip box"><input type="checkbox" name=${name} value=${value}>${words}</label>`;
}
