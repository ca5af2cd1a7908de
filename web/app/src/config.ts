// Where this page's API and project are: said by the page itself, so that the same files serve every environment.
import './begun.js';

export interface Config {
  apiUrl: string;
  supabaseUrl: string;
  anonKey: string;
  /** The local stack's demo user, signed in by one click. */
  demo?: { email: string; password: string };
}

export const config: Config = begun.config;
