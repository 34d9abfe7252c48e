// What somebody typed, checked against the type and range of the registry, and turned into the value for JSON.

import type { Scalar } from '../api/types.ts'
import { number } from './number.ts'
import type { ValueKind } from './value.ts'

export interface Range { min?: number; max?: number; bytes?: { min: number; max: number }; sizes?: number[]; oneOf?: string[] }

const num = String.raw`[-\u2212]?\d+(?:\.\d+)?`
// The registry's ranges are free text: "0-100", "0..65535", "-20..65", "0-255 bytes", "6", "16,32,48", "1, 2, 4". What is not understood restrains nothing.
export function parseRange(text: string | undefined, kind: ValueKind): Range {
  const t = (text ?? '').trim().replace(/\u2212/g, '-')
  if (!t) return {}
  const sized = kind === 'string' || kind === 'opaque' || kind === 'corelnk'
  const pair = new RegExp(`^\\[?(${num})\\s*(?:\\.\\.+|-|–|to)\\s*(${num})\\]?\\s*(bytes?|octets?|characters?)?$`, 'i').exec(t)
  if (pair) {
    const min = Number(pair[1]), max = Number(pair[2])
    if (min > max) return {}
    if (sized) return { bytes: { min, max } }
    return pair[3] ? {} : { min, max }
  }
  const list = /^\d+(?:\s*[,-]\s*\d+)*(?:\s*bytes)?$/i.test(t) ? t.replace(/\s*bytes$/i, '').split(/[,-]/).map((s) => Number(s.trim())) : undefined
  if (list && sized) return { sizes: list }
  if (list && list.length > 1 && t.includes(',')) return { oneOf: list.map(String) }
  return {}
}

export function rangeText(text: string | undefined, kind: ValueKind): string {
  const r = parseRange(text, kind)
  if (r.min !== undefined && r.max !== undefined) return `${number(r.min)} to ${number(r.max)}`
  if (r.bytes) return r.bytes.min === 0 ? `up to ${r.bytes.max} bytes` : `${r.bytes.min} to ${r.bytes.max} bytes`
  if (r.sizes) return `${r.sizes.join(', ')} bytes`
  if (r.oneOf) return `one of ${r.oneOf.join(', ')}`
  return (text ?? '').trim()
}

export type Checked = { ok: true; value: Scalar } | { ok: false; why: string }
const bad = (why: string): Checked => ({ ok: false, why })

export function check(text: string, kind: ValueKind, rangeSource?: string): Checked {
  const range = parseRange(rangeSource, kind)
  const t = text.trim()
  switch (kind) {
    case 'integer': case 'unsigned': {
      if (!/^[-\u2212+]?\d+$/.test(t)) return bad('A whole number, for example 300.')
      const big = BigInt(t.replace('\u2212', '-').replace(/^\+/, ''))
      if (kind === 'unsigned' && big < 0n) return bad('A whole number that is not negative.')
      if (kind === 'unsigned' ? big >= 1n << 64n : big >= 1n << 63n || big < -(1n << 63n)) return bad('More than 64 bits.')
      const value = big <= BigInt(Number.MAX_SAFE_INTEGER) && big >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(big) : big
      return inRange(Number(big), range) ?? { ok: true, value }
    }
    case 'float': {
      const v = Number(t.replace('\u2212', '-').replace(',', '.'))
      if (t === '' || !Number.isFinite(v)) return bad('A number, for example 21.5.')
      return inRange(v, range) ?? { ok: true, value: v }
    }
    case 'boolean': return /^(true|1|on|yes)$/i.test(t) ? { ok: true, value: true } : /^(false|0|off|no)$/i.test(t) ? { ok: true, value: false } : bad('true or false.')
    case 'opaque': {
      const hex = t.replace(/^0x/i, '').replace(/[\s:]/g, '').toLowerCase()
      if (!/^[0-9a-f]*$/.test(hex)) return bad('Hexadecimal digits only, two a byte.')
      if (hex.length % 2) return bad('An odd number of digits: half a byte is missing.')
      return sizeOk(hex.length / 2, range) ?? { ok: true, value: hex }
    }
    case 'time': {
      const at = Date.parse(t)
      if (t === '' || Number.isNaN(at)) return bad('A date and a time.')
      return { ok: true, value: new Date(at).toISOString() }
    }
    case 'objlink': {
      const m = /^\/?(\d+)[:/](\d+)$/.exec(t)
      if (!m || Number(m[1]) > 65535 || Number(m[2]) > 65535) return bad('Object and instance, for example 3:0.')
      return { ok: true, value: `${Number(m[1])}:${Number(m[2])}` }
    }
    default: {
      const size = new TextEncoder().encode(text).length
      return sizeOk(size, range) ?? { ok: true, value: text }
    }
  }
}

