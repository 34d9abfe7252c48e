// What a simulation is, kept up to date by its events. Pure: the page draws it.

import type { Change, Entry, MeshLink, MeshNode, Partition, Role, Snapshot } from './types.ts'

export interface World { nodes: Map<number, MeshNode>; links: Map<string, MeshLink>; partitions: Partition[]; history: Entry[]; seq: number }

const historyMost = 2000
export const linkKey = (l: { a: number; b: number }): string => (l.a < l.b ? `${l.a}-${l.b}` : `${l.b}-${l.a}`)

export function begin(s: Snapshot): World {
  return { nodes: new Map((s.nodes ?? []).map((n) => [n.id, n])), links: new Map((s.links ?? []).map((l) => [linkKey(l), l])), partitions: s.partitions ?? [], history: s.history ?? [], seq: s.seq }
}

// apply returns whether places or partitions changed, so that hulls must be made again. A change that is in already is left out.
export function apply(w: World, c: Change): boolean {
  if (c.seq <= w.seq) return false
  w.seq = c.seq
  let moved = false
  for (const n of c.nodes ?? []) {
    const was = w.nodes.get(n.id)
    if (!was || was.x !== n.x || was.y !== n.y || was.partition !== n.partition || was.on !== n.on || was.role !== n.role) moved = true
    w.nodes.set(n.id, n)
  }
  for (const l of c.links?.remove ?? []) w.links.delete(linkKey(l))
  for (const l of c.links?.add ?? []) w.links.set(linkKey(l), l)
  if (c.partitions) w.partitions = c.partitions
  if (c.history?.length) w.history = [...w.history, ...c.history].slice(-historyMost)
  return moved
}

// The letter, the name and the colour token of a role: never the colour alone.
export interface Look { letter: string; name: string; token: string; shape: 'octagon' | 'hexagon' | 'hexring' | 'circle' | 'dashed' | 'diamond' | 'cross' | 'house' | 'ringed' }
const looks: Record<string, Look> = {
  leader: { letter: 'L', name: 'leader', token: '--madder', shape: 'octagon' },
  border: { letter: 'B', name: 'border router', token: '--woad', shape: 'house' },
  both: { letter: 'B', name: 'leader and border router', token: '--madder', shape: 'ringed' },
  router: { letter: 'R', name: 'router', token: '--accent', shape: 'hexagon' },
  reed: { letter: 'E', name: 'router-eligible', token: '--accent', shape: 'hexring' },
  fed: { letter: 'F', name: 'full end device', token: '--accent', shape: 'circle' },
  med: { letter: 'M', name: 'end device', token: '--weld', shape: 'circle' },
  sed: { letter: 'S', name: 'sleepy end device', token: '--sleep', shape: 'dashed' },
  detached: { letter: 'D', name: 'detached', token: '--err', shape: 'diamond' },
  disabled: { letter: '–', name: 'disabled', token: '--text-3', shape: 'diamond' },
  off: { letter: '×', name: 'off', token: '--text-3', shape: 'cross' },
}
const exits: Partial<Record<Role, string>> = { router: 'border', leader: 'both' }
export const lookOf = (n: { role: Role; kind: string; on: boolean; border?: boolean }): Look => looks[!n.on ? 'off' : (n.border && exits[n.role]) || (n.role === 'child' ? (n.kind === 'router' ? 'reed' : n.kind) : n.role)] ?? looks.off!
export const legend: Look[] = ['leader', 'border', 'router', 'reed', 'fed', 'med', 'sed', 'detached', 'off'].map((k) => looks[k]!)

// Links are drawn by the worse of their two directions.
export const quality = (l: MeshLink): number => Math.min(l.qa, l.qb)

export const hex = (id: number): string => '0x' + (id >>> 0).toString(16)
// A name that only repeats the number says nothing.
export const named = (n: MeshNode): string => n.client || (n.name === String(n.id) || n.name === `node ${n.id}` || n.name === `node-${n.id}` ? '' : n.name)
export const rloc = (n: MeshNode): string => n.rloc16.replace(/^0x/, '')

export function summary(w: World): string {
  let detached = 0, off = 0
  for (const n of w.nodes.values()) { if (!n.on) off++; else if (n.role === 'detached') detached++ }
  const many = (k: number, one: string, more = one + 's') => `${k} ${k === 1 ? one : more}`
  return [many(w.nodes.size, 'node'), many(w.partitions.length, 'partition'), detached ? `${detached} detached` : '', off ? `${off} off` : ''].filter(Boolean).join(', ')
}

export function find(w: World, text: string): MeshNode[] {
  const t = text.trim().toLowerCase()
  if (!t) return []
  const exact: MeshNode[] = [], others: MeshNode[] = []
  for (const n of w.nodes.values()) {
    if (String(n.id) === t || rloc(n) === t.replace(/^0x/, '')) exact.push(n)
    else if (n.name.toLowerCase().includes(t) || n.ext.includes(t) || n.client?.toLowerCase().includes(t)) others.push(n)
  }
  return [...exact, ...others]
}

export function words(w: World, n: MeshNode): string {
  const look = lookOf(n).name
  if (n.role === 'leader') return `${look} of ${hex(n.partition)}`
  return n.parent ? `${look}, child of ${n.parent}` : look
}

// Virtual time, as in 00:04:43.348.
export function stamp(us: number): string {
  const ms = Math.floor(us / 1000), p = (v: number, n = 2) => String(v).padStart(n, '0')
  return `${p(Math.floor(ms / 3_600_000))}:${p(Math.floor(ms / 60_000) % 60)}:${p(Math.floor(ms / 1000) % 60)}.${p(ms % 1000, 3)}`
}
export function span(us: number): string {
  const s = Math.round(us / 1e6)
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`
}

// What LwM2M says at a node's corner.
export type Corner = '' | 'ready' | 'asleep' | 'under way'
export const cornerOf = (n: MeshNode): Corner => (!n.on || !n.lwm2m ? '' : n.lwm2m !== 'READY' ? 'under way' : n.kind === 'sed' || n.role === 'sed' ? 'asleep' : 'ready')

// What is written beside a frame in flight: what it carries, and between whom.
export function captionOf(f: { from: number; to: number; len: number; rssi: number; channel: number; text?: string; kind: string; ok: boolean }): [string, string] {
  const dbm = f.rssi ? `, ${String(f.rssi).replace('-', '−')} dBm` : ''
  return [(f.text || f.kind) + (f.ok ? '' : ', not acknowledged'), `${f.from} → ${f.to || 'all'}, ${f.len} B${dbm}, ch ${f.channel}`]
}
