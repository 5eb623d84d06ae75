// Why machines stop and pieces are bad: reasons of the master data, a tree by the one above. They are kept in
// this browser, so that a terminal has them without the server.
import { get, plantPath, query, type Items } from './api';

export type ReasonKind = 'stop' | 'defect';
export interface Reason {
  code: string;
  kind: ReasonKind;
  name: string;
  parent: string | null; // Absent or empty: none.
}

const PREFIX = 'maru.reasons.';
const MOST = '1000';

function kept(plant: string): Reason[] {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + plant) ?? '[]') as Reason[];
  } catch {
    return [];
  }
}
/** All that are in use; those of the last time where the server does not say. */
export async function allReasons(plant: string): Promise<Reason[]> {
  try {
    const { items } = await get<Items<{ fields: Reason }>>(plantPath(plant, `master/reasons?${query({ active: '1', limit: MOST })}`));
    const all = items.map(({ fields: { code, kind, name, parent } }) => ({ code, kind, name, parent: parent ?? '' }));
    localStorage.setItem(PREFIX + plant, JSON.stringify(all));
    return all;
  } catch {
    return kept(plant);
  }
}

/** Those below a code; below '' those that have nothing above them in the list. */
export function below(all: Reason[], code: string): Reason[] {
  return all.filter((one) => (code === '' ? !one.parent || !all.some((other) => other.code === one.parent) : one.parent === code));
}
