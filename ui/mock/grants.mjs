// What is granted to other organisations, and the plants one has to do with in a line each. Mode `ten`:
// a supplier with ten factories; `granted`: somebody who reads a few tags of one and nothing else.
const DAY = 86_400_000;
const ago = (ms) => new Date(Date.now() - ms).toISOString();
const ahead = (ms) => new Date(Date.now() + ms).toISOString();

/** Tags that mode `granted` shows. */
export const GRANTED = /^line1\.press1\./;

export function createGrants({ mode, lang, people, plant }) {
  const say = (ko, en) => (lang === 'ko' ? ko : en);
  const supplier = people.organisations[1];
  const given = (id, tags, more = {}) => ({
    id, state: 'active', organisation: supplier, tags, tag_count: 0, purpose: say('프레스 유지보수', 'Maintenance of the press'), hide_names: false, step_s: 0,
    from: ago(20 * DAY), until: ahead(300 * DAY), given_by: people.me.display, created: ago(20 * DAY), revoked: null, revoked_by: null, ...more,
  });
  const grants = [
    given('g1', ['line1.press1.*']),
    given('g0', ['line1.*'], { state: 'revoked', step_s: 600, hide_names: true, purpose: say('에너지 진단', 'Energy audit'), revoked: ago(25 * DAY), revoked_by: people.me.display }),
  ];
  let serial = 1;

  const NAMES = [
    ['새한정공', 'Saehan'], ['대림금속', 'Daerim Metal'], ['우진프레스', 'Woojin Press'], ['한솔사출', 'Hansol Moulding'], ['태성기계', 'Taesung'],
    ['동아테크', 'Donga Tech'], ['미래화학', 'Mirae Chemical'], ['금강식품', 'Kumkang Food'], ['삼진전자', 'Samjin Electronics'],
  ];
  const well = { status: 'ok', errors: 0, warnings: 0, worst: null, silent: 0 };
  const STANDING = {
    2: { status: 'error', errors: 2, warnings: 1, worst: say('장치 press2가 12분 전부터 응답하지 않음: 연결 시간 초과(192.168.0.12:502)', 'Device press2 has not answered for 12 minutes: connection timed out (192.168.0.12:502)'), silent: 2, newest_age_ms: 740_000, rows_per_minute: 0 },
    5: { status: 'warning', errors: 0, warnings: 2, worst: say('디스크가 18일 뒤 가득 참', 'The disk is full in 18 days'), silent: 0, disk_days: 18 },
    7: { status: 'error', errors: 1, warnings: 0, worst: say('저장소가 값을 받지 않음', 'The store takes no values'), silent: 0, newest_age_ms: 65_000 },
  };
  function line(info, i, role) {
    const devices = 4 + ((i * 5) % 9);
    const base = { ...well, devices, newest_age_ms: 400 + 300 * i, rows_per_minute: 4200 + 2371 * i, disk_days: 120 + 37 * i, ...STANDING[i] };
    return {
      id: info.id, display: info.display, role, until: i % 4 === 1 ? ahead((6 + 20 * i) * DAY) : null,
      organisation: { id: `f${i}`, name: info.display, kind: 'manufacturer' }, ...base, connected: devices - base.silent, newest: ago(base.newest_age_ms),
    };
  }
  const granted = (info) => ({
    ...Object.fromEntries(['organisation', 'status', 'errors', 'warnings', 'worst', 'devices', 'connected', 'silent', 'rows_per_minute', 'disk_days'].map((name) => [name, null])),
    id: info.id, display: info.display, role: 'grantee', until: ahead(90 * DAY), newest: ago(1500), newest_age_ms: 1500,
  });
  const zone = plant.info.zone;
  const ten = () => [
    { ...plant.info, role: 'installer' },
    ...NAMES.map(([ko, en], i) => ({ id: `f${i}`, display: say(ko, en), zone, role: i === 8 ? 'grantee' : i % 3 === 0 ? 'installer' : 'viewer' })),
  ];

  return {
    /** The plants of the session, where the mode says. */
    plants: () => (mode === 'ten' ? ten() : mode === 'granted' ? [{ ...plant.info, role: 'grantee' }] : null),
    /** [status, body], or null when this is none of ours. */
    answer(method, path, body) {
      if (path === '/factories') {
        const list = mode === 'ten' ? ten() : [{ ...plant.info, role: mode === 'granted' ? 'grantee' : 'owner' }];
        return [200, { items: list.map((one, i) => (one.role === 'grantee' ? granted(one) : line(one, i, one.role))), next: null }];
      }
      const match = /^\/plants\/[^/]+\/grants(?:\/([^/]+)\/revoke)?$/.exec(path);
      if (!match) {
        return null;
      }
      if (match[1]) {
        const one = grants.find((grant) => grant.id === match[1]);
        return one ? [200, Object.assign(one, { state: 'revoked', revoked: ago(0), revoked_by: people.me.display })] : [404, {}];
      }
      const count = (tags) => {
        const tests = tags.map((one) => new RegExp(`^${one.split('*').map((part) => part.replace(/\./g, '\\.')).join('.*')}$`));
        return plant.tags(0, 100_000).filter((tag) => tests.some((test) => test.test(tag.name))).length;
      };
      if (method === 'GET') {
        return [200, { items: grants.map((one) => ({ ...one, tag_count: count(one.tags) })), next: null }];
      }
      const { organisation, organisation_id, ...terms } = body;
      const house = organisation ? { id: `n${++serial}`, number: '', disabled: false, ...organisation } : people.organisations.find((one) => one.id === organisation_id);
      if (organisation) {
        people.organisations.push(house);
      }
      grants.unshift(given(`g${++serial}`, terms.tags, { ...terms, organisation: house, tag_count: count(terms.tags), created: ago(0) }));
      return [201, grants[0]];
    },
  };
}
