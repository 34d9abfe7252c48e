import { describe, expect, it } from 'vitest'
import { around, fit, freest, hull, nearest, toScreen, toWorld, towards, zoom } from '../src/lib/mesh/geometry.ts'
import { apply, begin, find, lookOf, quality, stamp, summary, words } from '../src/lib/mesh/model.ts'
import type { MeshNode, Snapshot } from '../src/lib/mesh/types.ts'

const node = (id: number, x: number, y: number, more: Partial<MeshNode> = {}): MeshNode => ({ id, name: `node-${id}`, x, y, on: true, kind: 'router', role: 'router', rloc16: '0x' + (id * 1024).toString(16).padStart(4, '0'), partition: 7, parent: 0, ext: 'ab' + id, channel: 15, children: 0, sent: 0, received: 0, retries: 0, routerId: id, ...more })
const snapshot = (): Snapshot => ({ epoch: 'e', seq: 4, seed: 1, now: 0, until: 6e8, speed: 1, paused: false, done: false, rate: 1, network: { channel: 15, panid: '0xabcd', name: 'heddle' }, nodes: [node(1, 0, 0, { role: 'leader' }), node(2, 10, 0), node(3, 10, 10, { kind: 'sed', role: 'sed', parent: 2 })], links: [{ a: 1, b: 2, qa: 3, qb: 2, kind: 'router' }], partitions: [{ id: 7, leader: 1, nodes: 3 }], history: [] })

describe('the world', () => {
  it('takes changes in, once', () => {
    const w = begin(snapshot())
    expect(summary(w)).toBe('3 nodes, 1 partition')
    const c = { seq: 5, now: 1, nodes: [node(2, 10, 0, { role: 'detached' as const }), node(4, 1, 1, { on: false })], links: { add: [{ a: 3, b: 2, qa: 1, qb: 3, kind: 'child' as const }], remove: [{ a: 2, b: 1, qa: 0, qb: 0, kind: 'router' as const }] }, partitions: null, history: [{ at: 1, kind: 'kill' as const, text: 'node 4 is killed', node: 4 }] }
    expect(apply(w, c)).toBe(true)
    expect(apply(w, c)).toBe(false)
    expect([...w.links.keys()]).toEqual(['2-3'])
    expect(w.history).toHaveLength(1)
    expect(summary(w)).toBe('4 nodes, 1 partition, 1 detached, 1 off')
    expect(quality([...w.links.values()][0]!)).toBe(1)
    expect(apply(w, { seq: 6, now: 2, nodes: [node(1, 0, 0, { role: 'leader', sent: 9 })], links: { add: null, remove: null }, partitions: null, history: null })).toBe(false)
  })
  it('finds by number, locator and name', () => {
    const w = begin(snapshot())
    expect(find(w, '2').map((n) => n.id)[0]).toBe(2)
    expect(find(w, '0c00').map((n) => n.id)).toEqual([3])
    expect(find(w, 'NODE').length).toBe(3)
    expect(find(w, ' ')).toEqual([])
    expect(words(w, w.nodes.get(3)!)).toBe('sleepy end device, child of 2')
  })
  it('says a role by shape, letter and colour', () => {
    const seen = new Set(['leader', 'router', 'reed', 'fed', 'med', 'sed', 'detached', 'off'].map((role) => { const l = lookOf(node(1, 0, 0, { role: role as MeshNode['role'], on: role !== 'off' })); return l.letter + l.shape }))
    expect(seen.size).toBe(8)
    expect(lookOf(node(1, 0, 0, { role: 'child', kind: 'sed' })).letter).toBe('S')
    expect(lookOf(node(1, 0, 0, { on: false })).name).toBe('off')
    expect(lookOf(node(1, 0, 0, { border: true })).name).toBe('border router')
    expect(lookOf(node(1, 0, 0, { role: 'leader', border: true }))).toMatchObject({ name: 'leader and border router', letter: 'B', shape: 'ringed' })
    expect(lookOf(node(1, 0, 0, { role: 'leader', border: true, on: false })).name).toBe('off')
  })
  it('writes virtual time', () => expect(stamp(283_348_123)).toBe('00:04:43.348'))
})

describe('places', () => {
  it('fits, and comes back', () => {
    const pts = [{ x: -5, y: 2 }, { x: 20, y: 30 }]
    const v = fit(pts, 800, 600)
    for (const p of pts) { const s = toScreen(v, p); expect(s.x).toBeGreaterThan(40); expect(s.x).toBeLessThan(760); expect(s.y).toBeGreaterThan(40); expect(s.y).toBeLessThan(560); expect(toWorld(v, s).x).toBeCloseTo(p.x) }
    expect(fit([], 10, 10).scale).toBe(1)
    expect(Number.isFinite(fit([{ x: 1, y: 1 }], 300, 200).x)).toBe(true)
  })
  it('zooms about a point', () => {
    const v = { scale: 2, x: 10, y: 20 }, at = { x: 100, y: 50 }
    const before = toWorld(v, at), after = toWorld(zoom(v, at, 1.5), at)
    expect(after.x).toBeCloseTo(before.x); expect(after.y).toBeCloseTo(before.y)
  })
  it('finds the box that others cover least', () => {
    const box = (x: number, y: number) => ({ x, y, w: 4, h: 2 })
    expect(freest([box(0, 0), box(9, 0)], [])).toEqual(box(0, 0))
    expect(freest([box(0, 0), box(9, 0)], [box(3, 1)])).toEqual(box(9, 0))
    expect(freest([box(0, 0), box(9, 0)], [box(4, 0)])).toEqual(box(0, 0))
    expect(freest([box(0, 0), box(9, 0)], [box(3, 1), box(9, 0)])).toEqual(box(0, 0))
    expect(freest([box(1, 0), box(9, 0)], [], 20)).toEqual(box(9, 0)) // the first is half beyond the edge
    expect(freest([box(19, 0), box(9, 0)], [], 20)).toEqual(box(9, 0))
  })
  it('makes hulls', () => {
    expect(hull([{ x: 0, y: 0 }, { x: 4, y: 0 }, { x: 4, y: 4 }, { x: 0, y: 4 }, { x: 2, y: 2 }, { x: 2, y: 0 }]).length).toBe(4)
    expect(hull([{ x: 1, y: 1 }]).length).toBe(1)
    for (const p of around([{ x: 0, y: 0 }, { x: 9, y: 0 }], 5)) expect(Math.min(Math.hypot(p.x, p.y), Math.hypot(p.x - 9, p.y))).toBeCloseTo(5)
  })
  it('finds the nearest, and the next in a direction', () => {
    const a = { x: 0, y: 0 }, b = { x: 10, y: 1 }, c = { x: 3, y: 9 }, all = [a, b, c]
    expect(nearest(all, { x: 9, y: 0 }, 5)).toBe(b)
    expect(nearest(all, { x: 50, y: 50 }, 5)).toBeUndefined()
    expect(towards(all, a, 1, 0)).toBe(b)
    expect(towards(all, a, 0, 1)).toBe(c)
    expect(towards(all, a, -1, 0)).toBeUndefined()
  })
})
