// The guided set-up: its steps, what is done of them, finding a machine's protocol, and writing lines
// and machines. What is done is told by the plant itself; what was passed over is kept in this browser.
import { get, plantPath, post, postSlow, query, reach, send, type Asset, type Plant, type Tag } from './api';
import { catalogue } from './catalogue.svelte';
import { exampleOf, type Candidate, type Driver, type Report } from './devices';
import { importPath, jobPath, faultsOf, type Job } from './tables';
import type { Key } from './words.svelte';

export interface Step {
  id: string;
  words: Key;
  help: Key;
}
export const STEPS: Step[] = [
  { id: 'plant', words: 'start.plant', help: 'start.plant_words' },
  { id: 'lines', words: 'start.lines', help: 'start.lines_words' },
  { id: 'device', words: 'start.device', help: 'start.device_words' },
  { id: 'people', words: 'start.people', help: 'start.people_words' },
  { id: 'backup', words: 'start.backup', help: 'start.backup_words' },
  { id: 'done', words: 'start.done', help: 'start.done_words' },
];
export const stepPath = (id: string): string => `/start/${id}`;

const stored = (plant: string): string => `maru.start.${plant}`;

export const skippedId = (id: string): string => `-${id}`;

/** Steps that were walked through here, whatever was done in them. */
export function passedOf(plant: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(stored(plant)) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
/** `skipped`: walked past, nothing done. */
export function pass(plant: string, id: string, skipped = false): string[] {
  const next = [...new Set([...passedOf(plant).filter((one) => one !== skippedId(id)), id, ...(skipped ? [skippedId(id)] : [])])];
  localStorage.setItem(stored(plant), JSON.stringify(next));
  return next;
}

/** What the plant shows to be done already. */
export function doneOf(assets: Asset[], tags: Tag[]): Set<string> {
  const done = new Set<string>();
  if (assets.some((one) => one.level === 'equipment')) {
    done.add('lines');
  }
  if (tags.some((one) => one.device !== null)) {
    done.add('device');
  }
  return done;
}

// --- Lines and machines -------------------------------------------------------------------------------

export interface MachineDraft {
  id: string;
  display: string;
  kind: string;
  /** Already in the plant: it may be renamed and not be taken out here. */
  known: boolean;
}
export interface LineDraft {
  id: string;
  display: string;
  machines: MachineDraft[];
  known: boolean;
}

/** Kinds that have a drawing of their own on the Floor. */
export const MACHINE_KINDS: { id: string; words: Key }[] = [
  { id: '', words: 'start.kind_other' },
  { id: 'injection', words: 'start.kind_injection' },
  { id: 'cnc', words: 'start.kind_cnc' },
  { id: 'packing', words: 'start.kind_packing' },
  { id: 'filling', words: 'start.kind_filling' },
  { id: 'compressor', words: 'start.kind_compressor' },
  { id: 'meter', words: 'start.kind_meter' },
];

export function draftsOf(assets: Asset[]): LineDraft[] {
  const lines = assets.filter((one) => one.level === 'line').map((one): LineDraft => ({ id: one.id, display: one.display, machines: [], known: true }));
  for (const asset of assets.filter((one) => one.level === 'equipment')) {
    lines.find((line) => line.id === asset.parent)?.machines.push({ id: asset.id, display: asset.display, kind: asset.kind, known: true });
  }
  return lines;
}

/** `line1`, `line2`; `m1`, `m2`: ids are for programs, people see the names. */
export function freeOf(base: string, lines: LineDraft[], assets: Asset[]): string {
  const taken = new Set([...assets.map((one) => one.id), ...lines.map((one) => one.id), ...lines.flatMap((one) => one.machines.map((machine) => machine.id))]);
  for (let n = 1; ; n++) {
    if (!taken.has(`${base}${n}`)) {
      return `${base}${n}`;
    }
  }
}

const quoted = (text: string): string => `"${text.replace(/"/g, '""')}"`;

/** What of the drafts is new or has another name or kind, as a table that the import takes. */
export function tableOf(lines: LineDraft[], assets: Asset[]): string {
  const rows: string[] = [];
  const put = (id: string, parent: string, level: string, display: string, kind: string): void => {
    const old = assets.find((one) => one.id === id);
    if (!old || old.display !== display || old.kind !== kind) {
      rows.push([id, parent, level, display, kind].map(quoted).join(','));
    }
  };
  for (const line of lines) {
    const parent = assets.find((one) => one.id === line.id)?.parent ?? '';
    put(line.id, parent, 'line', line.display.trim(), assets.find((one) => one.id === line.id)?.kind ?? '');
    line.machines.forEach((machine) => put(machine.id, line.id, 'equipment', machine.display.trim(), machine.kind));
  }
  return rows.length === 0 ? '' : `id,parent,level,display,kind\r\n${rows.join('\r\n')}\r\n`;
}

const SEND_MS = 30_000;
const LOOK_MS = 150;
const WAIT_MS = 30_000;

/** Sends a table of equipment and waits until it is in; the reason in words when it is not. */
export async function putEquipment(plant: Plant, table: string): Promise<string> {
  let job = await send<Job>(importPath(plant.id, { as: 'equipment', encoding: 'utf-8', separator: 'comma' }), new Blob([table]), SEND_MS);
  for (const end = Date.now() + WAIT_MS; (job.state === 'running' || job.state === 'receiving') && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    job = await get<Job>(jobPath(plant.id, job.id));
  }
  if (job.state === 'done' && !job.refused) {
    return '';
  }
  if (job.rejected > 0) {
    const answer = await reach(jobPath(plant.id, job.id, '/rejected'), {});
    return faultsOf(await answer.text(), 1)[0]?.detail ?? job.detail ?? job.state;
  }
  return job.detail ?? job.state;
}

// --- The first device -----------------------------------------------------------------------------------

/** Protocols that answer to a bare address, the most usual ports first. */
const TRIED = ['modbus', 'xgt', 's7', 'melsec', 'fins'];
/** Places that most controllers have, to show a first value by. */
const PLACES: Record<string, string[]> = {
  modbus: ['holding:0', 'input:0', 'holding:100', 'coil:0'],
  xgt: ['%DW0', '%MW0'],
  s7: ['MW0', 'IW0', 'QW0'],
  melsec: ['D0', 'M0'],
  fins: ['D0'],
};
// Where the walk ends here, no other protocol can do better: nobody is at that address.
const HOPELESS = ['line', 'name', 'route', 'host'];

export function portOf(driver: string): string {
  return /:(\d+)$/.exec(exampleOf(driver)[0])?.[1] ?? '';
}

/** The address with the protocol's usual port where none was typed. */
export function addressOf(typed: string, driver: Driver): string {
  const text = typed.trim();
  const port = portOf(driver.name);
  const bare = /^[A-Za-z0-9.-]+$/.test(text) && !text.startsWith('/');
  return bare && port !== '' && !driver.own_address ? `${text}:${port}` : text;
}

export interface Met {
  driver: string;
  address: string;
  report: Report;
}

const ask = (plant: string, body: Record<string, string>): Promise<Report> => postSlow<Report>(plantPath(plant, 'doctor'), body);

/** Asks by one protocol, or by each until one is answered; the telling report when none is. */
export async function meet(plant: string, typed: string, drivers: Driver[], chosen: string, tell: (driver: string) => void): Promise<Met> {
  const tried = drivers.filter((one) => (chosen === '' ? TRIED.includes(one.name) : one.name === chosen));
  tried.sort((a, b) => TRIED.indexOf(a.name) - TRIED.indexOf(b.name));
  let best: Met | null = null;
  for (const driver of tried) {
    tell(driver.name);
    const address = addressOf(typed, driver);
    const report = await ask(plant, { driver: driver.name, address, options: '', source: '' });
    const met = { driver: driver.name, address, report };
    const bad = report.findings.find((one) => one.verdict === 'bad');
    if (report.good || (bad && HOPELESS.includes(bad.step))) {
      return met;
    }
    // An open port says more than a closed one.
    if (best === null || (bad && bad.step !== 'port' && best.report.findings.some((one) => one.verdict === 'bad' && one.step === 'port'))) {
      best = met;
    }
  }
  return best!;
}

/** The first of the usual places that can be read, with its readings. */
export async function firstReading(plant: string, met: Met): Promise<{ source: string; report: Report } | null> {
  for (const source of PLACES[met.driver] ?? []) {
    const report = await ask(plant, { driver: met.driver, address: met.address, options: '', source });
    if (report.good && report.candidates.some((one) => one.value !== '')) {
      return { source, report };
    }
  }
  return null;
}

export const readAt = (plant: string, met: Met, source: string): Promise<Report> => ask(plant, { driver: met.driver, address: met.address, options: '', source });

/** Whether a reading can be what a machine shows: a float of absurd size is the wrong word order. */
export function plausible(candidate: Candidate): boolean {
  const size = Math.abs(Number(candidate.value));
  return !candidate.label.startsWith('f') || size === 0 || Number.isNaN(size) || (size >= 1e-4 && size < 1e9);
}

/** As many digits as a float of 32 bits is worth. */
export function readingText(value: string): string {
  const number = Number(value);
  return value.includes('.') && Number.isFinite(number) ? String(Number(number.toPrecision(6))) : value;
}

/** What a value can be; the Floor knows the first ones by the last part of the name. */
export const MEANINGS: { part: string; kind: string; unit: string; words: Key }[] = [
  { part: 'count', kind: 'counter', unit: '', words: 'start.is_count' },
  { part: 'state', kind: 'state', unit: '', words: 'start.is_state' },
  { part: 'temp', kind: 'measurement', unit: '°C', words: 'start.is_temp' },
  { part: 'power_kw', kind: 'measurement', unit: 'kW', words: 'start.is_power' },
  { part: 'value', kind: 'measurement', unit: '', words: 'start.is_other' },
];

export function freeTag(base: string): string {
  const taken = new Set(catalogue().tags.map((tag) => tag.name));
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}${n}`;
    if (!taken.has(name)) {
      return name;
    }
  }
}

export const typeAt = (plant: string, body: Record<string, string>): Promise<{ good: boolean; words: string; type: string | null }> => post(plantPath(plant, 'check'), body);

export const tagsOf = async (plant: string, device: string): Promise<Tag[]> => (await get<{ items: Tag[] }>(`${plantPath(plant, 'tags')}?${query({ device, limit: 200 })}`)).items;
