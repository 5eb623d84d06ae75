// What a scanned code means here (docs/HTTP.md, codes).
import { get, plantPath, query } from './api';

export interface Meaning {
  found: { kind: string; code: string; name: string }[];
  unknown: string | null;
  /** Of a GS1 code: what goes into a receipt. */
  receipt: { item: string | null; partner_lot: string | null; made: string | null; expires: string | null; quantity: number | null } | null;
}
export const meaningOf = (plant: string, code: string): Promise<Meaning> => get<Meaning>(plantPath(plant, `codes?${query({ code })}`));
