// QR codes of byte mode, error correction level M, versions 1 to 10 (ISO/IEC 18004:2015): a link or the
// secret of an authenticator, drawn by this page itself so that it reaches nobody else.

// By version 1 to 10, level M: codewords of error correction a block, then blocks of each group with the
// data codewords of one (ISO/IEC 18004:2015 table 9).
const BLOCKS: [ec: number, one: number, data: number, two: number][] = [
  [10, 1, 16, 0],
  [16, 1, 28, 0],
  [26, 1, 44, 0],
  [18, 2, 32, 0],
  [24, 2, 43, 0],
  [16, 4, 27, 0],
  [18, 4, 31, 0],
  [22, 2, 38, 2],
  [22, 3, 36, 2],
  [26, 4, 43, 1],
];
// Centres of alignment patterns (annex E).
const CENTRES: number[][] = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];
const LEVEL_M = 0;
const FIRST_LONG = 10; // From this version on the length has 16 bits.

// Numbers of GF(256) with x^8 + x^4 + x^3 + x^2 + 1 (clause 7.5.2).
const POWER = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  POWER[i] = POWER[i + 255] = x;
  LOG[x] = i;
  x = (x << 1) ^ (x & 0x80 ? 0x11d : 0);
}
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : POWER[LOG[a]! + LOG[b]!]!);

/** The codewords of error correction of some data: the remainder by the generator polynomial. */
export function correction(data: number[], count: number): number[] {
  let generator = [1];
  for (let i = 0; i < count; i++) {
    const next = [...generator, 0];
    generator.forEach((factor, at) => (next[at + 1]! ^= times(factor, POWER[i]!)));
    generator = next;
  }
  const rest = [...data, ...Array<number>(count).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i]!;
    generator.forEach((one, at) => (rest[i + at]! ^= times(one, factor)));
  }
  return rest.slice(data.length);
}

const capacity = ([, one, data, two]: [number, number, number, number]): number => one * data + two * (data + 1);

function codewordsOf(bytes: Uint8Array, version: number): number[] {
  const room = capacity(BLOCKS[version - 1]!);
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) {
      bits.push((value >> i) & 1);
    }
  };
  put(0b0100, 4);
  put(bytes.length, version < FIRST_LONG ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  put(0, Math.min(4, room * 8 - bits.length));
  put(0, -bits.length & 7);
  const out: number[] = [];
  for (let i = 0; i < bits.length; i += 8) {
    out.push(parseInt(bits.slice(i, i + 8).join(''), 2));
  }
  for (let pad = 0xec; out.length < room; pad ^= 0xec ^ 0x11) {
    out.push(pad);
  }
  return out;
}

// Blocks are corrected alone and stand interleaved, so that a stain meets a little of each.
function interleaved(data: number[], version: number): number[] {
  const [ec, one, size, two] = BLOCKS[version - 1]!;
  const blocks: number[][] = [];
  for (let i = 0, at = 0; i < one + two; i++) {
    const length = i < one ? size : size + 1;
    blocks.push(data.slice(at, at + length));
    at += length;
  }
  const checks = blocks.map((block) => correction(block, ec));
  const out: number[] = [];
  for (const rows of [blocks, checks]) {
    for (let i = 0; i < Math.max(...rows.map((row) => row.length)); i++) {
      rows.forEach((row) => i < row.length && out.push(row[i]!));
    }
  }
  return out;
}

/** A number with its remainder by a polynomial behind it (annexes C and D). */
function withRemainder(value: number, polynomial: number, bits: number): number {
  let rest = value << bits;
  for (let i = 31 - Math.clz32(rest); i >= bits; i = 31 - Math.clz32(rest)) {
    rest ^= polynomial << (i - bits);
  }
  return (value << bits) | rest;
}

type Grid = (0 | 1 | null)[][];

