import { describe, expect, it } from 'vitest'
import { bytesOf, ms, quiet, scaleOf, short, ticks, toDevice } from '../src/lib/mesh/trace.ts'
import type { Span, Trace } from '../src/lib/mesh/pages.ts'

const span = (s: Partial<Span>): Span => ({ id: 1, lane: 0, kind: 'work', begin: 0, end: 0, label: '', ...s })
const trace = (spans: Span[], took: number): Trace => ({ id: 'x', title: '', endpoint: '', kind: 'operation', op: '', path: '', at: '', took, state: 'done', retries: 0, frames: 0, onAir: 0, spans })

describe('the scale of a trace', () => {
  const t = trace([span({ kind: 'whole', end: 300_000 }), span({ begin: 0, end: 20_000 }), span({ kind: 'wait', begin: 20_000, end: 230_000 }), span({ begin: 230_000, end: 300_000 })], 300_000)
  it('finds where it only waits', () => expect(quiet(t)).toEqual([[20_000, 230_000]]))
  it('makes the wait narrow, keeps the order and the ends', () => {
    const s = scaleOf(t)
    expect(s.at(0)).toBe(0)
    expect(s.at(300_000)).toBeCloseTo(1)
    let last = -1
    for (let us = 0; us <= 300_000; us += 5_000) { const x = s.at(us); expect(x).toBeGreaterThanOrEqual(last); last = x }
    expect(s.at(220_000) - s.at(30_000)).toBeLessThan(0.13)
    const cut = s.pieces.find((p) => p.cut)!
    expect(ticks(s).every((v) => v <= cut.from || v >= cut.to)).toBe(true)
  })
  it('leaves one without waits as it is', () => {
    const s = scaleOf(trace([span({ end: 1000 }), span({ begin: 1000, end: 2000 })], 2000))
    expect(s.pieces.length).toBe(1)
    expect(s.at(500)).toBeCloseTo(0.25)
  })
  it('stands an empty one', () => expect(scaleOf(trace([], 0)).at(5)).toBeDefined())
})

it('cuts bytes into lines with their fields', () => {
  const l = bytesOf(span({ raw: '00112233445566778899aabbccdd', fields: [{ name: 'h', value: '', at: 0, len: 2, kind: 'header' }, { name: 'p', value: '', at: 2, len: 40, kind: 'payload' }] }))
  expect(l.length).toBe(2)
  expect(l[0]!.bytes[1]).toEqual({ hex: '11', field: 0 })
  expect(l[1]).toEqual({ at: 12, bytes: [{ hex: 'cc', field: 1 }, { hex: 'dd', field: 1 }] })
})

it('writes times', () => { expect([ms(800), ms(3_800), ms(214_800), ms(2_500_000)]).toEqual(['800 µs', '3.8 ms', '215 ms', '2.50 s']); expect([short(0), short(5000), short(1_500_000)]).toEqual(['0', '5', '1.5 s']) })

it('knows which way a frame went, whoever began', () => {
  const asked = trace([], 0), own: Trace = { ...asked, kind: 'device' }
  expect([toDevice(asked, span({ kind: 'request' })), toDevice(asked, span({ kind: 'answer' })), toDevice(own, span({ kind: 'request' })), toDevice(own, span({ kind: 'answer' }))]).toEqual([true, false, false, true])
  expect([asked, own].map((t) => toDevice(t, span({ kind: 'poll' })))).toEqual([false, false])
  expect([asked, own].map((t) => toDevice(t, span({ kind: 'wait' })))).toEqual([true, true])
})
