// Keeps the program readable while its server is away: the page itself, and the last answers to questions
// that only read. The server is always asked first; what is kept is given only when nothing comes back,
// with the time up to which it is known (header Maru-Kept). Only questions of the list below are kept, for
// one account at a time: signing in or out, another account, or an answer that nobody is signed in, and
// everything is forgotten.
const SHELL = 'maru-shell-1';
const ANSWERS = 'maru-answers-1';
const INDEX = '/index.html';
const PARTS = '/parts.json'; // The names of all scripts and of the style.
const LAST = '/maru-last'; // { who, ms, granted }: whose answers (the id of the user) these are, when the newest came, and the plants of which they see some tags by a grant.
const SNAPSHOT = '/maru-snapshot/';
const API = '/api/v1/';
const KEPT_HEADER = 'Maru-Kept';

const ANSWERS_MOST = 150;
const ASSETS_MOST = 400;
const BYTES_MOST = 8_000_000; // Of one answer; larger ones are not kept.
const AGE_MOST_MS = 72 * 3_600_000; // Older ones are not shown: they mislead.
const PATIENCE_MS = 8_000; // A server that says nothing for so long is away, where something is kept.
const PAGE_PATIENCE_MS = 5_000;
const AGAIN_MS = 10_000; // The same answer is not written more often.
const LAST_MS = 2_000;
const HOUR_MS = 3_600_000;

const PLANT = 'tags|assets|devices|flow|health|series|summary|annotations|quality|counts|moments|retention|corrections|consents|import|orders|production/stops';
const PAPERS = 'papers/(hardware|trainings|deliverables|due|operation|measure)';
const READABLE = new RegExp(`^${API}(session|plants|drivers|refine/rules|openapi\\.json|plants/[^/]+/(${PLANT}|${PAPERS}|tags/[^/]+|devices/[^/]+|orders/[^/]+|master/workers))$`);
const DOORS = new RegExp(`^${API}(session|session/link|setup|invitation|reset)$`);

// An answer that was under way while everything was forgotten belongs to whoever left.
let turn = 0;
let last = null;
const written = new Map();

async function lastKnown() {
  if (!last) {
    const kept = await (await caches.open(ANSWERS)).match(LAST);
    last = { who: '', ms: 0, granted: [], ...(kept ? await kept.json() : {}) };
  }
  return last;
}

async function forget() {
  turn++;
  last = { who: '', ms: 0, granted: [] };
  written.clear();
  await caches.delete(ANSWERS);
}

async function note(patch) {
  const before = await lastKnown();
  last = { ...before, ...patch };
  if (patch.who !== undefined || last.ms - (written.get(LAST) ?? 0) >= LAST_MS) {
    written.set(LAST, last.ms);
    await (await caches.open(ANSWERS)).put(LAST, new Response(JSON.stringify(last)));
  }
}

// Questions about a range move with the clock: kept are the tags, the length, and how many hours ago it ends.
function keyOf(url, now) {
  const from = Date.parse(url.searchParams.get('from') ?? '');
  const to = Date.parse(url.searchParams.get('to') ?? '');
  if (!(from < to)) {
    return url.pathname + url.search;
  }
  const search = new URLSearchParams(url.search);
  for (const name of ['from', 'to', 'points']) {
    search.delete(name);
  }
  search.set('span', String(Math.round((to - from) / 60_000)));
  search.set('ago', String(Math.max(0, Math.round((now - to) / HOUR_MS))));
  return `${url.pathname}?${search}`;
}

async function prune(name, most) {
  const cache = await caches.open(name);
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - most)).map((key) => cache.delete(key)));
}

// Takes what was kept under these keys (path and question) away.
async function drop(which) {
  const cache = await caches.open(ANSWERS);
  for (const request of await cache.keys()) {
    const { pathname, search } = new URL(request.url);
    if (pathname !== LAST && which(pathname + search)) {
      written.delete(pathname + search);
      await cache.delete(request);
    }
  }
}

function plantOf(key) {
  return /^(?:\/api\/v1\/plants|\/maru-snapshot)\/([^/?]+)/.exec(key)?.[1];
}

