// Light or dark: the system's wish unless one was chosen here; a television is dark.
import { params } from './route.svelte';

export type Theme = 'system' | 'light' | 'dark';
const STORED = 'maru.theme';
const TV_WIDTH = 1900;

function first(): Theme {
  const asked = params().get('theme') ?? localStorage.getItem(STORED);
  return asked === 'light' || asked === 'dark' ? asked : 'system';
}

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const wide = matchMedia(`(min-width: ${TV_WIDTH}px) and (hover: none)`);
const look = $state({ theme: first(), systemDark: systemDark.matches, wide: wide.matches });
systemDark.addEventListener('change', () => (look.systemDark = systemDark.matches));
wide.addEventListener('change', () => (look.wide = wide.matches));

export function theme(): Theme {
  return look.theme;
}

export function setTheme(next: Theme): void {
  look.theme = next;
  if (next === 'system') {
    localStorage.removeItem(STORED);
  } else {
    localStorage.setItem(STORED, next);
  }
}

export function isTv(path: string): boolean {
  return path === '/tv' || params().get('tv') === '1';
}

export function isDark(path: string): boolean {
  if (look.theme !== 'system') {
    return look.theme === 'dark';
  }
  return look.systemDark || look.wide || isTv(path);
}
