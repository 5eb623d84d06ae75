// Master data of the mock: a few nouns with their fields, as the program describes them.
export function createMaster(mode, lang) {
  const ko = lang === 'ko';
  const field = (name, words, kind = 'text', more = {}) => ({ name, words: ko ? words[0] : words[1], kind, key: false, needed: false, personal: false, preset: '', noun: '', choices: [], ...more });
  const key = { key: true, needed: true };
  const choices = (list) => list.map(([name, k, e]) => ({ name, words: ko ? k : e }));
  const CODE = field('code', ['코드', 'code'], 'code', key);
  const NAME = field('name', ['이름', 'name'], 'text', { needed: true });
  const ACTIVE = field('active', ['사용', 'in use'], 'flag', { needed: true, preset: '1' });
  const NOTE = field('note', ['비고', 'note'], 'note');
  const nouns = [
    { name: 'items', words: ['품목', 'items'], group: 'products', fields: [CODE, NAME, field('kind', ['구분', 'kind'], 'choice', { needed: true, preset: 'product', choices: choices([['product', '제품', 'product'], ['semi', '반제품', 'semi-finished'], ['material', '원자재', 'material']]) }), field('unit', ['단위', 'unit'], 'text', { needed: true, preset: 'EA' }), field('spec', ['규격', 'specification']), field('gtin', ['바코드(GTIN)', 'bar code (GTIN)'], 'gtin'), field('lots', ['로트 관리', 'kept by lot'], 'flag', { needed: true, preset: '1' }), field('safety', ['안전 재고', 'safety stock'], 'quantity'), field('cost', ['표준 원가(원)', 'standard cost (won)'], 'money'), ACTIVE, NOTE] },
    { name: 'boms', words: ['자재 명세(BOM)', 'bills of material'], group: 'products', fields: [field('item', ['품목', 'item'], 'ref', { ...key, noun: 'items' }), field('version', ['버전', 'version'], 'count', { ...key, preset: '1' }), field('line', ['순번', 'line'], 'count', key), field('component', ['자재', 'component'], 'ref', { needed: true, noun: 'items' }), field('quantity', ['소요량', 'quantity'], 'quantity', { needed: true })] },
    { name: 'processes', words: ['공정', 'processes'], group: 'process', fields: [CODE, NAME, ACTIVE] },
    { name: 'workers', words: ['작업자', 'workers'], group: 'people', fields: [CODE, NAME, field('team', ['소속', 'team']), ACTIVE, NOTE] },
    { name: 'reasons', words: ['비가동·불량 사유', 'reasons'], group: 'quality', fields: [CODE, NAME, field('parent', ['상위', 'above'], 'ref', { noun: 'reasons' }), ACTIVE] },
  ].map((noun) => ({ ...noun, words: ko ? noun.words[0] : noun.words[1] }));
  const of = (number, fields) => ({ number, changed: '2026-11-20T00:00:00Z', fields: { active: '1', ...fields } });
  const rows = mode === 'empty' ? {} : {
    items: [
      of(1, { code: '00125', name: ko ? '사출 케이스 상' : 'Housing, upper', kind: 'product', unit: 'EA', spec: 'ABS, 2.0 t', gtin: '8801234567893', lots: '1', safety: '1000', cost: '1250.5' }),
      of(2, { code: '00126', name: ko ? '사출 케이스 하' : 'Housing, lower', kind: 'product', unit: 'EA', spec: 'ABS, 2.0 t', gtin: '', lots: '1', safety: '1000', cost: '1180' }),
      of(3, { code: 'PEL-ABS-BK', name: ko ? 'ABS 펠릿 흑색' : 'ABS pellet, black', kind: 'material', unit: 'kg', spec: 'HI-121', gtin: '', lots: '1', safety: '250', cost: '2400' }),
      of(4, { code: 'OLD-9', name: ko ? '단종 커버' : 'Cover, discontinued', kind: 'semi', unit: 'EA', spec: '', gtin: '', lots: '0', safety: '', cost: '', active: '0' }),
    ],
    boms: [of(1, { item: '00125', version: '1', line: '1', component: 'PEL-ABS-BK', quantity: '0.0325' })],
    workers: [of(1, { code: 'W1', name: ko ? '김철수' : 'Kim', team: ko ? '1조' : 'A' })],
  };

  return (method, path, asked) => {
    const match = /^\/plants\/[^/]+\/master(?:\/(\w+))?(?:\/(\d+))?$/.exec(path);
    if (!match || method !== 'GET') {
      return null;
    }
    if (!match[1]) {
      return { items: nouns, next: null, may_change: true };
    }
    const found = (rows[match[1]] ?? []).filter((row) => (asked.get('active') !== '1' || row.fields.active === '1') && Object.values(row.fields).some((text) => text.includes(asked.get('q') ?? '')));
    return match[2] ? found.find((row) => row.number === Number(match[2])) : { items: found, next: null };
  };
}
