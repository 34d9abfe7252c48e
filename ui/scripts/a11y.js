// axe-core over each page and dialog, in both themes, wide and narrow: WCAG 2.1 A and AA and best practices. Exit 1 on any violation.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { go, launch, mock, open } from './browser.js'
import { pages } from './pages.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const only = process.argv.slice(2)
const server = await mock(8098, '--wake', '0')
const browser = await launch()
let violations = 0, looked = 0
try {
  for (const theme of ['light', 'dark']) for (const [size, width, height, touch] of [['1440', 1440, 900, false], ['360', 360, 800, true]]) {
    const page = await open(browser, server.url, { width, height, theme, touch })
    for (const p of pages) {
      if (only.length && !only.some((o) => p.name.includes(o))) continue
      await go(page, p.hash, p.ready)
      if (p.act) await p.act(page, { touch })
      await page.waitForTimeout(300)
      const cdp = await page.context().newCDPSession(page)
      await cdp.send('Runtime.evaluate', { expression: axe }) // not a script element: the page's policy allows none
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }))
      looked++
      for (const v of found.violations) {
        violations++
        console.log(`${p.name} ${theme} ${size}: ${v.id} (${v.impact}): ${v.help}`)
        for (const n of v.nodes.slice(0, 4)) console.log('   ', n.target.join(' '), '\n     ', n.html.slice(0, 160), '\n     ', (n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? '')
      }
      if (p.undo) await p.undo(page)
    }
    const wrong = [...new Set(page.wrong)].filter((w) => !/status of (4\d\d|504)/.test(w))
    if (wrong.length) { console.log(theme, size, wrong); violations += wrong.length }
    await page.context().close()
  }
} finally { await browser.close(); server.stop() }
console.log(`${looked} looked at, ${violations} violations`)
process.exit(violations ? 1 : 0)
