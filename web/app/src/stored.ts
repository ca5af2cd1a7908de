// The session as auth-js keeps it, read without that library.

export const STORAGE_KEY = 'storytailor-session';
/** A token that ends sooner is not used any more; auth-js renews within its own 90 seconds. */
const MARGIN_MS = 60_000;

export interface StoredSession {
  access_token: string;
  expires_at: number;
  user?: { id?: string; email?: string };
}

export function stored(): StoredSession | null {
  try {
    const session = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null') as StoredSession | null;
    return session?.access_token ? session : null;
  } catch {
    return null;
  }
}

export const isFresh = (session: StoredSession): boolean => session.expires_at * 1000 - Date.now() > MARGIN_MS;
