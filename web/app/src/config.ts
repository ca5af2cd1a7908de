// Where this page's API and project are: said by the page itself, so that the same files serve every environment.

export interface Config {
  apiUrl: string;
  supabaseUrl: string;
  anonKey: string;
  /** The local stack's demo user, signed in by one click. */
  demo?: { email: string; password: string };
}

function read(): Config {
  const said = document.querySelector<HTMLMetaElement>('meta[name="storytailor"]')?.content ?? '';
  try {
    return JSON.parse(said) as Config;
  } catch {
    throw new Error('This page was deployed without its addresses: see the runbook, "The page".');
  }
}

export const config: Config = read();
