// The pages are one small program served by Maru itself: no other host, no inline script or style
// (the Content-Security-Policy forbids both), every file but index.html named by its hash.
import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2021',
    outDir: 'dist',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    reportCompressedSize: true,
  },
  server: {
    port: 5173,
    proxy: { '/api': process.env.MARU_URL ?? 'http://127.0.0.1:8480' },
  },
});
