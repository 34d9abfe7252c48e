// Numbers as people read them: U+2212 for minus, a thin space between thousands, the decimals that the device sent.

const minus = '\u2212'
const thin = '\u2009'

// A 32-bit float that a device sent arrives as 21.3700008392; the shortest text that is the same 32-bit number is what it meant.
export function shortest(v: number): string {
  const full = String(v)
  if (!Number.isFinite(v) || Number.isInteger(v) || Math.fround(v) !== v) return full
  for (let digits = 1; digits <= 9; digits++) {
    const text = v.toPrecision(digits)
    if (Math.fround(Number(text)) === v) { const short = String(Number(text)); return short.length < full.length ? short : full }
  }
  return full
}

export function decimals(v: number): number {
  const text = shortest(v)
  if (text.includes('e')) return 0
  const dot = text.indexOf('.')
  return dot < 0 ? 0 : text.length - dot - 1
}

// atLeast pads with zeros, so that a live figure keeps its width.
export function number(v: number | bigint, atLeast = 0): string {
  if (typeof v === 'number' && !Number.isFinite(v)) return v > 0 ? '∞' : v < 0 ? minus + '∞' : 'not a number'
  let text = typeof v === 'bigint' ? v.toString() : shortest(v)
  if (text.includes('e')) return text.replace('-', minus)
  const negative = text.startsWith('-')
  if (negative) text = text.slice(1)
  let [whole = '', fraction = ''] = text.split('.')
  if (fraction.length < atLeast) fraction = fraction.padEnd(atLeast, '0')
  if (whole.length > 4) whole = whole.replace(/\B(?=(\d{3})+$)/g, thin)
  return (negative ? minus : '') + whole + (fraction ? '.' + fraction : '')
}

export function rate(v: number): string {
  return v >= 100 ? number(Math.round(v)) : v.toFixed(1)
}

export function bytes(n: number): { value: string; unit: string } {
  if (n < 1024) return { value: number(n), unit: 'B' }
  if (n < 1024 * 1024) return { value: (n / 1024).toFixed(n < 10240 ? 1 : 0), unit: 'KiB' }
  return { value: (n / 1048576).toFixed(1), unit: 'MiB' }
}
