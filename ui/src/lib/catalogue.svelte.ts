// Tags, equipment and devices of the plant that is looked at.
import { get, getAll, plantPath, type Asset, type Device, type Problem, type Tag } from './api';
import { hayOf, type Hay } from './hangul';
import { nameOf, sortedBy } from './order';
import { isGrantee } from './rights';
import { values } from './values';
import { via } from './via';

// An answer through a support desk has 4 MB at most.
const PAGE = via ? 2_000 : 20_000;

interface Catalogue {
  plant: string;
  loaded: boolean;
  failed: Problem | null;
  tags: Tag[];
  assets: Asset[];
  devices: Device[];
}

const nothing = (plant: string): Catalogue => ({
  plant,
  loaded: false,
  failed: null,
  tags: [],
  assets: [],
  devices: [],
});
let current = $state.raw<Catalogue>(nothing(''));
let byName = new Map<string, Tag>();
let hays = new Map<string, Hay>();
let ranks = new Map<number, number>(); // Places by name; made when a list asks.

export function catalogue(): Catalogue {
  return current;
}

export function tagOf(name: string): Tag | undefined {
  return current.loaded ? byName.get(name) : undefined;
}

/** What a search looks at; made once per tag. */
export function hayOfTag(tag: Tag): Hay {
  let hay = hays.get(tag.name);
  if (!hay) {
    hay = hayOf(tag.display, tag.name);
    hays.set(tag.name, hay);
  }
  return hay;
}

/** The place of a tag among all, by what people call it. */
export function rankOf(tag: Tag): number {
  if (ranks.size === 0) {
    ranks = new Map(sortedBy(current.tags, (one) => one.display || one.name).map((one, place) => [one.number, place]));
  }
  return ranks.get(tag.number) ?? Infinity;
}

// What may not be read any more is not left in memory: it would go on standing in lists, and be kept for reading offline.
function forgetLost(plant: string, tags: Tag[]): void {
  if (current.plant === plant) {
    const still = new Set(tags.map((tag) => tag.number));
    values.forget(current.tags.map((tag) => tag.number).filter((number) => !still.has(number)));
  }
}

export async function loadCatalogue(plant: string): Promise<void> {
  if (current.plant !== plant) {
    current = nothing(plant);
  }
  try {
    // Of a plant that is only granted there are tags and nothing else.
    const none = { items: [] };
    const whole = !isGrantee();
    const [tags, assets, devices] = await Promise.all([
      getAll<Tag>(plantPath(plant, 'tags'), PAGE),
      whole ? get<{ items: Asset[] }>(plantPath(plant, 'assets')) : none,
      whole ? get<{ items: Device[] }>(plantPath(plant, 'devices')) : none,
    ]);
    byName = new Map(tags.map((tag) => [tag.name, tag]));
    hays = new Map();
    ranks = new Map();
    forgetLost(plant, tags);
    values.seed(tags);
    current = { plant, loaded: true, failed: null, tags, assets: assets.items, devices: sortedBy(devices.items, nameOf) };
  } catch (error) {
    const failed = error as Problem;
    if (failed.status === 403 || failed.status === 404) {
      forgetLost(plant, []);
      byName = new Map();
      hays = new Map();
      ranks = new Map();
      current = { ...nothing(plant), failed };
    } else {
      current = { ...current, failed };
    }
  }
}
