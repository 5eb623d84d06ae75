// What the guided set-up asks of the mock: protocols, the connection doctor, lines and machines, health.
// A Modbus machine answers at every address but 192.168.0.99, where nobody is.
const STEPS = [
  ['line', '장치 설정의 형식이 맞습니다.', 'Driver, address and options are written correctly.'],
  ['host', '장치가 응답합니다.', 'A device answers.'],
  ['port', '포트가 열려 있습니다.', 'The port is open.'],
  ['protocol', '유닛 1이 응답합니다.', 'Unit 1 answers.'],
];
const DRIVERS = ['modbus', 'xgt', 's7', 'melsec', 'fins', 'mqtt', 'http'];

export function createStart(plant) {
  const jobs = new Map();
  const tags = [];
  let serial = 9000;

  const drivers = (english) => ({
    items: DRIVERS.map((name) => ({ name, help: english ? 'A protocol of machines.' : '장비 프로토콜입니다.', events: false, can_browse: name === 'mqtt' || name === 'http', own_address: name === 'http', options: [] })),
    link_options: [],
  });

  function doctor(draft, english) {
    const nobody = draft.address.startsWith('192.168.0.99');
    const findings = STEPS.slice(0, nobody ? 1 : 4).map(([step, ko, en]) => ({ step, verdict: 'good', words: english ? en : ko, elapsed_ms: 2 }));
    if (nobody) {
      findings.push({ step: 'host', verdict: 'bad', words: english ? '192.168.0.99 does not answer within 1,000 ms; check power, cable and IP address.' : '192.168.0.99가 1,000 ms 안에 응답하지 않습니다. 전원과 통신 선, IP 주소를 확인하십시오.', elapsed_ms: 1000 });
    }
    const values = draft.source ? [['i16', '214'], ['u16', '214'], ['f32 ABCD', '21.4'], ['f32 CDAB', '-1.13e-35']] : [];
    return {
      good: !nobody, findings,
      candidates: values.map(([label, value]) => ({ source: `${draft.source.split(' ')[0]} ${label}`, label, value, scale: 1, type: label.startsWith('f') ? 'f64' : 'i64' })),
    };
  }

  function takeEquipment(text) {
    for (const line of text.trim().split('\r\n').slice(1)) {
      const [id, parent, level, display, kind] = line.slice(1, -1).split('","');
      const old = plant.assets.find((one) => one.id === id);
      Object.assign(old ?? plant.assets[plant.assets.push({ id, parent: parent || null, level, x: null, y: null }) - 1], { display, kind });
    }
    const job = { id: `j${++serial}`, state: 'done', as: 'equipment', refused: false, rejected: 0, detail: null, rows: 1, stored: 1, omitted: 0 };
    jobs.set(job.id, job);
    return job;
  }

  const health = () => ({
    status: 'info', version: '0.1.0', found: 1,
    items: [{ id: 'backup.same_disk', subject: null, severity: 'info', words: '', action: '' }],
    disk: { free_bytes: 412e9, used_bytes: 2e9, raw_bytes: 1e9, rollup_bytes: 0, log_bytes: 1e8, archive_bytes: 0, bytes_per_day: null, days_left: null, used_in_a_year_bytes: null, in_a_year: null },
    backup: { last: null, bytes: 0, last_test: null }, clock: { synchronised: true, steps: 0 },
  });

  return {
    answer(method, path, body, english, search) {
      if (path === '/drivers') {
        return drivers(english);
      }
      const [, , , part, name] = path.split('/');
      if (!path.startsWith('/plants/')) {
        return null;
      }
      switch (`${method} ${part}`) {
        case 'GET health': return health();
        case 'POST check': return { good: true, words: '', type: /f32/.test(body.source) ? 'f64' : 'i64', writable: false };
        case 'POST doctor': return doctor(body, english);
        case 'POST browse': return { items: [] };
        case 'POST import': return takeEquipment(body);
        case 'GET import': return name ? jobs.get(name) : { items: [...jobs.values()] };
        case 'PUT devices': return { id: name, ...body };
        case 'PUT tags': {
          tags.push({ number: ++serial, name: decodeURIComponent(name), active: true, min: null, max: null, ...body, value: 21.4, quality: 'good', status: 0, time: new Date().toISOString(), received: new Date().toISOString() });
          return tags.at(-1);
        }
        case 'GET tags': return search.has('device') ? { items: tags.filter((one) => one.device === search.get('device')), next: null } : null;
        default: return null;
      }
    },
  };
}
