import { describe, expect, test } from 'vitest'
import { measured } from '../src/lib/advice.ts'
import { fromHistory, stepFor, gapLimit, summary, withGaps, within, type Point } from '../src/lib/format/points.ts'
import { checkKey, lines, parseCsv, provisioningUri, quote, randomKey } from '../src/lib/provision.ts'
import { parseHash } from '../src/lib/state/route.svelte.ts'

describe('charts', () => {
  const t0 = Date.UTC(2026, 10, 23)
  const pts: Point[] = [0, 60, 120, 180, 900, 960].map((s, i) => [t0 + s * 1000, 20 + i / 10])
  test('a gap stays a gap', () => {
    const { ys, gaps } = withGaps(pts, gapLimit(pts))
    expect(ys).toEqual([20, 20.1, 20.2, 20.3, null, 20.4, 20.5])
    expect(gaps).toEqual([{ from: t0 + 180_000, to: t0 + 900_000 }])
  })
  test('pmax says that silence is allowed', () => { expect(withGaps(pts, gapLimit(pts, 900)).gaps).toEqual([]) })
  test('spans of the past keep their spread', () => {
    const { points, spread } = fromHistory([{ at: '2026-11-23T00:00:00.000Z', min: 1, max: 3, avg: 2, count: 4 }, { at: '2026-11-23T00:01:00.000Z', value: 5 }, { at: '2026-11-23T00:02:00.000Z', value: 'text' }])
    expect(points).toEqual([[Date.UTC(2026, 10, 23), 2], [Date.UTC(2026, 10, 23, 0, 1), 5]])
    expect(spread).toEqual([[1, 3], [5, 5]])
    expect(withGaps(points, Infinity, spread)).toMatchObject({ los: [1, 5], his: [3, 5] })
    expect([stepFor(3_600_000), stepFor(60_000), stepFor(30 * 86_400_000)]).toEqual([10, 1, 7200])
  })
  test('few points make no gap', () => { expect(gapLimit(pts.slice(0, 2))).toBe(Infinity) })
  test('within', () => { expect(within(pts, t0 + 180_000).length).toBe(3); expect(within([], 0)).toEqual([]) })
  test('words for the picture', () => { expect(summary('Sensor Value', pts, [], '°C')).toMatch(/^Sensor Value from .+ to .+: 6 points, from 20\.0 to 20\.5 °C, lowest 20\.0, highest 20\.5$/); expect(summary('X', [], [], '')).toBe('X: no point yet') })
})

describe('advice', () => {
  test('what was measured of a NAT, in words', () => {
    expect(measured({ changes: 4, forgetsAfter: { atLeast: 118, atMost: 300 } })).toBe('Its address has changed 4 times; it came from a new port after 5 min of silence; a request still reached it after 118 s.')
    expect(measured({ changes: 1, forgetsAfter: {} })).toBe('Its address has changed once.')
  })
})

describe('what a device needs', () => {
  const a = { endpoint: 'temp 1', identity: "it's", key: '00ff', host: '[fdaa::1]', port: 5684 }
  test('command lines', () => {
    expect(lines(a).map((l) => l.text)).toEqual([
      "lwstart -n 'temp 1' -h fdaa::1 -i 'it'\\''s' -s 00ff", "heddle client -n 'temp 1' -h fdaa::1 -i 'it'\\''s' -s 00ff",
      "./lwm2mclient -n 'temp 1' -h fdaa::1 -p 5684 -i 'it'\\''s' -s 00ff", "java -jar leshan-client-demo.jar -n 'temp 1' -u coaps://[fdaa::1]:5684 -i 'it'\\''s' -p 00ff",
    ])
    expect(lines({ ...a, port: 15684 })[0]!.text).toContain(' -p 15684 ')
  })
  test('one URI', () => { expect(provisioningUri(a)).toBe("coaps://[fdaa::1]:5684?ep=temp%201&id=it's&psk=00ff"); expect(provisioningUri({ ...a, host: '::1' })).toContain('coaps://[::1]:5684') })
  test('quote', () => { expect([quote('plain-1.x'), quote('a b'), quote('$(rm)')]).toEqual(['plain-1.x', "'a b'", "'$(rm)'"]) })
  test('keys', () => {
    expect(randomKey()).toMatch(/^[0-9a-f]{32}$/)
    expect(randomKey()).not.toBe(randomKey())
    expect(checkKey(randomKey())).toEqual({ why: '', weak: '', bits: 128 })
    expect([checkKey('').why, checkKey('abc').why, checkKey('xy').why, checkKey('00'.repeat(65)).why].every(Boolean)).toBe(true)
    expect(checkKey('0011').weak).toContain('16 bits')
    expect(checkKey('aa'.repeat(16)).weak).not.toBe('')
  })
})

describe('CSV', () => {
  test('with and without heading, any separator, quotes', () => {
    expect(parseCsv('endpoint;identity;key\r\n"a;1";id-1;00FF\r\n\r\n# note\r\nb;;AA BB').items).toEqual([{ endpoint: 'a;1', identity: 'id-1', key: '00ff', mode: 'psk' }, { endpoint: 'b', identity: 'b', key: 'aabb', mode: 'psk' }])
    expect(parseCsv('a,00ff\nb,00aa').items.map((i) => i.identity)).toEqual(['a', 'b'])
    expect(parseCsv('key,endpoint\n00ff,x').items[0]).toMatchObject({ endpoint: 'x', key: '00ff' })
  })
  test('a bad line is named, the others stay', () => {
    const r = parseCsv('a,a,00ff\nb,b,0\n,x,00ff\na,c,00ff\nd,a,00ff')
    expect(r.items.map((i) => i.endpoint)).toEqual(['a'])
    expect(r.errors.map((e) => e.line)).toEqual([2, 3, 4, 5])
  })
  test('10,000 lines', () => { expect(parseCsv(Array.from({ length: 10_000 }, (_, i) => `ep-${i},ep-${i},${'0'.repeat(30)}ff`).join('\n')).items.length).toBe(10_000) })
})

test('addresses of the page', () => {
  expect(parseHash('#/clients/a%2Fb/3303/0?create=1').parts).toEqual(['clients', 'a/b', '3303', '0'])
  expect(parseHash('#/clients?state=late&q=a%20b').query.get('q')).toBe('a b')
  expect(parseHash('').parts).toEqual([])
  expect(parseHash('#/%E0%A4%A').parts).toEqual(['%E0%A4%A'])
})
