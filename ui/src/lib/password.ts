// The rules a password is held to, shown while it is typed. The program checks the same again.
import type { Key } from './words.svelte';

export const PASSWORD_MIN = 10;

export interface Rule {
  words: Key;
  kept: boolean;
}

export function passwordRules(password: string, login: string): Rule[] {
  const lower = password.toLowerCase();
  return [
    { words: 'password.length', kept: [...password].length >= PASSWORD_MIN },
    { words: 'password.not_login', kept: password !== '' && (login === '' || !lower.includes(login.toLowerCase())) },
    { words: 'password.varied', kept: new Set(lower).size >= 5 },
  ];
}

/** Account names, as the program takes them. */
export const LOGIN = /^[a-z0-9][a-z0-9._-]{1,31}$/;
