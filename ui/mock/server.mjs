// Serves dist/ and imitates docs/HTTP.md with moving data, without any dependency: for looking at the
// pages while developing and for the browser tests. Modes: demo, empty, error, many (10,000 tags),
// setup, signedout, old (a program from before rights by plant), two (two plants), ten (a supplier's ten), granted
// (some tags of one by a grant). `node mock/server.mjs --mode many --port 8490`
import { createServer } from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGrants, GRANTED } from './grants.mjs';
import { createSupport } from './support.mjs';
import { createIndicators } from './indicators.mjs';
import { createMaster } from './master.mjs';
import { createPeople, described } from './people.mjs';
import { createPlant } from './plant.mjs';
import { createProduction } from './production.mjs';
import { createStart } from './start.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const DIST = join(here, '..', 'dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// Read once: a build that runs meanwhile must not pull the pages from under a test.
function pagesOf(folder) {
  const out = new Map([['/index.html', readFileSync(join(folder, 'index.html'))]]);
  for (const name of readdirSync(folder).filter((one) => one.includes('.') && !one.startsWith('.'))) {
    out.set(`/${name}`, readFileSync(join(folder, name)));
  }
  for (const name of readdirSync(join(folder, 'assets'))) {
    out.set(`/assets/${name}`, readFileSync(join(folder, 'assets', name)));
  }
  return out;
}

