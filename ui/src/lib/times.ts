// Times that a person types or points at, by the clocks of the plant.

/** "2026-11-20T12:00:00.123" by the plant's clocks. */
export function localText(ms: number, zone: string): string {
  const at = new Date(ms);
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(at);
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, timeStyle: 'medium', hourCycle: 'h23' }).format(at);
  return `${day}T${clock}.${String(((ms % 1000) + 1000) % 1000).padStart(3, '0')}`;
}

/** The moment at which the plant's clocks show a text of localText's form; NaN where it is none. */
export function zonedMs(text: string, zone: string): number {
  const shown = Date.parse(`${text}Z`);
  if (!Number.isFinite(shown)) {
    return NaN;
  }
  // The offset is taken at the guess and once more at the result, for days on which clocks change.
  const offsetAt = (ms: number): number => Date.parse(`${localText(ms, zone)}Z`) - ms;
  const guess = shown - offsetAt(shown);
  return shown - offsetAt(guess);
}

/** The `count` rows nearest to a time, in order of time. */
export function nearest<T extends { time: string }>(rows: T[], ms: number, count: number): T[] {
  const away = (row: T): number => Math.abs(Date.parse(row.time) - ms);
  return [...rows]
    .sort((a, b) => away(a) - away(b))
    .slice(0, count)
    .sort((a, b) => (a.time < b.time ? -1 : 1));
}
