// The way in: the demo user by one click where there is one, a password, or a link by mail.
import { html, nothing, type TemplateResult } from 'lit-html';
import { config } from './config.js';
import { mailLink, signInWithPassword, signUp, type SignInProblem } from './session.js';
import { has, t } from './words.js';

let said: string | null = null;
let isBad = false;
let isBusy = false;

/** `notice` is why the reader has to sign in here, if there is a reason. */
export function signInPanel(notice: string | null, redraw: () => void): TemplateResult {
  async function enter(way: () => Promise<SignInProblem | 'confirm' | 'mailed' | null>): Promise<void> {
    isBusy = true;
    redraw();
    const outcome = await way().catch((): SignInProblem => ({ code: 'offline', message: '' }));
    isBusy = false;
    if (outcome === null) return location.reload();
    isBad = typeof outcome === 'object';
    const key = `sign-in.${typeof outcome === 'object' ? outcome.code : outcome}`;
    said = has(key) ? t(key) : typeof outcome === 'object' ? outcome.message : key;
    redraw();
  }
  const field = (event: Event, name: string): string =>
    String(new FormData((event.target as HTMLElement).closest('form')!).get(name) ?? '').trim();
  const password = (event: SubmitEvent) => {
    event.preventDefault();
    const [email, secret] = [field(event, 'email'), field(event, 'password')];
    const isNew = (event.submitter as HTMLButtonElement | null)?.value === 'new';
    void enter(() => (isNew ? signUp(email, secret) : signInWithPassword(email, secret)));
  };
  const link = (event: Event) => {
    const form = (event.target as HTMLElement).closest('form')!;
    const email = form.querySelector<HTMLInputElement>('[name=email]')!;
    if (email.reportValidity()) void enter(async () => (await mailLink(email.value.trim())) ?? 'mailed');
  };
  const { demo } = config;
  return html`<section class="welcome">
    <div class="welcome-picture" aria-hidden="true">${scenery()}</div>
    <div class="welcome-words">
      <h1>${t('welcome.title')}</h1>
      <p class="lead">${t('welcome.lead')}</p>
      ${notice ? html`<p class="note" role="status">${notice}</p>` : nothing}
      ${demo
        ? html`<button class="big" data-action="demo-sign-in" ?disabled=${isBusy}
              @click=${() => enter(() => signInWithPassword(demo.email, demo.password))}>${t('sign-in.demo')}</button>
            <p class="or"><span>${t('sign-in.or')}</span></p>`
        : nothing}
      <form class="sign-in" @submit=${password}>
        <label>${t('sign-in.email')}<input name="email" type="email" autocomplete="email" required></label>
        <label>${t('sign-in.password')}<input name="password" type="password" autocomplete="current-password" minlength="6" required></label>
        <p class="said ${isBad ? 'is-bad' : ''}" role="status">${said ?? ''}</p>
        <div class="row">
          <button data-action="sign-in" ?disabled=${isBusy}>${t('sign-in.enter')}</button>
          <button class="quiet" value="new" data-action="sign-up" ?disabled=${isBusy}>${t('sign-in.new')}</button>
          <button class="quiet" type="button" data-action="mail-link" ?disabled=${isBusy} @click=${link}>${t('sign-in.link')}</button>
        </div>
      </form>
    </div>
  </section>`;
}

function scenery(): TemplateResult {
  return html`<svg viewBox="0 0 400 400" preserveAspectRatio="xMidYMid slice">
    <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop class="sky-top" offset="0" /><stop class="sky-middle" offset=".62" /><stop class="sky-low" offset="1" />
    </linearGradient></defs>
    <path fill="url(#sky)" d="M0 0h400v400H0z" />
    <g class="stars"><circle cx="60" cy="52" r="2" /><circle cx="120" cy="96" r="1.500" /><circle cx="190" cy="40" r="2" /><circle cx="330" cy="112" r="2" /><circle cx="262" cy="70" r="1.500" /><circle cx="356" cy="44" r="1.500" /><circle cx="38" cy="140" r="1.500" /></g>
    <path class="star" d="M286 118l7 16.700 18 1.400-13.700 11.800 4.200 17.600L286 156l-15.500 9.500 4.200-17.600L261 136.100l18-1.400z" />
    <path class="hill-far" d="M0 268c60-46 120-52 186-22s126 20 214-26v180H0z" />
    <path class="hill-near" d="M0 322c70-34 148-36 222-10s118 22 178-6v94H0z" />
    <g class="house"><path d="M70 300v-34l26-20 26 20v34z" /><path class="roof" d="M64 270l32-26 32 26" /><path class="window" d="M86 274h20v16H86z" /></g>
    <g class="book"><path class="cover" d="M150 346c34-14 70-12 96 4 26-16 62-18 96-4v-70c-34-14-70-12-96 4-26-16-62-18-96-4z" />
      <path class="leaf" d="M158 338c30-12 62-10 88 4 26-14 58-16 88-4v-66c-30-12-62-10-88 4-26-14-58-16-88-4z" />
      <path class="fold" d="M246 276v66" /><path class="lines" d="M174 290c18-6 38-6 56 0M174 304c18-6 38-6 56 0M174 318c18-6 38-6 56 0M262 290c18-6 38-6 56 0M262 304c18-6 38-6 56 0M262 318c18-6 38-6 56 0" /></g>
    <path class="trail" d="M250 268c4-40 16-68 32-98" />
  </svg>`;
}
