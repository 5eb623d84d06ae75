// Time as the plant sees it: the server's clock (its offset is learnt from the stream) in the plant's
// zone. `second()` is a reactive clock for ages and durations.

let offsetMs = 0;
const tick = $state({ now: Date.now() });

setInterval(() => {
  if (!document.hidden) {
    tick.now = Date.now();
  }
}, 1000);

function learnServerTime(serverMs: number): void {
  const seen = serverMs - Date.now();
  // A jump is taken at once, the jitter of the network is smoothed.
  offsetMs = Math.abs(seen - offsetMs) > 2000 ? seen : offsetMs * 0.8 + seen * 0.2;
}

export function serverNow(): number {
  return Date.now() + offsetMs;
}

let heldBackMs = 0;

/** Nothing comes from the server; what is shown is of a time gone by, and the clock stands there. */
export function holdBack(ms: number): void {
  heldBackMs = Date.now() - ms;
  offsetMs = -heldBackMs;
}

/** How much the clock of the pages stands behind; 0: the server told it. */
export function heldBack(): number {
  return heldBackMs;
}

let heardMs = 0;

/** Something came from the server, which says what time it is. */
export function heard(serverMs: number): void {
  heardMs = serverMs;
  heldBackMs = 0;
  learnServerTime(serverMs);
}

/** Server time up to which is known what the machines do: silence after it is the server's, not theirs. */
export function heardNow(): number {
  return heardMs;
}

/** Server time that wakes its readers once a second. */
export function second(): number {
  return tick.now + offsetMs;
}
