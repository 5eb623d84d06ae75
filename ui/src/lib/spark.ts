// A sparkline: five minutes of one tag as a thin line, gaps left open, the band between its limits
// shaded where it is in view, a dot on the newest value.
import { get, plantPath, query, type SeriesAnswer, type Tag } from './api';
import { serverNow } from './clock.svelte';
import { SPARK_POINTS, SPARK_STEP_MS, values } from './values';

const points = new Float32Array(SPARK_POINTS);

const AT_ONCE = 8;
const filled = new Set<string>();

/** Asks the store for the minutes before this page was opened, once per tag. */
export async function fillSparks(plant: string, tags: Tag[]): Promise<void> {
  const wanted = tags.filter((tag) => tag.type !== 'text' && !filled.has(`${plant} ${tag.name}`));
  const now = serverNow();
  for (let i = 0; i < wanted.length; i += AT_ONCE) {
    const group = wanted.slice(i, i + AT_ONCE);
    group.forEach((tag) => filled.add(`${plant} ${tag.name}`));
    const search = query({
      tag: group.map((tag) => tag.name),
      from: new Date(now - SPARK_POINTS * SPARK_STEP_MS).toISOString(),
      to: new Date(now).toISOString(),
      points: SPARK_POINTS * 2,
    });
    try {
      const answer = await get<SeriesAnswer>(plantPath(plant, `series?${search}`));
      for (const series of answer.series) {
        const tag = group.find((one) => one.name === series.tag);
        if (tag) {
          const points = (series.v ?? series.avg ?? []).map((v) => (v === null ? null : Number(v)));
          values.backfill(values.slot(tag.number), series.t, points);
        }
      }
    } catch {
      // The line then begins with now; the next look may ask again.
      group.forEach((tag) => filled.delete(`${plant} ${tag.name}`));
      return;
    }
  }
}

/** After the store of values was emptied. */
export function forgetSparks(): void {
  filled.clear();
}

export interface Inks {
  line: string;
  band: string;
}

export function inks(): Inks {
  const style = getComputedStyle(document.documentElement);
  return { line: style.getPropertyValue('--text-2').trim(), band: style.getPropertyValue('--sunken').trim() };
}

export interface Size {
  width: number;
  height: number;
}

export const sizeOf = (canvas: HTMLCanvasElement): Size => ({ width: canvas.clientWidth, height: canvas.clientHeight });

/** Makes the canvas as fine as the screen; the answer is how fine that is. */
function fit(canvas: HTMLCanvasElement, { width, height }: Size): number {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const w = Math.round(width * ratio);
  const h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  return ratio;
}

function rangeOf(): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < SPARK_POINTS; i++) {
    const v = points[i]!;
    if (v < low) {
      low = v;
    }
    if (v > high) {
      high = v;
    }
  }
  // A still value is a line in the middle; a tremble of a thousandth is not blown up to full height.
  const least = Math.max(Math.abs(high), Math.abs(low)) * 0.002 || 1;
  if (high - low < least) {
    const middle = (high + low) / 2;
    return [middle - least, middle + least];
  }
  return [low, high];
}

/** The size is given, not measured: measuring between two drawings makes the browser lay out twice. */
export function drawSpark(canvas: HTMLCanvasElement, size: Size, tag: Tag, slot: number, nowMs: number, ink: Inks): void {
  const { width, height } = size;
  const context = canvas.getContext('2d');
  if (!context || width === 0) {
    return;
  }
  const ratio = fit(canvas, size);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  values.spark(slot, nowMs, points);
  const [low, high] = rangeOf();
  if (!Number.isFinite(low)) {
    return;
  }
  const pad = 3;
  const yOf = (v: number): number => height - pad - ((v - low) / (high - low)) * (height - 2 * pad);
  const xOf = (i: number): number => (i / (SPARK_POINTS - 1)) * (width - 6) + 2;
  if (tag.kind === 'measurement' && tag.min !== null && tag.max !== null) {
    const top = Math.max(0, yOf(tag.max));
    const bottom = Math.min(height, yOf(tag.min));
    if (bottom - top < height * 0.92) {
      context.fillStyle = ink.band;
      context.fillRect(0, top, width, Math.max(0, bottom - top));
    }
  }
  context.strokeStyle = ink.line;
  context.fillStyle = ink.line;
  context.lineWidth = 1.25;
  context.lineJoin = 'round';
  context.beginPath();
  let open = false;
  let lastX = NaN;
  let lastY = NaN;
  for (let i = 0; i < SPARK_POINTS; i++) {
    const v = points[i]!;
    if (Number.isNaN(v)) {
      open = false;
      continue;
    }
    lastX = xOf(i);
    lastY = yOf(v);
    if (open) {
      context.lineTo(lastX, lastY);
    } else {
      context.moveTo(lastX, lastY);
      context.lineTo(lastX + 0.5, lastY);
    }
    open = true;
  }
  context.stroke();
  if (open) {
    context.beginPath();
    context.arc(lastX, lastY, 2, 0, 2 * Math.PI);
    context.fill();
  }
}
