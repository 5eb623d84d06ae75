// A quantity with the fewest digits that are true.
import { fixed } from '../lib/format';

const DECIMALS_MOST = 6;
export function figure(value: number): string {
  let decimals = 0;
  while (decimals < DECIMALS_MOST && Math.abs(value - Number(value.toFixed(decimals))) > 1e-9) {
    decimals++;
  }
  return fixed(value, decimals);
}
