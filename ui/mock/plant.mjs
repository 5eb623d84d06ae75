// A plant that moves: every value is a function of time, so live values, series and counts agree and
// an hour of history exists from the first moment.
import { MACHINES, PLACES, STAGES } from './tables.mjs';

const MANY = 10_000;
const BAD_LINK = 0x80050000;
const SENSOR = 0x808c0000;
const RANGE = 0x40940000;
const CYCLE = { press1: 24.3, press2: 26.8, cnc1: 48.2, pack1: 2.4, meter1: 10 };
const BORN = Date.now();

const wave = (s, period, phase = 0) => Math.sin((2 * Math.PI * s) / period + phase);
const noise = (s, seed) => {
  const x = Math.sin(s * 12.9898 + seed * 78.233) * 43758.5453;
  return x - Math.floor(x) - 0.5;
};

// Stretches of state that repeat: [seconds, state].
const DAY = {
  press1: [[1500, 1], [90, 3], [760, 1], [40, 2]],
  press2: [[900, 1], [60, 2], [1300, 1], [200, 4], [300, 3]],
  cnc1: [[620, 1], [45, 2], [580, 1], [260, 3]],
  pack1: [[2100, 1], [30, 2], [70, 3]],
  meter1: [[1, 1]],
};
const SHIFT = { press1: 300, press2: 2240, cnc1: 1330, pack1: 0, meter1: 0 };

function stateAt(id, ms) {
  const day = DAY[id] ?? [[1, 1]];
  const whole = day.reduce((sum, [seconds]) => sum + seconds, 0);
  let at = (((ms - BORN) / 1000 + (SHIFT[id] ?? 0)) % whole + whole) % whole;
  for (const [seconds, state] of day) {
    if (at < seconds) {
      return state;
    }
    at -= seconds;
  }
  return 1;
}

function valueAt(machine, tag, ms) {
  const s = ms / 1000;
  const { id } = machine;
  const running = stateAt(id, ms) === 1;
  const cycle = CYCLE[id] ?? 10;
  const made = Math.floor((ms - BORN + 8 * 3_600_000) / 1000 / cycle);
  const phase = (s % cycle) / cycle;
  const seed = tag.part.length + id.charCodeAt(0);
  switch (tag.part) {
    case 'state': return stateAt(id, ms);
    case 'alarm_code': return stateAt(id, ms) === 4 ? 214 : 0;
    case 'strokes': case 'count': return made;
    case 'good': return made - Math.floor(made * 0.012);
    case 'reject': return Math.floor(made * 0.012);
    case 'cycle_s': return cycle + noise(Math.floor(s / cycle), seed) * 0.8;
    case 'inj_pressure': return running ? 60 + 1250 * Math.max(0, Math.sin(phase * Math.PI * 2)) ** 2 + noise(s, seed) * 8 : 4;
    case 'screw_pos': return running ? 20 + 120 * Math.abs(Math.cos(phase * Math.PI)) : 22;
    case 'clamp_force': return running && phase < 0.72 ? 1480 + noise(s, seed) * 20 : 0;
    case 'cushion': return 5.4 + noise(Math.floor(s / cycle), seed) * 0.5;
    case 'temp_nozzle': return id === 'press2' ? 236 : 228 + wave(s, 240, 1) * 1.4 + noise(s, seed) * 0.3;
    case 'temp_barrel1': return 214 + wave(s, 300) * 1.8 + noise(s, seed) * 0.4;
    case 'temp_mould': return 48 + wave(s, 180) * 2.2 + noise(s, seed) * 0.2;
    case 'spindle_rpm': return running ? 6200 + noise(s, seed) * 60 : 0;
    case 'spindle_load': return running ? 46 + 18 * wave(s, 12) + noise(s, seed) * 4 : 0;
    case 'pos_x': return 260 * wave(s, 9);
    case 'pos_z': return -200 + 180 * wave(s, 6, 1);
    case 'vibration': return 2.4 + 0.9 * wave(s, 40) + noise(s, seed) * 0.5;
    case 'tool_life': return 100 - ((s / 30) % 100);
    case 'speed': return running ? 24.6 + noise(s, seed) * 0.6 : 0;
    case 'weight': return 500 + wave(s, 90) * 3 + noise(Math.floor(s), seed) * 5 + (id === 'pack1' && wave(s, 600) > 0.8 ? 21 : 0);
    case 'film_left': return 1480 - ((s / 4) % 1400);
    case 'power_kw': return id === 'meter1' ? 86 + 14 * wave(s, 120) + noise(s, seed) * 3 : running ? 24 + 9 * wave(s, cycle) + noise(s, seed) : 3.2;
    case 'energy_kwh': return 18240 + (ms - BORN) / 3_600_000 * 30;
    case 'volt_l1': return 221 + wave(s, 60) * 1.2 + noise(s, seed) * 0.4;
    case 'power_factor': return 0.93 + wave(s, 100) * 0.02;
    case 'frequency': return 60 + noise(s, seed) * 0.03;
    case 'program': return 'O1204-FLANGE';
    case 'lot': return 'L20261120-03';
    case 'door_open': return stateAt(id, ms) === 3;
    default: return tag.part.startsWith('curr') ? 210 + 60 * wave(s, 50, seed) + noise(s, seed) * 6 : 50 + wave(s, 100, seed) * 20;
  }
}

