// What the search finds: kinds of things, each with its own list. A new noun of the program is one more
// entry of KINDS. Titles are found in both languages, whatever the pages are shown in.
import type { IconName } from '../parts/Icon.svelte';
import { areas, isOpen } from './areas';
import { catalogue, hayOfTag } from './catalogue.svelte';
import { findIn, hayOf, needleOf, type Hay } from './hangul';
import { isFound } from './recent';
import { isGrantee } from './rights';
import { session } from './session.svelte';
import { GROUPS, sectionPath } from './settings';
import { both, t, type Key } from './words.svelte';

export interface Hit {
  to: string;
  icon: IconName;
  title: string;
  note: string;
}

interface Thing extends Hit {
  hay: Hay;
}
interface Kind {
  /** Smaller comes first where two match alike. */
  weight: number;
  things: () => Thing[];
  /** Shown before anything was typed. */
  first?: boolean;
}

const PAGES: { to: string; words: Key; icon?: IconName }[] = [
  { to: '/factories', words: 'factories.title', icon: 'building' },
  { to: '/floor', words: 'nav.floor', icon: 'floor' },
  { to: '/data/flow', words: 'flow.title' },
  { to: '/data/live', words: 'live.title', icon: 'live' },
  { to: '/data/trend', words: 'trend.title', icon: 'trend' },
  { to: '/data/devices', words: 'devices.title' },
  { to: '/data/quality', words: 'quality.title' },
  { to: '/data/tag?new=derived', words: 'tag.new_derived' },
  { to: '/orders', words: 'orders.title', icon: 'box' },
  { to: '/lots', words: 'lots.title', icon: 'box' },
  { to: '/stock', words: 'stocks.title', icon: 'box' },
  { to: '/output', words: 'output.title', icon: 'box' },
  { to: '/inspections', words: 'inspections.title', icon: 'check' },
  { to: '/sales', words: 'sales.title', icon: 'box' },
  { to: '/costs', words: 'costs.title', icon: 'box' },
  { to: '/deliveries', words: 'deliveries.title', icon: 'box' },
  { to: '/terminal', words: 'terminal.title', icon: 'scan' },
  { to: '/scan', words: 'scan.title' },
  { to: '/data/upload', words: 'upload.title' },
  { to: '/data/papers', words: 'papers.title' },
  { to: '/data/indicators', words: 'indicators.title' },
  { to: '/data/outbox', words: 'outbox.title' },
  { to: '/health', words: 'health.title' },
  { to: '/help', words: 'help.title', icon: 'help' },
  { to: '/help/api', words: 'openapi.title', icon: 'help' },
  { to: '/tv?pages=floor,flow&every=20s', words: 'tv.title', icon: 'tv' },
];

function iconOf(to: string): IconName {
  return areas().find((area) => area.to === to || area.tabs.some((tab) => to.startsWith(`/data/${tab.id}`)))?.icon ?? 'right';
}

function pages(): Thing[] {
  const own = PAGES.filter((one) => isOpen(one.to.split('?')[0]!) && (one.to !== '/factories' || session.plants.length > 1)).map(({ to, words, icon }) => ({ to, icon: icon ?? iconOf(to), title: t(words), note: t('search.page'), hay: hayOf(...both(words)) }));
  const sections = GROUPS.flatMap((group) => group.sections)
    .filter((section) => section.shown())
    .map((section) => ({
      to: sectionPath(section.id),
      icon: section.icon,
      title: t(section.words),
      note: t('nav.settings'),
      hay: hayOf(...both(section.words), ...both('nav.settings')),
    }));
  return [...own, ...sections];
}

const KINDS: Kind[] = [
  { weight: 0, things: pages, first: true },
  {
    weight: 100,
    things: () =>
      catalogue()
        .assets.filter((asset) => asset.level === 'equipment')
        .map((asset) => ({
          to: `/floor?machine=${asset.parent ?? ''}.${asset.id}`,
          icon: 'floor',
          title: asset.display || asset.id,
          note: t('search.equipment'),
          hay: hayOf(asset.display, asset.id),
        })),
  },
  {
    weight: 150,
    things: () =>
      catalogue().devices.map((device) => ({
        to: `/data/devices?device=${encodeURIComponent(device.id)}`,
        icon: 'data',
        title: device.display || device.id,
        note: t('search.device'),
        hay: hayOf(device.display, device.id, device.address),
      })),
  },
  {
    weight: 200,
    things: () =>
      catalogue().tags.map((tag) => ({
        to: isGrantee() ? (tag.type === 'text' ? `/data/live?q=${encodeURIComponent(tag.name)}` : `/data/trend?tags=${tag.name}`) : tag.type === 'text' ? `/data/tag?name=${encodeURIComponent(tag.name)}` : `/data/trend?tags=${tag.name}`,
        icon: 'trend',
        title: tag.display || tag.name,
        note: tag.name,
        hay: hayOfTag(tag),
      })),
  },
];

const SHOWN = 40;
// What was opened lately comes before what matches as well.
const LATELY = 1000;

export function hitsOf(asked: string, lately: Hit[]): Hit[] {
  const needle = needleOf(asked);
  if (needle.plain === '') {
    const first = KINDS.filter((kind) => kind.first).flatMap((kind) => kind.things());
    return [...lately, ...first.filter((one) => !isFound(lately, one.to))].slice(0, SHOWN);
  }
  const out: { hit: Thing; rank: number }[] = [];
  for (const { weight, things } of KINDS) {
    for (const hit of things()) {
      const place = findIn(hit.hay, needle);
      if (place >= 0) {
        out.push({ hit, rank: weight + Math.min(place, 90) - (isFound(lately, hit.to) ? LATELY : 0) });
      }
    }
  }
  return out
    .sort((a, b) => a.rank - b.rank)
    .slice(0, SHOWN)
    .map(({ hit }) => hit);
}
