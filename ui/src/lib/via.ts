// Remote support, at the supplier's: while a factory's pages are looked at, what is asked goes through
// their own Maru. Of one tab, and constant while the page lives: entering and leaving load it anew, so
// that nothing of one place is ever shown in the other.
const STORED = 'maru-via';

export interface Via {
  /** The support case. */
  id: string;
  factory: string;
  until: number;
}

function kept(): Via | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? 'null') as Via | null;
  } catch {
    return null;
  }
}
export const via: Via | null = kept();

export function enter(next: Via): void {
  sessionStorage.setItem(STORED, JSON.stringify(next));
  location.assign('/floor');
}
export function leave(): void {
  sessionStorage.removeItem(STORED);
  location.assign('/settings/desk');
}

// What is asked of one's own Maru even then.
const OWN = /^\/(session|support|openapi\.json)(\/|\?|$)/;
export const goesVia = (path: string): boolean => via !== null && !OWN.test(path);

/** The factory's answer behind its line of JSON (docs/HTTP.md). */
export async function unwrap(outer: Response): Promise<Response> {
  const bytes = new Uint8Array(await outer.arrayBuffer());
  const end = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as { status: number; type: string; disposition: string };
  const empty = head.status === 204 || head.status === 304;
  const headers = new Headers();
  if (head.type !== '') {
    headers.set('Content-Type', head.type);
  }
  if (head.disposition !== '') {
    headers.set('Content-Disposition', head.disposition);
  }
  return new Response(empty ? null : bytes.slice(end + 1), { status: head.status, headers });
}
