import { describe, expect, test, vi } from 'vitest'
import { Paged } from '../src/lib/state/paged.ts'
import { locate, reveal, visible } from '../src/lib/virtual/window.ts'

describe('the rows on the screen', () => {
  test('50,000 rows cost as many as fit', () => {
    for (const top of [0, 17, 900_000, 1_799_000, 5_000_000]) {
      const w = visible(50_000, 36, top, 720)
      expect(w.last - w.first).toBeLessThanOrEqual(20 + 1 + 16)
      expect(w.before + w.after + (w.last - w.first) * 36).toBe(50_000 * 36)
    }
  })
  test.each([[0, 0, 100, { first: 0, last: 0, before: 0, after: 0 }], [5, 0, 1000, { first: 0, last: 5, before: 0, after: 0 }]])('%i rows', (n, top, view, w) => { expect(visible(n, 36, top, view)).toEqual(w) })
  test('a scroll beyond the end shows the end', () => { expect(visible(100, 10, 99_999, 100, 0)).toEqual({ first: 90, last: 100, before: 900, after: 0 }) })
  test('reveal moves as little as possible', () => { expect([reveal(0, 10, 50, 100), reveal(7, 10, 50, 100), reveal(15, 10, 50, 100)]).toEqual([0, 50, 60]) })
  test('locate', () => { const r = ['a', 'c', 'e']; expect(['a', 'b', 'e', 'z'].map((k) => locate(r, k, (x) => x))).toEqual([{ at: 0, found: true }, { at: 1, found: false }, { at: 2, found: true }, { at: 3, found: false }]) })
})

function server(n: number) {
  const all = Array.from({ length: n }, (_, i) => ({ k: String(i).padStart(6, '0') }))
  const fetch = vi.fn(async (after: string | undefined, limit: number) => {
    const items = all.filter((r) => after === undefined || r.k > after).slice(0, limit)
    const last = items[items.length - 1]
    return { items, matched: n, next: last && last.k !== all[n - 1]!.k ? last.k : undefined }
  })
  return { all, fetch, list: new Paged(fetch, (r) => r.k, () => {}) }
}
describe('a list in pages', () => {
  test('pages come in order, each once', async () => {
    const { list, fetch } = server(450)
    await list.restart(200)
    expect([list.rows.length, list.matched, list.complete]).toEqual([200, 450, false])
    await Promise.all([list.reach(230, 200), list.reach(260, 200), list.reach(450, 200)])
    expect([list.rows.length, list.complete]).toEqual([450, true])
    expect(fetch.mock.calls.map((c) => c[0])).toEqual([undefined, '000199', '000399'])
  })
  test('a jump to the end takes larger pages', async () => {
    const { list, fetch } = server(5_000)
    await list.restart(200)
    await list.reach(5_000, 200)
    expect(list.rows.length).toBe(5_000)
    expect(fetch.mock.calls.length).toBeLessThanOrEqual(8)
  })
  test('rows come and go at their place', async () => {
    const { list } = server(10)
    await list.restart(200)
    list.insert({ k: '000004x' })
    expect(list.rows.map((r) => r.k).slice(3, 7)).toEqual(['000003', '000004', '000004x', '000005'])
    list.remove('000000')
    expect([list.rows[0]!.k, list.matched]).toEqual(['000001', 10])
    list.remove('not there')
    expect(list.find('000009')).toBe(9)
  })
  test('a row beyond what is loaded only counts', async () => {
    const { list } = server(450)
    await list.restart(200)
    list.insert({ k: '000300x' })
    expect([list.rows.length, list.matched]).toEqual([200, 451])
  })
  test('an answer to an older question is dropped', async () => {
    let release: (() => void) | undefined
    let call = 0
    const list = new Paged<{ k: string }>(async () => { if (++call === 1) { await new Promise<void>((r) => { release = r }); return { items: [{ k: 'old' }], matched: 1 } } return { items: [{ k: 'new' }], matched: 1 } }, (r) => r.k, () => {})
    const one = list.restart(10)
    await list.restart(10)
    release!()
    await one
    expect(list.rows).toEqual([{ k: 'new' }])
  })
})
