// Remote support: visits of a factory, cases of a supplier's desk.
import type { Key } from './words.svelte';

export interface Now {
  id: string;
  organisation: string;
  name: string;
  desk: string;
  role: string;
  until: string;
  connected: boolean;
  trouble: string | null;
  reads: number;
  changes: number;
  refused: number;
}
export interface Visit {
  id: string;
  organisation: string;
  name: string;
  note: string;
  desk: string;
  role: string;
  approved_by: string;
  begun: string;
  until: string;
  ended: string | null;
  ended_by: string | null;
  reads: number;
  changes: number;
  refused: number;
}
export interface Support {
  now: Now | null;
  items: Visit[];
}
export interface Offer {
  organisation: string;
  name: string;
  factory: string;
  note: string;
  desk: string;
  authority_sha256: string | null;
  until: string;
}
export interface Case {
  id: string;
  factory: string;
  note: string;
  name: string;
  organisation: string;
  mine: boolean;
  state: 'waiting' | 'expired' | 'approved' | 'ended';
  connected: boolean;
  plant_display: string | null;
  role: string | null;
  created: string;
  code_until: string;
  since: string | null;
  until: string | null;
  ended: string | null;
  ended_by: string | null;
}

export const MINUTES = [15, 30, 60, 120, 240, 480];
export const ENDED_WORDS: Record<string, Key> = {
  owner: 'support.ended_owner',
  factory: 'support.ended_factory',
  desk: 'support.ended_desk',
  time: 'support.ended_time',
  restart: 'support.ended_restart',
};
/** "Kim (Hanbit Automation)" */
export const whoText = (one: { name: string; organisation: string }): string => (one.organisation === '' ? one.name : `${one.name} (${one.organisation})`);
