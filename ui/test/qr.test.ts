import jsQR from 'jsqr'
import { expect, test } from 'vitest'
import { qr, svgPath } from '../src/lib/qr/qr.ts'

function read(text: string): string | undefined {
  const code = qr(text), scale = 3, quiet = 4, side = (code.size + 2 * quiet) * scale
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255)
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) {
    if (!code.dark(x, y)) continue
    for (let dy = 0; dy < scale; dy++) for (let dx = 0; dx < scale; dx++) {
      const at = (((y + quiet) * scale + dy) * side + (x + quiet) * scale + dx) * 4
      pixels.fill(0, at, at + 3)
    }
  }
  return (jsQR as unknown as (p: Uint8ClampedArray, w: number, h: number) => { data: string } | null)(pixels, side, side)?.data
}

// jsQR is somebody else's reader: what it reads is what was written.
test.each([1, 5, 14, 15, 42, 84, 100, 152, 180, 213, 251, 287, 400, 700, 1200])('a reader of others reads %i bytes', (n) => {
  const text = 'coaps://h:5684?ep='.padEnd(n, '0123456789abcdef_-').slice(0, n)
  expect(read(text)).toBe(text)
})
test('UTF-8', () => { expect(read('Gerät-5 °C')).toBe('Gerät-5 °C') })
test('sizes follow the standard', () => {
  expect(qr('a').size).toBe(21)
  expect(qr('a'.repeat(14)).size).toBe(21)
  expect(qr('a'.repeat(15)).size).toBe(25)
  expect(() => qr('a'.repeat(3000))).toThrow(RangeError)
})
test('the drawing covers each dark module once', () => {
  const code = qr('heddle')
  let dark = 0
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) if (code.dark(x, y)) dark++
  const widths = [...svgPath(code).d.matchAll(/h(\d+)v1/g)].reduce((sum, m) => sum + Number(m[1]), 0)
  expect(widths).toBe(dark)
})