function inRange(v: number, r: Range): Checked | undefined {
  if (r.min !== undefined && r.max !== undefined && (v < r.min || v > r.max)) return bad(`From ${number(r.min)} to ${number(r.max)}.`)
  if (r.oneOf && !r.oneOf.includes(String(v))) return bad(`One of ${r.oneOf.join(', ')}.`)
  return undefined
}
function sizeOk(n: number, r: Range): Checked | undefined {
  if (r.bytes && (n < r.bytes.min || n > r.bytes.max)) return bad(`From ${r.bytes.min} to ${r.bytes.max} bytes; this is ${n}.`)
  if (r.sizes && !r.sizes.includes(n)) return bad(`${r.sizes.join(', ')} bytes; this is ${n}.`)
  return undefined
}

// The text that an editor starts with.
export function editText(value: Scalar | undefined, kind: ValueKind): string {
  if (value === undefined || value === null) return kind === 'boolean' ? 'false' : ''
  return kind === 'time' && typeof value === 'number' ? new Date(value * 1000).toISOString() : String(value)
}

export interface AttributeText { pmin: string; pmax: string; gt: string; lt: string; st: string }
// Write-Attributes (OMA LwM2M Core section 5.1.2): lt < gt, and room for a step between them; pmax not before pmin; gt, lt and st only where there is a number.
export function checkAttributes(a: AttributeText, depth: number, numeric: boolean): { ok: boolean; why: Partial<Record<keyof AttributeText, string>>; value: Record<string, number | null> } {
  const why: Partial<Record<keyof AttributeText, string>> = {}
  const value: Record<string, number | null> = {}
  const parsed: Partial<Record<keyof AttributeText, number>> = {}
  for (const k of ['pmin', 'pmax', 'gt', 'lt', 'st'] as const) {
    const t = a[k].trim().replace('\u2212', '-')
    if (t === '') { value[k] = null; continue }
    const n = Number(t)
    if ((k === 'pmin' || k === 'pmax') && !/^\d+$/.test(t)) { why[k] = 'Whole seconds.'; continue }
    if (!Number.isFinite(n)) { why[k] = 'A number.'; continue }
    if (k === 'st' && n < 0) { why[k] = 'Not negative.'; continue }
    if ((k === 'gt' || k === 'lt' || k === 'st') && (depth < 3 || !numeric)) { why[k] = 'Only on a resource that is a number.'; continue }
    parsed[k] = n; value[k] = n
  }
  if (parsed.pmin !== undefined && parsed.pmax !== undefined && parsed.pmax < parsed.pmin) why.pmax = 'Not before the shortest interval.'
  if (parsed.lt !== undefined && parsed.gt !== undefined) {
    if (parsed.lt >= parsed.gt) why.lt = 'Must be less than “greater than”.'
    else if (parsed.st !== undefined && parsed.lt + 2 * parsed.st >= parsed.gt) why.st = 'Too large: lt + 2 × st must be less than gt.'
  }
  return { ok: Object.keys(why).length === 0, why, value }
}
