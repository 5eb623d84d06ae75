// Hangul syllables are laid out by rule (Unicode 15 clause 3.12): U+AC00 + (initial * 21 + vowel) *
// 28 + final. From that follow the initial consonants for searching and the choice of a particle.

const FIRST = 0xac00;
const LAST = 0xd7a3;
const PER_INITIAL = 21 * 28;
// Compatibility jamo (what a keyboard types) of the nineteen initials, in their order.
const INITIALS = [
  0x3131, 0x3132, 0x3134, 0x3137, 0x3138, 0x3139, 0x3141, 0x3142, 0x3143, 0x3145, 0x3146, 0x3147,
  0x3148, 0x3149, 0x314a, 0x314b, 0x314c, 0x314d, 0x314e,
];

/** Each syllable becomes its initial consonant; all else stays, in lower case. */
export function initialsOf(text: string): string {
  let out = '';
  for (const char of text.normalize('NFC').toLowerCase()) {
    const code = char.codePointAt(0) ?? 0;
    out +=
      code >= FIRST && code <= LAST
        ? String.fromCharCode(INITIALS[Math.floor((code - FIRST) / PER_INITIAL)] ?? code)
        : char;
  }
  return out;
}

function isJamo(code: number): boolean {
  return code >= 0x3131 && code <= 0x314e;
}

export interface Needle {
  plain: string;
  initials: string | null;
}

export function needleOf(text: string): Needle {
  const plain = text.normalize('NFC').toLowerCase().replace(/\s+/g, '');
  const jamo = [...plain].some((c) => isJamo(c.codePointAt(0) ?? 0));
  return { plain, initials: jamo ? initialsOf(plain) : null };
}

export interface Hay {
  plain: string;
  initials: string;
}

export function hayOf(...texts: string[]): Hay {
  const plain = texts.join('\n').normalize('NFC').toLowerCase().replace(/[^\S\n]+/g, '');
  return { plain, initials: initialsOf(plain) };
}

/** Where the needle stands in the hay, or -1. A needle with a lone consonant matches initials. */
export function findIn(hay: Hay, needle: Needle): number {
  return needle.initials === null
    ? hay.plain.indexOf(needle.plain)
    : hay.initials.indexOf(needle.initials);
}

// How digits and Latin letters are read aloud decides their particle: 0 1 3 6 7 8 and l m n r close.
const CLOSED_DIGITS = '013678';
const CLOSED_LETTERS = 'lmnr';

export function particle(word: string, closed: string, open: string): string {
  const last = word.trimEnd().slice(-1).toLowerCase();
  const code = last.codePointAt(0) ?? 0;
  if (code >= FIRST && code <= LAST) {
    return (code - FIRST) % 28 > 0 ? closed : open;
  }
  return CLOSED_DIGITS.includes(last) || CLOSED_LETTERS.includes(last) ? closed : open;
}
