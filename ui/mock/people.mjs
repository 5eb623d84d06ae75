// People of the mock: accounts, rights by plant, invitations, tokens, sessions, the audit chain. Lists
// change while it runs, so that a page shows what was done; nothing is kept.
const DAY = 86_400_000;
const ago = (ms) => new Date(Date.now() - ms).toISOString();
const ahead = (ms) => new Date(Date.now() + ms).toISOString();

const ACTIONS = [
  ['user.signin', 'u1', '{"address":"192.168.0.24"}'],
  ['tag.put', 'line1.press1.temp_nozzle', '{"max":240}'],
  ['access.put', 'u3', '{"role":"operator"}'],
  ['device.put', 'press1', '{"address":"192.168.0.11:502"}'],
  ['import.equipment', 'equipment', '{"rows":7}'],
  ['user.refused', 'u4', null],
  ['retention.put', 'demo', '{"raw_days":400}'],
  ['token.create', 't2', '{"label":"ERP","role":"viewer"}'],
];

/** Routes of the description, for a program that knows people. */
const ROUTES = [
  'GET PUT /me', 'POST /me/password', 'POST PUT DELETE /me/totp', 'GET DELETE /me/sessions', 'GET POST /organisations', 'GET /users', 'PUT DELETE /users/{id}', 'POST /users/{id}/reset', 'DELETE /users/{id}/sessions', 'PUT /organisations/{id}',
  'GET /plants/{plant}/access', 'GET POST /plants/{plant}/invitations', 'GET POST /plants/{plant}/tokens', 'GET /factories', 'GET POST /plants/{plant}/grants', 'POST /plants/{plant}/grants/{id}/revoke', 'PUT /plants/{plant}',
  'GET POST DELETE /plants/{plant}/support', 'POST /plants/{plant}/support/look', 'GET POST /support/cases',
];
export const described = () => ({
  openapi: '3.1.0',
  paths: Object.fromEntries(ROUTES.map((route) => {
    const words = route.split(' ');
    return [`/api/v1${words.pop()}`, Object.fromEntries(words.map((method) => [method.toLowerCase(), {}]))];
  })),
});

