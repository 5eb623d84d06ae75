// The order of what people read by name: one for all lists and both languages, Korean before Latin, numbers
// inside a name by their size (press 2 before press 10). The server answers in the order of making.
const collator = new Intl.Collator('ko', { numeric: true });

export function byText(a: string, b: string): number {
  return collator.compare(a, b);
}

/** A copy in the order of these names; equal ones stay as they stood. */
export function sortedBy<T>(list: readonly T[], nameOf: (one: T) => string): T[] {
  return [...list].sort((a, b) => byText(nameOf(a), nameOf(b)));
}

/** What people call a thing that may have no name of its own. */
export const nameOf = (one: { id: string; display: string }): string => one.display || one.id;
