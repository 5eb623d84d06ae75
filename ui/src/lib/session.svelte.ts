// Who is here, and which plant is looked at.
import { del, get, post, Problem, type Plant, type SessionAnswer, type User } from './api';
import { params } from './route.svelte';
import { leave, via } from './via';

interface Session {
  loaded: boolean;
  failed: Problem | null;
  user: User | null;
  plants: Plant[];
  setupNeeded: boolean;
  demo: boolean;
  version: string;
}

export const session = $state<Session>({
  loaded: false,
  failed: null,
  user: null,
  plants: [],
  setupNeeded: false,
  demo: false,
  version: '',
});

// Counts what changed who is here: an answer to a question asked before that says nothing any more.
let turn = 0;

function take(answer: SessionAnswer): void {
  turn++;
  session.user = answer.user;
  session.plants = answer.plants ?? [];
  session.setupNeeded = answer.setup_needed;
  session.demo = answer.demo;
  session.version = answer.version;
  session.failed = null;
  session.loaded = true;
}

/** While a factory is helped there is its one plant, and nobody looks after people there. */
async function whoIsHere(): Promise<SessionAnswer> {
  const answer = await get<SessionAnswer>('/session');
  if (!via) {
    return answer;
  }
  if (!answer.user) {
    leave();
    return answer;
  }
  const plants = await get<{ items: Plant[] }>('/plants');
  return { ...answer, user: { ...answer.user, admin: false }, plants: plants.items };
}

export async function loadSession(): Promise<void> {
  const asked = turn;
  try {
    const answer = await whoIsHere();
    if (asked === turn) {
      take(answer);
    }
  } catch (error) {
    if (asked === turn) {
      session.failed = error as Problem;
    }
  }
}

/** `code` only when the answer asked for a second factor: older programs refuse members they do not know. */
export async function signIn(login: string, password: string, code = ''): Promise<void> {
  take(await post<SessionAnswer>('/session', code === '' ? { login, password } : { login, password, code }));
}

export async function spendLink(secret: string): Promise<void> {
  take(await post<SessionAnswer>('/session/link', { secret }));
}

export async function setUp(secret: string, login: string, password: string, display: string): Promise<void> {
  take(await post<SessionAnswer>('/setup', { secret, login, password, display }));
}

export async function acceptInvitation(secret: string, login: string, display: string, password: string): Promise<void> {
  take(await post<SessionAnswer>('/invitation', { secret, login, display, password }));
}

/** Gives the access that an invitation promises to whoever is signed in. */
export async function joinPlant(secret: string): Promise<void> {
  take(await post<SessionAnswer>('/invitation', { secret }));
}

/** Sets a new password by a link that somebody with the right to do so handed over; `code` as at sign-in. */
export async function spendReset(secret: string, password: string, code = ''): Promise<void> {
  take(await post<SessionAnswer>('/reset', code === '' ? { secret, password } : { secret, password, code }));
}

export async function signOut(): Promise<void> {
  await del('/session');
  turn++;
  session.user = null;
  // The worker forgets by itself; where it does not run any more, what it kept goes here.
  await globalThis.caches?.delete('maru-answers-1').catch(() => false);
}

export function plant(): Plant | null {
  const asked = params().get('plant');
  return session.plants.find((p) => p.id === asked) ?? session.plants[0] ?? null;
}
