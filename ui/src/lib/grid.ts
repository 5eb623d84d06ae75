// A table that is edited like a spreadsheet: its rows, what of them changed, undoing, and the text
// form in which spreadsheets put cells on the clipboard. Nothing here knows the page or the server.

export interface Column {
  /** Its header in the program's tables; column 0 is the name and stays what it is once stored. */
  id: string;
  title: string;
  /** Headers under which a pasted table may have it, in lower case. */
  names: string[];
  width: number;
  kind: 'text' | 'number' | 'switch' | 'choice';
  choices: string[];
  /** Of a new row. */
  fresh: string;
}

export interface Row {
  key: number;
  /** As stored; null: not there yet. */
  base: string[] | null;
  mark: string;
  cells: string[];
  /** What somebody else stored meanwhile in cells that are changed here, too. */
  theirs: Map<number, string> | null;
}

export interface Patch {
  row: number;
  column: number;
  text: string;
}

/** Cells between two corners, both included. */
export interface Block {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

interface Step {
  cells: { key: number; column: number; from: string; to: string }[];
  added: Row[];
  removed: { at: number; row: Row }[];
}

const UNDO_MOST = 200;
const NEW_MARK = 'new';

// ---- Text on the clipboard: cells between tabs, quoted where they hold a tab, a quote or a line's end.

export function textOf(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/[\t\r\n"]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  return rows.map((row) => row.map(cell).join('\t')).join('\r\n');
}

export function cellsOf(text: string): string[][] {
  const rows: string[][] = [];
  const end = text.length;
  let row: string[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < end) {
    let cell = '';
    if (text[at] === '"') {
      for (at++; at < end; at++) {
        if (text[at] !== '"') {
          cell += text[at];
        } else if (text[at + 1] === '"') {
          cell += '"';
          at++;
        } else {
          at++;
          break;
        }
      }
    }
    const from = at;
    while (at < end && text[at] !== '\t' && text[at] !== '\n' && text[at] !== '\r') {
      at++;
    }
    row.push(cell + text.slice(from, at));
    if (text[at] === '\t') {
      at++;
      if (at >= end) {
        row.push('');
      }
      continue;
    }
    at += text[at] === '\r' && text[at + 1] === '\n' ? 2 : 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) {
    rows.push(row);
  }
  return rows;
}

/** A number as a spreadsheet shows it, without the commas between thousands. */
const plainNumber = (text: string): string => (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replace(/,/g, '') : text);

export class Grid {
  rows: Row[] = [];
  #undo: Step[] = [];
  #redo: Step[] = [];
  #step: Step | null = null;
  #next = 1;
  #byKey = new Map<number, Row>();

  constructor(readonly columns: Column[]) {}

  // ---- As stored

  /** A table of the program: header, rows, the mark last. */
  #read(text: string): { cells: string[]; mark: string }[] {
    const [head = [], ...rows] = cellsOf(text);
    const from = this.columns.map((column) => head.indexOf(column.id));
    const mark = head.indexOf('mark');
    return rows.map((row) => ({ cells: from.map((at) => row[at] ?? ''), mark: row[mark] ?? '' }));
  }

  #add(cells: string[], base: string[] | null, mark: string): Row {
    const row: Row = { key: this.#next++, base, mark, cells, theirs: null };
    this.#byKey.set(row.key, row);
    return row;
  }

  /** What is stored, without anything of one's own. */
  load(text: string): void {
    this.#undo = [];
    this.#redo = [];
    this.#byKey.clear();
    this.rows = this.#read(text).map((one) => this.#add([...one.cells], one.cells, one.mark));
  }

  /** Goes on with what another grid of the same columns holds. */
  adopt(other: Grid): void {
    const from = this.columns.map((column) => other.columns.findIndex((one) => one.id === column.id));
    for (const { base, mark, cells, theirs } of other.rows) {
      const row = this.#add(from.map((at) => cells[at] ?? ''), base && from.map((at) => base[at] ?? ''), mark);
      row.theirs = theirs;
      this.rows.push(row);
    }
  }

  /** What is stored now, below one's own changes; cells that somebody else changed as well are noted. */
  merge(text: string): void {
    this.#undo = [];
    this.#redo = [];
    const mine = new Map<string, Row>();
    for (const row of this.rows) {
      if (row.base !== null || !mine.has(row.cells[0]!)) {
        mine.set(row.cells[0]!, row);
      }
    }
    const fresh: Row[] = [];
    for (const { cells, mark } of this.#read(text)) {
      const row = mine.get(cells[0]!);
      if (row === undefined) {
        fresh.push(this.#add([...cells], cells, mark));
        continue;
      }
      cells.forEach((theirs, at) => {
        const old = row.base === null ? '' : row.base[at]!;
        if (row.cells[at] === old) {
          row.cells[at] = theirs;
          row.theirs?.delete(at);
        } else if (theirs !== old && theirs !== row.cells[at]) {
          (row.theirs ??= new Map()).set(at, theirs);
        }
      });
      row.base = cells;
      row.mark = mark;
    }
    const stored = this.rows.filter((row) => row.base !== null);
    this.rows = [...stored, ...fresh, ...this.rows.filter((row) => row.base === null)];
  }

  // ---- What changed

  isNew = (row: Row): boolean => row.base === null;
  isChanged(row: Row, column: number): boolean {
    return row.base === null ? row.cells[column] !== '' : row.base[column] !== row.cells[column];
  }
  /** A new row in which nothing stands yet is none. */
  isTouched(row: Row): boolean {
    return row.cells.some((text, at) => (row.base === null ? text !== '' && text !== this.columns[at]!.fresh : text !== row.base[at]));
  }
  touched(): Row[] {
    return this.rows.filter((row) => this.isTouched(row));
  }
  disputed(): Row[] {
    return this.rows.filter((row) => row.theirs !== null && row.theirs.size > 0);
  }

  /** The rows as a table of the program, which says line by line what it thinks of them. */
  outOf(rows: Row[]): string {
    const head = [...this.columns.map((column) => column.id), 'mark'];
    return textOf([head, ...rows.map((row) => [...row.cells, row.base === null ? NEW_MARK : row.mark])]);
  }

  // ---- Changing: everything between begin and end is one step back.

  begin(): void {
    this.#step ??= { cells: [], added: [], removed: [] };
  }
  end(): void {
    const step = this.#step;
    this.#step = null;
    if (step && step.cells.length + step.added.length + step.removed.length > 0) {
      this.#undo.push(step);
      this.#undo.splice(0, this.#undo.length - UNDO_MOST);
      this.#redo = [];
    }
  }

  /** False where the cell stays: the name of what is stored. */
  set(row: Row, column: number, text: string): boolean {
    const { kind } = this.columns[column]!;
    const clean = kind === 'number' ? plainNumber(text.trim()) : kind === 'switch' ? text.trim().toLowerCase() : text.trim().replace(/\s*[\r\n]+\s*/g, ' ');
    const from = row.cells[column]!;
    if (clean === from) {
      return true;
    }
    if (column === 0 && row.base !== null) {
      return false;
    }
    this.#step?.cells.push({ key: row.key, column, from, to: clean });
    row.cells[column] = clean;
    row.theirs?.delete(column); // Whoever types has decided.
    return true;
  }

  append(): Row {
    const row = this.#add(this.columns.map((column) => column.fresh), null, '');
    this.rows.push(row);
    this.#step?.added.push(row);
    return row;
  }

  remove(rows: Row[]): void {
    const gone = new Set(rows.filter(this.isNew));
    this.rows.forEach((row, at) => {
      if (gone.has(row)) {
        this.#step?.removed.push({ at, row });
      }
    });
    this.rows = this.rows.filter((row) => !gone.has(row));
  }

  /** Back to what is stored. */
  revert(): void {
    this.begin();
    this.remove(this.rows);
    for (const row of this.rows) {
      row.base?.forEach((text, at) => this.set(row, at, text));
      row.theirs = null;
    }
    this.end();
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }
  get canRedo(): boolean {
    return this.#redo.length > 0;
  }

  undo(): void {
    const step = this.#undo.pop();
    if (step) {
      for (const { key, column, from } of [...step.cells].reverse()) {
        this.#byKey.get(key)!.cells[column] = from;
      }
      for (const { at, row } of step.removed) {
        this.rows.splice(at, 0, row);
      }
      const added = new Set(step.added);
      this.rows = this.rows.filter((row) => !added.has(row));
      this.#redo.push(step);
    }
  }

  redo(): void {
    const step = this.#redo.pop();
    if (step) {
      const removed = new Set(step.removed.map((one) => one.row));
      this.rows = [...this.rows.filter((row) => !removed.has(row)), ...step.added];
      for (const { key, column, to } of step.cells) {
        this.#byKey.get(key)!.cells[column] = to;
      }
      this.#undo.push(step);
    }
  }

  // ---- Blocks of cells

  /** Which of our columns each pasted one is, when the first row is a header; null: it is none. */
  headOf(first: string[]): (number | null)[] | null {
    const found = first.map((cell) => {
      const name = cell.trim().toLowerCase();
      const at = this.columns.findIndex((column) => column.names.includes(name));
      return at < 0 ? null : at;
    });
    return found.length > 1 && found.includes(0) && found.filter((at) => at !== null).length * 2 > found.length ? found : null;
  }

  /** Puts a block under `shown` from a corner on, repeating one cell or row over a chosen block; rows
   * beyond the last become new ones. A block with a header goes by names. Answers how many cells stay
   * as they are because a stored name cannot change, and what of the shown rows was touched. */
  paste(cells: string[][], shown: Row[], at: Block): { kept: number; block: Block } {
    let kept = 0;
    const put = (row: Row, column: number, text: string): void => {
      kept += this.set(row, column, text) ? 0 : 1;
    };
    this.begin();
    const head = cells.length > 1 ? this.headOf(cells[0]!) : null;
    if (head !== null) {
      const byName = new Map(this.rows.map((row) => [row.cells[0]!, row]));
      const name = head.indexOf(0);
      for (const line of cells.slice(1)) {
        const text = (line[name] ?? '').trim();
        if (text !== '') {
          const row = byName.get(text) ?? this.append();
          byName.set(text, row);
          line.forEach((one, i) => head[i] !== null && head[i] !== undefined && put(row, head[i], one));
        }
      }
      this.end();
      return { kept, block: at };
    }
    const wide = Math.max(...cells.map((line) => line.length));
    const high = at.bottom - at.top + 1;
    const broad = at.right - at.left + 1;
    const down = high % cells.length === 0 ? high : cells.length;
    const across = broad % wide === 0 ? broad : wide;
    for (let i = 0; i < down; i++) {
      const row = shown[at.top + i] ?? this.append();
      const line = cells[i % cells.length]!;
      for (let k = 0; k < across && at.left + k < this.columns.length; k++) {
        put(row, at.left + k, line[k % wide] ?? '');
      }
    }
    this.end();
    return { kept, block: { ...at, bottom: at.top + down - 1, right: Math.min(this.columns.length, at.left + across) - 1 } };
  }

  /** The first row of the block into all others of it. */
  fillDown(shown: Row[], at: Block): void {
    this.begin();
    for (let i = at.top + 1; i <= at.bottom; i++) {
      const row = shown[i] ?? this.append();
      for (let column = at.left; column <= at.right; column++) {
        this.set(row, column, shown[at.top]?.cells[column] ?? '');
      }
    }
    this.end();
  }

  clear(shown: Row[], at: Block): void {
    this.begin();
    for (const row of shown.slice(at.top, at.bottom + 1)) {
      for (let column = at.left; column <= at.right; column++) {
        this.set(row, column, '');
      }
    }
    this.end();
  }
}
