// Numbers, times and amounts as people read them: the fewest digits that are true, the unit apart,
// an em dash for nothing (never 0), the plant's zone, 24 hours.
import type { RawValue, Tag } from './api';
import { lang, t, type Key } from './words.svelte';

export const NOTHING = '\u2014';

const grouped = new Map<number, Intl.NumberFormat>();

export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? NOTHING : value > 0 ? '\u221e' : '\u2212\u221e';
  }
  let format = grouped.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    grouped.set(decimals, format);
  }
  const text = format.format(value);
  return text.startsWith('-') ? (Number(text.slice(1).replace(/,/g, '')) === 0 ? text.slice(1) : '\u2212' + text.slice(1)) : text;
}

/** Decimals a size of number deserves: about four significant figures. */
export function decimalsFor(size: number): number {
  const magnitude = Math.abs(size);
  return magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 1 ? 2 : 3;
}

/** Decimals of a tag, the same for every value of it, so that digits do not jump. */
export function decimalsOf(tag: Tag): number {
  if (tag.type === 'i64' || tag.type === 'bool') {
    return 0;
  }
  if (tag.scale > 0 && tag.scale < 1) {
    // A meter reading to the watt-hour is not read by anyone: totals get one digit.
    const most = tag.kind === 'counter' ? 1 : 3;
    return Math.min(most, Math.ceil(-Math.log10(tag.scale) - 1e-9));
  }
  if (tag.min !== null && tag.max !== null && tag.max > tag.min) {
    const range = tag.max - tag.min;
    return range >= 1000 ? 0 : range >= 20 ? 1 : range >= 2 ? 2 : 3;
  }
  return -1;
}

export function numberText(tag: Tag, value: number): string {
  const decimals = decimalsOf(tag);
  return fixed(value, decimals >= 0 ? decimals : decimalsFor(value));
}

export const STATE_WORDS: Record<number, Key> = {
  0: 'state.off',
  1: 'state.run',
  2: 'state.idle',
  3: 'state.stop',
  4: 'state.alarm',
};

export function isMachineState(tag: Tag): boolean {
  return tag.kind === 'state' && tag.type === 'i64' && tag.name.endsWith('.state');
}

export function valueText(tag: Tag, value: RawValue): string {
  if (value === null) {
    return NOTHING;
  }
  if (typeof value === 'boolean') {
    return t(value ? 'value.yes' : 'value.no');
  }
  if (tag.type === 'text') {
    return String(value).trimEnd() || NOTHING;
  }
  const number = Number(value);
  if (isMachineState(tag)) {
    const word = STATE_WORDS[number];
    return word ? t(word) : String(value);
  }
  if (tag.type === 'i64') {
    return typeof value === 'string' ? value.replace(/\B(?=(\d{3})+$)/g, ',') : fixed(number, 0);
  }
  return numberText(tag, number);
}

/** 12,345 as it stands; from ten thousand on in the language's own large units. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) {
    return NOTHING;
  }
  if (value < 10_000) {
    return fixed(Math.round(value), 0);
  }
  const ko = lang() === 'ko';
  const [unit, word]: [number, Key] = ko
    ? value >= 1e8
      ? [1e8, 'number.large']
      : [1e4, 'number.middle']
    : value >= 1e9
      ? [1e9, 'number.large']
      : value >= 1e6
        ? [1e6, 'number.middle']
        : [1e3, 'number.small'];
  const part = value / unit;
  return t(word, { n: fixed(part, part >= 100 ? 0 : 1) });
}

export function rateText(value: number): string {
  return Number.isFinite(value) ? (value >= 10_000 ? amount(value) : fixed(value, value >= 100 || value === 0 ? 0 : 1)) : NOTHING;
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

export function bytesText(bytes: number): string {
  if (!Number.isFinite(bytes)) {
    return NOTHING;
  }
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${fixed(value, unit === 0 || value >= 100 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

/** A length of time in its two largest units. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) {
    return NOTHING;
  }
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) {
    return t('time.seconds', { s });
  }
  if (s < 3600) {
    const m = Math.floor(s / 60);
    return s < 600 && s % 60 > 0 ? t('time.minutes_seconds', { m, s: s % 60 }) : t('time.minutes', { m });
  }
  if (s < 86_400) {
    const [h, m] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
    return m === 0 ? t('time.hours', { h }) : t('time.hours_minutes', { h, m });
  }
  return t('time.days_hours', { d: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}

export function agoText(ms: number): string {
  return Number.isFinite(ms) ? t('time.ago', { age: durationText(ms) }) : NOTHING;
}

export function millisText(us: number | null): string {
  if (us === null || !Number.isFinite(us) || us <= 0) {
    return NOTHING;
  }
  const ms = us / 1000;
  return `${fixed(ms, ms >= 100 ? 0 : ms >= 10 ? 1 : 2)} ms`;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clock(zone: string, full: boolean): Intl.DateTimeFormat {
  const key = `${zone} ${full}`;
  let format = clocks.get(key);
  if (!format) {
    const base: Intl.DateTimeFormatOptions = {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    };
    format = new Intl.DateTimeFormat('sv-SE', full ? { ...base, year: 'numeric', month: '2-digit', day: '2-digit' } : base);
    clocks.set(key, format);
  }
  return format;
}

export function clockText(ms: number, zone: string): string {
  return Number.isFinite(ms) ? clock(zone, false).format(ms) : NOTHING;
}

export function fullTimeText(ms: number, zone: string): string {
  return Number.isFinite(ms) ? clock(zone, true).format(ms) : NOTHING;
}
