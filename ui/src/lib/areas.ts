// Where each page stands: the areas of the rail and the tabs of an area. A page is one line here and one
// in Shell; addresses stay what they are when a page moves to another area.
import type { IconName } from '../parts/Icon.svelte';
import { isGrantee, maySeeCosts } from './rights';
import { session } from './session.svelte';
import type { Key } from './words.svelte';

export interface Tab {
  id: string;
  words: Key;
  to?: string; // Its address; otherwise below /data.
  shown?: () => boolean; // For whom; undefined: for all.
  group?: Key; // Of an area with many pages: those of a group stand together.
}
export interface Area {
  to: string;
  icon: IconName;
  words: Key;
  tabs: Tab[];
}

const LIVE: Tab = { id: 'live', words: 'live.tab' };
const TREND: Tab = { id: 'trend', words: 'trend.tab' };
const FACTORIES: Area = { to: '/factories', icon: 'building', words: 'nav.factories', tabs: [] };
const DATA: Area = {
  to: '/data/flow',
  icon: 'data',
  words: 'nav.data',
  tabs: [{ id: 'flow', words: 'flow.tab' }, LIVE, TREND, { id: 'devices', words: 'devices.tab' }, { id: 'quality', words: 'quality.tab' }],
};
const GRANTED: Area = { to: '/data/live', icon: 'data', words: 'nav.data', tabs: [LIVE, TREND] };
const SETTINGS: Area = { to: '/settings', icon: 'settings', words: 'nav.settings', tabs: [] };

// What the shop floor tells, and what it works from.
const PRODUCTION: Area = {
  to: '/terminal',
  icon: 'box',
  words: 'nav.production',
  tabs: [
    { id: 'orders', words: 'orders.title', to: '/orders', group: 'nav.plan' },
    { id: 'sales', words: 'sales.title', to: '/sales', group: 'nav.plan' },
    { id: 'costs', words: 'costs.title', to: '/costs', group: 'nav.plan', shown: maySeeCosts },
    { id: 'terminal', words: 'terminal.title', to: '/terminal', group: 'nav.make' },
    { id: 'output', words: 'output.title', to: '/output', group: 'nav.make' },
    { id: 'forms', words: 'forms.title', to: '/forms', group: 'nav.make' },
    { id: 'maintenance', words: 'upkeep.title', to: '/maintenance', group: 'nav.make' },
    { id: 'scan', words: 'nav.scan', to: '/scan', group: 'nav.make' },
    { id: 'stock', words: 'stocks.title', to: '/stock', group: 'nav.stock' },
    { id: 'lots', words: 'lots.title', to: '/lots', group: 'nav.stock' },
    { id: 'inspections', words: 'inspections.title', to: '/inspections', group: 'nav.quality' },
    { id: 'deliveries', words: 'deliveries.title', to: '/deliveries', group: 'nav.ship' },
    { id: 'master', words: 'master.tab', group: 'nav.base' },
  ],
};

const AREAS: Area[] = [
  { to: '/floor', icon: 'floor', words: 'nav.floor', tabs: [] },
  DATA,
  PRODUCTION,
  {
    to: '/data/upload',
    icon: 'files',
    words: 'nav.files',
    tabs: [
      { id: 'upload', words: 'upload.tab' },
      { id: 'papers', words: 'papers.tab' },
      { id: 'outbox', words: 'outbox.tab' },
    ],
  },
  { to: '/data/indicators', icon: 'chart', words: 'nav.analysis', tabs: [] },
  { to: '/health', icon: 'health', words: 'nav.health', tabs: [] },
  SETTINGS,
];

/** What the rail shows: of a plant that is only granted, the pages of its values; above all, the list of
    plants for whoever has several. */
export function areas(): Area[] {
  const own = isGrantee() ? [GRANTED, SETTINGS] : AREAS;
  return session.plants.length > 1 ? [FACTORIES, ...own] : own;
}

// A tag's own page is reached from the list of values and belongs to it.
const OF_LIVE = ['/data/tag'];

export interface TabGroup {
  words: Key;
  tabs: Tab[];
}
/** The groups of tabs, in the order in which they are met; none where an area has few. */
export function groupsOf(tabs: Tab[]): TabGroup[] {
  const groups: TabGroup[] = [];
  for (const tab of tabs.filter((one) => one.group !== undefined)) {
    const group = groups.find((one) => one.words === tab.group);
    if (group) {
      group.tabs.push(tab);
    } else {
      groups.push({ words: tab.group!, tabs: [tab] });
    }
  }
  return groups;
}

export function tabPath(tab: Tab): string {
  return tab.to ?? `/data/${tab.id}`;
}

/** The area that an address belongs to; undefined for pages outside the rail (the television's). */
export function areaOf(path: string): Area | undefined {
  if (path === '/data' || OF_LIVE.includes(path)) {
    return isGrantee() ? GRANTED : DATA;
  }
  if (path.startsWith('/settings/')) {
    return SETTINGS;
  }
  if (path.startsWith('/lots/')) {
    return PRODUCTION;
  }
  return areas().find((area) => path === area.to || area.tabs.some((tab) => path === tabPath(tab)));
}

/** Whether a page is there for whoever is here: of a plant that is only granted, few are. */
export function isOpen(path: string): boolean {
  const open = ['/factories', '/data/live', '/data/trend', '/settings', '/help'];
  return !isGrantee() || open.some((one) => path === one || path.startsWith(`${one}/`));
}
