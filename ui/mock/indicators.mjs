// Performance indicators of the mock: some typed, one computed, one without a target.
export function createIndicators(mode, lang) {
  const ko = lang === 'ko';
  const months = (values, first = 2026 * 12 + 4) => values.map((value, at) => ({ month: `${Math.floor((first + at) / 12)}-${String(((first + at) % 12) + 1).padStart(2, '0')}`, value, closed: at < values.length - 1 }));
  const definition = { baseline_from: '2024-01-01', baseline_to: '2024-12-31', baseline_source: ko ? '2024년 생산일보' : 'production log 2024', target_date: '2026-12-31', weight: 1, formula: '', since: '', note: '' };
  const rows = mode === 'empty' ? [] : [
    { ...definition, number: 1, revision: 2, effect: 'productivity', name: ko ? '시간당 생산량' : 'Pieces an hour', unit: ko ? '개/h' : '/h', better: 'higher', baseline: 118, target: 150, formula: 'increase("press1.count") / on_hours("press1.run")', since: '2026-05', improvement: 19.5, improvement_words: '(141 \u2212 118) \u00f7 118 \u00d7 100 = 19.5 %', achievement: 71.9, achievement_words: '(141 \u2212 118) \u00f7 (150 \u2212 118) \u00d7 100 = 71.9 %', months: months([121, 125, null, 133, 138, 141, 139.2]) },
    { ...definition, number: 2, revision: 1, effect: 'quality', name: ko ? '공정 불량률' : 'Defect rate', unit: '%', better: 'lower', baseline: 3.2, target: 1.8, improvement: 46.9, improvement_words: '(3.2 \u2212 1.7) \u00f7 3.2 \u00d7 100 = 46.9 %', achievement: 107.1, achievement_words: '(1.7 \u2212 3.2) \u00f7 (1.8 \u2212 3.2) \u00d7 100 = 107.1 %', months: months([3.1, 2.9, 2.4, 2.2, 1.9, 1.7]) },
    { ...definition, number: 3, revision: 1, effect: 'cost', name: ko ? '제품 1개당 전력 원가' : 'Energy cost a piece', unit: ko ? '원' : 'KRW', better: 'lower', baseline: 412, target: 350, improvement: -2.4, improvement_words: '(412 \u2212 422) \u00f7 412 \u00d7 100 = -2.4 %', achievement: -16.1, achievement_words: '(422 \u2212 412) \u00f7 (350 \u2212 412) \u00d7 100 = -16.1 %', months: months([415, 418, 421, 424, 420, 422]) },
    { ...definition, number: 4, revision: 1, effect: 'employment', name: ko ? '상시 고용 인원' : 'People employed', unit: ko ? '명' : 'persons', better: 'higher', baseline: 24, target: null, improvement: 4.2, improvement_words: '(25 \u2212 24) \u00f7 24 \u00d7 100 = 4.2 %', achievement: null, achievement_words: ko ? '백분율 없음: 목표가 없습니다' : 'no percentage: there is no target', months: months([24, 24, 25, 25]) },
    { ...definition, number: 5, revision: 1, effect: 'safety', name: ko ? '산업재해 건수' : 'Accidents', unit: ko ? '건' : '', better: 'lower', baseline: 0, target: 0, improvement: null, improvement_words: ko ? '백분율 없음: 구축 전 값이 0입니다' : 'no percentage: the value before the build is 0', achievement: null, achievement_words: ko ? '백분율 없음: 목표가 구축 전 값과 같습니다' : 'no percentage: the target is the value before the build', months: [] },
  ];
  for (const row of rows) {
    const ended = row.formula === '' ? row.months : row.months.slice(0, -1);
    row.result = ended.at(-1) ?? null;
    row.present = row.formula === '' ? null : row.months.at(-1);
    row.changed = '2026-11-01T00:00:00Z';
  }
  const derivation = (value) => ({ formula: rows[0]?.formula ?? '', from: '2026-10-31T15:00:00Z', to: '2026-11-21T10:00:00Z', hours: 475, reason: value === null ? 'no_value' : '', reason_tag: value === null ? 'press1.count' : '', inputs: [{ tag: 'press1.count', values: { increase: 54_120 }, rows: 1_210_332, bad: 14, partial: false, gap_s: 310, missing: 310 }, { tag: 'press1.run', values: { on_hours: 388.8 }, rows: 2_104, bad: 0, partial: false, gap_s: 0, missing: null }] });
  const references = [['productivity', 29.4], ['quality', 42.8], ['cost', -15.9], ['sales', 6.4], ['employment', 1.5], ['safety', -4.9]].map(([effect, value]) => ({ effect, value, persons: effect === 'employment' }));

  return (method, path, body) => {
    const rest = /^\/plants\/[^/]+\/indicators(\/.*)?$/.exec(path)?.[1] ?? null;
    if (path.endsWith('/papers/deliverables') && method === 'GET') {
      return { items: [], next: null };
    }
    if (!/^\/plants\/[^/]+\/indicators/.test(path)) {
      return null;
    }
    if (rest === null && method === 'GET') {
      return { items: rows, next: null, month: '2026-11', achievement: rows.length > 0 ? 57.3 : null, judged: rows.length > 0 ? 3 : 0, references, references_source: ko ? '중소벤처기업부 보도자료(2023-01-09). 2014~2019년 도입기업 12,660개사 성과분석(통계진흥원, 2022년 5월)' : 'Ministry of SMEs and Startups, press release of 9 January 2023; outcome analysis of 12,660 adopters of 2014 to 2019, Statistics Promotion Institute, May 2022' };
    }
    if (rest === null) {
      const row = { ...definition, ...body, number: rows.length + 1, revision: 1, changed: new Date().toISOString(), result: null, present: null, improvement: null, improvement_words: '\u2014', achievement: null, achievement_words: '\u2014', months: [] };
      rows.push(row);
      return row;
    }
    if (rest === '/preview') {
      return { months: ['2026-09', '2026-10', '2026-11'].map((month, at) => ({ month, value: at === 0 ? null : 138 + at, derivation: derivation(at === 0 ? null : 1) })) };
    }
    const row = rows.find((one) => one.number === Number(/^\/(\d+)/.exec(rest)?.[1]));
    if (rest.endsWith('/values') && method === 'GET') {
      return { values: [...row.months].reverse().map((one) => ({ ...one, revision: row.revision, derivation: row.formula === '' ? null : derivation(one.value), source: row.formula === '' ? definition.baseline_source : '', file: '', actor: row.formula === '' ? 'kim' : '' })), revisions: row.revision > 1 ? [row, { ...row, revision: 1, formula: 'increase("press1.count") / hours()' }] : [row] };
    }
    if (rest.endsWith('/values')) {
      row.months = [...row.months.filter((one) => one.month !== body.month), ...(body.value === null ? [] : [{ month: body.month, value: body.value, closed: true }])];
      row.result = row.months.at(-1) ?? null;
    }
    return row;
  };
}
