import './fonts.css';
import './app.css';
import { mount } from 'svelte';
import { onAnswer } from './lib/api';
import { catalogue, loadCatalogue } from './lib/catalogue.svelte';
import { startWorker, told } from './lib/offline.svelte';
import { fetchPage, fetchPart, shell } from './lib/pages.svelte';
import { beforePage } from './lib/route.svelte';
import { loadSession, plant } from './lib/session.svelte';
import { loadWords } from './lib/words.svelte';

onAnswer(told);
startWorker(() => {
  void loadSession().then(() => {
    const here = plant();
    return here && catalogue().loaded ? loadCatalogue(here.id) : undefined;
  });
});

// Words and frame come side by side with the page that the address names.
beforePage(fetchPage);
void fetchPage(location.pathname === '/' ? '/floor' : location.pathname);
void fetchPart(shell);

const target = document.getElementById('app');
if (target) {
  void Promise.all([import('./App.svelte'), loadWords()]).then(([{ default: App }]) => mount(App, { target }));
}
