import { describe, expect, test } from 'vitest'
import { parse, stringify } from '../src/lib/api/json.ts'
import { check, checkAttributes, parseRange, rangeText } from '../src/lib/format/check.ts'

describe('ranges of the registry', () => {
  test.each([
    ['0-100', 'integer', { min: 0, max: 100 }], ['0..65535', 'integer', { min: 0, max: 65535 }], ['-20..65', 'float', { min: -20, max: 65 }], ['-180-180', 'float', { min: -180, max: 180 }], ['[0..1]', 'float', { min: 0, max: 1 }],
    ['0-255 bytes', 'string', { bytes: { min: 0, max: 255 } }], ['0..255 bytes', 'string', { bytes: { min: 0, max: 255 } }], ['6', 'opaque', { sizes: [6] }], ['16,32,48', 'opaque', { sizes: [16, 32, 48] }], ['16-32-48 bytes', 'opaque', { sizes: [16, 32, 48] }], ['6 bytes', 'opaque', { sizes: [6] }],
    ['1, 2, 4', 'integer', { oneOf: ['1', '2', '4'] }], ['', 'integer', {}], ['see the standard', 'integer', {}], ['100-0', 'integer', {}],
  ] as const)('%s of %s', (text, kind, range) => { expect(parseRange(text, kind)).toEqual(range) })
  test('in words', () => { expect(rangeText('0-255 bytes', 'string')).toBe('up to 255 bytes'); expect(rangeText('-20..65', 'float')).toBe('\u221220 to 65'); expect(rangeText('odd', 'integer')).toBe('odd') })
})

const good = (v: unknown) => ({ ok: true, value: v })
describe('what somebody typed', () => {
  test.each([
    ['300', 'integer', '', good(300)], ['-7', 'integer', '', good(-7)], ['\u22127', 'integer', '', good(-7)], ['9223372036854775807', 'integer', '', good(9223372036854775807n)], ['18446744073709551615', 'unsigned', '', good(18446744073709551615n)],
    ['21.5', 'float', '', good(21.5)], ['21,5', 'float', '', good(21.5)], ['1e3', 'float', '', good(1000)], ['on', 'boolean', '', good(true)], ['false', 'boolean', '', good(false)],
    ['01 02:0A', 'opaque', '', good('01020a')], ['0x0102', 'opaque', '', good('0102')], ['', 'opaque', '', good('')], ['3:0', 'objlink', '', good('3:0')], ['/3303/1', 'objlink', '', good('3303:1')], [' text ', 'string', '', good(' text ')],
    ['2026-11-23T01:08:23Z', 'time', '', good('2026-11-23T01:08:23.000Z')], ['100', 'integer', '0-100', good(100)],
  ] as const)('%s as %s (%s)', (text, kind, range, out) => { expect(check(text, kind, range)).toEqual(out) })
  test.each([['12x', 'integer', ''], ['', 'integer', ''], ['1.5', 'integer', ''], ['-1', 'unsigned', ''], ['9223372036854775808', 'integer', ''], ['101', 'integer', '0-100'], ['66', 'float', '-20..65'], ['abc', 'float', ''], ['', 'float', ''], ['0', 'opaque', ''], ['zz', 'opaque', ''], ['0102', 'opaque', '16,32,48'], ['3', 'objlink', ''], ['70000:0', 'objlink', ''], ['ä'.repeat(6), 'string', '0-10 bytes'], ['never', 'time', ''], ['3', 'integer', '1, 2, 4'], ['maybe', 'boolean', '']] as const)('%s as %s (%s) is refused with a reason', (text, kind, range) => {
    const c = check(text, kind, range)
    expect(c.ok).toBe(false)
    expect((c as { why: string }).why).toMatch(/\.$/)
  })
})

describe('attributes', () => {
  const a = (o: object) => ({ pmin: '', pmax: '', gt: '', lt: '', st: '', ...o })
  test('empty takes away', () => { expect(checkAttributes(a({ pmin: '10' }), 3, true)).toEqual({ ok: true, why: {}, value: { pmin: 10, pmax: null, gt: null, lt: null, st: null } }) })
  test.each([[{ pmin: 'x' }, 3, true, 'pmin'], [{ pmin: '1.5' }, 3, true, 'pmin'], [{ pmin: '20', pmax: '10' }, 3, true, 'pmax'], [{ lt: '5', gt: '5' }, 3, true, 'lt'], [{ lt: '0', gt: '10', st: '5' }, 3, true, 'st'], [{ gt: '1' }, 2, true, 'gt'], [{ st: '1' }, 3, false, 'st'], [{ st: '-1' }, 3, true, 'st']] as const)('%o at depth %i', (o, depth, numeric, field) => { const r = checkAttributes(a(o), depth, numeric); expect(r.ok).toBe(false); expect(r.why).toHaveProperty(field) })
  test('room for a step', () => { expect(checkAttributes(a({ lt: '0', gt: '10', st: '4' }), 3, true).ok).toBe(true) })
})

test('JSON keeps 64-bit numbers', () => {
  const text = '{"v":18446744073709551615,"w":1.5,"s":"1234567890123456789"}'
  const v = parse<{ v: bigint; w: number; s: string }>(text)
  if (typeof v.v === 'bigint') { expect(v).toEqual({ v: 18446744073709551615n, w: 1.5, s: '1234567890123456789' }); expect(stringify(v)).toBe(text) } // a parser that tells sources
  expect(stringify({ a: 5n, b: ['x', 9223372036854775807n] })).toBe('{"a":5,"b":["x",9223372036854775807]}')
})