function pattern(version: number): Grid {
  const size = version * 4 + 17;
  const grid: Grid = Array.from({ length: size }, () => Array<0 | 1 | null>(size).fill(null));
  const square = (row: number, column: number, reach: number, dark: (ring: number) => boolean) => {
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) {
        if (grid[row + y]?.[column + x] !== undefined) {
          grid[row + y]![column + x] = dark(Math.max(Math.abs(x), Math.abs(y))) ? 1 : 0;
        }
      }
    }
  };
  for (let i = 8; i < size - 8; i++) {
    grid[6]![i] = grid[i]![6] = i % 2 === 0 ? 1 : 0;
  }
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) {
    square(row, column, 4, (ring) => ring !== 2 && ring !== 4);
  }
  const centres = CENTRES[version - 1]!;
  const last = centres[centres.length - 1];
  for (const row of centres) {
    for (const column of centres) {
      const corner = (row === 6 && (column === 6 || column === last)) || (row === last && column === 6);
      if (!corner) {
        square(row, column, 2, (ring) => ring !== 1);
      }
    }
  }
  for (let i = 0; i < 9; i++) {
    grid[8]![i] ??= 0;
    grid[i]![8] ??= 0;
    if (i < 8) {
      grid[8]![size - 1 - i] ??= 0;
      grid[size - 1 - i]![8] ??= 0;
    }
  }
  grid[size - 8]![8] = 1;
  if (version >= 7) {
    const info = withRemainder(version, 0x1f25, 12);
    for (let i = 0; i < 18; i++) {
      const bit = ((info >> i) & 1) as 0 | 1;
      grid[Math.floor(i / 3)]![size - 11 + (i % 3)] = bit;
      grid[size - 11 + (i % 3)]![Math.floor(i / 3)] = bit;
    }
  }
  return grid;
}

const MASKS: ((row: number, column: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

function filled(empty: Grid, codewords: number[], mask: number): number[][] {
  const size = empty.length;
  const out = empty.map((row) => row.map((cell) => cell ?? 0)) as number[][];
  let bit = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) {
      right = 5; // The column of the timing pattern holds no data.
    }
    for (let i = 0; i < size; i++) {
      const row = ((right + 1) & 2) === 0 ? size - 1 - i : i;
      for (const column of [right, right - 1]) {
        if (empty[row]![column] === null) {
          const dark = ((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
          out[row]![column] = MASKS[mask]!(row, column) ? dark ^ 1 : dark;
          bit++;
        }
      }
    }
  }
  // Level and mask, twice, XOR a fixed pattern so that it is never all light (annex C).
  const info = withRemainder((LEVEL_M << 3) | mask, 0x537, 10) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = (info >> i) & 1;
    const near = i < 6 ? i : i < 8 ? i + 1 : 8;
    if (i < 8) {
      out[near]![8] = dark;
      out[8]![size - 1 - i] = dark;
    } else {
      out[8]![i === 8 ? 7 : 14 - i] = dark;
      out[size - 15 + i]![8] = dark;
    }
  }
  out[size - 8]![8] = 1;
  return out;
}

const FINDERS = ['10111010000', '00001011101'];

/** How badly a reader would take it (clause 7.8.3). */
function penalty(grid: number[][]): number {
  const size = grid.length;
  let sum = 0;
  let dark = 0;
  const lines = [...grid, ...grid.map((_, i) => grid.map((row) => row[i]!))].map((line) => line.join(''));
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) {
      sum += run.length - 2;
    }
    for (const finder of FINDERS) {
      for (let at = line.indexOf(finder); at >= 0; at = line.indexOf(finder, at + 1)) {
        sum += 40;
      }
    }
  }
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      dark += grid[r]![c]!;
      const four = r + 1 < size && c + 1 < size ? grid[r]![c]! + grid[r]![c + 1]! + grid[r + 1]![c]! + grid[r + 1]![c + 1]! : 1;
      sum += four === 0 || four === 4 ? 3 : 0;
    }
  }
  return sum + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/** Rows of 1 (dark) and 0; null for a text that is too long (more than 213 bytes). */
export function qrOf(text: string): number[][] | null {
  const bytes = new TextEncoder().encode(text);
  const fits = BLOCKS.findIndex((blocks, i) => bytes.length + (i + 1 < FIRST_LONG ? 2 : 3) <= capacity(blocks));
  if (fits < 0) {
    return null;
  }
  const version = fits + 1;
  const codewords = interleaved(codewordsOf(bytes, version), version);
  const empty = pattern(version);
  let best: number[][] | null = null;
  let least = Infinity;
  for (let mask = 0; mask < MASKS.length; mask++) {
    const grid = filled(empty, codewords, mask);
    const bad = penalty(grid);
    if (bad < least) {
      [best, least] = [grid, bad];
    }
  }
  return best;
}

/** All dark modules as one path, on a grid of one unit a module with the quiet zone of four. */
export function qrPath(grid: number[][]): string {
  return grid.map((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : '')).join('')).join('');
}
