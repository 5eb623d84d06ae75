// Machines of the line picture: equipment of the asset tree with the tags below its path, and what
// the conventional last parts of a tag name mean (.state, .strokes or .count, .cycle_s ...).
import type { Asset, Device, Tag } from './api';
import { meansNoLink, qualityOf } from './quality';
import { values } from './values';
import type { Key } from './words.svelte';

export type Look = 'off' | 'run' | 'idle' | 'stop' | 'alarm' | 'lost' | 'unknown';

export interface Machine {
  id: string;
  path: string;
  display: string;
  kind: string;
  x: number;
  y: number;
  tags: Tag[];
  device: string | null;
  periodMs: number;
  state?: Tag;
  count?: Tag;
  cycle?: Tag;
  good?: Tag;
  reject?: Tag;
  /** What all names of the machine's tags begin with, said once by the machine itself. */
  prefix: string;
  /** A few further values worth a place on the card, the most telling first. */
  keys: Tag[];
}

export interface Line {
  id: string;
  display: string;
  machines: Machine[];
}

export interface Area {
  id: string;
  display: string;
  lines: Line[];
}

const STATES: Look[] = ['off', 'run', 'idle', 'stop', 'alarm'];

export const LOOK_WORDS: Record<Look, Key> = {
  off: 'state.off',
  run: 'state.run',
  idle: 'state.idle',
  stop: 'state.stop',
  alarm: 'state.alarm',
  lost: 'state.lost',
  unknown: 'state.unknown',
};

// What a foreman looks at first, by kind of machine; else whatever is measured.
const TELLING: Record<string, string[]> = {
  injection: ['inj_pressure', 'cushion', 'temp_mould', 'power_kw'],
  cnc: ['spindle_load', 'tool_life', 'vibration', 'power_kw'],
  packing: ['speed', 'weight', 'film_left', 'power_kw'],
  filling: ['speed', 'volume', 'temp_product', 'tank_level'],
  compressor: ['pressure', 'flow', 'temp_oil', 'power_kw'],
  meter: ['energy_kwh', 'power_factor', 'volt_l1', 'frequency'],
};
const KEYS_SHOWN = 4;
const MOST_SHARE = 0.75;
const NOT_KEYS = new Set(['state', 'strokes', 'count', 'cycle_s', 'good', 'reject', 'alarm_code']);

export const lastPart = (tag: Tag): string => tag.name.slice(tag.name.lastIndexOf('.') + 1);

function keysOf(kind: string, tags: Tag[]): Tag[] {
  const wanted = TELLING[kind] ?? [];
  const picked = wanted.flatMap((part) => tags.filter((tag) => lastPart(tag) === part));
  const rest = tags.filter((tag) => tag.kind === 'measurement' && !NOT_KEYS.has(lastPart(tag)) && !picked.includes(tag));
  return [...picked, ...rest].slice(0, KEYS_SHOWN);
}

/** "Press 1 power", "Press 1 cushion": the common beginning, up to a blank. `title` stands above them. */
export function commonPrefix(tags: Tag[], title: string): string {
  const first = tags[0]?.display ?? '';
  let length = tags.length > 1 ? first.length : 0;
  for (const tag of tags) {
    while (!tag.display.startsWith(first.slice(0, length))) {
      length--;
    }
  }
  const shared = first.slice(0, first.slice(0, length).lastIndexOf(' ') + 1);
  if (shared !== '' || tags.length < 2) {
    return shared;
  }
  // One that is named otherwise does not lengthen all the others, where the title says the beginning, too.
  const middle = tags[tags.length >> 1]!.display;
  const begun = middle.slice(0, middle.indexOf(' ') + 1);
  const most = tags.length * MOST_SHARE;
  return begun !== '' && title.startsWith(begun.trimEnd()) && tags.filter((tag) => tag.display.startsWith(begun)).length >= most ? begun : '';
}

/** A name without what its surroundings already say. */
export function nameAfter(tag: Tag, cut: string): string {
  const name = tag.display.startsWith(cut) ? tag.display.slice(cut.length) : tag.display;
  return name === '' ? tag.display || tag.name : name.charAt(0).toUpperCase() + name.slice(1);
}

export const shortName = (machine: Machine, tag: Tag): string => nameAfter(tag, machine.prefix);

function machineOf(asset: Asset, line: string, all: Tag[], devices: Device[]): Machine {
  const path = `${line}.${asset.id}`;
  const tags = all.filter((tag) => tag.name.startsWith(`${path}.`));
  const part = (name: string) => tags.find((tag) => lastPart(tag) === name);
  const device = tags.find((tag) => tag.device !== null)?.device ?? null;
  // A meter counts nothing that is made: what it measures stands in the place of the count, and so does
  // the first value of a machine that has neither.
  const count = part('strokes') ?? part('count') ?? part('power_kw') ?? keysOf(asset.kind, tags)[0];
  return {
    id: asset.id,
    path,
    display: asset.display,
    kind: asset.kind,
    x: asset.x ?? NaN,
    y: asset.y ?? NaN,
    tags,
    device,
    prefix: commonPrefix(tags, asset.display),
    periodMs: devices.find((d) => d.id === device)?.period_ms ?? 1000,
    state: part('state'),
    count,
    cycle: part('cycle_s'),
    good: part('good'),
    reject: part('reject'),
    keys: keysOf(asset.kind, tags.filter((tag) => tag !== count)),
  };
}

const byPlace = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? 0 : a - b);

function placeOf(line: Line): number {
  const known = line.machines.map((m) => m.y).filter((y) => !Number.isNaN(y));
  return known.length === 0 ? NaN : Math.min(...known);
}

