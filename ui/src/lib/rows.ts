// Which tags stand in the list and in what order: filtered, sorted and grouped from the address.
import type { Asset, Device, Tag } from './api';
import { hayOfTag, rankOf } from './catalogue.svelte';
import { findIn, needleOf } from './hangul';
import { commonPrefix } from './machines';
import { byText } from './order';
import { qualityOf } from './quality';
import { values } from './values';

export type SortBy = 'name' | 'value' | 'age' | 'quality';
export type GroupBy = 'none' | 'device' | 'equipment';

export interface Asked {
  text: string;
  device: string;
  odd: boolean;
  sort: SortBy;
  down: boolean;
  group: GroupBy;
}

/** `cut`: how much of the name the group's title already says. */
export type Row = { group: string; count: number; tag?: undefined } | { tag: Tag; cut: string; group?: undefined };

const SORTS: SortBy[] = ['name', 'value', 'age', 'quality'];

export function askedOf(params: URLSearchParams): Asked {
  const sort = params.get('sort') ?? '';
  const down = sort.startsWith('-');
  const by = (down ? sort.slice(1) : sort) as SortBy;
  const group = params.get('group');
  return {
    text: params.get('q') ?? '',
    device: params.get('device') ?? '',
    odd: params.get('odd') === '1',
    sort: SORTS.includes(by) ? by : 'name',
    down,
    group: group === 'none' || group === 'device' ? group : 'equipment',
  };
}

function compare(by: SortBy): (a: Tag, b: Tag) => number {
  if (by === 'name') {
    return (a, b) => rankOf(a) - rankOf(b);
  }
  const keyOf = (tag: Tag): number => {
    const slot = values.slot(tag.number);
    const key = by === 'value' ? values.number[slot]! : by === 'age' ? -values.received[slot]! : values.status[slot]!;
    return Number.isNaN(key) ? Infinity : key;
  };
  return (a, b) => {
    const [x, y] = [keyOf(a), keyOf(b)];
    return x === y ? rankOf(a) - rankOf(b) : x < y ? -1 : 1;
  };
}

function isOdd(tag: Tag): boolean {
  const slot = values.slot(tag.number);
  return !values.has(slot) || qualityOf(values.status[slot]!) !== 'good';
}

export function rowsOf(tags: Tag[], asked: Asked, groupTitle: (tag: Tag) => string): Row[] {
  const needle = needleOf(asked.text);
  const wanted = tags.filter(
    (tag) =>
      (asked.device === '' || tag.device === asked.device) &&
      (needle.plain === '' || findIn(hayOfTag(tag), needle) >= 0) &&
      (!asked.odd || isOdd(tag)),
  );
  wanted.sort(compare(asked.sort));
  if (asked.down) {
    wanted.reverse();
  }
  if (asked.group === 'none') {
    return wanted.map((tag) => ({ tag, cut: '' }));
  }
  const groups = new Map<string, Tag[]>();
  for (const tag of wanted) {
    const title = groupTitle(tag);
    const group = groups.get(title);
    if (group) {
      group.push(tag);
    } else {
      groups.set(title, [tag]);
    }
  }
  const titled = [...groups];
  if (asked.sort === 'name') {
    titled.sort(([a], [b]) => (asked.down ? byText(b, a) : byText(a, b)));
  }
  return titled.flatMap(([group, members]): Row[] => {
    const cut = commonPrefix(members, group);
    return [{ group, count: members.length }, ...members.map((tag) => ({ tag, cut }))];
  });
}

/** "line1.press1.strokes" belongs to the equipment press1 of line1. */
export function equipmentTitles(assets: Asset[]): Map<string, string> {
  return new Map(
    assets.filter((one) => one.level === 'equipment').map((one) => [`${one.parent ?? ''}.${one.id}`, one.display]),
  );
}

export function groupTitleOf(group: GroupBy, devices: Device[], assets: Asset[], nothing: string): (tag: Tag) => string {
  if (group === 'device') {
    const names = new Map(devices.map((one) => [one.id, one.display || one.id]));
    return (tag) => (tag.device === null ? nothing : (names.get(tag.device) ?? tag.device));
  }
  const titles = equipmentTitles(assets);
  return (tag) => {
    const path = tag.name.slice(0, Math.max(0, tag.name.lastIndexOf('.')));
    return titles.get(path) ?? (path === '' ? nothing : path);
  };
}
