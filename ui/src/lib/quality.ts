// The status of a value is an OPC UA StatusCode (IEC 62541-4 clause 7.39): its two top bits are the
// quality, the known codes have words of their own.
import { t, type Key } from './words.svelte';

export type Quality = 'good' | 'uncertain' | 'bad';

const WORDS: Record<number, Key> = {
  0x00000000: 'status.good',
  0x00300000: 'status.clamped',
  0x40000000: 'status.uncertain',
  0x40900000: 'status.last_usable',
  0x40930000: 'status.sensor_limit',
  0x40940000: 'status.range',
  0x80000000: 'status.bad',
  0x80050000: 'status.communication',
  0x800a0000: 'status.timeout',
  0x808b0000: 'status.device_failure',
  0x808c0000: 'status.sensor_failure',
  0x803c0000: 'status.out_of_type',
  0x80380000: 'status.encoding',
  0x808a0000: 'status.not_connected',
  0x80890000: 'status.configuration',
  0x80740000: 'status.type_mismatch',
  0x809b0000: 'status.no_data',
};
const GENERAL: Record<Quality, Key> = { good: 'status.good', uncertain: 'status.uncertain', bad: 'status.bad' };
const NO_LINK = new Set([0x80050000, 0x800a0000, 0x808a0000]);

export function qualityOf(status: number): Quality {
  const top = status >>> 30;
  return top === 0 ? 'good' : top === 1 ? 'uncertain' : 'bad';
}

/** The low sixteen bits carry flags that change no word. */
export function statusText(status: number): string {
  return t(WORDS[((status >>> 16) << 16) >>> 0] ?? GENERAL[qualityOf(status)]);
}

export function meansNoLink(status: number): boolean {
  return NO_LINK.has(((status >>> 16) << 16) >>> 0);
}
