// Setting devices up: what the program knows of protocols, and the line that describes a device.
import type { Device } from './api';
import { t, type Key } from './words.svelte';

// What people call a protocol; one that is not here goes by its driver's name.
const PROTOCOLS: Record<string, Key> = {
  modbus: 'protocol.modbus',
  xgt: 'protocol.xgt',
  s7: 'protocol.s7',
  melsec: 'protocol.melsec',
  fins: 'protocol.fins',
  mqtt: 'protocol.mqtt',
  http: 'protocol.http',
  mtconnect: 'protocol.mtconnect',
  scanner: 'protocol.scanner',
  folder: 'protocol.folder',
  sqlpoll: 'protocol.sqlpoll',
};

export function protocolWords(driver: string): string {
  const key = PROTOCOLS[driver];
  return key === undefined ? driver : t(key);
}

export interface DriverOption {
  name: string;
  help: string;
  kind: 'integer' | 'choice' | 'text' | 'secret';
  fallback: number;
  min: number;
  max: number;
  words: string;
}

export interface Driver {
  name: string;
  help: string;
  events: boolean;
  can_browse: boolean;
  own_address: boolean;
  options: DriverOption[];
}

export interface Drivers {
  items: Driver[];
  link_options: DriverOption[];
}

export interface Check {
  good: boolean;
  words: string;
  type: string | null;
  writable: boolean;
}

export interface Finding {
  step: string;
  verdict: 'good' | 'note' | 'bad';
  words: string;
  elapsed_ms: number;
}

export interface Candidate {
  source: string;
  label: string;
  value: string;
  scale: number;
  type: string | null;
}

export interface Report {
  good: boolean;
  findings: Finding[];
  candidates: Candidate[];
}

export interface BrowseItem {
  source: string;
  display: string;
  unit: string;
  sample: string;
  type: string;
  is_branch: boolean;
}

/** How a driver's address and a tag's source look; shown in the empty fields. */
const EXAMPLES: Record<string, [address: string, source: string]> = {
  modbus: ['192.168.0.10:502', 'holding:0 f32'],
  xgt: ['192.168.0.10:2004', '%DW100'],
  melsec: ['192.168.0.10:5007', 'D100'],
  s7: ['192.168.0.10:102', 'DB1.DBD0 real'],
  fins: ['192.168.0.10:9600', 'D100'],
  mqtt: ['192.168.0.10:1883', 'line1/press1 $.temp'],
  mtconnect: ['http://192.168.0.10:5000', 'Xact'],
  scanner: ['192.168.0.10:9004', 'code'],
  folder: ['/data/tester1', 'temp'],
  sqlpoll: ['postgresql://192.168.0.10:5432/erp', 'temp'],
  http: ['http://192.168.0.10/status', '$.temp'],
};

export function exampleOf(driver: string): [string, string] {
  return EXAMPLES[driver] ?? ['', ''];
}

/** "unit=1 query='a b'" as a table of texts. */
export function optionsOf(line: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const [, name, double, single, bare] of line.matchAll(/([^\s=]+)=(?:"([^"]*)"|'([^']*)'|(\S*))/g)) {
    out.set(name!, double ?? single ?? bare ?? '');
  }
  return out;
}

/** And back; what is empty or as it would be anyway is left out. */
export function lineOf(options: Map<string, string>, known: DriverOption[]): string {
  const parts: string[] = [];
  for (const [name, value] of options) {
    const option = known.find((one) => one.name === name);
    const usual = option === undefined ? '' : usualOf(option);
    if (value !== '' && value !== usual) {
      const quote = value.includes('"') ? "'" : '"';
      parts.push(/[\s"']/.test(value) ? `${name}=${quote}${value}${quote}` : `${name}=${value}`);
    }
  }
  return parts.join(' ');
}

export function usualOf(option: DriverOption): string {
  if (option.kind === 'choice') {
    return option.words.split(',')[option.fallback] ?? '';
  }
  return option.kind === 'integer' ? String(option.fallback) : '';
}

/** A free id for another device of that driver. */
export function freeId(driver: string, devices: Device[]): string {
  const taken = new Set(devices.map((one) => one.id));
  for (let n = 1; ; n++) {
    if (!taken.has(`${driver}${n}`)) {
      return `${driver}${n}`;
    }
  }
}

/** The part of a tag's name that a source suggests: letters, digits, _ and -. */
export function partOf(text: string): string {
  const part = text
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 48);
  return part === '' ? 'value' : part;
}
