// What the browser loads, compressed: the first page and everything. Exit 1 when the first page passes its limit.
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const limit = 100 * 1024
const dist = process.env.HEDDLE_DIST ?? fileURLToPath(new URL('../../internal/web/dist', import.meta.url))
const html = readFileSync(`${dist}/index.html`, 'utf8')
const size = (name) => gzipSync(readFileSync(`${dist}/assets/${name}`), { level: 9 }).length
const all = readdirSync(`${dist}/assets`)
const first = all.filter((name) => html.includes(name))
const sum = (names) => names.reduce((n, name) => n + size(name), 0)
console.log(`first page ${(sum(first) / 1024).toFixed(1)} KiB, all pages and the chart ${(sum(all) / 1024).toFixed(1)} KiB, gzip`)
if (sum(first) > limit) { console.error(`the first page is over ${limit / 1024} KiB`); process.exit(1) }
