// Every string a person reads stands in src/words: in ko.json and en.json, or beside its page in later/. This
// script fails the build when a key is missing in one language or in the code, stands in two files, is used by
// nothing or by a page that does not fetch it, when placeholders of the two languages or of a call differ, or
// when Korean text stands in the code itself.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const problems = [];

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === 'words' ? [] : filesBelow(path);
    }
    return /\.(ts|svelte)$/.test(entry.name) ? [path] : [];
  });
}

function tableOf(lang) {
  const path = join(source, 'words', `${lang}.json`);
  const text = readFileSync(path, 'utf8');
  const table = JSON.parse(text);
  const keys = [...text.matchAll(/^\s*"([^"]+)"\s*:/gm)].map((m) => m[1]);
  for (const [i, key] of keys.entries()) {
    if (keys.indexOf(key) !== i) {
      problems.push(`${lang}.json: the key ${key} stands twice`);
    }
  }
  return table;
}

function placeholdersOf(text) {
  return [...new Set([...text.matchAll(/\{(\w+)(?::[^}]*)?\}/g)].map((m) => m[1]))].sort().join(' ');
}

// Arguments of calls within a parameter list hold commas of their own.
function withoutCalls(text) {
  const shorter = text.replace(/\([^()]*\)/g, '');
  return shorter === text ? text : withoutCalls(shorter);
}

// The terminal's words are fetched with it, those of other pages by the name of their group.
const groups = [...new Set(readdirSync(join(source, 'words', 'later')).map((name) => name.replace(/\.(ko|en)\.json$/, '')))];
const groupOf = new Map(); // Of each key that is not in the first load.
function bothOf(lang) {
  const all = {};
  for (const name of [lang, `terminal/${lang}`, ...groups.map((group) => `later/${group}.${lang}`)]) {
    const group = name.startsWith('later/') ? name.slice('later/'.length, -'.ko'.length) : null;
    for (const [key, words] of Object.entries(tableOf(name))) {
      if (key in all) {
        problems.push(`${name}.json: the key ${key} stands in another file, too`);
      }
      all[key] = words;
      if (group && groupOf.get(key) !== undefined && groupOf.get(key) !== group) {
        problems.push(`${name}.json: the key ${key} is in ${groupOf.get(key)} in the other language`);
      }
      group && groupOf.set(key, group);
    }
  }
  return all;
}
const ko = bothOf('ko');
const en = bothOf('en');
const keys = new Set(Object.keys(ko));

for (const key of new Set([...keys, ...Object.keys(en)])) {
  if (!(key in en) || !(key in ko)) {
    problems.push(`${key in en ? 'ko' : 'en'}.json: the key ${key} is missing`);
  } else if (!ko[key].trim() || !en[key].trim()) {
    problems.push(`${key}: empty words`);
  } else if (placeholdersOf(ko[key]) !== placeholdersOf(en[key])) {
    problems.push(`${key}: placeholders differ (${placeholdersOf(ko[key])} / ${placeholdersOf(en[key])})`);
  }
}

// A quoted text that begins like a key must be one.
const spaces = new Set([...keys].map((key) => key.split('.')[0]));
const used = new Set();
const files = new Map(); // Path: what it imports, which later words it shows.
const RESOLVED = ['', '.ts', '.svelte.ts'];
for (const path of filesBelow(source)) {
  const name = relative(root, path);
  const text = readFileSync(path, 'utf8');
  const imports = [...text.replace(/import type [^;]*;/g, '').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((m) => resolve(dirname(path), m[1]));
  files.set(path, { imports, later: new Set([...text.matchAll(/(['"`])([a-z][\w]*(?:\.[\w]+)+)\1/g)].map((m) => m[2]).filter((key) => groupOf.has(key))) });
  for (const [i, line] of text.split('\n').entries()) {
    if (/[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]/.test(line)) {
      problems.push(`${name}:${i + 1}: Korean text belongs into src/words`);
    }
  }
  for (const match of text.matchAll(/(['"`])([a-z][\w]*(?:\.[\w]+)+)\1/g)) {
    used.add(match[2]);
    if (spaces.has(match[2].split('.')[0]) && !keys.has(match[2])) {
      problems.push(`${name}: the key ${match[2]} is in no table`);
    }
  }
  for (const match of text.matchAll(/\bt\(\s*'([^']+)'\s*(?:,\s*\{([^{}]*)\}\s*)?\)/g)) {
    const [, key, params] = match;
    if (!keys.has(key)) {
      problems.push(`${name}: the key ${key} is in no table`);
      continue;
    }
    const given = withoutCalls(params ?? '')
      .split(',')
      .map((p) => p.trim().split(':')[0].trim())
      .filter((p) => p !== '')
      .sort()
      .join(' ');
    if (given !== placeholdersOf(ko[key])) {
      problems.push(`${name}: ${key} wants {${placeholdersOf(ko[key])}} but gets {${given}}`);
    }
  }
}
for (const key of keys) {
  if (!used.has(key)) {
    problems.push(`${key}: used by no page`);
  }
}

// What a page reaches by its imports it must find among its words; lib/pages.svelte.ts says which those are.
const PAGES = join(source, 'lib', 'pages.svelte.ts');
function reach(from, fetched, entry) {
  const seen = new Set();
  const open = [from];
  while (open.length > 0) {
    const path = open.pop();
    if (seen.has(path) || path === PAGES) {
      continue;
    }
    seen.add(path);
    for (const key of files.get(path).later) {
      if (!fetched.includes(groupOf.get(key))) {
        problems.push(`${relative(root, path)}: the key ${key} is in later/${groupOf.get(key)}, which ${entry} does not fetch`);
      }
    }
    open.push(...files.get(path).imports.flatMap((one) => RESOLVED.map((end) => one + end).find((file) => files.has(file)) ?? []));
  }
}
const pagesText = readFileSync(PAGES, 'utf8');
reach(join(source, 'main.ts'), [], 'the first load');
for (const [, file, list] of pagesText.matchAll(/import\('\.\.\/(\w+\/\w+\.svelte)'\)(?:, words: \[([^\]]*)\])?/g)) {
  const fetched = [...(list ?? '').matchAll(/'([^']+)'/g)].map((m) => m[1]);
  reach(join(source, file), fetched, file);
  for (const group of fetched.filter((one) => !groups.includes(one))) {
    problems.push(`lib/pages.svelte.ts: ${file} fetches ${group}, which is no file of words/later`);
  }
}

// Languages of operators' pages; what is missing there is Korean.
const own = tableOf('terminal/ko');
const partial = ['vi', 'ne', 'uz', 'th'].map((lang) => {
  const table = tableOf(`terminal/${lang}`);
  for (const [key, text] of Object.entries(table)) {
    if (!(key in own) && key !== 'terminal.title') {
      problems.push(`terminal/${lang}.json: ${key} is no key of the terminal`);
    } else if (!text.trim() || /[\u3131-\u318e\uac00-\ud7a3]/.test(text)) {
      problems.push(`terminal/${lang}.json: ${key} is not translated`);
    } else if (placeholdersOf(text) !== placeholdersOf(ko[key])) {
      problems.push(`terminal/${lang}.json: ${key} wants {${placeholdersOf(ko[key])}}`);
    }
  }
  return `${lang} ${Object.keys(own).filter((key) => key in table).length}/${Object.keys(own).length}`;
});

if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(`check-words: ${problems.length} problems`);
  process.exit(1);
}
console.log(`check-words: ${keys.size} keys in ko and en, all used, ${groupOf.size} of them fetched with their page; the terminal's: ${partial.join(', ')}`);
