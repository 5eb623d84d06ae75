// The columns of the tables of tags and devices (src/plant/import_catalogue.c), in the order in which
// people work on them, and the words under which a pasted table may have them.
import type { Column } from './grid';
import { both, t, type Key } from './words.svelte';

export type Things = 'tags' | 'devices';

interface Plan {
  id: string;
  words: Key;
  width: number;
  kind?: Column['kind'];
  choices?: string[];
  fresh?: string;
}

const TAGS: Plan[] = [
  { id: 'tag', words: 'column.tag', width: 220 },
  { id: 'display', words: 'column.display', width: 160 },
  { id: 'device', words: 'column.device', width: 110, kind: 'choice' },
  { id: 'source', words: 'column.source', width: 190 },
  { id: 'type', words: 'column.type', width: 70, kind: 'choice', choices: ['f64', 'i64', 'bool', 'text'], fresh: 'f64' },
  { id: 'unit', words: 'column.unit', width: 80 },
  { id: 'kind', words: 'column.kind', width: 120, kind: 'choice', choices: ['measurement', 'counter', 'state', 'setpoint'], fresh: 'measurement' },
  { id: 'scale', words: 'column.scale', width: 80, kind: 'number', fresh: '1' },
  { id: 'offset', words: 'column.offset', width: 80, kind: 'number', fresh: '0' },
  { id: 'min', words: 'column.min', width: 80, kind: 'number' },
  { id: 'max', words: 'column.max', width: 80, kind: 'number' },
  { id: 'dead_band', words: 'column.dead_band', width: 90, kind: 'number' },
  { id: 'active', words: 'column.active', width: 64, kind: 'switch', fresh: 'true' },
  { id: 'refine', words: 'column.refine', width: 220 },
  { id: 'keep_raw', words: 'column.keep_raw', width: 84, kind: 'switch', fresh: 'false' },
  { id: 'max_silence_s', words: 'column.max_silence', width: 110, kind: 'number', fresh: '0' },
  { id: 'late_limit_s', words: 'column.late_limit', width: 110, kind: 'number', fresh: '0' },
  { id: 'retention_days', words: 'column.retention', width: 110, kind: 'number', fresh: '0' },
  { id: 'rollup_days', words: 'column.rollup', width: 110, kind: 'number', fresh: '0' },
];

const DEVICES: Plan[] = [
  { id: 'device', words: 'column.id', width: 160 },
  { id: 'display', words: 'column.display', width: 200 },
  { id: 'driver', words: 'column.driver', width: 120, kind: 'choice' },
  { id: 'address', words: 'column.address', width: 220 },
  { id: 'period_ms', words: 'column.period', width: 100, kind: 'number', fresh: '1000' },
  { id: 'options', words: 'column.options', width: 320 },
  { id: 'enabled', words: 'column.active', width: 64, kind: 'switch', fresh: 'true' },
];

/** `device`: of new tags. The lists are what may stand in a column of choices. */
export function columnsOf(things: Things, device: string, devices: string[], drivers: string[]): Column[] {
  return (things === 'tags' ? TAGS : DEVICES).map((plan) => ({
    id: plan.id,
    title: t(plan.words),
    names: [plan.id, ...both(plan.words)].map((name) => name.toLowerCase()),
    width: plan.width,
    kind: plan.kind ?? 'text',
    choices: plan.choices ?? (plan.kind === 'choice' ? (plan.id === 'device' ? devices : drivers) : []),
    fresh: plan.id === 'device' && things === 'tags' ? device : (plan.fresh ?? ''),
  }));
}
