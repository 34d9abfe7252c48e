import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

// The server sends a Content-Security-Policy of 'self' only: the build must hold nothing inline, neither script nor style nor data: address.
export default defineConfig({
  plugins: [svelte()],
  base: './',
  define: { __BUILD__: JSON.stringify(process.env.HEDDLE_WEB_BUILD ?? 'dev') },
  build: {
    outDir: '../internal/web/dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    cssCodeSplit: true,
    reportCompressedSize: true,
  },
  server: { host: '127.0.0.1', port: 5173, proxy: { '/api': { target: process.env.HEDDLE_API ?? 'http://127.0.0.1:8099', changeOrigin: false } } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
})
