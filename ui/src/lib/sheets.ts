// What a trend shows, as sheets of a workbook: the points in the window side by side, the figures,
// and the notes, in the plant's local time.
import type { Note, Summary, Tag } from './api';
import { localText } from './times';
import type { Curve, Window } from './trend';
import { t } from './words.svelte';
import type { Cell, Sheet } from './xlsx';

const TIME_WIDTH = 24;
const VALUE_WIDTH = 20;

/** Milliseconds whose UTC reads as the plant's clocks do. */
const localMs = (ms: number, zone: string): number => Date.parse(`${localText(Math.round(ms), zone)}Z`);
const titleOf = (tag: Tag): string => `${tag.display || tag.name}${tag.unit === '' ? '' : ` (${tag.unit})`}`;

export interface Seen {
  tags: Tag[];
  curves: Map<string, Curve>;
  figures: Map<string, Summary>;
  notes: Note[];
  view: Window;
  zone: string;
}

function pointsSheet({ tags, curves, view, zone }: Seen): Sheet {
  const head: Cell[] = [t('sheet.time')];
  const columns: { curve: Curve; of: (number | null)[] }[] = [];
  for (const tag of tags) {
    const curve = curves.get(tag.name);
    if (!curve) {
      continue;
    }
    head.push(titleOf(tag));
    columns.push({ curve, of: curve.v });
    if (curve.min && curve.max) {
      head.push(`${titleOf(tag)} ${t('figure.min')}`, `${titleOf(tag)} ${t('figure.max')}`);
      columns.push({ curve, of: curve.min }, { curve, of: curve.max });
    }
  }
  const rows = new Map<number, Cell[]>();
  columns.forEach(({ curve, of }, at) => {
    curve.t.forEach((time, i) => {
      // Of a bucket its begin, as everywhere else.
      const ms = time - curve.everyMs / 2;
      const value = of[i];
      if (time < view.from || time > view.to || value === null || value === undefined) {
        return;
      }
      let row = rows.get(ms);
      if (!row) {
        row = new Array<Cell>(head.length).fill(null);
        row[0] = localMs(ms, zone);
        rows.set(ms, row);
      }
      row[at + 1] = value;
    });
  });
  const sorted = [...rows].sort(([a], [b]) => a - b).map(([, row]) => row);
  return { name: t('trend.title'), rows: [head, ...sorted], times: [0], widths: head.map((_, i) => (i === 0 ? TIME_WIDTH : VALUE_WIDTH)) };
}

function figuresSheet({ tags, figures, zone }: Seen): Sheet {
  const head = [t('sheet.name'), t('live.path'), t('sheet.unit'), t('figure.count'), t('figure.bad'), t('figure.min'), t('figure.avg'), t('figure.max'), t('figure.last'), t('figure.last_time')];
  const rows = tags.map((tag): Cell[] => {
    const one = figures.get(tag.name);
    const time = one?.last_time ? localMs(Date.parse(one.last_time), zone) : null;
    return [tag.display || tag.name, tag.name, tag.unit, one?.count ?? null, one?.bad ?? null, one?.min ?? null, one?.avg ?? null, one?.max ?? null, one?.last ?? null, time];
  });
  return { name: t('trend.figures'), rows: [head, ...rows], times: [9], widths: [28, 28, 10, 12, 10, 14, 14, 14, 14, TIME_WIDTH] };
}

function notesSheet({ notes, zone }: Seen): Sheet {
  const head = [t('note.begin'), t('note.end'), t('live.path'), t('note.text'), t('note.author')];
  const rows = notes.map((note): Cell[] => [localMs(Date.parse(note.begin), zone), localMs(Date.parse(note.end), zone), note.tag ?? '', note.text, note.author]);
  return { name: t('note.title'), rows: [head, ...rows], times: [0, 1], widths: [TIME_WIDTH, TIME_WIDTH, 28, 60, 20] };
}

export const sheetsOf = (seen: Seen): Sheet[] => [pointsSheet(seen), figuresSheet(seen), ...(seen.notes.length > 0 ? [notesSheet(seen)] : [])];
