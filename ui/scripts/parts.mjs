// The page comes in parts (src/lib/pages.svelte.ts). This step of the build names them all for the worker
// (public/sw.js keeps them for reading offline) and fails when what is fetched before the first page can
// be read grows beyond its budget, or when any later page does.
import { gzipSync } from 'node:zlib';

const FIRST_KB = 95; // Script, words of one language and style, compressed: the way in and the floor.
const PAGE_KB = 60; // What any other page fetches on top of that,
const HELP_KB = 80; // but for the documents of a language, which are searched as a whole.
const BEFORE = ['src/App.svelte', 'src/parts/Shell.svelte', 'src/words/ko.json'];
const FLOOR = 'src/pages/Floor.svelte';

export function parts() {
  return {
    name: 'maru-parts',
    generateBundle(_options, bundle) {
      const names = Object.keys(bundle).filter((name) => /\.(js|css|webp|png)$/.test(name)).sort();
      this.emitFile({ type: 'asset', fileName: 'parts.json', source: JSON.stringify(names.map((name) => `/${name}`)) });
    },
    writeBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
      const size = (one) => gzipSync(one.type === 'chunk' ? one.code : one.source, { level: 9 }).length;
      const chunkOf = (part) => chunks.find((one) => Object.keys(one.modules).some((id) => id.endsWith(`/ui/${part}`)));
      const reach = (found, one) => {
        if (one && !found.has(one)) {
          found.add(one);
          one.imports.forEach((name) => reach(found, bundle[name]));
        }
        return found;
      };
      const kb = (found) => [...found].reduce((sum, one) => sum + size(one), 0) / 1000;

      const before = new Set();
      reach(before, chunks.find((one) => one.isEntry));
      for (const part of BEFORE) {
        if (!chunkOf(part)) {
          this.error(`${part} is in no part of the build`);
        }
        reach(before, chunkOf(part));
      }
      // A part's style is fetched with it.
      const styled = (parts) => new Set([...parts, ...[...parts].flatMap((one) => [...(one.viteMetadata?.importedCss ?? [])].map((name) => bundle[name]).filter(Boolean))]);
      const first = kb(styled(reach(new Set(before), chunkOf(FLOOR))));
      const late = chunks.filter((one) => one.isDynamicEntry && !before.has(one));
      const isHelp = (one) => Object.keys(one.modules).some((id) => id.includes('virtual:help'));
      const rest = late.map((one) => ({ name: one.name, most: isHelp(one) ? HELP_KB : PAGE_KB, kb: kb(styled([...reach(new Set(), one)].filter((part) => !before.has(part)))) }));
      rest.sort((a, b) => b.kb / b.most - a.kb / a.most);
      console.log(`parts: ${first.toFixed(1)} kB before the floor is seen (at most ${FIRST_KB}); the largest page on top of it: ${rest[0].name}, ${rest[0].kb.toFixed(1)} kB (at most ${rest[0].most})`);
      if (first > FIRST_KB) {
        this.error(`the first load is ${first.toFixed(1)} kB compressed: at most ${FIRST_KB}. Import what it does not need when it is needed.`);
      }
      for (const one of rest.filter((page) => page.kb > page.most)) {
        this.error(`the page ${one.name} fetches ${one.kb.toFixed(1)} kB: at most ${one.most}.`);
      }
    },
  };
}
