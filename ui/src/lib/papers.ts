// Papers of a build: what the registers hold, and how their files come and go.
import { problemFrom, Problem, reach } from './api';
import { lang, type Key } from './words.svelte';

export type Row = { number: number; changed: string } & Record<string, string | number>;
export interface Field {
  name: string;
  words: Key;
  kind: 'text' | 'date' | 'choice' | 'asset' | 'hours' | 'file';
  needed?: boolean;
  /** In the list as well as in the form. */
  listed?: boolean;
  choices?: string[];
}
export interface Due {
  register: 'hardware' | 'security';
  number: number;
  name: string;
  what: 'contract_end' | 'warranty_end' | 'licence_end';
  date: string;
  days: number;
}
export interface Measure {
  from: string;
  to: string;
  tags: number;
  rows: number;
  expected: number;
  bad: number;
  late: number;
  gap_s: number;
  covered: number | null;
  lag_count: number;
  lag_p50_ms: number;
  lag_p99_ms: number;
  devices: { device: string | null; tags: number; rows: number; expected: number; bad: number; gap_s: number; covered: number | null; rtt_p50_ms: number | null; rtt_p99_ms: number | null }[];
}

/** Words of the choices. */
export const CHOICES: Record<string, Key> = {
  controller: 'papers.k.controller',
  sensor: 'papers.k.sensor',
  terminal: 'papers.k.terminal',
  scanner: 'papers.k.scanner',
  server: 'papers.k.server',
  network: 'papers.k.network',
  equipment: 'papers.k.equipment',
  other: 'papers.k.other',
  manual: 'papers.k.manual',
  report: 'papers.k.report',
  drawing: 'papers.k.drawing',
  source: 'papers.k.source',
  data: 'papers.k.data',
  contract: 'papers.k.contract',
  firewall: 'papers.k.firewall',
  antivirus: 'papers.k.antivirus',
  access_control: 'papers.k.access_control',
  intrusion: 'papers.k.intrusion',
  backup: 'papers.k.backup',
};

export const HARDWARE: Field[] = [
  { name: 'kind', words: 'papers.f.kind', kind: 'choice', needed: true, listed: true, choices: ['controller', 'sensor', 'terminal', 'scanner', 'server', 'network', 'equipment', 'other'] },
  { name: 'name', words: 'papers.f.name', kind: 'text', needed: true, listed: true },
  { name: 'maker', words: 'papers.f.maker', kind: 'text', listed: true },
  { name: 'model', words: 'papers.f.model', kind: 'text', listed: true },
  { name: 'serial', words: 'papers.f.serial', kind: 'text', listed: true },
  { name: 'place', words: 'papers.f.place', kind: 'text', listed: true },
  { name: 'asset', words: 'papers.f.asset', kind: 'asset' },
  { name: 'supplier', words: 'papers.f.supplier', kind: 'text' },
  { name: 'bought', words: 'papers.f.bought', kind: 'date' },
  { name: 'contract_end', words: 'papers.f.contract_end', kind: 'date', listed: true },
  { name: 'warranty_end', words: 'papers.f.warranty_end', kind: 'date', listed: true },
  { name: 'note', words: 'papers.f.note', kind: 'text' },
];
export const TRAINING: Field[] = [
  { name: 'day', words: 'papers.f.day', kind: 'date', needed: true, listed: true },
  { name: 'subject', words: 'papers.f.subject', kind: 'text', needed: true, listed: true },
  { name: 'trainer', words: 'papers.f.trainer', kind: 'text', listed: true },
  { name: 'attendees', words: 'papers.f.attendees', kind: 'text', listed: true },
  { name: 'hours', words: 'papers.f.hours', kind: 'hours', listed: true },
  { name: 'file', words: 'papers.f.file', kind: 'file' },
  { name: 'note', words: 'papers.f.note', kind: 'text' },
];
export const SECURITY: Field[] = [
  { name: 'kind', words: 'papers.f.kind', kind: 'choice', needed: true, listed: true, choices: ['firewall', 'antivirus', 'access_control', 'intrusion', 'backup', 'other'] },
  { name: 'name', words: 'papers.f.name', kind: 'text', needed: true, listed: true },
  { name: 'maker', words: 'papers.f.maker', kind: 'text', listed: true },
  { name: 'model', words: 'papers.f.model_version', kind: 'text' },
  { name: 'protects', words: 'papers.f.protects', kind: 'text', listed: true },
  { name: 'place', words: 'papers.f.place', kind: 'text' },
  { name: 'operator', words: 'papers.f.operator', kind: 'text', listed: true },
  { name: 'file', words: 'papers.f.evidence', kind: 'file' },
  { name: 'licence_end', words: 'papers.f.licence_end', kind: 'date', listed: true },
  { name: 'contract_end', words: 'papers.f.contract_end', kind: 'date', listed: true },
  { name: 'checked', words: 'papers.f.checked', kind: 'date', listed: true },
  { name: 'note', words: 'papers.f.note', kind: 'text' },
];
export const DELIVERABLE: Field[] = [
  { name: 'title', words: 'papers.f.title', kind: 'text', needed: true, listed: true },
  { name: 'kind', words: 'papers.f.kind', kind: 'choice', needed: true, listed: true, choices: ['manual', 'report', 'drawing', 'source', 'data', 'contract', 'other'] },
  { name: 'version', words: 'papers.f.version', kind: 'text', listed: true },
];
export const FILE_BYTES = 50 * 1024 * 1024;

async function answered(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await reach(path, { ...init, headers: { 'Accept-Language': lang(), ...init.headers } });
  } catch (error) {
    throw new Problem(0, error instanceof Error ? error.message : '', 'unreachable');
  }
  if (!answer.ok) {
    throw await problemFrom(answer);
  }
  return answer;
}

/** Fetches a file and hands it to the browser to be saved; a refusal comes as a Problem. */
export async function save(path: string, name: string): Promise<void> {
  const bytes = await (await answered(path, { method: 'GET' })).blob();
  const url = URL.createObjectURL(bytes);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export async function upload(path: string, file: File): Promise<void> {
  await answered(path, { method: 'POST', body: file, headers: { 'X-Requested-With': 'maru', 'Content-Type': 'application/octet-stream' } });
}
