// Local times of a plant, for fields of forms: "2026-11-20T08:00" in its zone, and back.

function partsOf(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }).format(ms);
}

/** What a field of type datetime-local holds. */
export function fieldOf(ms: number, zone: string): string {
  return partsOf(ms, zone).replace(' ', 'T').slice(0, 16);
}

export function dayOf(ms: number, zone: string): string {
  return partsOf(ms, zone).slice(0, 10);
}

/** NaN when the text is no time. A local time that a change of the clock skips counts as the one after. */
export function msOfField(text: string, zone: string): number {
  const wanted = Date.parse(`${text}Z`);
  if (Number.isNaN(wanted)) {
    return NaN;
  }
  const shift = (ms: number): number => Date.parse(`${partsOf(ms, zone).replace(' ', 'T')}Z`) - ms;
  const first = wanted - shift(wanted);
  return wanted - shift(first);
}
