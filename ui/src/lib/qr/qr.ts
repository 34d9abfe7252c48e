// A QR code (ISO/IEC 18004), byte mode, error correction level M, made here: what it holds is a key and leaves the page for no service.

import { generator, remainder } from './galois.ts'

const eccPerBlock = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28]
const blockCount = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49]

function alignment(version: number): number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const size = version * 4 + 17
  const step = version === 32 ? 26 : Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2
  const at = [6]
  for (let p = size - 7; at.length < count; p -= step) at.splice(1, 0, p)
  return at
}

function rawModules(version: number): number {
  let n = (16 * version + 128) * version + 64
  if (version >= 2) {
    const a = Math.floor(version / 7) + 2
    n -= (25 * a - 10) * a - 55
    if (version >= 7) n -= 36
  }
  return n
}
const total = (version: number): number => Math.floor(rawModules(version) / 8)
const capacity = (version: number): number => total(version) - eccPerBlock[version - 1]! * blockCount[version - 1]!

function encodeData(bytes: Uint8Array): { version: number; data: Uint8Array } {
  let version = 1
  const header = (v: number): number => 4 + (v < 10 ? 8 : 16)
  while (version <= 40 && Math.ceil((header(version) + bytes.length * 8) / 8) > capacity(version)) version++
  if (version > 40) throw new RangeError(`qr: ${bytes.length} bytes are more than a QR code holds`)
  const data = new Uint8Array(capacity(version))
  let bit = 0
  const put = (value: number, bits: number): void => { for (let i = bits - 1; i >= 0; i--, bit++) if ((value >>> i) & 1) data[bit >> 3] = data[bit >> 3]! | (0x80 >> (bit & 7)) }
  put(4, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  for (const b of bytes) put(b, 8)
  bit = Math.min(bit + 4, data.length * 8) // terminator
  let pad = Math.ceil(bit / 8)
  for (let i = 0; pad < data.length; pad++, i++) data[pad] = i % 2 ? 0x11 : 0xec
  return { version, data }
}

function interleave(version: number, data: Uint8Array): Uint8Array {
  const blocks = blockCount[version - 1]!, ecc = eccPerBlock[version - 1]!
  const short = Math.floor(data.length / blocks), longer = data.length % blocks
  const gen = generator(ecc)
  const parts: Uint8Array[] = [], checks: Uint8Array[] = []
  for (let i = 0, at = 0; i < blocks; i++) {
    const size = short + (i >= blocks - longer ? 1 : 0)
    const part = data.subarray(at, at + size)
    at += size
    parts.push(part); checks.push(remainder(part, gen))
  }
  const out = new Uint8Array(total(version))
  let n = 0
  for (let i = 0; i <= short; i++) for (const p of parts) if (i < p.length) out[n++] = p[i]!
  for (let i = 0; i < ecc; i++) for (const c of checks) out[n++] = c[i]!
  return out
}

class Grid {
  readonly dark: Uint8Array
  readonly fixed: Uint8Array
  constructor(readonly size: number) { this.dark = new Uint8Array(size * size); this.fixed = new Uint8Array(size * size) }
  set(x: number, y: number, on: boolean): void { this.dark[y * this.size + x] = on ? 1 : 0; this.fixed[y * this.size + x] = 1 }
  finder(cx: number, cy: number): void {
    for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) {
      const x = cx + dx, y = cy + dy, ring = Math.max(Math.abs(dx), Math.abs(dy))
      if (x >= 0 && y >= 0 && x < this.size && y < this.size) this.set(x, y, ring !== 2 && ring !== 4)
    }
  }
  aligner(cx: number, cy: number): void {
    for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) this.set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1)
  }
}

function bch(value: number, poly: number, bits: number): number {
  let r = value
  const top = 31 - Math.clz32(poly)
  for (let i = 0; i < bits; i++) r = (r << 1) ^ ((r >>> (top - 1)) & 1 ? poly : 0)
  return r
}

function format(g: Grid, mask: number): void {
  const data = mask // level M is 00
  const bits = ((data << 10) | bch(data, 0x537, 10)) ^ 0x5412
  const on = (i: number): boolean => ((bits >>> i) & 1) === 1
  for (let i = 0; i <= 5; i++) g.set(8, i, on(i))
  g.set(8, 7, on(6)); g.set(8, 8, on(7)); g.set(7, 8, on(8))
  for (let i = 9; i < 15; i++) g.set(14 - i, 8, on(i))
  for (let i = 0; i < 8; i++) g.set(g.size - 1 - i, 8, on(i))
  for (let i = 8; i < 15; i++) g.set(8, g.size - 15 + i, on(i))
  g.set(8, g.size - 8, true)
}

