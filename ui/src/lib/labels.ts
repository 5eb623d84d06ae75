// Labels and their printers, as docs/HTTP.md has them.
import { get, getText, plantPath, post, problemFrom, query, reach, type Items } from './api';
import { lang } from './words.svelte';

export type LabelKind = 'lot' | 'order' | 'item' | 'place' | 'machine' | 'worker' | 'mould';
/** Nouns of master data whose rows have labels. */
export const LABELLED: Record<string, LabelKind> = { items: 'item', places: 'place', machines: 'machine', workers: 'worker', moulds: 'mould' };

export interface LabelDesign {
  label: string;
  kind: LabelKind;
  name: string;
  width: number;
  height: number;
}
export interface LabelPrinter {
  printer: string;
  name: string;
  waiting: number;
  troubled: number;
}
export interface Labels {
  items: LabelDesign[];
  printers: LabelPrinter[];
}
export type PrintState = 'waiting' | 'sending' | 'printed' | 'sent' | 'doubtful' | 'failed' | 'cancelled';
export interface PrintJob {
  number: number;
  printer: string;
  printer_name: string;
  kind: LabelKind;
  code: string;
  copies: number;
  state: PrintState;
  created: string;
  why: { ko: string; en: string };
}
/** What somebody has to look at. */
export const needsSomebody = (job: PrintJob): boolean => job.state === 'doubtful' || job.state === 'failed';
export const whyOf = (job: PrintJob): string => job.why[lang()];

const FILE_MS = 30_000;
export const labelsOf = (plant: string, kind: LabelKind): Promise<Labels> => get<Labels>(plantPath(plant, `labels?kind=${kind}`));
export const jobsOf = async (plant: string, limit: number): Promise<PrintJob[]> => (await get<Items<PrintJob>>(plantPath(plant, `print-jobs?limit=${limit}`))).items;
export const printLabel = (plant: string, wish: Record<string, unknown>): Promise<{ number: number }> => post(plantPath(plant, 'print-jobs'), { ...wish, language: lang() });

export const labelPath = (plant: string, kind: LabelKind, code: string, asked: Record<string, string>): string =>
  plantPath(plant, `labels/${kind}/${encodeURIComponent(code)}?${query(asked)}`);
/** A picture for an `img`. */
export async function pictureOf(path: string): Promise<string> {
  return `data:image/svg+xml,${encodeURIComponent(await getText(path, FILE_MS))}`;
}
/** Fetches a file and hands it to the browser. */
export async function fileOf(path: string, method: 'GET' | 'POST', name: string): Promise<void> {
  const headers: Record<string, string> = { 'Accept-Language': lang() };
  if (method === 'POST') {
    headers['X-Requested-With'] = 'maru';
  }
  const answer = await reach(path, { method, headers });
  if (!answer.ok) {
    throw await problemFrom(answer);
  }
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), FILE_MS);
}
