// What the pages keep for a time without the server, tried without a browser: the worker's script over
// stores and a server of this file.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import vm from 'node:vm';

const SCRIPT = new URL('../../ui/public/sw.js', import.meta.url);
const ORIGIN = 'http://maru.test';
const PLANTS = '/api/v1/plants/';

class Store {
  #answers = new Map();
  #key = (request) => new URL(typeof request === 'string' ? request : request.url, ORIGIN).href;
  match = async (request) => this.#answers.get(this.#key(request))?.clone();
  put = async (request, answer) => void this.#answers.set(this.#key(request), answer);
  delete = async (request) => this.#answers.delete(this.#key(request));
  keys = async () => [...this.#answers.keys()].map((url) => ({ url }));
}

// The worker, with the answers it gets by path; a path without one is 404.
function begin(server) {
  const stores = new Map();
  const listeners = {};
  const open = async (name) => {
    stores.has(name) || stores.set(name, new Store());
    return stores.get(name);
  };
  const caches = { open, delete: async (name) => stores.delete(name), keys: async () => [...stores.keys()] };
  const self = { location: { origin: ORIGIN }, addEventListener: (name, listener) => (listeners[name] = listener) };
  const fetch = async (request) => {
    const answer = server[new URL(request.url).pathname];
    return answer ? Response.json(answer) : new Response('{}', { status: 404 });
  };
  const parts = { self, caches, fetch, URL, URLSearchParams, Response, Headers, setTimeout, clearTimeout };
  vm.runInContext(fs.readFileSync(SCRIPT, 'utf8'), vm.createContext(parts));
  const kept = async () => {
    const keys = (await (await open('maru-answers-1')).keys()).map(({ url }) => new URL(url));
    return keys.map((url) => url.pathname + url.search).filter((key) => key.startsWith(PLANTS)).sort();
  };
  const ask = async (path) => {
    let answer;
    const request = { url: ORIGIN + path, method: 'GET', mode: 'cors' };
    listeners.fetch({ request, respondWith: (given) => (answer = given), waitUntil() {} });
    await answer;
    await new Promise((done) => setTimeout(done, 30)); // It is kept after it was given.
  };
  return { ask, kept };
}

function plants(...roles) {
  return { user: { id: 'somebody' }, plants: roles.map(([id, role]) => ({ id, role })) };
}

test('what was taken back of a grant is kept no longer', async () => {
  const server = {
    '/api/v1/session': plants(['given', 'grantee'], ['own', 'owner']),
    [`${PLANTS}given/tags`]: { items: [{ name: 'stays' }, { name: 'goes' }] },
    [`${PLANTS}given/series`]: { series: [] },
    [`${PLANTS}own/tags`]: { items: [{ name: 'heat' }] },
    [`${PLANTS}own/flow`]: {},
  };
  const { ask, kept } = begin(server);
  await ask('/api/v1/session');
  for (const path of ['given/tags', 'given/series?tag=goes', 'own/tags', 'own/flow']) {
    await ask(PLANTS + path);
  }
  const all = await kept();
  assert.equal(all.length, 4);
  await ask(`${PLANTS}given/flow`); // A grant does not open it: that says nothing about the rest.
  assert.deepEqual(await kept(), all);
  server[`${PLANTS}given/tags`].items.pop();
  await ask(`${PLANTS}given/tags`);
  assert.deepEqual(await kept(), ['given/tags', 'own/flow', 'own/tags'].map((path) => PLANTS + path));
  server['/api/v1/session'] = plants(['own', 'owner']);
  await ask('/api/v1/session');
  assert.deepEqual(await kept(), ['own/flow', 'own/tags'].map((path) => PLANTS + path));
  delete server[`${PLANTS}own/flow`];
  await ask(`${PLANTS}own/flow`); // One's own plant is gone when this is.
  assert.deepEqual(await kept(), []);
});
