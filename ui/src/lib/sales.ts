// What was sold and whether it can be kept; what orders cost (docs/HTTP.md, sales and costs).
import { allOf, type Amount } from './lots';

export interface SalesLine {
  line: number;
  item: string;
  item_name: string;
  unit: string;
  quantity: Amount;
  due: string;
  price: Amount | null;
  shipped: Amount;
  usable: Amount;
  making: Amount;
  free: Amount;
  ends: string | null;
}
export interface Sales {
  sales: string;
  partner: string;
  partner_name: string;
  ordered: string;
  state: 'open' | 'held' | 'done' | 'cancelled';
  note: string;
  lines: SalesLine[];
}
/** What a line can count on: from the stock, which lines of an earlier day have first, from work, and what nothing brings. */
export interface Promised {
  left: number;
  stock: number;
  work: number;
  missing: number;
}

export const salesOf = (plant: string, state: string): Promise<Sales[]> => allOf<Sales>(plant, 'sales', { limit: '200', ...(state === '' ? {} : { state }) }, 'before');

export const keyOf = (sales: Sales, line: SalesLine): string => `${sales.sales}/${line.line}`;
/** What lies ready, and work that no line is named in, goes to the lines that are due first. */
export function promises(list: Sales[]): Map<string, Promised> {
  const lines = list.filter((one) => one.state === 'open').flatMap((sales) => sales.lines.map((line) => ({ sales, line })));
  lines.sort((a, b) => a.line.due.localeCompare(b.line.due) || a.sales.ordered.localeCompare(b.sales.ordered));
  const ready = new Map<string, number>();
  const free = new Map<string, number>();
  const out = new Map<string, Promised>();
  for (const { sales, line } of lines) {
    const left = Math.max(0, Number(line.quantity) - Number(line.shipped));
    const there = ready.get(line.item) ?? Number(line.usable);
    const stock = Math.min(left, Math.max(0, there));
    ready.set(line.item, there - stock);
    const own = Math.min(left - stock, Number(line.making));
    const shared = Math.min(left - stock - own, free.get(line.item) ?? Number(line.free));
    free.set(line.item, (free.get(line.item) ?? Number(line.free)) - shared);
    const work = own + shared;
    out.set(keyOf(sales, line), { left, stock, work, missing: left - stock - work });
  }
  return out;
}

export interface Cost {
  order: string;
  item: string;
  item_name: string;
  unit: string;
  material: Amount;
  machine: Amount;
  labour: Amount;
  outsourced: Amount;
  total: Amount;
  good: Amount;
  of_one: number | null;
  scrap: Amount;
  unpriced: number;
}
export const COST_PARTS = ['material', 'machine', 'labour', 'outsourced'] as const;
export const costsOf = (plant: string, asked: Record<string, string>): Promise<Cost[]> => allOf<Cost>(plant, 'costs', { limit: '200', ...asked }, 'cursor');

/** Orders of the same item as one row. */
export function byItem(rows: Cost[]): Cost[] {
  const out = new Map<string, Cost>();
  for (const row of rows) {
    const one = out.get(row.item);
    if (!one) {
      out.set(row.item, { ...row, order: '' });
      continue;
    }
    for (const part of [...COST_PARTS, 'total', 'good', 'scrap'] as const) {
      one[part] = Number(one[part]) + Number(row[part]);
    }
    one.unpriced += row.unpriced;
    one.of_one = Number(one.good) > 0 ? Number(one.total) / Number(one.good) : null;
  }
  return [...out.values()].sort((a, b) => Number(b.total) - Number(a.total));
}
