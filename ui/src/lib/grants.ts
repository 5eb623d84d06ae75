// What is granted to other organisations (docs/HTTP.md), and which tags a pattern means.
import type { Organisation, Tag } from './api';
import type { Key } from './words.svelte';

export interface Grant {
  id: string;
  state: 'active' | 'waiting' | 'ended' | 'revoked';
  organisation: Organisation;
  tags: string[];
  tag_count: number;
  purpose: string;
  hide_names: boolean;
  step_s: number;
  from: string;
  until: string;
  given_by: string;
  created: string;
  revoked: string | null;
  revoked_by: string | null;
}

export const STATE_WORDS: Record<Grant['state'], Key> = {
  active: 'grant.active',
  waiting: 'grant.waiting',
  ended: 'grant.ended',
  revoked: 'grant.revoked',
};

export const STEPS: { step: number; words: Key }[] = [
  { step: 0, words: 'grant.every_value' },
  { step: 10, words: 'grant.of_10s' },
  { step: 60, words: 'grant.of_1m' },
  { step: 600, words: 'grant.of_10m' },
  { step: 3600, words: 'grant.of_1h' },
  { step: 86400, words: 'grant.of_1d' },
];
export const stepWords = (step: number): Key => STEPS.find((one) => one.step === step)?.words ?? 'grant.every_value';

export const stands = (one: Grant): boolean => one.state === 'active' || one.state === 'waiting';

/** As the program fits them: * stands for any letters. */
export function fitting(tags: Tag[], patterns: string[]): Tag[] {
  const tests = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]-]/g, '\\$&')).join('.*')}$`, 's'));
  return tags.filter((tag) => tests.some((test) => test.test(tag.name)));
}

export const patternsOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((one) => one !== ''))];
