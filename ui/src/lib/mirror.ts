// A second place in the browser for what waits (lib/queue.svelte.ts). What localStorage was told last may be
// gone after a power cut; IndexedDB writes through to the disk, but answers later.
const NAME = 'maru-waiting';
const STORE = 'items';
const PATIENCE_MS = 2_000;

let opening: Promise<IDBDatabase | null> | null = null;

function database(): Promise<IDBDatabase | null> {
  opening ??= new Promise((resolve) => {
    setTimeout(() => resolve(null), PATIENCE_MS);
    try {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => void asked.result.createObjectStore(STORE);
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
    } catch {
      resolve(null); // Not there, for example in a private window.
    }
  });
  return opening;
}

async function change(what: (store: IDBObjectStore) => void): Promise<boolean> {
  const db = await database();
  return new Promise((resolve) => {
    try {
      const work = db!.transaction(STORE, 'readwrite', { durability: 'strict' });
      what(work.objectStore(STORE));
      work.oncomplete = () => resolve(true);
      work.onabort = () => resolve(false);
    } catch {
      resolve(false);
    }
  });
}

/** True once it is on the disk. */
export const put = (key: string, text: string): Promise<boolean> => change((store) => void store.put(text, key));
export const drop = (key: string): Promise<boolean> => change((store) => void store.delete(key));

/** What stands under keys that begin so. */
export async function all(prefix: string): Promise<string[]> {
  const db = await database();
  return new Promise((resolve) => {
    setTimeout(() => resolve([]), PATIENCE_MS);
    try {
      const asked = db!.transaction(STORE).objectStore(STORE).getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`));
      asked.onsuccess = () => resolve(asked.result as string[]);
      asked.onerror = () => resolve([]);
    } catch {
      resolve([]);
    }
  });
}