// Nothing of this plant is kept any more, nor what is under way for it.
async function dropPlant(plant) {
  turn++;
  await drop((key) => plantOf(key) === plant);
}

// What is too old to be shown is not left lying either.
async function sweep() {
  const cache = await caches.open(ANSWERS);
  for (const request of await cache.keys()) {
    const at = Number((await cache.match(request))?.headers.get('Maru-Kept-At'));
    if (new URL(request.url).pathname !== LAST && !(Date.now() - at < AGE_MOST_MS)) {
      await cache.delete(request);
    }
  }
}

// The server said that this may not be read (any more), or that its plant is not there for whoever asks.
async function refused(url, status) {
  const [, plant, rest] = /^\/api\/v1\/plants\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
  // Of a plant that is granted most questions have no answer: that says nothing about the others.
  const granted = (await lastKnown()).granted.includes(plant);
  const gone = status === 404 && (granted ? rest === 'tags' : /^(tags|assets|devices|flow|health)$/.test(rest ?? ''));
  if (gone) {
    await dropPlant(plant);
  } else if (status === 403 || status === 404) {
    await drop((key) => key === url.pathname || key.startsWith(`${url.pathname}?`));
  }
}

async function keep(key, answer, began) {
  const body = await answer.arrayBuffer();
  const now = Date.now();
  if (body.byteLength > BYTES_MOST || began !== turn || now - (written.get(key) ?? 0) < AGAIN_MS) {
    return;
  }
  written.set(key, now);
  const headers = new Headers({ 'Content-Type': answer.headers.get('Content-Type') ?? 'application/json', 'Maru-Kept-At': String(now) });
  const cache = await caches.open(ANSWERS);
  await cache.delete(key); // So that the order is that of writing.
  await cache.put(key, new Response(body, { headers }));
  if (began !== turn) {
    await cache.delete(key);
  }
  if (written.size > ANSWERS_MOST) {
    await prune(ANSWERS, ANSWERS_MOST);
  }
}

// The tags of a plant that is granted are what is granted: when one has left them, nothing of before is kept,
// neither its curves nor its newest value.
async function lost(key, answer) {
  const before = await (await caches.open(ANSWERS)).match(key);
  const names = new Set(((await answer.json()).items ?? []).map((tag) => tag.name));
  return before ? ((await before.json()).items ?? []).some((tag) => !names.has(tag.name)) : false;
}

// Whoever is there now may be another: then nothing of before is theirs. A plant that they may not enter any
// more is none of theirs either.
async function look(answer) {
  const { user, plants } = await answer.json();
  const who = user?.id ?? user?.login ?? '';
  const before = await lastKnown();
  if (who === '' || (before.who !== '' && before.who !== who)) {
    await forget();
  }
  const granted = (plants ?? []).filter((plant) => plant.role === 'grantee').map((plant) => plant.id);
  if (who !== '' && Array.isArray(plants)) {
    await drop((key) => plantOf(key) !== undefined && !plants.some((plant) => plant.id === plantOf(key)));
  }
  if (who !== '' && ((await lastKnown()).who !== who || last.granted.join(' ') !== granted.join(' '))) {
    await note({ who, granted });
  }
}

// Through a door somebody else may come in: what was kept before belongs to nobody any more.
async function door(request) {
  await forget();
  const answer = await fetch(request);
  await forget();
  if (answer.ok && answer.status !== 204) {
    await look(answer.clone()).catch(() => undefined);
  }
  return answer;
}

async function kept(key) {
  const { ms } = await lastKnown();
  const found = await (await caches.open(ANSWERS)).match(key);
  const at = Number(found?.headers.get('Maru-Kept-At'));
  if (!found || !(Date.now() - at < AGE_MOST_MS)) {
    if (found) {
      await drop((one) => one === key);
    }
    return null;
  }
  const headers = new Headers(found.headers);
  headers.set(KEPT_HEADER, String(Math.max(ms, at)));
  return new Response(found.body, { headers });
}

