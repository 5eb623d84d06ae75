// Remote support: at the factory a link that asks, a visit that lasts; at the supplier's the cases of a
// desk. What goes through the desk is answered by this same mock, as the factory.
const HOUR = 3_600_000;
const ahead = (ms) => new Date(Date.now() + ms).toISOString();
const LINK = /\/support#[A-Za-z0-9_-]{43}/;
export const GOOD_LINK = 'https://support.hanbit.example/support#abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE';

export function createSupport({ lang }) {
  const say = (ko, en) => (lang === 'ko' ? ko : en);
  const supplier = { organisation: say('한빛자동화', 'Hanbit Automation'), name: say('정유진', 'Yujin Jeong') };
  const past = {
    id: 'support:00112233aabbccdd', ...supplier, note: '', desk: 'https://support.hanbit.example', role: 'viewer', approved_by: say('김대표', 'Kim'),
    begun: ahead(-50 * HOUR), until: ahead(-49 * HOUR), ended: ahead(-49.4 * HOUR), ended_by: 'owner', reads: 214, changes: 0, refused: 0,
  };
  const visits = [past];
  let now = null;
  const cases = [
    { id: 'c2', factory: say('한솔사출', 'Hansol Moulding'), note: say('2호기 주소', 'Addresses of press 2'), ...supplier, mine: true, state: 'approved', connected: true, plant: 'p1', plant_display: say('1공장', 'Plant 1'), role: 'installer', created: ahead(-HOUR), code_until: ahead(0), since: ahead(-0.5 * HOUR), until: ahead(1.5 * HOUR), ended: null, ended_by: null },
    { id: 'c1', factory: say('우진프레스', 'Woojin Press'), note: '', ...supplier, mine: true, state: 'ended', connected: false, plant: 'p1', plant_display: say('본사', 'Main'), role: 'viewer', created: ahead(-80 * HOUR), code_until: ahead(-79 * HOUR), since: ahead(-79 * HOUR), until: ahead(-78 * HOUR), ended: ahead(-78.2 * HOUR), ended_by: 'factory' },
  ];
  const end = (why) => {
    visits[0].ended = ahead(0);
    visits[0].ended_by = why;
    now = null;
  };
  function begin(body) {
    const visit = { ...past, id: 'support:0123456789abcdef', role: body.role, begun: ahead(0), until: ahead(body.minutes * 60_000), ended: null, ended_by: null, reads: 12, changes: 1 };
    visits.unshift(visit);
    now = { ...visit, connected: true, trouble: null };
  }
  return {
    /** [status, body], or null when this is none of ours. */
    answer(method, path, body) {
      const at = /^\/plants\/[^/]+\/support(\/look)?$/.exec(path);
      if (at && method !== 'GET' && method !== 'DELETE' && !LINK.test(body?.link ?? '')) {
        return [400, null];
      }
      if (at?.[1]) {
        return [200, { ...supplier, factory: say('한솔사출', 'Hansol Moulding'), note: say('2호기 주소', 'Addresses of press 2'), desk: 'https://support.hanbit.example', authority_sha256: '0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0:0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0', until: ahead(HOUR) }];
      }
      if (at && method === 'DELETE') {
        end('owner');
        return [204, null];
      }
      if (at) {
        if (method === 'POST') {
          begin(body);
        }
        return [method === 'POST' ? 201 : 200, { now, items: visits }];
      }
      if (path === '/support/cases' && method === 'POST') {
        cases.unshift({ ...cases[0], id: `c${cases.length + 1}`, factory: body.factory, note: body.note, state: 'waiting', connected: false, plant: null, plant_display: null, role: null, created: ahead(0), code_until: ahead(HOUR), since: null, until: null });
        return [201, { id: cases[0].id, link: GOOD_LINK, until: ahead(HOUR) }];
      }
      if (path === '/support/cases') {
        return [200, { may_open: true, items: cases }];
      }
      const one = cases.find((item) => path === `/support/cases/${item.id}`);
      if (one && method === 'DELETE') {
        Object.assign(one, { state: 'ended', ended: ahead(0), ended_by: 'desk', connected: false });
        return [204, null];
      }
      return null;
    },
    isVia: (path) => /^\/support\/cases\/[^/]+\/via$/.test(path),
    /** Asks this mock itself, as the factory would be asked. */
    async via(req, url, bytes) {
      const inner = await fetch(`http://${req.headers.host}${url.searchParams.get('target')}`, {
        method: url.searchParams.get('method'),
        headers: { 'X-Requested-With': 'maru', 'Accept-Language': req.headers['accept-language'] ?? 'ko', ...(bytes?.length ? { 'Content-Type': req.headers['content-type'] ?? '' } : {}) },
        body: bytes?.length ? bytes : undefined,
      });
      const head = { status: inner.status, type: inner.headers.get('content-type') ?? '', disposition: inner.headers.get('content-disposition') ?? '' };
      return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), Buffer.from(await inner.arrayBuffer())]);
    },
  };
}