export function createPeople({ lang, plant }) {
  const ko = lang === 'ko';
  const say = (a, b) => (ko ? a : b);
  const ours = { id: 'o1', name: say('마루정밀', 'Maru Precision'), kind: 'manufacturer', number: '124-81-00998', disabled: false };
  const supplier = { id: 'o2', name: say('한빛자동화', 'Hanbit Automation'), kind: 'supplier', number: '', disabled: false };
  const person = (id, login, a, b, more = {}) => ({
    id, login, display: say(a, b), email: '', admin: false, disabled: false, second_factor: false, organisation: ours, created: ago(90 * DAY), seen: ago(3_600_000), erased: null, ...more,
  });
  const me = { ...person('u1', 'kim', '김현장', 'H. Kim', { admin: true, email: 'kim@maru.example' }), phone: '010-2345-6789', language: lang };
  const users = [
    me,
    person('u2', 'park', '박반장', 'D. Park', { second_factor: true, seen: ago(900_000) }),
    person('u3', 'lee', '이작업', 'S. Lee', { seen: ago(40_000) }),
    person('u4', 'choi', '최설치', 'J. Choi', { organisation: supplier, email: 'choi@hanbit.example', seen: ago(6 * DAY) }),
    person('u6', 'yoon', '윤품질', 'B. Yoon'),
    person('u5', 'jung', '정감사', 'Y. Jung', { disabled: true, seen: ago(70 * DAY) }),
  ];
  const given = (user, role, until, by = me) => ({ user, role, until, given_by: by.id === me.id ? me.display : by.display, created: ago(60 * DAY) });
  const access = [given(users[0], 'owner', null), given(users[1], 'manager', null), given(users[2], 'operator', null), given(users[3], 'installer', ahead(21 * DAY)), given(users[5], 'auditor', null)];
  const invitations = [{ id: 'i1', role: 'operator', label: say('야간조 한주임', 'Night shift, Han'), email: '', organisation: ours, until: ahead(5 * DAY), created: ago(2 * DAY) }];
  const organisations = [ours, supplier];
  const tokens = [
    { id: 't1', label: say('사내 ERP', 'ERP'), role: 'viewer', scopes: ['read'], created: ago(40 * DAY), created_by: me.display, last_used: ago(30_000), until: ahead(320 * DAY), revoked: null },
    { id: 't2', label: 'Grafana', role: 'viewer', scopes: ['read', 'sql'], created: ago(12 * DAY), created_by: me.display, last_used: null, until: ahead(18 * DAY), revoked: null },
  ];
  const sessions = [
    { id: 's1', current: true, created: ago(2 * 3_600_000), seen: ago(1000), address: '192.168.0.24', agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0' },
    { id: 's2', current: false, created: ago(3 * DAY), seen: ago(5 * 3_600_000), address: '10.8.0.3', agent: 'Mozilla/5.0 (Linux; Android 15; SM-S938N) SamsungBrowser/28.0' },
  ];
  const audit = Array.from({ length: 240 }, (_, i) => {
    const [action, subject, payload] = ACTIONS[i % ACTIONS.length];
    return { sequence: 240 - i, time: ago(i * 1_900_000 + 60_000), actor: users[i % 4].id, action, subject, payload };
  });
  let pending = false;
  let serial = 10;

  const items = (list) => [200, { items: list, next: null }];
  const bad = (code, a, b) => [409, { code, ko: a, en: b }];
  const link = (kind) => `/${kind}#Zx81kQv${serial}-3nT7uWb2mYpL5dR9`;
  const drop = (list, id) => {
    const at = list.findIndex((one) => one.id === id);
    return at < 0 ? [404, {}] : (list.splice(at, 1), [204]);
  };
  const auditPage = (search) => {
    const before = Number(search.get('before') ?? 1e9);
    const limit = Number(search.get('limit') ?? 100);
    const page = audit.filter((one) => one.sequence < before).slice(0, limit);
    return [200, { items: page, next: page.length === limit ? String(page.at(-1).sequence) : null }];
  };

  function ofMe(method, rest, body) {
    const [part, id] = rest.split('/');
    if (part === '') {
      Object.assign(me, method === 'PUT' ? body : {});
      return [200, me];
    }
    if (part === 'password') {
      return body.old === 'maru-mock-2026' ? [204] : [403, { code: 'wrong_password', ko: '지금 비밀번호가 맞지 않습니다.', en: 'The present password is wrong.' }];
    }
    if (part === 'sessions' && method === 'GET') {
      return items(sessions);
    }
    if (part === 'sessions') {
      return id ? drop(sessions, id) : (sessions.splice(1), [204]);
    }
    if (part === 'totp' && method === 'POST') {
      if (body.password !== 'maru-mock-2026') {
        return [403, { code: 'wrong_password', ko: '지금 비밀번호가 맞지 않습니다.', en: 'The present password is wrong.' }];
      }
      pending = true;
      return [200, { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Maru:kim?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Maru&algorithm=SHA1&digits=6&period=30' }];
    }
    if (part === 'totp' && method === 'PUT') {
      if (!pending || body.code !== '123456') {
        return [400, { code: 'wrong_code', ko: '인증 코드가 맞지 않습니다. 휴대전화의 시각을 확인하고 새 코드를 입력하십시오.', en: 'The code is wrong. Check the clock of the phone and enter a new one.' }];
      }
      me.second_factor = true;
      return [200, { recovery: ['k7wd-29qf', 'p3xn-8hrt', 'v5md-c2ja', 't9bz-4ywe', 'g6qs-7mkn', 'r2hf-x8vd', 'n4ct-3pza', 'y8jw-5gbm', 'd3rk-9fsx', 'h7va-6tqc'] }];
    }
    if (part === 'totp') {
      me.second_factor = false;
      return [204];
    }
    return null;
  }

  function ofUsers(method, rest, body) {
    const [id, part] = rest.split('/');
    if (id === '') {
      return items(users);
    }
    const user = users.find((one) => one.id === id);
    if (!user) {
      return [404, {}];
    }
    if (part === 'reset') {
      return [200, { link: link('reset'), until: ahead(DAY) }];
    }
    if (part === 'sessions') {
      return [204];
    }
    if (user === me && (method === 'DELETE' || body?.disabled || body?.admin === false)) {
      return bad('last_admin', '마지막 관리 계정이라 바꿀 수 없습니다. 먼저 다른 사람에게 관리 권한을 주십시오.', 'This is the last administrator. Make somebody else one first.');
    }
    if (method === 'DELETE') {
      access.splice(access.findIndex((one) => one.user === user), 1);
      users.splice(users.indexOf(user), 1);
      return [204];
    }
    return [200, Object.assign(user, body)];
  }

  function ofPlant(method, rest, body, search) {
    const [part, id] = rest.split('/');
    if (part === 'audit') {
      return auditPage(search);
    }
    if (part === 'access') {
      let one = access.find((entry) => entry.user.id === id);
      if (id && !one && method === 'PUT') {
        access.push((one = given(users.find((user) => user.id === id), body.role, null)));
      }
      if (!id) {
        return items(access);
      }
      if (one?.user === me && (method === 'DELETE' || body.role !== 'owner')) {
        return bad('last_owner', '이 공장의 마지막 소유자입니다. 먼저 다른 소유자를 정하십시오.', 'This is the last owner of the plant. Name another one first.');
      }
      if (method === 'DELETE') {
        access.splice(access.indexOf(one), 1);
        return [204];
      }
      return [200, Object.assign(one, body)];
    }
    if (part === 'invitations') {
      if (method === 'GET') {
        return items(invitations);
      }
      if (method === 'DELETE') {
        return drop(invitations, id);
      }
      serial++;
      const organisation = body.organisation ? { id: `o${serial}`, ...body.organisation } : organisations.find((o) => o.id === body.organisation_id) ?? ours;
      const made = { id: `i${serial}`, role: body.role, label: body.label ?? '', email: body.email ?? '', organisation, until: ahead((body.days ?? 7) * DAY), created: ago(0) };
      invitations.unshift(made);
      return [201, { id: made.id, link: link('invite'), until: made.until }];
    }
    if (part === 'tokens') {
      if (method === 'GET') {
        return items(tokens);
      }
      if (method === 'DELETE') {
        return drop(tokens, id);
      }
      serial++;
      const made = { id: `t${serial}`, label: body.label, role: body.role, scopes: body.scopes, created: ago(0), created_by: me.display, last_used: null, until: ahead((body.days ?? 365) * DAY), revoked: null };
      tokens.unshift(made);
      return [201, { ...made, token: 'maru_9fK2xQ7vN4tB8sLwE3yR6pJ1mD5hG0zC' }];
    }
    return null;
  }

  return {
    me, access, organisations,
    /** [status, body] or null when this is none of ours. */
    answer(method, path, body, search) {
      if (search.has('limit') && !path.endsWith('/audit') && described().paths[`/api/v1${path.replace(/^(\/plants\/)[^/]+/, '$1{plant}')}`]) {
        return [400, { code: 'invalid', ko: '매개변수가 없는 주소입니다.', en: 'This address takes no parameters.' }];
      }
      if (path === '/me' || path.startsWith('/me/')) {
        return ofMe(method, path.slice(4), body);
      }
      if (path === '/users' || path.startsWith('/users/')) {
        return ofUsers(method, path.slice(7), body);
      }
      if (path === '/audit') {
        return auditPage(search);
      }
      if (path === '/organisations') {
        return method === 'GET' ? items(organisations) : [201, (organisations.push({ id: `o${++serial}`, number: '', disabled: false, ...body }), organisations.at(-1))];
      }
      if (path.startsWith('/organisations/')) {
        return [200, Object.assign(organisations.find((one) => one.id === path.slice(15)) ?? {}, body)];
      }
      const match = /^\/plants\/([^/]+)(?:\/(audit|access|invitations|tokens)(.*))?$/.exec(path);
      if (match && match[2]) {
        return ofPlant(method, match[2] + match[3], body, search);
      }
      return match && method === 'PUT' ? [200, Object.assign(plant.info, body)] : null;
    },
    invited: () => ({ plant: { id: plant.info.id, display: plant.info.display }, role: 'operator', organisation: { name: ours.name, kind: ours.kind }, until: ahead(5 * DAY) }),
  };
}
