// What stands on the one line at the top: everything that is wrong now, the worst first.
import { msOf, type Flow } from './api';
import { bytesText, durationText } from './format';
import { t } from './words.svelte';

export type Level = 'p1' | 'p2' | 'p3' | 'fault';

export interface Notice {
  id: string;
  level: Level;
  text: string;
  to: string;
}

const RANK: Record<Level, number> = { p1: 0, fault: 1, p2: 2, p3: 3 };
const LOW_DISK_BYTES = 1_000_000_000;

function sourceNotices(flow: Flow, nowMs: number): Notice[] {
  return flow.sources
    .filter((device) => device.enabled && (device.health.state === 'down' || device.health.state === 'stale'))
    .map((device) => {
      const { health } = device;
      // A link that opens anew with each try renews `since`; before the first value no age is told.
      const from = health.last_good === null ? NaN : msOf(health.last_good);
      const age = durationText(nowMs - from);
      const text =
        health.state === 'down'
          ? Number.isNaN(from)
            ? t('notice.never', { name: device.display })
            : t('notice.down', { name: device.display, age })
          : t('notice.stale', { name: device.display, age });
      return { id: `device ${device.id}`, level: 'fault', text, to: `/data/flow?source=${device.id}` };
    });
}

function storeNotices(flow: Flow): Notice[] {
  const { store, pipeline } = flow;
  const out: Notice[] = [];
  const add = (id: string, level: Level, text: string) => out.push({ id, level, text, to: '/data/flow' });
  if (store.disk_full) {
    add('disk full', 'p1', t('notice.disk_full'));
  } else if (store.disk_free_bytes > 0 && store.disk_free_bytes < LOW_DISK_BYTES) {
    add('disk low', 'p2', t('notice.disk_low', { free: bytesText(store.disk_free_bytes) }));
  }
  if (pipeline.stalled && !store.disk_full) {
    add('stalled', 'p1', t('notice.stalled'));
  }
  if (store.damaged_blocks > 0) {
    add('damaged', 'p2', t('notice.damaged', { n: store.damaged_blocks }));
  }
  for (const consumer of flow.consumers) {
    if (consumer.last_error) {
      add(`consumer ${consumer.id}`, 'p2', t('notice.consumer', { name: consumer.id === 'strokes' ? t('consumer.strokes') : t('consumer.production') }));
    }
  }
  return out;
}

export function noticesOf(flow: Flow, nowMs: number): Notice[] {
  return [...sourceNotices(flow, nowMs), ...storeNotices(flow)].sort((a, b) => RANK[a.level] - RANK[b.level]);
}
