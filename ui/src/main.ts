import './fonts.css';
import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { onAnswer } from './lib/api';
import { catalogue, loadCatalogue } from './lib/catalogue.svelte';
import { startWorker, told } from './lib/offline.svelte';
import { loadSession, plant } from './lib/session.svelte';

onAnswer(told);
startWorker(() => {
  void loadSession().then(() => {
    const here = plant();
    return here && catalogue().loaded ? loadCatalogue(here.id) : undefined;
  });
});

const target = document.getElementById('app');
if (target) {
  mount(App, { target });
}
