// The documents for users (docs/user) as chapters of the page Help: markdown becomes HTML when the pages are
// built, so that nothing is read or made from foreign text at run time. The table in docs/user/README.md says
// which chapters there are and in what order. A heading has one name in both languages, that of the English
// text; links say it as GitHub would, in the language of their chapter.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';

const DOCS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs');
const USER = join(DOCS, 'user');
export const LANGS = ['en', 'ko'];

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
/** The name that GitHub gives a heading. */
const slug = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').trim().replace(/ /g, '-');

function plain(tokens) {
  return tokens.map((token) => (token.tokens ? plain(token.tokens) : (token.text ?? ''))).join('');
}

/** Groups of the table: their names, and the chapters of each in order. */
function readGroups(problems) {
  const groups = [];
  for (const line of readFileSync(join(USER, 'README.md'), 'utf8').split('\n')) {
    const heading = /^## (.+) \u00b7 (.+)$/.exec(line);
    const row = /^\| \[(.+?)\]\(en\/([\w-]+)\.md\) \| \[(.+?)\]\(ko\/([\w-]+)\.md\) \|/.exec(line);
    if (heading) {
      groups.push({ en: heading[1], ko: heading[2], chapters: [] });
    } else if (row) {
      if (row[2] !== row[4]) {
        problems.push(`docs/user/README.md: ${row[2]} and ${row[4]} stand in one row`);
      }
      groups.at(-1)?.chapters.push({ id: row[2], en: row[1], ko: row[3] });
    }
  }
  const named = groups.flatMap((group) => group.chapters.map((one) => one.id));
  for (const lang of LANGS) {
    const there = readdirSync(join(USER, lang)).filter((name) => name.endsWith('.md')).map((name) => name.slice(0, -3));
    for (const id of there.filter((one) => !named.includes(one))) {
      problems.push(`docs/user/${lang}/${id}.md: not in the table of docs/user/README.md`);
    }
    for (const id of named.filter((one) => !there.includes(one))) {
      problems.push(`docs/user/${lang}/${id}.md is missing`);
    }
  }
  return groups.map((group) => ({ ...group, chapters: group.chapters.filter((one) => LANGS.every((lang) => existsSync(join(USER, lang, `${one.id}.md`)))) }));
}

/** Width and height of a WebP or PNG, so that the text does not jump when a picture comes. */
function sizeOf(bytes) {
  if (bytes.toString('latin1', 1, 4) === 'PNG') {
    return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  }
  const kind = bytes.toString('latin1', 12, 16);
  if (kind === 'VP8 ') {
    return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
  }
  if (kind === 'VP8L') {
    const bits = bytes.readUInt32LE(21);
    return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
  }
  return kind === 'VP8X' ? [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1] : null;
}

function headingsOf(tokens) {
  return tokens.filter((token) => token.type === 'heading').map((token) => ({ level: token.depth, text: plain(token.tokens) }));
}

/** What both languages must have alike: tables with their rows, lines of code, points of lists, pictures. */
function frameOf(tokens) {
  return tokens.flatMap((token) => {
    const pictures = (token.tokens ?? []).filter((one) => one.type === 'image').map(() => 'a picture');
    const own = {
      table: () => [`a table of ${token.rows?.length} rows`],
      code: () => [`${token.text.split('\n').length} lines of code`],
      list: () => [`a list of ${token.items?.length} points`],
      heading: () => [`a heading of level ${token.depth}`],
    }[token.type];
    return [...(own ? own() : []), ...pictures];
  });
}

/** The same headings in the same order: their names are the English ones. */
function nameHeadings(chapter, problems) {
  const [en, ko] = LANGS.map((lang) => chapter.text[lang].heads);
  if (en.map((one) => one.level).join() !== ko.map((one) => one.level).join()) {
    problems.push(`docs/user/*/${chapter.id}.md: the headings of the two languages differ (${en.length} and ${ko.length})`);
  }
  const [here, there] = LANGS.map((lang) => frameOf(chapter.text[lang].tokens));
  const off = here.findIndex((one, i) => one !== there[i]);
  if (off >= 0 || here.length !== there.length) {
    problems.push(`docs/user/*/${chapter.id}.md: the two languages differ: ${here[off] ?? 'the end'} in English, ${there[off < 0 ? here.length : off] ?? 'the end'} in Korean`);
  }
  const taken = new Set();
  const ids = en.map((head, i) => {
    const id = taken.has(slug(head.text)) ? `${slug(head.text)}-${i}` : slug(head.text);
    taken.add(id);
    return id;
  });
  for (const heads of [en, ko]) {
    heads.forEach((head, i) => (head.id = ids[i] ?? `part-${i}`));
  }
}