function within(promise, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('silence')), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function ask(event, url) {
  const began = turn;
  const asking = fetch(event.request);
  const isSession = url.pathname === `${API}session`;
  asking
    .then(async (answer) => {
      if (answer.status === 401) {
        await forget();
      } else if (answer.status === 403 || answer.status === 404) {
        await refused(url, answer.status);
      } else if (answer.ok) {
        const copy = answer.clone();
        if (isSession) {
          await look(answer.clone());
        }
        await note({ ms: Date.now() });
        const { who, granted } = await lastKnown();
        const key = keyOf(url, Date.now());
        const plant = /^\/api\/v1\/plants\/([^/]+)\/tags$/.exec(url.pathname)?.[1];
        let since = isSession ? turn : began;
        if (began === turn && granted.includes(plant) && (await lost(key, copy.clone()))) {
          await dropPlant(plant);
          since = turn;
        }
        if (who !== '') {
          await keep(key, copy, since);
        }
      }
    })
    .catch(() => undefined);
  try {
    return await within(asking, PATIENCE_MS);
  } catch {
    const { ms } = await lastKnown();
    return (await kept(keyOf(url, ms))) ?? asking;
  }
}

async function page(event) {
  event.waitUntil(sweep());
  const cache = await caches.open(SHELL);
  try {
    const answer = await within(fetch(event.request), PAGE_PATIENCE_MS);
    if (answer.ok && (answer.headers.get('Content-Type') ?? '').startsWith('text/html')) {
      const before = await (await cache.match(INDEX))?.text();
      await cache.put(INDEX, answer.clone());
      if (before !== (await answer.clone().text())) {
        event.waitUntil(keepParts(cache).catch(() => undefined));
      }
    }
    return answer;
  } catch {
    return (await cache.match(INDEX)) ?? Response.error();
  }
}

async function asset(event) {
  const cache = await caches.open(SHELL);
  const found = await cache.match(event.request);
  if (found) {
    return found;
  }
  const answer = await fetch(event.request);
  if (answer.ok) {
    await cache.put(event.request, answer.clone());
    event.waitUntil(prune(SHELL, ASSETS_MOST));
  }
  return answer;
}

// The parts that the page fetches later, so that a page that was never opened can be read too.
async function keepParts(cache) {
  const named = await (await fetch(PARTS, { cache: 'no-store' })).json();
  for (const path of named) {
    (await cache.match(path)) ?? (await cache.add(path));
  }
}

// The page and all it names, so that the first visit is enough.
async function keepShell() {
  const cache = await caches.open(SHELL);
  const index = await fetch(INDEX, { cache: 'no-store' });
  const text = await index.clone().text();
  await cache.put(INDEX, index);
  const named = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
  await Promise.all(named.map(async (path) => (await cache.match(path)) ?? cache.add(path)));
  await keepParts(cache);
}

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(keepShell());
});
self.addEventListener('activate', (event) => {
  const own = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith('maru-') && name !== SHELL && name !== ANSWERS);
    await Promise.all(names.map((name) => caches.delete(name)));
    await sweep();
    await self.clients.claim();
  };
  event.waitUntil(own());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) {
    return;
  }
  if (request.method !== 'GET') {
    if (DOORS.test(url.pathname)) {
      event.respondWith(door(request));
    }
  } else if (request.mode === 'navigate' && !url.pathname.startsWith('/api/')) {
    event.respondWith(page(event));
  } else if (url.pathname.startsWith('/assets/')) {
    event.respondWith(asset(event));
  } else if (url.pathname.startsWith(SNAPSHOT)) {
    event.respondWith(kept(url.pathname).then((answer) => answer ?? new Response('', { status: 404 })));
  } else if (READABLE.test(url.pathname) && url.searchParams.get('format') !== 'csv') {
    event.respondWith(ask(event, url));
  }
});

// The newest values, which came by the stream and stand in no answer.
self.addEventListener('message', (event) => {
  const { plant, rows, ms } = event.data ?? {};
  if (typeof plant === 'string' && Array.isArray(rows)) {
    const store = async () => {
      const began = turn;
      if ((await lastKnown()).who === '') {
        return;
      }
      await note({ ms: Math.max(ms, (await lastKnown()).ms) });
      written.delete(SNAPSHOT + plant);
      await keep(SNAPSHOT + plant, new Response(JSON.stringify(rows), { headers: { 'Content-Type': 'application/json' } }), began);
    };
    event.waitUntil(store());
  }
});
