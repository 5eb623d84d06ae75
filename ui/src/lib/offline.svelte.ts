// When the server is away the service worker (public/sw.js) gives what it kept, and says up to when that
// is known. A page that was opened so shows the plant as it was then, its clock standing at that time.
import { heardNow, holdBack, serverNow } from './clock.svelte';
import { values, type StreamRow } from './values';

const SNAPSHOT_MS = 60_000;

/** `since`: the newest thing known is of that time, in ms; 0: the server answers. `opened`: the page was opened so. */
export const away = $state<{ since: number; opened: boolean }>({ since: 0, opened: false });

/** Each answer says whether it came from the server (null) or from what was kept. */
export function told(kept: string | null): void {
  const ms = Number(kept);
  if (kept === null || !Number.isFinite(ms)) {
    away.since = 0;
    return;
  }
  if (heardNow() === 0 && !away.opened) {
    away.opened = true;
    holdBack(ms);
  }
  away.since = ms;
}

/** `onReady`: the worker is there and hears from now on; what was asked before it heard is asked again. */
export function startWorker(onReady: () => void): void {
  if ('serviceWorker' in navigator && window.isSecureContext && !import.meta.env.DEV) {
    if (!navigator.serviceWorker.controller) {
      navigator.serviceWorker.addEventListener('controllerchange', onReady, { once: true });
    }
    // Refused, for example, where the certificate is not trusted: then there is no offline reading.
    navigator.serviceWorker.register('/sw.js').catch(() => undefined);
  }
}

/** Hands the newest values to the worker. */
function keepValues(plant: string): void {
  const heard = heardNow();
  if (heard > 0) {
    // When the server was last heard, by this computer's clock.
    const ms = Math.round(heard - (serverNow() - Date.now()));
    navigator.serviceWorker?.controller?.postMessage({ plant, rows: values.snapshot(), ms });
  }
}

/** Keeps the newest values while the page lives, and when it is left; the answer ends it. */
export function keepingValues(plant: string): { now: () => void; end: () => void } {
  const now = (): void => keepValues(plant);
  const timer = setInterval(now, SNAPSHOT_MS);
  const hidden = (): void => void (document.hidden && now());
  document.addEventListener('visibilitychange', hidden);
  addEventListener('pagehide', now);
  return {
    now,
    end: () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', hidden);
      removeEventListener('pagehide', now);
    },
  };
}

/** The values as they were when the server was last heard. */
export async function keptValues(plant: string): Promise<void> {
  if (away.since === 0) {
    return;
  }
  try {
    const answer = await fetch(`/maru-snapshot/${plant}`);
    if (answer.ok) {
      values.apply((await answer.json()) as StreamRow[]);
    }
  } catch {
    // The list of tags has values of its own, only older.
  }
}
