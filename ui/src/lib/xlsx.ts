// A workbook of a few plain sheets, made in the browser from what is on the screen: Office Open XML
// (ECMA-376) in a ZIP without compression (APPNOTE 6.3, method 0). Texts stand inline and are never
// formulas; times are days since 1899-12-30 by the plant's clocks, as spreadsheets count.

export type Cell = string | number | null;
export interface Sheet {
  name: string;
  rows: Cell[][];
  /** Columns that hold local times, as milliseconds of localMs. */
  times: number[];
  /** Width of each column in characters. */
  widths: number[];
}

const DAY_MS = 86_400_000;
const EPOCH_DAYS = 25_569; // 1970-01-01.
const HEAD_STYLE = 2;
const TIME_STYLE = 1;

const escaped = (text: string): string =>
  // XML 1.0 has no control characters but these three.
  // eslint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ' ').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function columnName(at: number): string {
  return at < 26 ? String.fromCharCode(65 + at) : columnName(Math.floor(at / 26) - 1) + columnName(at % 26);
}

function cellXml(cell: Cell, at: number, row: number, time: boolean): string {
  const place = `${columnName(at)}${row + 1}`;
  if (typeof cell === 'number' && Number.isFinite(cell)) {
    return time ? `<c r="${place}" s="${TIME_STYLE}"><v>${cell / DAY_MS + EPOCH_DAYS}</v></c>` : `<c r="${place}"><v>${cell}</v></c>`;
  }
  if (typeof cell === 'string' && cell !== '') {
    return `<c r="${place}" t="inlineStr"${row === 0 ? ` s="${HEAD_STYLE}"` : ''}><is><t xml:space="preserve">${escaped(cell)}</t></is></c>`;
  }
  return '';
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const DOCUMENT = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';

function sheetXml(sheet: Sheet): string {
  const columns = sheet.widths.map((width, i) => `<col min="${i + 1}" max="${i + 1}" width="${width}" customWidth="1"/>`).join('');
  const rows = sheet.rows
    .map((row, i) => `<row r="${i + 1}">${row.map((cell, at) => cellXml(cell, at, i, i > 0 && sheet.times.includes(at))).join('')}</row>`)
    .join('');
  const frozen = '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>';
  return `${XML}<worksheet xmlns="${MAIN}">${frozen}<cols>${columns}</cols><sheetData>${rows}</sheetData></worksheet>`;
}

const STYLES = `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="Malgun Gothic"/></font><font><b/><sz val="11"/><name val="Malgun Gothic"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="3"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>`;

function filesOf(sheets: Sheet[]): [string, string][] {
  const each = (make: (sheet: Sheet, number: number) => string): string => sheets.map((sheet, i) => make(sheet, i + 1)).join('');
  return [
    [
      '[Content_Types].xml',
      `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>${each((_, n) => `<Override PartName="/xl/worksheets/sheet${n}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`)}</Types>`,
    ],
    ['_rels/.rels', `${XML}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>`],
    [
      'xl/workbook.xml',
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${DOCUMENT}"><sheets>${each((sheet, n) => `<sheet name="${escaped(sheet.name)}" sheetId="${n}" r:id="rId${n}"/>`)}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `${XML}<Relationships xmlns="${PACKAGE}/relationships">${each((_, n) => `<Relationship Id="rId${n}" Type="${DOCUMENT}/worksheet" Target="worksheets/sheet${n}.xml"/>`)}<Relationship Id="rId${sheets.length + 1}" Type="${DOCUMENT}/styles" Target="styles.xml"/></Relationships>`,
    ],
    ['xl/styles.xml', STYLES],
    ...sheets.map((sheet, i): [string, string] => [`xl/worksheets/sheet${i + 1}.xml`, sheetXml(sheet)]),
  ];
}

// CRC-32 (ISO 3309) by a table.
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) {
    c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  }
  return c;
});
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c = CRC[(c ^ byte) & 0xff]! ^ (c >>> 8);
  }
  return (c ^ 0xffffffff) >>> 0;
}

// Little-endian fields; 1980-01-01 as the date, so that the same picture is the same file.
const u16 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const ZIP_DATE = 0x21;
const UTF8_NAMES = 0x800;

export function xlsxOf(sheets: Sheet[]): Blob {
  const text = new TextEncoder();
  const parts: BlobPart[] = [];
  const index: number[] = [];
  let offset = 0;
  const files = filesOf(sheets);
  for (const [name, content] of files) {
    const bytes = text.encode(content);
    const path = text.encode(name);
    const facts = [...u16(20), ...u16(UTF8_NAMES), ...u16(0), ...u16(0), ...u16(ZIP_DATE), ...u32(crc32(bytes)), ...u32(bytes.length), ...u32(bytes.length), ...u16(path.length), ...u16(0)];
    const head = Uint8Array.from([...u32(0x04034b50), ...facts, ...path]);
    parts.push(head, bytes);
    index.push(...u32(0x02014b50), ...u16(20), ...facts, ...u16(0), ...u16(0), ...u16(0), ...u32(0), ...u32(offset), ...path);
    offset += head.length + bytes.length;
  }
  const end = [...u32(0x06054b50), ...u16(0), ...u16(0), ...u16(files.length), ...u16(files.length), ...u32(index.length), ...u32(offset), ...u16(0)];
  parts.push(Uint8Array.from([...index, ...end]));
  return new Blob(parts, { type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' });
}

/** Gives the file to the browser to keep. */
export function keepFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
