// A resource's value as text, by the type that the registry gives it.

import type { Scalar } from '../api/types.ts'
import { number } from './number.ts'
import { instantUTC } from './time.ts'

export type ValueKind = 'string' | 'integer' | 'unsigned' | 'float' | 'boolean' | 'opaque' | 'time' | 'objlink' | 'corelnk' | 'none'

export function kindOf(type: string | undefined): ValueKind {
  switch ((type ?? '').toLowerCase().replace(/[^a-z]/g, '')) {
    case 'string': return 'string'
    case 'integer': return 'integer'
    case 'unsigned': case 'unsignedinteger': return 'unsigned'
    case 'float': return 'float'
    case 'boolean': return 'boolean'
    case 'opaque': return 'opaque'
    case 'time': return 'time'
    case 'objlink': case 'objlnk': return 'objlink'
    case 'corelnk': case 'corelink': return 'corelnk'
    default: return 'none'
  }
}

export const kindName: Record<ValueKind, string> = {
  string: 'Text', integer: 'Integer', unsigned: 'Unsigned integer', float: 'Number', boolean: 'Yes or no', opaque: 'Bytes', time: 'Time', objlink: 'Object link', corelnk: 'Link list', none: 'Executable',
}

export const isNumeric = (k: ValueKind): boolean => k === 'integer' || k === 'unsigned' || k === 'float'

export interface Shown { text: string; unit?: string; mono?: boolean; empty?: boolean; hint?: string }

export function show(value: Scalar, kind: ValueKind, atLeast = 0, thisYear = new Date().getUTCFullYear()): Shown {
  if (value === null || value === undefined) return { text: 'empty', empty: true }
  switch (kind) {
    case 'boolean': return { text: value === true || value === 'true' || value === 1 ? 'true' : 'false' }
    case 'opaque': {
      const hex = String(value)
      const size = Math.floor(hex.length / 2)
      if (size === 0) return { text: 'no bytes', empty: true }
      return { text: hex.slice(0, 32).replace(/(.{8})(?=.)/g, '$1 ') + (hex.length > 32 ? ' …' : ''), unit: `${size} B`, mono: true, hint: hex }
    }
    case 'time': {
      const at = typeof value === 'number' ? value * 1000 : Date.parse(String(value))
      return Number.isNaN(at) ? { text: String(value) } : { text: instantUTC(at, thisYear), unit: 'UTC', hint: new Date(at).toISOString() }
    }
    case 'objlink': { const s = String(value); return { text: s === '65535:65535' ? 'points to nothing' : '/' + s.replace(':', '/'), mono: true } }
    case 'corelnk': return { text: String(value), mono: true }
    default:
      if (typeof value === 'number' || typeof value === 'bigint') return { text: number(value, atLeast) }
      if (typeof value === 'boolean') return { text: String(value) }
      return value === '' ? { text: 'empty', empty: true } : { text: String(value) }
  }
}

export function spaced(hex: string): string { return hex.replace(/(..)(?=.)/g, '$1 ') }