/** `place` gives the address of a picture's file. */
function htmlOf(chapter, lang, chapters, place, problems) {
  const where = `docs/user/${lang}/${chapter.id}.md`;
  const heads = chapter.text[lang].heads;
  let at = 0;
  const linkTo = (target) => {
    if (target === '../../HTTP.md') {
      return '/help/api';
    }
    const [file, anchor] = target.split('#');
    const to = file === '' ? chapter : chapters.get(/^([\w-]+)\.md$/.exec(file)?.[1] ?? '');
    if (!to) {
      problems.push(`${where}: the link to ${target} leads to no chapter`);
      return '/help';
    }
    const head = anchor === undefined ? null : to.text[lang].heads.find((one) => slug(one.text) === decodeURIComponent(anchor));
    if (head === undefined) {
      problems.push(`${where}: the link to ${target} leads to no heading`);
    }
    return `/help/${to.id}${head ? `#${head.id}` : ''}`;
  };
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const { id } = heads[at++];
        return `<h${depth} id="${escape(id)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      html: ({ text }) => escape(text),
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return /^https?:/.test(href) ? `<a href="${escape(href)}" target="_blank" rel="noreferrer">${text}</a>` : `<a href="${escape(linkTo(href))}">${text}</a>`;
      },
      image({ href, text }) {
        const file = resolve(USER, lang, href);
        if (!existsSync(file)) {
          problems.push(`${where}: the picture ${href} is not there`);
          return '';
        }
        if (text.trim() === '') {
          problems.push(`${where}: the picture ${href} has no words`);
        }
        const size = sizeOf(readFileSync(file));
        return `<img src="${escape(place(file))}" alt="${escape(text)}" loading="lazy"${size ? ` width="${size[0]}" height="${size[1]}"` : ''}>`;
      },
      code: ({ text }) => `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`,
      table(token) {
        // A head without words is no head.
        const cell = ({ text, tokens }, tag) => `<${text === '' ? 'td' : tag}>${this.parser.parseInline(tokens)}</${text === '' ? 'td' : tag}>`;
        const cells = (row, tag) => `<tr>${row.map((one) => cell(one, tag)).join('')}</tr>`;
        return `<div class="wide" tabindex="0"><table><thead>${cells(token.header, 'th')}</thead><tbody>${token.rows.map((row) => cells(row, 'td')).join('')}</tbody></table></div>\n`;
      },
    },
  });
  return marked.parser(chapter.text[lang].tokens);
}

/** All chapters in both languages, and what is wrong with them. */
export function readHelp(place = (file) => file) {
  const problems = [];
  const lexer = new Marked({ gfm: true });
  const groups = readGroups(problems);
  const chapters = new Map();
  for (const one of groups.flatMap((group) => group.chapters)) {
    const text = {};
    for (const lang of LANGS) {
      const tokens = lexer.lexer(readFileSync(join(USER, lang, `${one.id}.md`), 'utf8'));
      const heads = headingsOf(tokens);
      if (heads[0]?.level !== 1 || heads.filter((head) => head.level === 1).length !== 1) {
        problems.push(`docs/user/${lang}/${one.id}.md: not one title in the first line`);
      }
      text[lang] = { tokens, heads };
    }
    const chapter = { id: one.id, names: one, text };
    nameHeadings(chapter, problems);
    chapters.set(one.id, chapter);
  }
  const out = {};
  for (const lang of LANGS) {
    out[lang] = groups.map((group) => ({
      title: group[lang],
      chapters: group.chapters.map(({ id }) => {
        const chapter = chapters.get(id);
        return { id, title: chapter.names[lang], heads: chapter.text[lang].heads.filter((head) => head.level === 2), html: htmlOf(chapter, lang, chapters, place, problems) };
      }),
    }));
  }
  return { help: out, anchors: new Map([...chapters].map(([id, chapter]) => [id, new Set(chapter.text.en.heads.map((head) => head.id))])), problems };
}

/** `virtual:help/ko` and `virtual:help/en`: each a part of its own. Pictures become files of the build. */
export function help() {
  const pictures = new Map();
  let serving = false;
  const place = (file) => {
    const bytes = readFileSync(file);
    const [name, kind] = basename(file).split('.');
    const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 8);
    const path = `assets/help-${name}-${hash}.${kind}`;
    pictures.set(path, bytes);
    return serving ? `/@fs${file}` : `/${path}`;
  };
  return {
    name: 'maru-help',
    configResolved(config) {
      serving = config.command === 'serve';
    },
    resolveId: (id) => (id.startsWith('virtual:help/') ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith('\0virtual:help/')) {
        return undefined;
      }
      const { help: text, problems } = readHelp(place);
      if (problems.length > 0) {
        this.error(problems.join('\n'));
      }
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(text[id.slice(-2)]))});`;
    },
    generateBundle() {
      for (const [fileName, source] of pictures) {
        this.emitFile({ type: 'asset', fileName, source });
      }
    },
  };
}
