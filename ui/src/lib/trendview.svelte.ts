// What a trend shows and how it comes here: the window of time, the curves in it, those of the period
// it is laid beside, the notes and the figures of what is seen. The address holds the window; a preset
// follows the present.
import { isGrantee } from './rights';
import { onMount, untrack } from 'svelte';
import { get, plantPath, query, type Problem, type Items, type Note, type Plant, type Series, type SeriesAnswer, type Summary, type Tag } from './api';
import { serverNow } from './clock.svelte';
import { params, setParams } from './route.svelte';
import {
  appendLive,
  curveOf,
  expiredOf,
  isCompare,
  isPreset,
  MAX_TAGS,
  panned,
  PRESET_MS,
  shiftOf,
  zoomed,
  type Compare,
  type Curve,
  type Preset,
  type Window,
} from './trend';
import { values } from './values';

const POINTS_MAX = 1600;
const POINTS_LEAST = 300;
// Raw curves go on with live values; averages are asked again as often as one is finished.
const REFRESH_MS = 15_000;
const REFRESH_LEAST_MS = 2_000;
const REFRESH_MOST_MS = 60_000;
const SETTLE_MS = 140;
const NOTES_MOST = 1000;

interface Options {
  plant: () => Plant;
  tags: () => Tag[];
  /** Width of a picture, for as many points as can be seen. */
  width: () => number;
  /** Notes, figures and compared periods too. */
  whole?: boolean;
  fallback?: Preset;
}

export class TrendView {
  view = $state.raw<Window>({ from: 0, to: 1 });
  curves = $state.raw(new Map<string, Curve>());
  past = $state.raw(new Map<string, Curve>());
  notes = $state.raw<Note[]>([]);
  figures = $state.raw(new Map<string, Summary>());
  pastFigures = $state.raw(new Map<string, Summary>());
  /** Grows with whatever changes inside the curves. */
  version = $state(0);
  failed = $state.raw<Problem | null>(null);
  loading = $state(false);
  everyMs = $state(0);
  expired = $state.raw<{ raw: number; rollup: number | null } | null>(null);

  private readonly options: Options;
  private readonly fallback: Preset;
  private abort: AbortController | null = null;
  private settle = 0;
  private loaded = 0;

  constructor(options: Options) {
    this.options = options;
    this.fallback = options.fallback ?? '15m';
    untrack(() => (this.view = this.firstView()));
    // Other tags, another comparison: asked at once.
    $effect(() => {
      void options.tags().map((tag) => tag.name).join();
      void this.compare;
      void options.plant().id;
      untrack(() => void this.load());
    });
    // Going back in the address moves the window too.
    $effect(() => {
      const search = params();
      const from = Date.parse(search.get('from') ?? '');
      const to = Date.parse(search.get('to') ?? '');
      const { preset } = this;
      untrack(() => {
        if (preset === null && from < to && (from !== this.view.from || to !== this.view.to)) {
          this.view = { from, to };
          this.loadSoon();
        } else if (preset !== null && Math.abs(this.view.to - this.view.from - PRESET_MS[preset]) > 1) {
          this.followNow(preset);
          void this.load();
        }
      });
    });
    onMount(() => this.run());
  }

  get preset(): Preset | null {
    const asked = params().get('range');
    if (isPreset(asked)) {
      return asked;
    }
    return Number.isFinite(Date.parse(params().get('from') ?? '')) ? null : this.fallback;
  }

  get follow(): boolean {
    return this.preset !== null;
  }

  get compare(): Compare | null {
    const asked = params().get('compare');
    return this.options.whole && isCompare(asked) ? asked : null;
  }

  /** How far back the compared period lies; 0: none is. */
  get shift(): number {
    const { compare } = this;
    return compare === null ? 0 : shiftOf(compare, this.view, this.options.plant().zone);
  }

  private firstView(): Window {
    const from = Date.parse(params().get('from') ?? '');
    const to = Date.parse(params().get('to') ?? '');
    if (this.preset === null && from < to) {
      return { from, to };
    }
    const now = serverNow();
    return { from: now - PRESET_MS[this.preset ?? this.fallback], to: now };
  }

  private followNow(preset: Preset): void {
    const now = serverNow();
    this.view = { from: now - PRESET_MS[preset], to: now };
  }

  /** Shows a window; `push`: going back returns to the one before. */
  moveTo(next: Window, push = false): void {
    this.view = { from: Math.round(next.from), to: Math.round(next.to) };
    setParams({ range: null, from: new Date(this.view.from).toISOString(), to: new Date(this.view.to).toISOString() }, push);
    this.loadSoon();
  }

  choose(next: Preset): void {
    setParams({ range: next, from: null, to: null }, true);
    this.followNow(next);
    void this.load();
  }

  /** The window that a key leads to; null: none of ours. */
  keyed(key: string): Window | null {
    const { view } = this;
    const span = view.to - view.from;
    const middle = (view.from + view.to) / 2;
    switch (key) {
      case 'ArrowLeft':
        return panned(view, -span / 8);
      case 'ArrowRight':
        return panned(view, span / 8);
      case 'PageUp':
        return panned(view, -span);
      case 'PageDown':
        return panned(view, span);
      case '+':
      case '=':
        return zoomed(view, 0.5, middle);
      case '-':
        return zoomed(view, 2, middle);
      default:
        return null;
    }
  }

