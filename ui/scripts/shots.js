// Pictures of each page: npm run shots [-- name ...]. They land in ui/.shots, to be opened beside the look-book's.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { go, launch, mock, open } from './browser.js'
import { pages } from './pages.js'

const out = process.env.SHOTS ?? fileURLToPath(new URL('../.shots/', import.meta.url))
mkdirSync(out, { recursive: true })
const only = process.argv.slice(2).filter((a) => a !== '--')
const sizes = [['1440', 1440, 900, false], ['1600', 1600, 1000, false], ['360', 360, 800, true]]
const server = await mock(8097, '--wake', '0')
const browser = await launch()
let failed = false
try {
  for (const theme of ['light', 'dark']) for (const [size, width, height, touch] of sizes) {
    const wanted = pages.filter((p) => !only.length || only.some((o) => `${p.name}-${size}-${theme}`.includes(o)))
    if (!wanted.length) continue
    const page = await open(browser, server.url, { width, height, theme, touch })
    for (const p of wanted) {
      await go(page, p.hash, p.ready)
      if (p.act) await p.act(page, { touch })
      await page.waitForTimeout(p.wait ?? 500)
      await page.screenshot({ path: `${out}/${p.name}-${size}-${theme}.png` })
      const sideways = await page.evaluate((w) => Math.max(document.documentElement.scrollWidth, innerWidth) - w, width)
      if (sideways > 0) { console.log(`${p.name} ${size}: ${sideways} px wider than the screen`); failed = true }
      if (p.undo) await p.undo(page)
    }
    const wrong = [...new Set(page.wrong)].filter((w) => !/status of (4\d\d|504)/.test(w)) // answers that some pages are there to show
    if (wrong.length) { console.log(theme, size, wrong); failed = true }
    await page.context().close()
  }
} finally { await browser.close(); server.stop() }
process.exit(failed ? 1 : 0)