function skeleton(version: number): Grid {
  const g = new Grid(version * 4 + 17)
  const n = g.size
  for (let i = 0; i < n; i++) { g.set(6, i, i % 2 === 0); g.set(i, 6, i % 2 === 0) }
  g.finder(3, 3); g.finder(n - 4, 3); g.finder(3, n - 4)
  const at = alignment(version), last = at.length - 1
  at.forEach((y, j) => at.forEach((x, i) => { if (!((i === 0 && j === 0) || (i === last && j === 0) || (i === 0 && j === last))) g.aligner(x, y) }))
  format(g, 0)
  if (version >= 7) {
    const bits = (version << 12) | bch(version, 0x1f25, 12)
    for (let i = 0; i < 18; i++) {
      const on = ((bits >>> i) & 1) === 1, a = n - 11 + (i % 3), b = Math.floor(i / 3)
      g.set(a, b, on); g.set(b, a, on)
    }
  }
  return g
}

const masks: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0, (_x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

function place(g: Grid, words: Uint8Array): void {
  let i = 0
  for (let right = g.size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    const up = ((right + 1) & 2) === 0
    for (let v = 0; v < g.size; v++) for (let j = 0; j < 2; j++) {
      const x = right - j, y = up ? g.size - 1 - v : v
      if (g.fixed[y * g.size + x] || i >= words.length * 8) continue
      g.dark[y * g.size + x] = (words[i >> 3]! >> (7 - (i & 7))) & 1
      i++
    }
  }
}

// The four penalties of the standard: runs, blocks, finder look-alikes, balance.
function penalty(dark: Uint8Array, n: number): number {
  let score = 0, on = 0
  const line = (at: (i: number) => number): void => {
    let run = 0, colour = -1, bits = 0
    for (let i = 0; i < n; i++) {
      const d = at(i)
      if (d === colour) { run++; if (run === 5) score += 3; else if (run > 5) score++ } else { colour = d; run = 1 }
      bits = ((bits << 1) | d) & 0x7ff
      if (i >= 10 && (bits === 0x5d0 || bits === 0x05d)) score += 40
    }
  }
  for (let k = 0; k < n; k++) { line((i) => dark[k * n + i]!); line((i) => dark[i * n + k]!) }
  for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) {
    const d = dark[y * n + x]!
    on += d
    if (x + 1 < n && y + 1 < n && d === dark[y * n + x + 1] && d === dark[(y + 1) * n + x] && d === dark[(y + 1) * n + x + 1]) score += 3
  }
  return score + Math.floor(Math.abs(on * 20 - n * n * 10) / (n * n)) * 10
}

export interface QR { size: number; dark(x: number, y: number): boolean }

export function qr(text: string): QR {
  const { version, data } = encodeData(new TextEncoder().encode(text))
  const words = interleave(version, data)
  let best: Grid | undefined, least = Infinity
  masks.forEach((flip, mask) => {
    const g = skeleton(version)
    place(g, words)
    for (let y = 0; y < g.size; y++) for (let x = 0; x < g.size; x++) { const k = y * g.size + x; if (!g.fixed[k] && flip(x, y)) g.dark[k] = g.dark[k]! ^ 1 }
    format(g, mask)
    const p = penalty(g.dark, g.size)
    if (p < least) { least = p; best = g }
  })
  const { dark, size } = best!
  return { size, dark: (x, y) => dark[y * size + x] === 1 }
}

// One path, a rectangle for each run in a row; quiet zone of four modules around it.
export function svgPath(code: QR, quiet = 4): { box: number; d: string } {
  let d = ''
  for (let y = 0; y < code.size; y++) for (let x = 0; x < code.size; x++) {
    if (!code.dark(x, y)) continue
    let w = 1
    while (x + w < code.size && code.dark(x + w, y)) w++
    d += `M${x + quiet} ${y + quiet}h${w}v1h-${w}z`
    x += w
  }
  return { box: code.size + 2 * quiet, d }
}
export function svgText(code: QR): string {
  const { box, d } = svgPath(code)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${box} ${box}" width="${box * 8}" height="${box * 8}" shape-rendering="crispEdges"><rect width="${box}" height="${box}" fill="#fff"/><path d="${d}" fill="#000"/></svg>\n`
}
