// What this person opened by the search lately, newest first. It stays in this browser, for this account
// alone: another account finds nothing of it.
import type { Hit } from './finding';
import { via } from './via';

const STORED = 'maru.recent';
const KEPT = 6;

interface Kept {
  login: string;
  hits: Hit[];
}

export function recentOf(login: string): Hit[] {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED) ?? 'null') as Kept | null;
    return kept?.login === login && Array.isArray(kept.hits) ? kept.hits.filter((one) => typeof one.to === 'string' && typeof one.title === 'string').slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

export function remember(login: string, { to, icon, title, note }: Hit): void {
  if (via) {
    return; // Of a factory that is helped nothing stays here.
  }
  const hits = [{ to, icon, title, note }, ...recentOf(login).filter((one) => one.to !== to)].slice(0, KEPT);
  localStorage.setItem(STORED, JSON.stringify({ login, hits }));
}

export const isFound = (hits: Hit[], to: string): boolean => hits.some((one) => one.to === to);
