// One live stream for the whole program. The server beats every two seconds, so silence means a dead
// connection: the page then says since when and tries again from the last change it has seen.
import { getAll, plantPath, query, type Tag } from './api';
import { heard, serverNow } from './clock.svelte';
import { away } from './offline.svelte';
import { loadSession, session } from './session.svelte';
import { values, type StreamRow } from './values';
import { via } from './via';

const SILENCE_MS = 5_500;
const LOOK_MS = 3_000;
const LOOK_TAGS = 2_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 4_000;

type Link = 'connecting' | 'live' | 'lost';

export const link = $state<{ state: Link; since: number }>({ state: 'connecting', since: 0 });

interface ValuesEvent {
  epoch: string;
  change: number;
  now_ms: number;
  values: StreamRow[];
}

export class Stream {
  private source: EventSource | null = null;
  private watchdog = 0;
  private retry = 0;
  private waitMs = RETRY_MIN_MS;
  private lastSeen = 0;
  private resume = '';
  private ended = false;

  constructor(
    private readonly plant: string,
    private readonly onCatalogue: () => void,
    private readonly onLost: () => void = () => undefined,
  ) {
    if (via) {
      void this.look();
      return;
    }
    this.watchdog = window.setInterval(() => this.watch(), 500);
    this.open();
  }

  // Streams do not come through a support desk: the values are asked for again and again.
  private async look(): Promise<void> {
    try {
      const tags = await getAll<Tag>(plantPath(this.plant, 'tags'), LOOK_TAGS);
      if (!this.ended) {
        values.seed(tags);
        this.alive(Date.now());
      }
    } catch {
      this.lose();
    }
    if (!this.ended) {
      this.retry = window.setTimeout(() => void this.look(), LOOK_MS);
    }
  }

  private open(): void {
    this.source?.close();
    if (this.ended) {
      return;
    }
    const since = this.resume === '' ? '' : `?${query({ since: this.resume })}`;
    const source = new EventSource(`/api/v1${plantPath(this.plant, 'stream')}${since}`);
    this.source = source;
    this.lastSeen = performance.now();
    source.addEventListener('values', (event) => this.onValues(event));
    source.addEventListener('beat', (event) => {
      const beat = JSON.parse(event.data as string) as { now_ms: number };
      this.alive(beat.now_ms);
    });
    source.addEventListener('catalogue', () => {
      this.seen();
      this.onCatalogue();
    });
    source.addEventListener('open', () => this.seen());
    source.addEventListener('error', () => this.broken());
  }

  private onValues(event: MessageEvent): void {
    const body = JSON.parse(event.data as string) as ValuesEvent;
    this.resume = event.lastEventId || `${body.epoch}-${body.change}`;
    this.alive(body.now_ms);
    values.apply(body.values);
  }

  private seen(): void {
    this.lastSeen = performance.now();
    this.waitMs = RETRY_MIN_MS;
  }

  private alive(nowMs: number): void {
    this.seen();
    heard(nowMs);
    if (link.state !== 'live') {
      away.since = 0;
      link.state = 'live';
      link.since = serverNow();
    }
  }

  private lose(): void {
    if (link.state !== 'lost') {
      link.since = away.opened ? away.since : serverNow() - (performance.now() - this.lastSeen);
      link.state = 'lost';
      this.onLost();
    }
  }

  private broken(): void {
    this.source?.close();
    this.source = null;
    if (this.ended || this.retry !== 0) {
      return;
    }
    this.retry = window.setTimeout(() => {
      this.retry = 0;
      void this.again();
    }, this.waitMs);
    this.waitMs = Math.min(this.waitMs * 2, RETRY_MAX_MS);
  }

  // A stream that breaks may mean that nobody is signed in any more: the session tells.
  private async again(): Promise<void> {
    await loadSession();
    if (session.failed || away.since > 0) {
      this.lose();
      this.broken();
    } else if (session.user !== null) {
      this.open();
    }
  }

  private watch(): void {
    if (performance.now() - this.lastSeen > SILENCE_MS) {
      this.lose();
      if (this.source) {
        this.broken();
      }
    }
  }

  close(): void {
    this.ended = true;
    this.source?.close();
    clearInterval(this.watchdog);
    clearTimeout(this.retry);
    link.state = 'connecting';
  }
}
