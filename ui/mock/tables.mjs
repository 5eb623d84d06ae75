// Equipment, devices and tags of the mock, like those of the simulated plant.
const f = (part, type, unit, kind, scale, min, max, ko, en) => ({ part, type, unit, kind, scale, min, max, ko, en });

const press = [
  f('state', 'i64', '', 'state', 1, 0, 4, '상태', 'state'),
  f('alarm_code', 'i64', '', 'state', 1, 0, 999, '알람 코드', 'alarm code'),
  f('strokes', 'i64', '회', 'counter', 1, 0, null, '쇼트 수', 'shots'),
  f('good', 'i64', '개', 'counter', 1, 0, null, '양품 수', 'good parts'),
  f('reject', 'i64', '개', 'counter', 1, 0, null, '불량 수', 'rejected parts'),
  f('cycle_s', 'f64', 's', 'measurement', 1, 5, 60, '사이클 시간', 'cycle time'),
  f('inj_pressure', 'f64', 'bar', 'measurement', 1, 0, 1800, '사출 압력', 'injection pressure'),
  f('screw_pos', 'f64', 'mm', 'measurement', 1, 0, 160, '스크류 위치', 'screw position'),
  f('clamp_force', 'f64', 'kN', 'measurement', 1, 0, 2000, '형체력', 'clamping force'),
  f('cushion', 'f64', 'mm', 'measurement', 1, 1, 12, '쿠션량', 'cushion'),
  f('power_kw', 'f64', 'kW', 'measurement', 1, 0, 80, '소비 전력', 'power'),
  f('energy_kwh', 'f64', 'kWh', 'counter', 0.01, 0, null, '전력량', 'energy'),
  f('temp_barrel1', 'f64', '°C', 'measurement', 0.1, 150, 280, '배럴 1 온도', 'barrel 1'),
  f('temp_nozzle', 'f64', '°C', 'measurement', 0.1, 150, 290, '노즐 온도', 'nozzle'),
  f('temp_mould', 'f64', '°C', 'measurement', 0.1, 20, 90, '금형 온도', 'mould'),
  f('door_open', 'bool', '', 'state', 1, null, null, '안전문 열림', 'guard open'),
];
const cnc = [
  f('state', 'i64', '', 'state', 1, 0, 4, '상태', 'state'),
  f('count', 'i64', '개', 'counter', 1, 0, null, '가공 수', 'parts'),
  f('good', 'i64', '개', 'counter', 1, 0, null, '양품 수', 'good parts'),
  f('reject', 'i64', '개', 'counter', 1, 0, null, '불량 수', 'rejected parts'),
  f('cycle_s', 'f64', 's', 'measurement', 1, 10, 120, '사이클 시간', 'cycle time'),
  f('spindle_rpm', 'f64', 'rpm', 'measurement', 1, 0, 9000, '주축 회전수', 'spindle speed'),
  f('spindle_load', 'f64', '%', 'measurement', 1, 0, 120, '주축 부하', 'spindle load'),
  f('pos_x', 'f64', 'mm', 'measurement', 1, -400, 400, 'X축 위치', 'X position'),
  f('pos_z', 'f64', 'mm', 'measurement', 1, -500, 50, 'Z축 위치', 'Z position'),
  f('vibration', 'f64', 'mm/s', 'measurement', 1, 0, 7.1, '진동', 'vibration'),
  f('tool_life', 'f64', '%', 'measurement', 1, 0, 100, '공구 잔여 수명', 'tool life left'),
  f('power_kw', 'f64', 'kW', 'measurement', 1, 0, 30, '소비 전력', 'power'),
  f('program', 'text', '', 'state', 1, null, null, '가공 프로그램', 'program'),
];
const pack = [
  f('state', 'i64', '', 'state', 1, 0, 4, '상태', 'state'),
  f('count', 'i64', '개', 'counter', 1, 0, null, '포장 수', 'packs'),
  f('good', 'i64', '개', 'counter', 1, 0, null, '양품 수', 'good packs'),
  f('reject', 'i64', '개', 'counter', 1, 0, null, '불량 수', 'rejected packs'),
  f('cycle_s', 'f64', 's', 'measurement', 0.01, 0.5, 20, '사이클 시간', 'cycle time'),
  f('speed', 'f64', '개/min', 'measurement', 0.1, 0, 60, '포장 속도', 'speed'),
  f('weight', 'f64', 'g', 'measurement', 0.1, 480, 520, '중량', 'weight'),
  f('film_left', 'f64', 'm', 'measurement', 0.1, 20, 1500, '필름 잔량', 'film left'),
  f('power_kw', 'f64', 'kW', 'measurement', 0.01, 0, 15, '소비 전력', 'power'),
  f('lot', 'text', '', 'state', 1, null, null, '로트 번호', 'lot'),
];
const meter = [
  f('state', 'i64', '', 'state', 1, 0, 4, '상태', 'state'),
  f('power_kw', 'f64', 'kW', 'measurement', 1, 0, 250, '유효 전력', 'active power'),
  f('energy_kwh', 'f64', 'kWh', 'counter', 0.001, 0, null, '누적 전력량', 'energy'),
  f('volt_l1', 'f64', 'V', 'measurement', 1, 198, 242, 'L1 전압', 'L1 voltage'),
  f('curr_l1', 'f64', 'A', 'measurement', 1, 0, 400, 'L1 전류', 'L1 current'),
  f('curr_l2', 'f64', 'A', 'measurement', 1, 0, 400, 'L2 전류', 'L2 current'),
  f('curr_l3', 'f64', 'A', 'measurement', 1, 0, 400, 'L3 전류', 'L3 current'),
  f('power_factor', 'f64', '', 'measurement', 1, 0.5, 1, '역률', 'power factor'),
  f('frequency', 'f64', 'Hz', 'measurement', 1, 59.5, 60.5, '주파수', 'frequency'),
];

