// Reads a QR code of byte mode and level M back from its modules: format, mask, order, blocks and the
// syndromes of every block (all zero in a whole code). ISO/IEC 18004:2015.
const BLOCKS = [[10, 1, 16, 0], [16, 1, 28, 0], [26, 1, 44, 0], [18, 2, 32, 0], [24, 2, 43, 0], [16, 4, 27, 0], [18, 4, 31, 0], [22, 2, 38, 2], [22, 3, 36, 2], [26, 4, 43, 1]];
const CENTRES = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];
const MASKS = [
  (r, c) => (r + c) % 2, (r) => r % 2, (r, c) => c % 3, (r, c) => (r + c) % 3, (r, c) => ((r >> 1) + Math.floor(c / 3)) % 2,
  (r, c) => ((r * c) % 2) + ((r * c) % 3), (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2, (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2,
];

/** Multiplication in GF(256), bit by bit. */
function times(a, b) {
  let out = 0;
  for (; b > 0; b >>= 1) {
    out ^= b & 1 ? a : 0;
    a = (a << 1) ^ (a & 0x80 ? 0x11d : 0);
  }
  return out;
}

/** Modules of a path of `M x y h1v1h-1z` within a square of `side`, without its quiet zone of four. */
export function gridOf(path, side) {
  const grid = Array.from({ length: side - 8 }, () => Array(side - 8).fill(0));
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    grid[y - 4][x - 4] = 1;
  }
  return grid;
}

function isData(r, c, size, version) {
  const centres = CENTRES[version - 1];
  const last = centres.at(-1);
  const finder = (r < 9 && c < 9) || (r < 9 && c >= size - 8) || (r >= size - 8 && c < 9);
  const info = version >= 7 && ((r < 6 && c >= size - 11) || (c < 6 && r >= size - 11));
  const aligned = centres.some((y) => centres.some((x) => Math.abs(r - y) <= 2 && Math.abs(c - x) <= 2 && !((y === 6 && (x === 6 || x === last)) || (y === last && x === 6))));
  return !finder && !info && !aligned && r !== 6 && c !== 6;
}

export function readQr(grid) {
  const size = grid.length;
  const version = (size - 17) / 4;
  const format = [0, 1, 2, 3, 4, 5, 7, 8].map((r) => grid[r][8]).reduce((sum, bit, i) => sum | (bit << i), 0)
    | (grid[8][7] << 8) | [5, 4, 3, 2, 1, 0].reduce((sum, c, i) => sum | (grid[8][c] << (9 + i)), 0);
  const info = (format ^ 0x5412) >> 10;
  if (info >> 3 !== 0) {
    throw new Error('not of level M');
  }
  const masked = MASKS[info & 7];
  const bits = [];
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    right -= right === 6 ? 1 : 0;
    for (let i = 0; i < size; i++) {
      const r = up ? size - 1 - i : i;
      for (const c of [right, right - 1]) {
        if (isData(r, c, size, version)) {
          bits.push(grid[r][c] ^ (masked(r, c) === 0 ? 1 : 0));
        }
      }
    }
  }
  const words = Array.from({ length: bits.length >> 3 }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8).join(''), 2));
  const [ec, one, data, two] = BLOCKS[version - 1];
  const blocks = Array.from({ length: one + two }, () => []);
  let at = 0;
  for (let i = 0; i < data + (two > 0 ? 1 : 0); i++) {
    blocks.forEach((block, b) => (i < data || b >= one) && block.push(words[at++]));
  }
  const bytes = blocks.flat();
  for (let i = 0; i < ec; i++) {
    blocks.forEach((block) => block.push(words[at++]));
  }
  for (const block of blocks) {
    for (let i = 0, root = 1; i < ec; i++, root = times(root, 2)) {
      if (block.reduce((sum, word) => times(sum, root) ^ word, 0) !== 0) {
        throw new Error(`syndrome ${i} of a block is not zero`);
      }
    }
  }
  const text = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const wide = version < 10 ? 8 : 16;
  if (text.slice(0, 4) !== '0100') {
    throw new Error('not of byte mode');
  }
  const count = parseInt(text.slice(4, 4 + wide), 2);
  return new TextDecoder().decode(Uint8Array.from({ length: count }, (_, i) => parseInt(text.slice(4 + wide + i * 8, 12 + wide + i * 8), 2)));
}
