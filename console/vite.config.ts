import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const hub = process.env['QUANYU_HUB'] ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../src/quanyu/faces/web/static',
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows files of our own origin only: nothing may become a data: URL.
    assetsInlineLimit: 0,
    // MapLibre alone is past the default; the true limits are in scripts/sizes.mjs.
    chunkSizeWarningLimit: 1200,
    manifest: 'manifest.json',
  },
  worker: { format: 'es' },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/api', '/events', '/sign-in'].map((path) => [path, { target: hub }])),
  },
});