function manyMachines() {
  const out = [];
  for (let i = 0; out.length * 16 < MANY; i++) {
    const like = MACHINES[i % 2];
    out.push({ ...like, id: `press${i + 1}`, line: `line${1 + Math.floor(i / 25)}`, x: NaN, y: NaN, ko: `사출 ${i + 1}호기`, en: `Press ${i + 1}`, short: [`사출 ${i + 1}`, `Press ${i + 1}`], device: [`사출성형기 ${i + 1}호`, `Press ${i + 1}`] });
  }
  return out;
}

export function createPlant({ mode, lang }) {
  const ko = lang === 'ko';
  const machines = mode === 'empty' ? [] : mode === 'many' ? manyMachines() : MACHINES;
  const down = new Map();
  const trouble = { disk_full: false, damaged: 0 };
  const tags = [];
  for (const machine of machines) {
    for (const tag of machine.tags) {
      tags.push({ machine, tag, number: tags.length + 1, name: `${machine.line}.${machine.id}.${tag.part}`, held: null });
    }
  }
  if (mode === 'error') {
    down.set('press1', BORN - 12_000);
    trouble.disk_full = true;
    trouble.damaged = 2;
  }

  const unitOf = (unit) => (ko ? unit : { 회: '', 개: 'pcs', '개/min': 'pcs/min' }[unit] ?? unit);
  const isText = (entry) => entry.tag.type === 'text' || entry.tag.type === 'bool';
  const statusOf = (entry) => {
    if (down.has(entry.machine.id)) {
      return BAD_LINK;
    }
    if (mode === 'many') {
      return entry.number % 997 === 0 ? SENSOR : entry.number % 499 === 0 ? RANGE : 0;
    }
    if (entry.machine.id === 'press2' && entry.tag.part === 'temp_nozzle') {
      return SENSOR;
    }
    return entry.machine.id === 'pack1' && entry.tag.part === 'weight' && valueAt(entry.machine, entry.tag, Date.now()) > 520 ? RANGE : 0;
  };

  function round(entry, value) {
    return typeof value === 'number' && entry.tag.type === 'f64' ? Math.round(value * 1000) / 1000 : value;
  }

  function rows(all) {
    const now = Date.now();
    const out = [];
    for (const entry of tags) {
      const lost = down.get(entry.machine.id);
      const at = lost ?? Math.floor(now / entry.machine.period) * entry.machine.period;
      if (all || (lost === undefined && at !== entry.sent)) {
        entry.sent = at;
        const status = lost === undefined ? statusOf(entry) : 0;
        out.push([entry.number, at, round(entry, valueAt(entry.machine, entry.tag, at)), status, at + 4]);
      }
    }
    return out;
  }

  function tagItem(entry) {
    const { tag, machine } = entry;
    const at = down.get(machine.id) ?? Date.now();
    const status = down.has(machine.id) ? 0 : statusOf(entry);
    return {
      number: entry.number, name: entry.name, display: ko ? `${machine.short[0]} ${tag.ko}` : `${machine.short[1]} ${tag.en}`,
      type: tag.type, unit: unitOf(tag.unit), kind: tag.kind, device: machine.id, source: `input:${entry.number}`,
      scale: tag.scale, offset: 0, min: tag.min, max: tag.max, dead_band: null, active: true,
      value: round(entry, valueAt(machine, tag, at)), quality: ['good', 'uncertain', 'bad'][status >>> 30] ?? 'bad', status, reason: null,
      time: new Date(at).toISOString(), received: new Date(at + 4).toISOString(), age_ms: Date.now() - at, late: false,
    };
  }

  function devices() {
    const now = Date.now();
    return machines.map((machine, i) => {
      const lost = down.get(machine.id);
      const perSecond = 1000 / machine.period;
      const alive = ((lost ?? now) - BORN + 600_000) / 1000;
      return {
        id: machine.id, display: machine.device[ko ? 0 : 1], driver: 'modbus', address: `127.0.0.1:${15020 + i}`, options: 'unit=1 timeout_ms=800',
        period_ms: machine.period, enabled: true,
        health: {
          state: lost === undefined ? 'up' : 'down', since: new Date(lost ?? BORN).toISOString(),
          last_good: new Date(lost ?? now - (now % machine.period)).toISOString(),
          last_error_time: lost === undefined ? null : new Date(now - 900).toISOString(),
          last_error: lost === undefined ? null : ko ? `127.0.0.1:${15020 + i}에 연결할 수 없습니다. 장비의 전원과 통신 선을 확인하십시오.` : `127.0.0.1:${15020 + i} refuses the connection. Check the power and the cable of the machine.`,
          last_error_code: lost === undefined ? null : 'refused', next_try: lost === undefined ? null : new Date(now + 1800).toISOString(),
          polls: Math.floor(alive * perSecond), requests: Math.floor(alive * perSecond * 4), failures: lost === undefined ? 0 : 6, timeouts: 0, connects: 1,
          samples: Math.floor(alive * perSecond * machine.tags.length), overruns: 0, waits: 0,
          rtt_p50_us: 210 + i * 40, rtt_p99_us: 880 + i * 90, points: machine.tags.length, points_bad: 0, groups: 3, open_sockets: 1,
        },
      };
    });
  }

  function flow() {
    const now = Date.now();
    const sources = devices();
    const rowsIn = sources.reduce((sum, one) => sum + one.health.samples, 0);
    const omitted = Math.floor(rowsIn * 0.31);
    const kept = rowsIn - omitted;
    const frozen = trouble.disk_full;
    return {
      now: new Date(now).toISOString(), sources, ingest: { rows: 0, requests: 0, refused: 0 },
      stages: mode === 'empty' ? [] : STAGES.map(([id, words], i) => ({
        id, words, in: i < 5 ? rowsIn : rowsIn - Math.floor(rowsIn * 0.01), changed: i === 1 ? Math.floor(rowsIn * 0.62) : i === 0 ? rowsIn : 0,
        marked: i === 2 ? Math.floor(rowsIn * 0.004) : i === 3 ? 12 : 0, omitted: i === 4 ? Math.floor(rowsIn * 0.01) : i === 5 ? omitted - Math.floor(rowsIn * 0.01) : 0,
      })),
      pipeline: {
        batches_in: Math.floor(rowsIn / 16), rows_in: rowsIn, rows_kept: kept, rows_omitted: omitted, rows_refused: frozen ? 4120 : 0, queue_size: frozen ? 61_200 : 38,
        queue_capacity: 65_536, lag_ms: frozen ? 41_200 : 6, lag_max_ms: 58, commits: Math.floor((now - BORN) / 100), stalled: frozen,
        last_error: frozen ? 'ENOSPC write wal-000042.log: No space left on device' : null,
      },
      store: {
        seq: kept, rows: kept + 4_800_000, segments: 42, segment_bytes: 61_400_000, log_bytes: 8_200_000, memory_bytes: 24_000_000,
        appended_rows: frozen ? 5_000_000 : kept, sync_count: 900, sync_ms_avg: 1.34, damaged_blocks: trouble.damaged, torn_bytes_cut: mode === 'error' ? 1184 : 0,
        disk_full: frozen, disk_full_since: null, disk_free_bytes: frozen ? 0 : 84_300_000_000, notices: [],
      },
      consumers: mode === 'empty' ? [] : [{ id: 'strokes', seq: kept, lag: 0, last_error: null }],
    };
  }

  // The flow's past: a device that was silent for a while, rows that were left out, two refusals.
  function flowHistory(search) {
    const minutes = Number(search.get('minutes') ?? 60);
    const step = Math.ceil(minutes / 120);
    const count = Math.floor(minutes / step);
    const all = devices();
    const silent = (i, k) => k < count * 0.1 || (i === 1 && k > count * 0.55 && k < count * 0.7);
    const sources = all.map((one, i) => ({ id: one.id, in: Array.from({ length: count }, (_, k) => (silent(i, k) ? 0 : Math.round((900 + 140 * i + 30 * Math.sin(k / 5)) * step))) }));
    const into = Array.from({ length: count }, (_, k) => sources.reduce((sum, one) => sum + one.in[k], 0));
    const refused = into.map((_, k) => (mode !== 'empty' && k === Math.floor(count * 0.4) ? 240 * step : 0));
    return {
      from: new Date(Date.now() - count * step * 60_000).toISOString(), step_s: step * 60, known_minutes: Math.floor(minutes * 0.9), in: into,
      kept: into.map((n) => Math.round(n * 0.69)), omitted: into.map((n) => Math.round(n * 0.31)), refused, sources,
    };
  }
  function flowTags() {
    const items = tags.slice(0, 6).map(tagItem).map((tag, i) => ({ tag, in: 90_000, changed: 60_000, marked: i < 2 ? 412 - 300 * i : 0, omitted: 28_400 - 4100 * i, made: 0 }));
    return { found: 31, items };
  }
  function flowRefused(english) {
    const ago = (s) => new Date(Date.now() - s * 1000).toISOString();
    return {
      items: mode === 'empty' ? [] : [
        { time: ago(40), door: 'sender', device: null, rows: 0, words: !english ? '메시지를 저장하지 않음: 3번째 줄: 시각을 읽을 수 없습니다: "어제"' : 'nothing of the message was stored: line 3: no time can be read from "yesterday"' },
        { time: ago(1500), door: 'sender', device: null, rows: 240, words: !english ? '시각 2094-02-11T03:14:07Z은 받을 수 있는 범위를 벗어났습니다(태그 press1.temp)' : 'the time 2094-02-11T03:14:07Z cannot be true (tag press1.temp)' },
      ],
    };
  }

  // Places of points at which the sensor of a barrel was torn off: half a minute of every half hour.
  const spoilt = (entry, t, every) =>
    entry.tag.part === 'temp_barrel1' ? t.flatMap((ms, i) => ((ms - BORN + 9_000_000_000) % 1_800_000 < 30_000 + every ? [i] : [])) : [];

  function summary(search) {
    const answer = series(search);
    return {
      from: new Date(answer.from_ms).toISOString(), to: new Date(answer.to_ms).toISOString(),
      items: answer.series.map((one) => {
        const v = (one.v ?? one.avg).filter((value) => value !== null);
        const t = one.t.filter((_, i) => (one.v ?? one.avg)[i] !== null);
        const some = v.length > 0;
        const weight = one.every_ms > 0 ? Math.max(1, Math.round(one.every_ms / 1000)) : 1;
        return {
          tag: one.tag, unit: one.unit, count: v.length * weight, bad: (one.bad ?? []).length, partial: false,
          min: some ? Math.min(...(one.min ?? v).filter((value) => value !== null)) : null, avg: some ? v.reduce((a, b) => a + b) / v.length : null,
          max: some ? Math.max(...(one.max ?? v).filter((value) => value !== null)) : null,
          first: some ? v[0] : null, first_time: some ? new Date(t[0]).toISOString() : null, last: some ? v.at(-1) : null, last_time: some ? new Date(t.at(-1)).toISOString() : null,
        };
      }),
    };
  }

  const author = ko ? '김현장' : 'H. Kim';
  const notes = machines.length === 0 ? [] : [
    { number: 1, begin: BORN - 480_000, end: BORN - 380_000, tag: null, text: ko ? '통신 케이블 교체' : 'Cable replaced' },
    { number: 2, begin: BORN - 1_500_000, end: BORN - 1_500_000, tag: 'line1.press1.temp_barrel1', text: ko ? '히터 밴드 점검, 단자 다시 조임' : 'Heater band checked, terminal tightened' },
  ].map((one) => ({ ...one, begin: new Date(one.begin).toISOString(), end: new Date(one.end).toISOString(), actor: 'kim', author, entered: new Date(BORN).toISOString() }));
  const annotations = (search) => {
    const [from, to] = [search.get('from') ?? '', search.get('to') ?? '9'];
    return { items: notes.filter((one) => one.end >= from && one.begin < to).sort((a, b) => b.number - a.number), next: null };
  };
  const annotate = (body) => {
    const note = { number: 1 + Math.max(0, ...notes.map((one) => one.number)), begin: body.begin, end: body.end ?? body.begin, tag: body.tag ?? null, text: body.text, actor: 'kim', author, entered: new Date().toISOString() };
    notes.push(note);
    return note;
  };
  const forget = (number) => {
    const at = notes.findIndex((one) => one.number === number);
    return at >= 0 && notes.splice(at, 1).length > 0;
  };

  function series(search) {
    const from = Date.parse(search.get('from'));
    const to = Math.min(Date.parse(search.get('to')), Date.now());
    const points = Number(search.get('points') ?? 1200);
    const out = [];
    for (const name of search.getAll('tag')) {
      const entry = tags.find((one) => one.name === name);
      if (!entry || entry.tag.type === 'text') {
        continue;
      }
      const { machine, tag } = entry;
      const lost = down.get(machine.id) ?? Infinity;
      const unit = unitOf(tag.unit);
      const end = Math.min(to, lost);
      // A hole in the history shows that gaps stay gaps.
      const hole = (ms) => machine.id === 'press1' && ms > BORN - 460_000 && ms < BORN - 400_000;
      if ((to - from) / machine.period <= points) {
        const t = [];
        const v = [];
        for (let ms = Math.ceil(from / machine.period) * machine.period; ms <= end; ms += machine.period) {
          t.push(ms);
          v.push(hole(ms) ? null : Number(valueAt(machine, tag, ms)));
        }
        const bad = spoilt(entry, t, 0);
        bad.forEach((at) => (v[at] = null));
        out.push({ tag: name, unit, every_ms: 0, t, v, ...(bad.length > 0 ? { bad } : {}) });
      } else {
        const every = Math.max(1000, Math.ceil((to - from) / points / 1000) * 1000);
        const column = { t: [], avg: [], min: [], max: [] };
        for (let ms = Math.floor(from / every) * every; ms <= end; ms += every) {
          const seen = [0, 0.25, 0.5, 0.75].map((part) => Number(valueAt(machine, tag, ms + part * every)));
          const empty = hole(ms);
          column.t.push(ms);
          column.avg.push(empty ? null : seen.reduce((a, b) => a + b) / 4);
          column.min.push(empty ? null : Math.min(...seen));
          column.max.push(empty ? null : Math.max(...seen));
        }
        const bad = spoilt(entry, column.t, every);
        out.push({ tag: name, unit, every_ms: every, ...column, ...(bad.length > 0 ? { bad } : {}) });
      }
    }
    return { from_ms: from, to_ms: to, series: out };
  }

  const places = mode === 'many'
    ? [PLACES[0], PLACES[1], ...[...new Set(machines.map((m) => m.line))].map((id) => ({ id, parent: 'hall1', level: 'line', ko: `사출 라인 ${id.slice(4)}`, en: `Moulding line ${id.slice(4)}` }))]
    : PLACES;
  const assets = machines.length === 0 ? [] : [
    ...places.map((one) => ({ id: one.id, parent: one.parent, level: one.level, display: ko ? one.ko : one.en, kind: '', x: null, y: null })),
    ...machines.map((one) => ({ id: one.id, parent: one.line, level: 'equipment', display: ko ? one.ko : one.en, kind: one.kind, x: Number.isNaN(one.x) ? null : one.x, y: Number.isNaN(one.y) ? null : one.y })),
  ];

  return {
    info: { id: 'demo', display: ko ? '마루정밀 시범공장' : 'Maru demo factory', zone: 'Asia/Seoul' },
    assets, rows, devices, flow, flowHistory, flowTags, flowRefused, series, summary, annotations, annotate, forget,
    tags: (from, limit) => tags.slice(from, from + limit).map(tagItem),
    next: (url) => {
      const end = Number(url.searchParams.get('cursor') ?? 0) + Number(url.searchParams.get('limit') ?? 1000);
      return end < tags.length ? String(end) : null;
    },
    kill: (id) => down.set(id, Date.now()),
    revive: (id) => down.delete(id),
    trouble,
    stop: () => undefined,
  };
}
