import { mount } from 'svelte';
import App from './App.svelte';
import './base.css';
import { city } from './hub/city.svelte.ts';
import { live } from './hub/live.svelte.ts';
import { languageAtStart, words } from './i18n/words.svelte.ts';
import { keys } from './shell/keys.svelte.ts';
import { preferences } from './shell/preferences.svelte.ts';
import { route } from './shell/route.svelte.ts';
import './tokens.css';

window.__ready = false;
preferences.start();
words.set(languageAtStart(route.search.get('lang')));
route.start();
keys.start();
city.start();
void city.load().then(() => {
  if (!city.problem) live.start();
});

const target = document.getElementById('console');
if (target) mount(App, { target });
