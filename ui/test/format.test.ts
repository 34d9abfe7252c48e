import { describe, expect, test } from 'vitest'
import { shortAddress, shortHost, host, reachable } from '../src/lib/format/address.ts'
import { decimals, number, rate, shortest } from '../src/lib/format/number.ts'
import { age, ago, countdown, span, instantUTC } from '../src/lib/format/time.ts'
import { unit } from '../src/lib/format/unit.ts'
import { kindOf, show } from '../src/lib/format/value.ts'

test.each([
  [21.37, '21.37'], [-40, '\u221240'], [1234, '1234'], [12345, '12\u2009345'], [1234567.5, '1\u2009234\u2009567.5'], [0, '0'], [-0.5, '\u22120.5'], [1e21, '1e+21'], [Infinity, '∞'], [-Infinity, '\u2212∞'], [NaN, 'not a number'],
])('number %d', (v, text) => { expect(number(v)).toBe(text) })
test('a 64-bit whole number is kept exact', () => { expect(number(18446744073709551615n)).toBe('18\u2009446\u2009744\u2009073\u2009709\u2009551\u2009615') })
test('a live figure keeps its decimals', () => { expect(number(21, 2)).toBe('21.00'); expect(number(21.5, 2)).toBe('21.50'); expect(number(21.555, 2)).toBe('21.555') })
test.each([[Math.fround(21.37), '21.37'], [Math.fround(0.1), '0.1'], [Math.fround(-12.5), '-12.5'], [21.37, '21.37'], [0.1 + 0.2, '0.30000000000000004'], [Math.fround(48.2082), '48.2082']])('the shortest text of %d', (v, text) => { expect(shortest(v)).toBe(text) })
test('decimals', () => { expect([1, 1.5, Math.fround(21.37), 1e-9].map(decimals)).toEqual([0, 1, 2, 0]) })
test('rate', () => { expect([0, 4.66, 99.96, 12345].map(rate)).toEqual(['0.0', '4.7', '100.0', '12\u2009345']) })

const s = 1000, min = 60 * s, h = 60 * min, d = 24 * h
test.each([[0, 'now'], [999, 'now'], [19 * s, '19 s'], [4 * min + 20 * s, '4 min 20 s'], [5 * min, '5 min'], [48 * min + 3 * s, '48 min'], [3 * h + 2 * min, '3 h 2 min'], [19 * h, '19 h'], [49 * h, '2 d'], [-5, 'now']])('age %d', (ms, text) => { expect(age(ms)).toBe(text) })
test.each([[281 * s, '4:41'], [21 * s, '0:21'], [31 * min, '31 min'], [9 * h, '9 h'], [2 * d, '2 d'], [-1, '0:00'], [300 * s, '5:00']])('countdown %d', (ms, text) => { expect(countdown(ms)).toBe(text) })
test('ago says one unit', () => { expect([500, 61 * s, 3 * h + 4 * min, 2 * d].map(ago)).toEqual(['now', '1 min ago', '3 h ago', '2 d ago']) })
test('span', () => { expect([60, 300, 3600, 86400, 172800, 90, 1801].map(span)).toEqual(['60 s', '5 min', '1 h', '24 h', '2 d', '90 s', '1801 s']) })
test('instantUTC', () => { expect(instantUTC('2026-11-23T01:08:23Z')).toBe('23 Nov 2026, 01:08:23'); expect(instantUTC('2026-11-23T01:08:23Z', 2026)).toBe('23 Nov, 01:08:23') })

test('units as people write them', () => { expect(['Cel', '%', 's', 'm/s2', undefined, 'furlong', '%RH', 'lat'].map(unit)).toEqual(['°C', '%', 's', 'm/s²', '', 'furlong', '% RH', '°']) })

describe('addresses', () => {
  test.each([['[fdaa:0:0:1:212:4b00:1430:18d2]:5683', 'fdaa:…:18d2'], ['192.0.2.20:40213', '192.0.2.20'], ['[fdaa:bb:1::4c]:41022', 'fdaa:bb:1::4c'], ['[::ffff:192.0.2.7]:1', '192.0.2.7'], ['[fe80::1%eth0]:5683', 'fe80::1']])('%s', (a, text) => { expect(shortHost(a)).toBe(text) })
  test('host', () => { expect(host('[::1]:5684')).toBe('::1'); expect(host('nothing')).toBe('nothing') })
  test('shortAddress keeps the port', () => { expect(shortAddress('[fdaa:0:0:1:212:4b00:1430:18d2]:5683')).toBe('[fdaa:…:18d2]:5683'); expect(shortAddress('192.0.2.20:40213')).toBe('192.0.2.20:40213') })
  test.each([['coaps://[::]:5684', { scheme: 'coaps', host: 'page.example', port: 5684 }], ['coap://0.0.0.0:5683', { scheme: 'coap', host: 'page.example', port: 5683 }], ['coaps://[fdaa::1]:15684', { scheme: 'coaps', host: '[fdaa::1]', port: 15684 }], ['coaps://:5684', { scheme: 'coaps', host: 'page.example', port: 5684 }], ['coaps://heddle.example', { scheme: 'coaps', host: 'heddle.example', port: 5684 }]])('%s as a device reaches it', (uri, out) => { expect(reachable(uri, 'page.example')).toEqual(out) })
})

test('types by any spelling of the registry', () => { expect(['String', 'Unsigned Integer', 'Objlnk', 'objlink', 'CoreLnk', 'Corelnk', '', undefined, 'Time'].map(kindOf)).toEqual(['string', 'unsigned', 'objlink', 'objlink', 'corelnk', 'corelnk', 'none', 'none', 'time']) })
test('values', () => {
  expect(show(true, 'boolean').text).toBe('true')
  expect(show('0102030405060708', 'opaque')).toMatchObject({ text: '01020304 05060708', unit: '8 B' })
  expect(show('', 'opaque')).toMatchObject({ text: 'no bytes', empty: true })
  expect(show('', 'string')).toMatchObject({ empty: true })
  expect(show('2026-11-23T01:08:23.000Z', 'time', 0, 2026)).toMatchObject({ text: '23 Nov, 01:08:23', unit: 'UTC' })
  expect(show(1767225600, 'time', 0, 2020)).toMatchObject({ text: '1 Jan 2026, 00:00:00' })
  expect(show('3:0', 'objlink').text).toBe('/3/0')
  expect(show('65535:65535', 'objlink').text).toBe('points to nothing')
  expect(show(null, 'integer')).toMatchObject({ empty: true })
})