export const MACHINES = [
  { id: 'press1', line: 'line1', kind: 'injection', x: 160, y: 220, period: 250, tags: press, ko: '사출 1호기', en: 'Press 1', short: ['사출 1', 'Press 1'], device: ['사출성형기 1호', 'Injection press 1'] },
  { id: 'press2', line: 'line1', kind: 'injection', x: 420, y: 220, period: 250, tags: press, ko: '사출 2호기', en: 'Press 2', short: ['사출 2', 'Press 2'], device: ['사출성형기 2호', 'Injection press 2'] },
  { id: 'pack1', line: 'line1', kind: 'packing', x: 760, y: 220, period: 500, tags: pack, ko: '포장기', en: 'Packing', short: ['포장', 'Packing'], device: ['포장기', 'Packing machine'] },
  { id: 'cnc1', line: 'line2', kind: 'cnc', x: 290, y: 620, period: 250, tags: cnc, ko: 'CNC 1호기', en: 'CNC 1', short: ['CNC', 'CNC'], device: ['CNC 가공기', 'CNC machine'] },
  { id: 'meter1', line: 'util', kind: 'meter', x: 760, y: 620, period: 1000, tags: meter, ko: '수전 전력계', en: 'Main meter', short: ['전력계', 'Meter'], device: ['전력계', 'Energy meter'] },
];

export const PLACES = [
  { id: 'factory', parent: null, level: 'site', ko: '마루정밀 시범공장', en: 'Maru demo factory' },
  { id: 'hall1', parent: 'factory', level: 'area', ko: '1동', en: 'Hall 1' },
  { id: 'line1', parent: 'hall1', level: 'line', ko: '사출·포장 라인', en: 'Moulding and packing line' },
  { id: 'line2', parent: 'hall1', level: 'line', ko: '가공 라인', en: 'Machining line' },
  { id: 'util', parent: 'hall1', level: 'line', ko: '유틸리티', en: 'Utilities' },
];

export const STAGES = [
  ['decode', '해석'],
  ['scale', '환산·단위'],
  ['range', '유효 범위'],
  ['late', '지연 도착'],
  ['duplicate', '중복'],
  ['deadband', '불감대'],
];
