// What fields of a sheet look codes up by.
import type { Pick } from '../lib/master';

export type SearchOf = (kind: string) => ((text: string) => Promise<Pick[]>) | undefined;
export const EMPTY_SEARCH: SearchOf = () => undefined;