  // --- asking ------------------------------------------------------------------------------------------

  private async series(range: Window, names: string[], signal: AbortSignal): Promise<Series[]> {
    const { plant, width } = this.options;
    const points = Math.min(POINTS_MAX, Math.max(POINTS_LEAST, Math.round(width() * 1.5)));
    const groups: string[][] = [];
    for (let i = 0; i < names.length; i += MAX_TAGS) {
      groups.push(names.slice(i, i + MAX_TAGS));
    }
    const answers = await Promise.all(
      groups.map((tag) =>
        get<SeriesAnswer>(
          plantPath(plant().id, `series?${query({ tag, from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString(), points })}`),
          signal,
        ),
      ),
    );
    return answers.flatMap((answer) => answer.series);
  }

  private curvesOf(series: Series[], shift: number): Map<string, Curve> {
    const tags = new Map(this.options.tags().map((tag) => [tag.name, tag]));
    const out = new Map<string, Curve>();
    for (const one of series) {
      const tag = tags.get(one.tag);
      if (tag) {
        out.set(tag.name, curveOf(tag, one, shift));
      }
    }
    return out;
  }

  private async summary(range: Window, names: string[], signal: AbortSignal): Promise<Map<string, Summary>> {
    const search = query({ tag: names, from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() });
    if (isGrantee()) {
      return new Map(); // What a grant gives has no figures of its own, and no notes.
    }
    const answer = await get<Items<Summary>>(plantPath(this.options.plant().id, `summary?${search}`), signal);
    return new Map(answer.items.map((one) => [one.tag, one]));
  }

  private async loadWhole(asked: Window, shift: number, names: string[], signal: AbortSignal): Promise<void> {
    const seen = { from: Math.floor(this.view.from), to: Math.ceil(this.view.to) };
    const notes = query({ from: new Date(asked.from).toISOString(), to: new Date(asked.to).toISOString(), limit: NOTES_MOST });
    const before = (range: Window): Window => ({ from: Math.floor(range.from - shift), to: Math.ceil(range.to - shift) });
    const [figures, past, pastFigures, found] = await Promise.all([
      this.summary(seen, names, signal),
      shift > 0 ? this.series(before(asked), names, signal) : [],
      shift > 0 ? this.summary(before(seen), names, signal) : new Map<string, Summary>(),
      isGrantee() ? { items: [] } : get<Items<Note>>(plantPath(this.options.plant().id, `annotations?${notes}`), signal),
    ]);
    this.figures = figures;
    this.past = this.curvesOf(past, shift);
    this.pastFigures = pastFigures;
    this.notes = found.items;
    this.version++;
  }

  async load(): Promise<void> {
    this.abort?.abort();
    const names = this.options.tags().map((tag) => tag.name);
    if (names.length === 0) {
      this.curves = new Map();
      this.past = new Map();
      return;
    }
    this.abort = new AbortController();
    const { signal } = this.abort;
    const { view } = this;
    const span = view.to - view.from;
    // A quarter more on both sides, so that a small move shows data at once.
    const now = serverNow();
    const asked = { from: Math.floor(view.from - span / 4), to: Math.ceil(Math.max(view.from + 1, Math.min(view.to + span / 4, now + 1000))) };
    const { shift } = this;
    this.loading = true;
    this.loaded = performance.now();
    try {
      const series = await this.series(asked, names, signal);
      this.curves = this.curvesOf(series, 0);
      this.everyMs = Math.max(0, ...series.map((one) => one.every_ms));
      this.expired = expiredOf(series);
      this.failed = null;
      this.version++;
      if (this.options.whole) {
        await this.loadWhole(shift > 0 ? { from: asked.from, to: Math.ceil(view.to + span / 4) } : asked, shift, names, signal);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.failed = error as Problem;
      }
    } finally {
      if (!signal.aborted) {
        this.loading = false;
      }
    }
  }

  private loadSoon(): void {
    clearTimeout(this.settle);
    this.settle = window.setTimeout(() => void this.load(), SETTLE_MS);
  }

  private run(): () => void {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches ? 1000 : 0;
    let moved = 0;
    const end = values.onChange(() => {
      const now = serverNow();
      const { preset } = this;
      // A year does not move within a second: as often as a pixel of it passes.
      const least = preset === null ? 0 : Math.max(calm, PRESET_MS[preset] / 4000);
      if (preset === null || now - moved < least) {
        return;
      }
      moved = now;
      for (const curve of this.curves.values()) {
        appendLive(curve);
      }
      this.view = { from: now - PRESET_MS[preset], to: now };
      this.version++;
    });
    const refresh = setInterval(() => {
      const wait = this.everyMs > 0 ? Math.min(REFRESH_MOST_MS, Math.max(REFRESH_LEAST_MS, this.everyMs)) : REFRESH_MS;
      if (this.preset !== null && !document.hidden && performance.now() - this.loaded >= wait) {
        void this.load();
      }
    }, 1000);
    return () => {
      end();
      clearInterval(refresh);
      clearTimeout(this.settle);
      this.abort?.abort();
    };
  }
}
