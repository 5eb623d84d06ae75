// Orders and what the terminal tells of them, as docs/HTTP.md has them: every event once by its key, in
// order; refusals with the program's sentence.
export function createProduction({ mode, lang }) {
  const ko = lang === 'ko';
  const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const step = (machine, patch = {}) => ({
    step: 10, process: 'MOULD', process_name: ko ? '사출' : 'Moulding', workcentre: 'WC1', machine, machine_name: machine, partner: null,
    state: 'waiting', cycle_s: 18, setup_s: 600, begin: null, end: null, good: 0, bad: 0, run: null, ...patch,
  });
  const order = (code, item, names, quantity, due, operations, patch = {}) => ({
    order: code, item, item_name: names[ko ? 0 : 1], unit: 'EA', quantity, due: day(due), priority: 5, state: 'released', proposed: false,
    sales: null, parent: null, lot: code, note: '', good: operations.at(-1)?.good ?? 0, bad: operations.at(-1)?.bad ?? 0, operations, ...patch,
  });
  const since = new Date(Date.now() - 5_400_000).toISOString();
  const runs = { run: 1, phase: 'make', since, worker: 'W1', worker_name: ko ? '김철수' : 'Kim', mould: null, pieces: 1 };
  const orders = mode === 'empty' ? [] : [
    order('261121-001', 'CASE-A', ['케이스 상판 A', 'Case, upper A'], 2400, 3, [step('press1', { state: 'running', good: 1463, bad: 12, run: runs, begin: since })], { state: 'running' }),
    order('261121-002', 'CASE-B', ['케이스 하판 B', 'Case, lower B'], 2400, 3, [step('press1')]),
    order('261121-004', 'KNOB-12', ['손잡이 12mm', 'Knob 12 mm'], 12000, 6, [step('press1', { state: 'paused', good: 300 })]),
    order('261121-005', 'LID', ['뚜껑 (투명, 고객 지정 색상)', 'Lid, clear, colour by customer'], 800, 8, [step(null, { machine_name: null })]),
    order('261121-006', 'GEAR', ['기어', 'Gear'], 500, 9, [step('press1')], { state: 'held' }),
    order('261121-003', 'FLANGE', ['플랜지', 'Flange'], 60, 2, [step('cnc1', { process_name: ko ? '가공' : 'Milling' })]),
  ];
  const workers = [['W1', ko ? '김철수' : 'Kim', 'B-0001'], ['W2', ko ? '이영희' : 'Lee', 'B-0002'], ['W3', 'Nguyễn Văn An', 'B-0003']];
  const reasons = ko
    ? [['MAT', '자재 부족'], ['MOLD', '금형 이상'], ['TEMP', '온도 이상'], ['ROBOT', '취출 로봇'], ['ETC', '기타']]
    : [['MAT', 'No material'], ['MOLD', 'Mould trouble'], ['TEMP', 'Temperature'], ['ROBOT', 'Robot'], ['ETC', 'Other']];
  const told = new Map();
  const stops = [];

  const find = (operation) => {
    const [code, number] = String(operation).split('/');
    const one = orders.find((each) => each.order === code);
    return [one, one?.operations.find((each) => each.step === Number(number))];
  };
  const refuse = (status, koWords, enWords) => [status, { code: status === 404 ? 'not_found' : 'conflict', ko: koWords, en: enWords }];

  function tell(body) {
    if (body.type === 'remark') {
      return null;
    }
    if (body.type === 'order.hold') {
      const one = orders.find((each) => each.order === body.order);
      return one ? void (one.state = 'held') : refuse(404, `${body.order}: 없는 작업지시입니다.`, `${body.order}: there is no such work order.`);
    }
    if (body.type === 'stop.file') {
      return void stops.splice(0);
    }
    const [one, at] = find(body.operation);
    if (!at) {
      return refuse(404, `${body.operation}: 없는 작업입니다. 작업지시 라벨을 다시 스캔하십시오.`, `${body.operation}: there is no such operation. Scan the label again.`);
    }
    if (one.state === 'held') {
      return refuse(409, `작업지시 ${one.order}은 보류 중입니다. 보류를 푼 뒤에 시작하십시오.`, `Work order ${one.order} is held. Release it first.`);
    }
    if (body.type === 'operation.begin') {
      Object.assign(at, { state: 'running', machine: body.machine, run: { ...runs, phase: body.phase ?? 'make', since: body.time, worker: body.worker ?? null } });
      one.state = 'running';
    } else if (body.type === 'made.enter') {
      at.good += Number(body.good ?? 0);
      at.bad += Number(body.bad ?? 0);
    } else {
      Object.assign(at, { state: body.type === 'operation.end' ? 'done' : 'paused', run: null });
    }
    return null;
  }

  return {
    orders, told, stops,
    /** [status, body], or null when this is not asked of production. */
    answer(method, path, body, key, params) {
      const [, rest] = /^\/plants\/[^/]+\/(.+)$/.exec(path) ?? [];
      if (rest === 'orders') {
        const machine = params.get('machine');
        const open = orders.filter((one) => ['released', 'running', 'held'].includes(one.state));
        return [200, { items: open.filter((one) => !machine || one.operations.some((each) => each.machine === machine)), next: null }];
      }
      const one = /^orders\/(.+)$/.exec(rest ?? '');
      if (one) {
        const found = orders.find((each) => each.order === decodeURIComponent(one[1]));
        return found ? [200, found] : refuse(404, '없는 작업지시입니다.', 'There is no such work order.');
      }
      if (/^production\/stops\/\d+\/reasons$/.test(rest ?? '')) {
        return [200, { items: reasons.map(([reason, name]) => ({ reason, name, loss: 'other' })) }];
      }
      if (rest === 'production/stops') {
        return [200, { items: stops, next: null }];
      }
      if (rest === 'master/workers') {
        return [200, { items: workers.map(([code, name, badge], i) => ({ number: i + 1, changed: 1, fields: { code, name, badge, active: true } })), next: null }];
      }
      if (rest === 'events' && method === 'POST') {
        if (told.has(key)) {
          return [200, { event: told.get(key).number, repeated: true, warnings: [] }];
        }
        const wrong = tell(body);
        if (wrong) {
          return wrong;
        }
        told.set(key, { number: told.size + 1, body });
        return [200, { event: told.size, time: body.time, warnings: [] }];
      }
      return null;
    },
  };
}
