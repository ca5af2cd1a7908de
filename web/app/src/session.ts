// Who is signed in. A page need not wait for auth-js: it is loaded when somebody signs in, and when a token is about to end.
import type { AuthClient } from '@supabase/auth-js';
import { config } from './config.js';
import { isFresh, STORAGE_KEY, stored } from './stored.js';

export const isSignedIn = (): boolean => stored() !== null;
export const userId = (): string => stored()?.user?.id ?? '';
export const userEmail = (): string => stored()?.user?.email ?? '';

type Auth = InstanceType<typeof AuthClient>;
let loading: Promise<Auth> | null = null;

function auth(): Promise<Auth> {
  loading ??= import('@supabase/auth-js').then(
    ({ AuthClient }) =>
      new AuthClient({
        url: `${config.supabaseUrl}/auth/v1`,
        headers: { apikey: config.anonKey },
        storageKey: STORAGE_KEY,
        autoRefreshToken: true,
        persistSession: true,
        detectSessionInUrl: true,
      }),
  );
  return loading;
}

/** A token that is still good, or null for nobody. */
export async function accessToken(): Promise<string | null> {
  const session = stored();
  if (!session || isFresh(session)) return session?.access_token ?? null;
  // Without a line it cannot be renewed, and the old one is refused like none: the caller says so.
  await (await auth()).getSession().catch(() => null);
  return stored()?.access_token ?? null;
}

/** Takes up a session that a mailed link brought in the address; answers why it could not. */
export async function arrive(): Promise<string | null> {
  const brought = new URLSearchParams(location.hash.slice(1));
  const refused = brought.get('error_description');
  if (brought.has('access_token')) await (await auth()).initialize();
  if (refused || brought.has('access_token')) history.replaceState(null, '', location.pathname + location.search);
  return refused;
}

export type SignInProblem = { code: string; message: string };

const problem = (error: { code?: string; message: string } | null): SignInProblem | null =>
  error && { code: error.code ?? 'unknown', message: error.message };

export async function signInWithPassword(email: string, password: string): Promise<SignInProblem | null> {
  return problem((await (await auth()).signInWithPassword({ email, password })).error);
}

export async function signUp(email: string, password: string): Promise<SignInProblem | 'confirm' | null> {
  const { data, error } = await (await auth()).signUp({ email, password });
  return problem(error) ?? (data.session ? null : 'confirm');
}

/** Sends a link that brings its reader back here, signed in. */
export async function mailLink(email: string): Promise<SignInProblem | null> {
  const emailRedirectTo = location.href.split('#')[0]!;
  return problem((await (await auth()).signInWithOtp({ email, options: { emailRedirectTo } })).error);
}

/** Ends the session here, and forgets what this device kept of it. */
export async function signOut(): Promise<void> {
  await (await auth()).signOut({ scope: 'local' }).catch(() => null);
  localStorage.removeItem(STORAGE_KEY);
  if ('caches' in globalThis) await caches.delete('books').catch(() => false);
}

/** Another tab signed in or out. */
export function onOtherTab(changed: () => void): void {
  addEventListener('storage', ({ key, oldValue, newValue }) => {
    if (key === STORAGE_KEY && !oldValue !== !newValue) changed();
  });
}
