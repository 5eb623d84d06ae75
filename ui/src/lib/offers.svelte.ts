// What the program on the other side can do, from its own description: a page asks for nothing that is not
// there. The pages may be newer than the program that serves them while one is being upgraded.
import { get } from './api';

interface Described {
  paths?: Record<string, Record<string, unknown>>;
}
const state = $state<{ known: boolean; routes: Set<string> }>({ known: false, routes: new Set() });
let asked = false;
// How a part of a path is called does not matter.
const bare = (path: string): string => path.replace(/\{[^}]*\}/g, '{}');

/** Once a page load; without an answer nothing is taken for granted. */
export function learnOffers(): void {
  if (asked) {
    return;
  }
  asked = true;
  get<Described>('/openapi.json').then(
    (answer) => {
      state.routes = new Set(Object.entries(answer.paths ?? {}).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${bare(path)}`)));
      state.known = true;
    },
    () => {
      state.known = true;
      asked = false;
    },
  );
}

export const offersKnown = (): boolean => state.known;

/** `offers('GET', '/plants/{plant}/access')`, paths as the description writes them. */
export const offers = (method: string, path: string): boolean => state.routes.has(`${method} /api/v1${bare(path)}`);