// Nobody has to draw or list anything: without an asset tree the names line.equipment.what tell it.
function assetsOfNames(tags: Tag[]): Asset[] {
  const out = new Map<string, Asset>();
  const add = (id: string, parent: string | null, level: Asset['level']) =>
    out.set(`${parent ?? ''}.${id}`, { id, parent, level, display: id, kind: '', x: null, y: null });
  for (const tag of tags) {
    const [line, equipment, what] = tag.name.split('.');
    if (line && equipment && what) {
      if (!out.has(`.${line}`)) {
        add(line, null, 'line');
      }
      if (!out.has(`${line}.${equipment}`)) {
        add(equipment, line, 'equipment');
      }
    }
  }
  return [...out.values()];
}

/** Areas, their lines from back to front, their machines from left to right. */
export function areasOf(known: Asset[], tags: Tag[], devices: Device[]): Area[] {
  const assets = known.some((asset) => asset.level === 'equipment') ? known : assetsOfNames(tags);
  const byId = new Map(assets.map((asset) => [asset.id, asset]));
  const lines = new Map<string, Line>();
  const areas = new Map<string, Area>();
  for (const asset of assets) {
    if (asset.level !== 'equipment') {
      continue;
    }
    const lineAsset = asset.parent === null ? undefined : byId.get(asset.parent);
    const lineId = lineAsset?.id ?? '';
    let line = lines.get(lineId);
    if (!line) {
      line = { id: lineId, display: lineAsset?.display ?? '', machines: [] };
      lines.set(lineId, line);
      const areaAsset = lineAsset?.parent ? byId.get(lineAsset.parent) : undefined;
      const areaId = areaAsset?.id ?? '';
      const area = areas.get(areaId) ?? { id: areaId, display: areaAsset?.display ?? '', lines: [] };
      area.lines.push(line);
      areas.set(areaId, area);
    }
    line.machines.push(machineOf(asset, lineId, tags, devices));
  }
  for (const area of areas.values()) {
    area.lines.sort((a, b) => byPlace(placeOf(a), placeOf(b)));
    area.lines.forEach((line) => line.machines.sort((a, b) => byPlace(a.x, b.x)));
  }
  return [...areas.values()];
}

// Lines whose machines stand this close from front to back are neighbours in one row of the picture.
const ROW_DEPTH = 120;

export function rowsOf(lines: Line[]): Line[][] {
  const rows: Line[][] = [];
  let start = NaN;
  for (const line of lines) {
    const y = placeOf(line);
    const row = rows[rows.length - 1];
    if (row && !(y - start > ROW_DEPTH)) {
      row.push(line);
    } else {
      rows.push([line]);
      start = y;
    }
  }
  const left = (line: Line): number => line.machines[0]?.x ?? NaN;
  rows.forEach((row) => row.sort((a, b) => byPlace(left(a), left(b))));
  return rows;
}

const WALL_ABREAST = 4;
/** The same for a wall, which is wide and never scrolled: rows that fit beside each other become one. */
export function wallRowsOf(lines: Line[]): Line[][] {
  const machines = (row: Line[]): number => row.reduce((n, line) => n + line.machines.length, 0);
  const out: Line[][] = [];
  for (const row of rowsOf(lines)) {
    const last = out[out.length - 1];
    if (last && machines(last) + machines(row) <= WALL_ABREAST) {
      last.push(...row);
    } else {
      out.push(row);
    }
  }
  return out;
}

export interface Condition {
  look: Look;
  /** Server time since when contact is lost, NaN while there is contact. */
  lostSince: number;
}

// Contact counts as lost when nothing came for so long; a slow poller gets three of its periods.
const SILENT_MS = 3_000;
const SILENT_PERIODS = 3;

function newestArrival(machine: Machine): number {
  let newest = NaN;
  for (const tag of machine.tags) {
    const received = values.received[values.slot(tag.number)]!;
    if (!(received <= newest)) {
      newest = Number.isNaN(received) ? newest : received;
    }
  }
  return newest;
}

export function conditionOf(machine: Machine, device: Device | undefined, nowMs: number): Condition {
  const newest = newestArrival(machine);
  const down = device?.health.state === 'down';
  const silent = nowMs - newest > Math.max(SILENT_MS, machine.periodMs * SILENT_PERIODS);
  if (machine.state === undefined) {
    return { look: down || silent ? 'lost' : 'unknown', lostSince: down || silent ? newest : NaN };
  }
  const slot = values.slot(machine.state.number);
  const status = values.status[slot]!;
  const noLink = values.has(slot) && qualityOf(status) === 'bad' && meansNoLink(status);
  if (down || silent || noLink) {
    const lastGood = Date.parse(device?.health.last_good ?? '');
    return { look: 'lost', lostSince: Number.isNaN(lastGood) ? newest : lastGood };
  }
  if (!values.has(slot) || qualityOf(status) === 'bad') {
    return { look: 'unknown', lostSince: NaN };
  }
  return { look: STATES[values.number[slot]!] ?? 'unknown', lostSince: NaN };
}

export interface Odd {
  tag: Tag;
  status: number;
}

/** Values of a machine that are not good, the worst first. */
export function oddValues(machine: Machine): Odd[] {
  const odd: Odd[] = [];
  for (const tag of machine.tags) {
    const slot = values.slot(tag.number);
    const status = values.status[slot]!;
    if (values.has(slot) && qualityOf(status) !== 'good') {
      odd.push({ tag, status });
    }
  }
  return odd.sort((a, b) => b.status - a.status);
}
