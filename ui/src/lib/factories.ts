// The plants one has to do with, each in a line (docs/HTTP.md), and which of them comes first.
import type { Organisation, Role } from './api';
import type { Level } from './notices';
import { byText, nameOf } from './order';
import type { Key } from './words.svelte';

export interface Factory {
  id: string;
  display: string;
  role: Role;
  until: string | null;
  organisation: Organisation | null;
  /** null: only granted, and told by the newest value alone. */
  status: 'ok' | 'warning' | 'error' | null;
  errors: number | null;
  warnings: number | null;
  worst: string | null;
  devices: number | null;
  connected: number | null;
  silent: number | null;
  newest: string | null;
  newest_age_ms: number | null;
  rows_per_minute: number | null;
  disk_days: number | null;
}

const RANK = { error: 0, warning: 1, ok: 2 };
export const LEVELS: Partial<Record<string, { level: Level; words: Key }>> = {
  error: { level: 'p1', words: 'factories.errors' },
  warning: { level: 'p2', words: 'factories.warnings' },
};

/** Worst first; of equal ones the one with more wrong, then by name. What is only granted stands last. */
export function worstFirst(list: Factory[]): Factory[] {
  const rank = (one: Factory): number => (one.status === null ? 3 : RANK[one.status]);
  const more = (a: number | null, b: number | null): number => (b ?? 0) - (a ?? 0);
  return [...list].sort(
    (a, b) => rank(a) - rank(b) || more(a.errors, b.errors) || more(a.warnings, b.warnings) || more(a.silent, b.silent) || byText(nameOf(a), nameOf(b)),
  );
}

/** Where one goes from its line. */
export const entranceOf = (one: Factory): string => `${one.role === 'grantee' ? '/data/live' : '/floor'}?plant=${encodeURIComponent(one.id)}`;
