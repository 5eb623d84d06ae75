// What a curve says at a moment, as words.
import type { Tag } from './api';
import { NOTHING, numberText, valueText } from './format';
import { isStepped, pointAt, type Curve } from './trend';
import { values } from './values';

export interface Reading {
  text: string;
  /** Least and greatest of the moment's bucket; '' where they are the value. */
  band: string;
}

/** A figure of the tag: states and switches in their words. */
export function figureText(tag: Tag, value: number | null): string {
  return value === null ? NOTHING : valueText(tag, tag.type === 'bool' ? value !== 0 : value);
}

export function readingAt(tag: Tag, curve: Curve | undefined, time: number): Reading {
  const point = curve ? pointAt(curve, time) : null;
  if (!curve || !point) {
    return { text: NOTHING, band: '' };
  }
  const steps = tag.kind === 'state' || tag.type === 'bool';
  if (curve.everyMs === 0 || (steps && point.min === point.max)) {
    return { text: figureText(tag, point.value), band: '' };
  }
  const low = point.min === null ? '' : steps ? figureText(tag, point.min) : numberText(tag, point.min);
  const high = point.max === null ? '' : steps ? figureText(tag, point.max) : numberText(tag, point.max);
  // An average of states is no state.
  return { text: steps ? NOTHING : numberText(tag, point.value), band: low === high ? '' : `${low}\u2013${high}` };
}

/** At the cursor; without one the newest value where the picture follows the present. `version` makes readers look again. */
export function readingOf(tag: Tag, curve: Curve | undefined, cursor: number | null, follow: boolean, version: number): Reading {
  void version;
  if (cursor !== null) {
    return readingAt(tag, curve, cursor);
  }
  const slot = values.slot(tag.number);
  return { text: follow && values.has(slot) ? valueText(tag, values.value(slot)) : NOTHING, band: '' };
}

/** Whether an average of the tag's values says anything. */
export const hasAverage = (tag: Tag): boolean => !isStepped(tag) || tag.kind === 'setpoint';
