// The address is the state of a page: what is chosen, filtered and zoomed stands in the URL, so a
// link is a view. Links inside the program change the address without loading the page anew.

const here = $state({ path: location.pathname, search: location.search, hash: location.hash });

function read(): void {
  here.path = location.pathname;
  here.search = location.search;
  here.hash = location.hash;
}
window.addEventListener('popstate', () => once(location.pathname, read));

export function path(): string {
  return here.path;
}

/** The place within a page, with its #. */
export function hash(): string {
  return here.hash;
}

export function params(): URLSearchParams {
  return new URLSearchParams(here.search);
}

// What stays when the page changes: which plant, and the television's look.
const KEPT = ['plant', 'tv'];

export function href(target: string): string {
  const [page = '', place] = target.split('#');
  const [to, asked = ''] = page.split('?');
  const next = new URLSearchParams(asked);
  const now = params();
  for (const name of KEPT) {
    const value = now.get(name);
    if (value !== null && !next.has(name)) {
      next.set(name, value);
    }
  }
  const text = readable(next);
  return (text === '' ? `${to}` : `${to}?${text}`) + (place === undefined ? '' : `#${place}`);
}

// Commas and colons are allowed in a query (RFC 3986 clause 3.4) and easier to read as they are.
function readable(search: URLSearchParams): string {
  return search.toString().replace(/%2C/g, ',').replace(/%3A/g, ':');
}

/** What a page needs comes first, so that the page before it stays whole until then. The last wish counts. */
type Fetch = (path: string) => Promise<void> | undefined;
let fetchFirst: Fetch = () => undefined;
let wish = 0;
export function beforePage(fetch: Fetch): void {
  fetchFirst = fetch;
}
function once(path: string, then: () => void): void {
  const mine = ++wish;
  const coming = fetchFirst(path);
  if (coming) {
    void coming.then(() => mine === wish && then());
  } else {
    then();
  }
}

export function go(target: string, replace = false): void {
  once(target.split(/[?#]/)[0] ?? '', () => {
    history[replace ? 'replaceState' : 'pushState'](null, '', href(target));
    read();
  });
}

/** Changes parameters of this page; null takes one away. */
export function setParams(patch: Record<string, string | null>, push = false): void {
  const next = params();
  for (const [name, value] of Object.entries(patch)) {
    if (value === null || value === '') {
      next.delete(name);
    } else {
      next.set(name, value);
    }
  }
  const text = readable(next);
  const to = text === '' ? here.path : `${here.path}?${text}`;
  if (to !== here.path + here.search) {
    history[push ? 'pushState' : 'replaceState'](null, '', to);
    read();
  }
}

/** For the document: a plain click on a link of ours stays in the program. */
export function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
    return;
  }
  const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
  if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) {
    return;
  }
  if (link.pathname.startsWith('/api/')) {
    return;
  }
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}
