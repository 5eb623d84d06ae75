// Where each page stands: the areas of the rail and the tabs of an area. A page is one line here and one
// in Shell; addresses stay what they are when a page moves to another area.
import type { IconName } from '../parts/Icon.svelte';
import type { Key } from './words.svelte';

export interface Tab {
  id: string;
  words: Key;
}
export interface Area {
  to: string;
  icon: IconName;
  words: Key;
  tabs: Tab[];
}

export const AREAS: Area[] = [
  { to: '/floor', icon: 'floor', words: 'nav.floor', tabs: [] },
  {
    to: '/data/flow',
    icon: 'data',
    words: 'nav.data',
    tabs: [
      { id: 'flow', words: 'flow.tab' },
      { id: 'live', words: 'live.tab' },
      { id: 'trend', words: 'trend.tab' },
      { id: 'devices', words: 'devices.tab' },
      { id: 'quality', words: 'quality.tab' },
    ],
  },
  { to: '/scan', icon: 'scan', words: 'nav.scan', tabs: [] },
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
  { to: '/settings', icon: 'settings', words: 'nav.settings', tabs: [] },
];

// A tag's own page is reached from the list of values and belongs to it.
const LIVE = ['/data/tag'];

export function tabPath(tab: Tab): string {
  return `/data/${tab.id}`;
}

/** The area that an address belongs to; undefined for pages outside the rail (the television's). */
export function areaOf(path: string): Area | undefined {
  if (path === '/data' || LIVE.includes(path)) {
    return AREAS[1];
  }
  if (path.startsWith('/settings/')) {
    return AREAS[AREAS.length - 1];
  }
  return AREAS.find((area) => path === area.to || area.tabs.some((tab) => path === tabPath(tab)));
}