/** Starts a mock; `set` changes what it shows while it runs. */
export async function startMock({ mode = 'demo', port = 0, lang = 'ko' } = {}) {
  const state = { mode, withdrawn: '', hang: false, signedIn: mode !== 'setup' && mode !== 'signedout', owner: mode !== 'setup' };
  const files = pagesOf(DIST);
  const plant = createPlant({ mode, lang });
  const people = createPeople({ lang, plant });
  const grants = createGrants({ mode, lang, people, plant });
  const support = createSupport({ lang });
  const start = createStart(plant);
  const indicators = createIndicators(mode, lang);
  const master = createMaster(mode, lang);
  const production = createProduction({ mode, lang });
  const streams = new Set();

  function send(res, status, body, type = 'application/json') {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    res.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    res.end(bytes);
  }
  function problem(res, status, code, ko, en, req) {
    const english = (req.headers['accept-language'] ?? 'ko').startsWith('en');
    const body = { type: `/problems/${code}`, title: code, status, detail: english ? en : ko, code };
    send(res, status, body, 'application/problem+json');
  }
  function session() {
    const base = { setup_needed: !state.owner, demo: true, version: '0.1.0', epoch: 'mock' };
    if (!state.signedIn) {
      return { user: null, ...base };
    }
    const { id, login, display, admin, organisation, second_factor } = people.me;
    if (mode === 'old') {
      return { user: { login, display, role: 'owner' }, plants: [plant.info], ...base };
    }
    const { role } = people.access.find((one) => one.user === people.me);
    const second = { id: 'annex', display: lang === 'ko' ? '제2공장' : 'Annex', zone: plant.info.zone, role: 'viewer' };
    const own = grants.plants() ?? [{ ...plant.info, role }, ...(mode === 'two' ? [second] : [])];
    return { user: { id, login, display, role: own[0].role, admin: admin && mode !== 'granted', organisation, second_factor }, plants: own, ...base };
  }

  function servePage(path, res) {
    const asset = files.get(path);
    if (!asset && path.startsWith('/assets/')) {
      return send(res, 404, 'not found', 'text/plain');
    }
    const type = TYPES[asset ? extname(path) : '.html'] ?? TYPES['.html'];
    res.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': CSP, 'Cache-Control': path.startsWith('/assets/') ? 'max-age=31536000' : 'no-cache' });
    return res.end(asset ?? files.get('/index.html'));
  }

  const isGranted = (tag) => GRANTED.test(tag.name) && tag.name !== state.withdrawn;
  function rowsSeen(all) {
    const seen = mode === 'granted' ? new Set(plant.tags(0, 100_000).filter(isGranted).map((tag) => tag.number)) : null;
    return plant.rows(all).filter(([number]) => !seen || seen.has(number));
  }

  function stream(req, res) {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    let change = 0;
    const values = (rows) => {
      change++;
      const data = JSON.stringify({ epoch: 'mock', change, now_ms: Date.now(), values: rows });
      res.write(`event: values\nid: mock-${change}\ndata: ${data}\n\n`);
    };
    values(rowsSeen(true));
    const moving = setInterval(() => {
      const rows = state.hang ? [] : rowsSeen(false);
      if (rows.length > 0) {
        values(rows);
      }
    }, 200);
    const beating = setInterval(() => {
      if (!state.hang) {
        res.write(`event: beat\ndata: {"now_ms":${Date.now()}}\n\n`);
      }
    }, 2000);
    streams.add(res);
    req.on('close', () => {
      clearInterval(moving);
      clearInterval(beating);
      streams.delete(res);
    });
  }

  const inPlant = {
    tags: (url) => (mode === 'granted' ? { items: plant.tags(0, 100_000).filter(isGranted).map((tag) => ({ ...tag, device: null, source: null })), next: null } : { items: plant.tags(Number(url.searchParams.get('cursor') ?? 0), Number(url.searchParams.get('limit') ?? 1000)), next: plant.next(url) }),
    assets: () => ({ items: plant.assets, next: null }),
    devices: () => ({ items: plant.devices(), next: null }),
    series: (url) => plant.series(url.searchParams),
    summary: (url) => plant.summary(url.searchParams),
    annotations: (url, body) => (body ? plant.annotate(body) : plant.annotations(url.searchParams)),
    flow: () => plant.flow(),
    'flow/history': (url) => plant.flowHistory(url.searchParams),
    'flow/tags': () => plant.flowTags(),
    'flow/refused': (url, body, english) => plant.flowRefused(english),
    retention: (url, body, english) => retention(url, body, english),
  };

  // The rule of a mock plant: a day of values takes 40 MB, and 400 days are there.
  const rule = { raw_days: 0, rollup_days: 0, archive_dir: '' };
  function retention(url, body, english) {
    const next = { ...rule, ...body, ...(body?.archive === 'none' ? { archive_dir: '' } : {}) };
    delete next.archive;
    next.kind = body?.archive ?? rule.kind ?? 'none';
    if (body && !url.searchParams.has('dry_run')) {
      Object.assign(rule, next);
    }
    const day = 40_000_000;
    const gone = next.raw_days > 0 ? Math.max(0, 400 - next.raw_days) : 0;
    const kept = next.raw_days > 0 ? Math.min(765, next.raw_days) : 765;
    return {
      ...next, archive: next.kind, stored: !url.searchParams.has('dry_run'),
      words: english ? [
        next.raw_days > 0 ? `Values older than ${next.raw_days} days go. Days that a tag has of its own come first.` : 'Values stay for ever (but for tags with days of their own).',
        gone > 0 ? `Within an hour ${gone * 1_000_000} values of 12 tags go (about ${((gone * day) / 1e9).toFixed(1)} GB), then old ones every night.` : 'Nothing goes now.',
      ] : [
        next.raw_days > 0 ? `${next.raw_days}일보다 오래된 값을 정리합니다. 태그에 따로 정한 일수가 우선합니다.` : '값을 계속 보관합니다(일수를 따로 정한 태그는 제외).',
        gone > 0 ? `한 시간 안에 태그 12개의 값 ${gone * 1_000_000}개(약 ${((gone * day) / 1e9).toFixed(1)} GB)를 정리합니다. 그 뒤로는 매일 밤 오래된 값을 정리합니다.` : '지금 정리할 값은 없습니다.',
      ],
      today: { raw_bytes: 400 * day, rollup_bytes: 0, log_bytes: 96_000_000, archive_bytes: 0 },
      in_a_year: { raw_bytes: kept * day, rollup_bytes: next.rollup_days > next.raw_days ? 18_000_000 : 0, archive_bytes: next.archive_dir ? (765 - kept) * day : 0 },
      bytes_per_day: day, gone: { rows: gone * 1_000_000, bytes: gone * day, tags: gone > 0 ? 12 : 0 },
    };
  }

  // Read once: several may ask for it.
  async function bodyOf(req) {
    if (req.bodyRead === undefined) {
      let text = '';
      for await (const chunk of req) {
        text += chunk;
      }
      const isJson = (req.headers['content-type'] ?? '').startsWith('application/json');
      req.bodyRead = text === '' ? {} : isJson ? JSON.parse(text) : text;
    }
    return req.bodyRead;
  }

  async function api(req, res, url) {
    const path = url.pathname.slice('/api/v1'.length);
    if (state.hang) {
      return; // A server that is there and says nothing.
    }
    if (path === '/session' && req.method === 'GET') {
      return send(res, 200, session());
    }
    if (path === '/openapi.json') {
      return send(res, 200, mode === 'old' ? { openapi: '3.1.0', paths: {} } : described());
    }
    if (req.method !== 'GET' && req.headers['x-requested-with'] !== 'maru') {
      return problem(res, 403, 'foreign_page', '다른 사이트의 요청은 받지 않습니다.', 'Requests of another site are refused.', req);
    }
    if (path === '/session' && req.method === 'POST') {
      const { login, password, code } = await bodyOf(req);
      const wrong = () => problem(res, 401, 'wrong_password', '계정 이름 또는 비밀번호가 맞지 않습니다.', 'The account name or the password is wrong.', req);
      if (!['kim', 'park'].includes(login) || password !== 'maru-mock-2026') {
        return wrong();
      }
      if (login === 'park' && code === undefined) {
        return problem(res, 401, 'second_factor', '인증 코드가 필요합니다.', 'A code from the authenticator is needed.', req);
      }
      if (login === 'park' && code !== '123456' && code !== 'k7wd-29qf') {
        return problem(res, 401, 'wrong_password', '인증 코드가 맞지 않습니다.', 'The code is wrong.', req);
      }
      state.signedIn = true;
      return send(res, 200, session());
    }
    if (path === '/invitation/look') {
      const { secret } = await bodyOf(req);
      return secret === 'good-secret' ? send(res, 200, people.invited()) : problem(res, 403, 'link_spent', '이 링크는 이미 쓰였거나 기간이 지났습니다.', 'This link was used already or has expired.', req);
    }
    if (['/session/link', '/setup', '/invitation', '/reset'].includes(path)) {
      const { secret } = await bodyOf(req);
      if (secret !== 'good-secret') {
        return problem(res, 403, 'link_spent', '이 링크는 이미 쓰였거나 기간이 지났습니다.', 'This link was used already or has expired.', req);
      }
      state.signedIn = true;
      state.owner = true;
      return send(res, 200, session());
    }
    if (path === '/session' && req.method === 'DELETE') {
      state.signedIn = false;
      res.writeHead(204);
      return res.end();
    }
    if (!state.signedIn) {
      return problem(res, 401, 'nobody', '로그인이 필요합니다.', 'Sign in first.', req);
    }
    const reads = /^\/plants\/[^/]+\/(?:tags|samples|series|moments|stream)$/;
    if (mode === 'granted' && path.startsWith('/plants/') && !(req.method === 'GET' && reads.test(path))) {
      return problem(res, 404, 'not_found', '없는 공장입니다.', 'There is no such plant.', req);
    }
    const granted = mode === 'old' ? null : grants.answer(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req));
    if (granted) {
      return granted[0] >= 400 ? problem(res, granted[0], 'not_found', '없는 대상입니다.', 'There is no such thing.', req) : send(res, granted[0], granted[1]);
    }
    if (support.isVia(path)) {
      const bytes = await bodyOf(req);
      const text = typeof bytes === 'string' ? bytes : Object.keys(bytes).length > 0 ? JSON.stringify(bytes) : '';
      res.writeHead(200, { 'Content-Type': 'application/octet-stream' });
      return res.end(await support.via(req, url, text));
    }
    if (path === '/plants' && req.method === 'GET') {
      return send(res, 200, { items: [{ ...plant.info, role: 'installer' }], next: null });
    }
    const helped = support.answer(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req));
    if (helped?.[0] === 204) {
      res.writeHead(204);
      return res.end();
    }
    if (helped) {
      return helped[0] >= 400 ? problem(res, helped[0], 'invalid', '지원 링크가 아닙니다.', 'This is no support link.', req) : send(res, helped[0], helped[1]);
    }
    const kept = state.mode === 'broken' ? null : master(req.method, path, url.searchParams);
    if (kept) {
      return send(res, 200, kept);
    }
    const counted = indicators(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req));
    if (counted) {
      return send(res, req.method === 'POST' ? 201 : 200, counted);
    }
    const match = /^\/plants\/([^/]+)\/([a-z]+(?:\/[a-z]+)?)$/.exec(path);
    if (match?.[1] === 'nowhere') {
      return problem(res, 404, 'not_found', '없는 대상입니다.', 'There is no such thing.', req);
    }
    const begun = state.mode === 'broken' ? null : start.answer(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req), (req.headers['accept-language'] ?? 'ko').startsWith('en'), url.searchParams);
    if (begun) {
      return send(res, 200, begun);
    }
    const told = mode === 'old' ? null : people.answer(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req), url.searchParams);
    if (told) {
      const [status, body] = told;
      if (status >= 400) {
        return problem(res, status, body.code ?? 'not_found', body.ko ?? '없는 대상입니다.', body.en ?? 'There is no such thing.', req);
      }
      return status === 204 ? (res.writeHead(204), res.end()) : send(res, status, body);
    }
    const made = mode === 'old' || state.mode === 'broken' ? null : production.answer(req.method, path, req.method === 'GET' ? undefined : await bodyOf(req), req.headers['idempotency-key'], url.searchParams);
    if (made) {
      const [status, body] = made;
      return status >= 400 ? problem(res, status, body.code, body.ko, body.en, req) : send(res, status, body);
    }
    if (match && match[2] === 'stream') {
      return stream(req, res);
    }
    if (match && state.mode === 'broken') {
      return problem(res, 503, 'store_unreadable', '저장소를 읽을 수 없습니다. 디스크를 확인한 뒤 프로그램을 다시 시작하십시오.', 'The store cannot be read. Check the disk, then start the program again.', req);
    }
    const note = /^\/plants\/[^/]+\/annotations\/(\d+)$/.exec(path);
    if (note && req.method === 'DELETE') {
      if (!plant.forget(Number(note[1]))) {
        return problem(res, 404, 'not_found', '없는 메모입니다.', 'There is no such note.', req);
      }
      res.writeHead(204);
      return res.end();
    }
    const answer = match && inPlant[match[2]];
    if (!answer) {
      return problem(res, 404, 'no_route', '없는 주소입니다.', 'There is no such address.', req);
    }
    const english = (req.headers['accept-language'] ?? 'ko').startsWith('en');
    return send(res, req.method === 'POST' ? 201 : 200, answer(url, req.method === 'GET' ? undefined : await bodyOf(req), english));
  }

  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://localhost');
    if (url.pathname.startsWith('/api/')) {
      api(req, res, url).catch((error) => problem(res, 500, 'mock', String(error), String(error), req));
    } else {
      servePage(url.pathname, res);
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    people,
    production,
    url: `http://127.0.0.1:${server.address().port}`,
    plant,
    set: (patch) => Object.assign(state, patch),
    /** In mode `granted`: this tag is granted no more. */
    withdraw: (name) => {
      state.withdrawn = name;
      streams.forEach((res) => res.write('event: catalogue\ndata: {"version":1}\n\n'));
    },
    dropStreams: () => streams.forEach((res) => res.destroy()),
    close: () =>
      new Promise((resolve) => {
        streams.forEach((res) => res.destroy());
        plant.stop();
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, otherwise) => {
    const at = process.argv.indexOf(`--${name}`);
    return at > 0 ? process.argv[at + 1] : otherwise;
  };
  const mock = await startMock({ mode: option('mode', 'demo'), port: Number(option('port', '8490')), lang: option('lang', 'ko') });
  console.log(`mock ${mock.url}`);
}
