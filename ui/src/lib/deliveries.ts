// Delivery notes, outsourced work and receipts, as docs/HTTP.md has them.
import { get, plantPath, type Items } from './api';
import type { Amount } from './lots';

export interface Delivery {
  number: number;
  delivery: string;
  kind: 'customer' | 'supply';
  partner: string;
  partner_name: string;
  day: string;
  state: 'made' | 'cancelled';
  outsourcing: string;
  printed: number;
  lines: number;
}
export const deliveriesOf = async (plant: string): Promise<Delivery[]> => (await get<Items<Delivery>>(plantPath(plant, 'deliveries?limit=200'))).items;

export interface Outsourcing {
  number: number;
  outsourcing: string;
  order: string;
  step: number;
  process_name: string;
  item_name: string;
  unit: string;
  partner: string;
  partner_name: string;
  quantity: Amount;
  good: Amount;
  bad: Amount;
  due: string;
  state: 'open' | 'done' | 'closed';
  supply: string;
  delivery: string;
}
export interface Abroad {
  partner: string;
  partner_name: string;
  place: string;
  item: string;
  name: string;
  unit: string;
  lot: string;
  quantity: Amount;
}
export interface Outsourcings {
  items: Outsourcing[];
  stock: Abroad[];
}
export const outsourcingsOf = (plant: string): Promise<Outsourcings> => get<Outsourcings>(plantPath(plant, 'outsourcings?limit=200'));

export interface Receipt {
  number: number;
  time: string;
  item: string;
  name: string;
  unit: string;
  lot: string;
  place: string;
  quantity: Amount;
  partner_name: string;
  document: string;
}
export const receiptsOf = async (plant: string): Promise<Receipt[]> => (await get<Items<Receipt>>(plantPath(plant, 'stock/moves?kind=receipt&limit=200'))).items;
