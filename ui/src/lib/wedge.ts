// A reader that types like a keyboard, wherever the cursor is: letters that come faster than fingers and
// end with Enter or Tab. What it typed into a field is taken out again; keys of a Korean keyboard count as
// what stands on them.
export const SCANNED = 'maru-scanned';
export const GAP_MS = 60; // Between two letters of a reader; fingers take longer.
const LEAST = 3;
const MOST = 256;

const PLACES: Record<string, [string, string]> = {
  Minus: ['-', '_'],
  Equal: ['=', '+'],
  Slash: ['/', '?'],
  Period: ['.', '>'],
  Comma: [',', '<'],
  Semicolon: [';', ':'],
  Space: [' ', ' '],
};
const SHIFTED = ')!@#$%^&*(';

/** The letter that a key stands for on an English keyboard; '' when it is none. */
export function letterOf(event: KeyboardEvent): string {
  if (/^[\x20-\x7e\x1d]$/.test(event.key)) {
    return event.key;
  }
  const [, letter, digit] = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code) ?? [];
  if (letter) {
    return event.shiftKey ? letter : letter.toLowerCase();
  }
  if (digit) {
    return event.shiftKey ? SHIFTED[Number(digit)]! : digit;
  }
  return PLACES[event.code]?.[event.shiftKey ? 1 : 0] ?? '';
}

type Field = HTMLInputElement | HTMLTextAreaElement;
const fieldOf = (target: EventTarget | null): Field | null => (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : null);

/** Listens until the answer is called. */
export function listen(onscan: (code: string) => void): () => void {
  let text = '';
  let lastMs = -Infinity;
  let field: Field | null = null;
  let before = '';

  function onkeydown(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) {
      text = '';
      return;
    }
    const quick = event.timeStamp - lastMs <= GAP_MS;
    if ((event.key === 'Enter' || event.key === 'Tab') && quick && text.length >= LEAST) {
      event.preventDefault();
      event.stopPropagation();
      const code = text.trim();
      text = '';
      if (field) {
        field.value = before;
        field.dispatchEvent(new Event('input', { bubbles: true }));
      }
      // Whoever takes keys without a field gives back what the reader typed.
      window.dispatchEvent(new Event(SCANNED));
      if (code !== '') {
        onscan(code);
      }
      return;
    }
    const letter = letterOf(event);
    if (letter === '') {
      text = event.key === 'Shift' ? text : ''; // A reader presses Shift between letters.
      return;
    }
    if (!quick || text === '') {
      text = '';
      field = fieldOf(event.target);
      before = field?.value ?? '';
    }
    text = (text + letter).slice(-MOST);
    lastMs = event.timeStamp;
    // A space in a code presses no button.
    if (letter === ' ' && text.length > 1 && !field) {
      event.preventDefault();
    }
  }
  window.addEventListener('keydown', onkeydown, true);
  return () => window.removeEventListener('keydown', onkeydown, true);
}
