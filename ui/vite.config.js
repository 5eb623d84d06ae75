// The pages are one small program served by Maru itself: no other host, no inline script or style
// (the Content-Security-Policy forbids both), every file but index.html named by its hash.
import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { help } from './scripts/help.mjs';
import { parts } from './scripts/parts.mjs';

// Each language is a part of its own, as are the words of each page: no page brings words that nobody reads.
const wordsOf = (id) => (id.includes('/words/terminal/') ? 'terminal-words' : id.match(/\/words\/(?:later\/(\w+)\.)?(ko|en)\.json/)?.slice(1).filter(Boolean).join('-words-'));

export default defineConfig({
  plugins: [svelte(), help(), parts()],
  build: {
    target: 'es2021',
    outDir: 'dist',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The style of a page comes with it, behind app.css, and before the page is shown.
    cssCodeSplit: true,
    rollupOptions: { output: { experimentalMinChunkSize: 12_000, manualChunks: wordsOf } },
    reportCompressedSize: true,
  },
  server: {
    port: 5173,
    proxy: { '/api': process.env.MARU_URL ?? 'http://127.0.0.1:8480' },
  },
});
