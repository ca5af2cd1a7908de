// Drives the unmodified supabase-js: who sees a new story, and what it takes to stay subscribed.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { WebSocket } from "ws";

const { SUPABASE_URL: url, SUPABASE_KEY: key, INSERT_STORY_URL: insertUrl } = process.env;
const PATIENCE_MS = 10_000;

const client = (auth = { persistSession: false }) =>
  createClient(url, key, { auth, realtime: { transport: WebSocket } });

const insertStory = async (owner) => (await fetch(insertUrl, { method: "POST", body: owner })).text();

// A list that can be awaited: `seen(test)` resolves with the first entry that passes.
function record() {
  const entries = [];
  const waiting = new Set();
  const add = (entry) => {
    entries.push(entry);
    for (const check of waiting) check();
  };
  const seen = (test, what) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${what} never came: ${JSON.stringify(entries)}`)), PATIENCE_MS);
      const check = () => {
        const found = entries.find(test);
        if (!found) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  return { entries, add, seen };
}

async function follow(supabase, name) {
  const changes = record();
  const systems = record();
  const channel = supabase
    .channel(name)
    .on("postgres_changes", { event: "*", schema: "public", table: "stories" }, changes.add)
    .on("system", {}, systems.add);
  const statuses = record();
  channel.subscribe((status, error) => statuses.add({ status, error: error?.message }));
  await statuses.seen((entry) => entry.status === "SUBSCRIBED", `${name}: SUBSCRIBED`);
  await systems.seen((entry) => entry.status === "ok", `${name}: system ok`);
  return { channel, changes, systems, statuses };
}

async function signUp(email) {
  const supabase = client();
  const { data, error } = await supabase.auth.signUp({ email, password: "secret-enough" });
  assert.equal(error, null);
  return { supabase, user: data.user, session: data.session };
}

const ada = await signUp("ada@example.com");
const bob = await signUp("bob@example.com");
const nobody = { supabase: client() };

// 1. The owner sees the row; a signed-in stranger and an anonymous client do not.
const adas = await follow(ada.supabase, "ada");
const bobs = await follow(bob.supabase, "bob");
const anons = await follow(nobody.supabase, "anon");
const first = await insertStory(ada.user.id);
const change = await adas.changes.seen((entry) => entry.new.id === first, "the owner's change");
assert.equal(change.eventType, "INSERT");
assert.deepEqual(change.new.status, {});
assert.equal(change.new.title, "Ada's");
assert.deepEqual(change.old, {});
assert.equal(change.errors, null);
// Bob's own story, made later, is his marker: what came before it is all there is.
const bobsStory = await insertStory(bob.user.id);
await bobs.changes.seen((entry) => entry.new.id === bobsStory, "the stranger's own change");
assert.deepEqual(bobs.changes.entries.map((entry) => entry.new.id), [bobsStory]);
assert.deepEqual(anons.changes.entries, []);
assert.deepEqual(adas.changes.entries.map((entry) => entry.new.id), [first]);
console.log("owner sees, stranger and anon do not");

// 2. A refreshed token is pushed by the client, announced again, and changes keep flowing.
const announced = adas.systems.entries.length;
const { data: renewed, error: refreshError } = await ada.supabase.auth.refreshSession();
assert.equal(refreshError, null);
assert.notEqual(renewed.session.access_token, ada.session.access_token);
await adas.systems.seen((entry) => adas.systems.entries.indexOf(entry) >= announced && entry.status === "ok", "the second system ok");
const second = await insertStory(ada.user.id);
await adas.changes.seen((entry) => entry.new.id === second, "a change after the refresh");
console.log("a refresh keeps changes flowing");

// 3. A stored session and an immediate subscribe: anonymous, silently. setAuth() first: not so.
const { data: stored } = await ada.supabase.auth.getSession();
const slowStorage = () => {
  const values = new Map();
  const wait = () => new Promise((resolve) => setTimeout(resolve, 1));
  return {
    getItem: async (name) => {
      await wait();
      return values.get(name) ?? (name.endsWith("auth-token") ? JSON.stringify(stored.session) : null);
    },
    setItem: async (name, value) => void values.set(name, value),
    removeItem: async (name) => void values.delete(name),
  };
};
const trapped = await follow(client({ storage: slowStorage(), persistSession: true }), "trapped");
const careful = client({ storage: slowStorage(), persistSession: true });
await careful.realtime.setAuth();
const escaped = await follow(careful, "escaped");
const third = await insertStory(ada.user.id);
await escaped.changes.seen((entry) => entry.new.id === third, "the change with setAuth()");
await adas.changes.seen((entry) => entry.new.id === third, "the change of the settled channel");
assert.deepEqual(trapped.changes.entries, []);
assert.deepEqual(trapped.statuses.entries.map((entry) => entry.status), ["SUBSCRIBED"]);
console.log("the stored-session trap is reproduced, and setAuth() avoids it");

// 4. The rest of what an application touches.
const { data: claims } = await ada.supabase.auth.getClaims();
assert.equal(claims.claims.sub, ada.user.id);
const { data: shown } = await ada.supabase.auth.getUser();
assert.equal(shown.user.email, "ada@example.com");
const { error: wrongPassword } = await client().auth.signInWithPassword({ email: "ada@example.com", password: "wrong" });
assert.equal(wrongPassword.code, "invalid_credentials");
const { data: guest } = await client().auth.signInAnonymously();
assert.equal(guest.user.is_anonymous, true);

// 5. Leaving: closed, and nothing more.
assert.equal(await ada.supabase.removeChannel(adas.channel), "ok");
assert.equal(adas.statuses.entries.at(-1).status, "CLOSED");
const { error: signOutError } = await ada.supabase.auth.signOut();
assert.equal(signOutError, null);
console.log("claims, user, guests, leaving and signing out work");
process.exit(0);
