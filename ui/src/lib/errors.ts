// A refusal as a sentence: the program's own words where it gave some, ours where no answer came.
import type { Problem } from './api';
import { t } from './words.svelte';

export function sentenceOf(problem: Problem): string {
  if (problem.status === 0) {
    return t('error.unreachable');
  }
  if (problem.status === 429) {
    return t('error.too_many', { s: Math.max(1, problem.retryAfterS) });
  }
  return problem.detail !== '' ? problem.detail : t('error.refused', { status: problem.status });
}

/** The technical line for the supplier. */
export function technicalOf(problem: Problem): string {
  return [problem.status || '', problem.code, problem.detail].filter((part) => part !== '').join(' \u00b7 ');
}
