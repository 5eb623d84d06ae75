// Fails when a chapter misses its other language, when a link, heading or picture of it is dead, or when a
// page of the program has no chapter (src/help.json).
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHelp } from './help.mjs';

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'src');
const read = (path) => readFileSync(join(source, path), 'utf8');
const { anchors, problems } = readHelp();
const chapterOf = JSON.parse(read('help.json'));

const pages = [...read('lib/pages.svelte.ts').matchAll(/^ {2}'(\/[^']*)':/gm)].map((match) => match[1]);
const sections = [...read('lib/settings.ts').matchAll(/\{ id: '([^']*)'/g)].map((match) => (match[1] === '' ? '/settings' : `/settings/${match[1]}`));
const steps = [...read('lib/start.ts').matchAll(/^ {2}\{ id: '(\w+)'/gm)].map((match) => `/start/${match[1]}`);
const wanted = [...new Set([...pages, ...sections, ...steps])].filter((address) => !address.startsWith('/help') && address !== '/signin');
if (pages.length < 10 || sections.length < 5) {
  problems.push('check-help: the pages of the program were not found');
}
for (const address of wanted) {
  const parent = address.split('/').slice(0, 2).join('/');
  if (!(address in chapterOf) && !(address.startsWith('/start/') && parent in chapterOf)) {
    problems.push(`src/help.json: the page ${address} has no chapter`);
  }
}
for (const [address, target] of Object.entries(chapterOf)) {
  const [id, anchor] = target.split('#');
  if (!wanted.includes(address)) {
    problems.push(`src/help.json: there is no page ${address}`);
  }
  if (!anchors.has(id) || (anchor !== undefined && !anchors.get(id).has(anchor))) {
    problems.push(`src/help.json: ${address} leads to ${target}, which is in no document`);
  }
}
if (problems.length > 0) {
  console.error([...new Set(problems)].join('\n'));
  console.error(`check-help: ${new Set(problems).size} problems`);
  process.exit(1);
}
console.log(`check-help: ${anchors.size} chapters in both languages, ${wanted.length} pages have one`);
