// Tables in and out: shapes of the answers, and what of a file is looked at before it is sent.
import { plantPath, query } from './api';
import type { Noun } from './master';
import { t, type Key } from './words.svelte';

export const KINDS = ['samples', 'tags', 'devices', 'equipment', 'corrections'] as const;
export type Kind = (typeof KINDS)[number];
export const KIND_WORDS: Record<Kind | 'wide', Key> = {
  samples: 'kind.samples',
  wide: 'kind.wide',
  tags: 'kind.tags',
  devices: 'kind.devices',
  equipment: 'kind.equipment',
  corrections: 'kind.corrections',
};
/** What a table holds, in words; of master data as the program calls it, where that is known. */
export function kindWords(kind: string, nouns: Noun[] = []): string {
  const known: Partial<Record<string, Key>> = KIND_WORDS;
  return known[kind] ? t(known[kind]) : (nouns.find((one) => one.name === kind)?.words ?? t('kind.master'));
}
export const ENCODINGS = ['utf-8', 'utf-8-bom', 'cp949', 'utf-16le', 'utf-16be'] as const;
export const ENCODING_NAMES: Record<string, string> = {
  auto: 'ASCII', // Nothing but ASCII: every encoding reads it the same.
  'utf-8': 'UTF-8',
  'utf-8-bom': 'UTF-8 BOM',
  cp949: 'CP949',
  'utf-16le': 'UTF-16 LE',
  'utf-16be': 'UTF-16 BE',
};
export const SEPARATORS = ['comma', 'semicolon', 'tab'] as const;
export const SEPARATOR_WORDS: Record<string, Key> = {
  comma: 'separator.comma',
  semicolon: 'separator.semicolon',
  tab: 'separator.tab',
  ',': 'separator.comma',
  ';': 'separator.semicolon',
  '\t': 'separator.tab',
};

export interface Fault {
  line: number;
  detail: string;
  /** Header of the column at fault; of the row where there is none. */
  column?: string | null;
}

export interface Preview {
  format: string;
  packing: string;
  encoding: string;
  encoding_percent: number;
  separator: string;
  sheet: string;
  sheets: number;
  has_header: boolean;
  as: string;
  checked_rows: number;
  rejected: number;
  rows: { line: number; fields: string[] }[];
  faults: Fault[];
}

export interface Job {
  id: string;
  state: 'receiving' | 'running' | 'done' | 'failed' | 'cancelled';
  as: string;
  dry_run: boolean;
  partial: boolean;
  begin: string;
  end: string | null;
  received_bytes: number;
  progress_rows: number;
  progress_bytes: number;
  total_bytes: number;
  rows: number;
  values: number;
  stored: number;
  omitted: number;
  rejected: number;
  created_tags: number;
  refused: boolean;
  detail: string | null;
}

/** How a file is to be read; an empty text leaves it to the program. */
export interface Reading {
  as: string;
  encoding: string;
  separator: string;
  sheet: string;
}

export function readingQuery(reading: Reading): Record<string, string> {
  return Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== ''));
}

const LOOK_BYTES = 4 << 20;
const WHOLE_MAX_BYTES = 60 << 20;
const NEW_LINE = 0x0a;

/** The beginning of a file for a preview, cut behind a line; all of it where parts say nothing (packed
 * files, workbooks); null when that is more than one request takes. */
export async function headOf(file: File): Promise<Blob | null> {
  if (file.size <= LOOK_BYTES) {
    return file;
  }
  const first = new Uint8Array(await file.slice(0, 6).arrayBuffer());
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => first[i] === byte);
  // PK (a workbook), gzip, xz, zstd.
  if (starts(0x50, 0x4b) || starts(0x1f, 0x8b) || starts(0xfd, 0x37, 0x7a) || starts(0x28, 0xb5, 0x2f, 0xfd)) {
    return file.size <= WHOLE_MAX_BYTES ? file : null;
  }
  const head = new Uint8Array(await file.slice(0, LOOK_BYTES).arrayBuffer());
  let end = head.lastIndexOf(NEW_LINE) + 1;
  if (end > 0 && head[end] === 0) {
    end++; // Little-endian UTF-16: the line's end has two bytes.
  }
  return file.slice(0, end > 0 ? end : LOOK_BYTES);
}

export function jobPath(plant: string, job: string, rest = ''): string {
  return plantPath(plant, `import/${encodeURIComponent(job)}${rest}`);
}

export function importPath(plant: string, params: Record<string, string | number>): string {
  return plantPath(plant, `import?${query(params)}`);
}

/** How far a job is, 0 to 1; null where nobody can say. */
export function shareOf(job: Job): number | null {
  return job.total_bytes > 0 ? Math.min(1, job.progress_bytes / job.total_bytes) : null;
}

/** The first rows of `line,reason` as the program writes them (RFC 4180). */
export function faultsOf(csv: string, most: number): Fault[] {
  const out: Fault[] = [];
  const row = /(\d+),(?:"((?:[^"]|"")*)"|([^\r\n]*))\r?\n/y;
  row.lastIndex = csv.indexOf('\n') + 1;
  for (let hit = row.exec(csv); hit !== null && out.length < most; hit = row.exec(csv)) {
    out.push({ line: Number(hit[1]), detail: hit[2] === undefined ? (hit[3] ?? '') : hit[2].replace(/""/g, '"') });
  }
  return out;
}
