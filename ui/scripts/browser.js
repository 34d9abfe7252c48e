// Chromium of the computer, driven by playwright-core; a mock server of our own unless HEDDLE_URL names another page to begin with.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p))

export async function launch() {
  if (!executablePath) throw new Error('no Chromium found: install chromium, or name it in CHROMIUM')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
}

export async function mock(port, ...args) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.js', import.meta.url)), '--port', String(port), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => { child.stdout.once('data', resolve); child.once('exit', (code) => reject(new Error(`mock server ended with ${code}`))) })
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
}

export async function open(browser, base, { width, height, theme, touch = false }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', hasTouch: touch, isMobile: touch, deviceScaleFactor: 1 })
  const page = await context.newPage()
  const wrong = []
  page.on('console', (m) => { if (m.type() === 'error') wrong.push(m.text()) })
  page.on('pageerror', (e) => wrong.push(String(e)))
  page.on('request', (r) => { if (!r.url().startsWith(base) && !r.url().startsWith('blob:')) wrong.push('request to another host: ' + r.url()) })
  page.wrong = wrong
  await page.goto(`${base}/#/enter/mock`)
  await page.waitForSelector('.side, .frame')
  return page
}
export async function go(page, hash, ready) {
  await page.evaluate((h) => { location.hash = h }, hash)
  if (ready) await page.waitForSelector(ready, { timeout: 8000 })
  await page.waitForTimeout(350)
}
