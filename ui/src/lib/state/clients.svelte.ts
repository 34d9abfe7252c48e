// The list of clients: pages of the server's answer, kept current by events, and never moved under the reader's eyes.

import { api, problemOf } from '../api/client.ts'
import type { ClientRow, Problem, StateCounts } from '../api/types.ts'
import { stateNow } from '../format/security.ts'
import { tagOf } from '../tags.ts'
import { clock } from './clock.svelte.ts'
import { listen, live } from './live.svelte.ts'
import { Paged } from './paged.ts'

const pageSize = 200
export interface Filter { q: string; state: string }

export function matches(row: ClientRow, f: Filter): boolean {
  if (f.state === 'insecure' ? row.security.mode !== 'none' : f.state && stateNow(row, clock.exact()) !== f.state) return false
  const tag = tagOf(f.q)
  if (tag) return !!row.tags?.includes(tag)
  const q = f.q.trim().toLowerCase()
  return !q || [row.endpoint, row.address, row.kind ?? '', row.security.identity ?? ''].some((t) => t.toLowerCase().includes(q))
}

export class ClientListState {
  version = $state(0)
  total = $state(0)
  known = $state<number | undefined>(undefined)
  counts = $state.raw<StateCounts>({ awake: 0, asleep: 0, late: 0, insecure: 0 })
  loaded = $state(false)
  problem = $state.raw<Problem | null>(null)
  waiting = $state.raw<ReadonlyMap<string, ClientRow>>(new Map()) // registered since, not yet in the list
  filter: Filter = { q: '', state: '' }
  touched = new Map<string, number>() // endpoint: when its row last changed
  born = new Map<string, number>()
  atTop: () => boolean = () => true
  #frame = 0
  #paged = new Paged<ClientRow>(
    async (after, limit, signal) => {
      const list = await api.clients({ limit, after, q: this.filter.q.trim(), state: this.filter.state, sort: 'endpoint' }, signal)
      this.total = list.total; this.known = list.known; this.counts = list.counts
      return { items: list.items ?? [], next: list.next, matched: list.matched ?? list.total }
    },
    (r) => r.endpoint,
    () => this.#changed(),
  )

  // Many events, one repaint.
  #changed(): void {
    if (this.#frame) return
    this.#frame = requestAnimationFrame(() => { this.#frame = 0; this.version++ })
  }
  get matched(): number { void this.version; return this.#paged.matched }
  get complete(): boolean { void this.version; return this.#paged.complete }
  row(i: number): ClientRow | undefined { return this.#paged.rows[i] }
  index(endpoint: string): number { return this.#paged.find(endpoint) }

  // An answer may be older than an event that comes while it is on its way: such events are applied to it again. What happened
  // before the stream of events began is in an answer that was asked for afterwards only.
  #fetching = 0
  #meanwhile: (() => void)[] = []
  #dark = false
  async #fetch(f: () => Promise<void>): Promise<void> {
    this.#fetching++
    try { await f() } finally {
      if (--this.#fetching === 0) {
        const events = this.#meanwhile
        this.#meanwhile = []
        for (const apply of events) apply()
      }
    }
  }
  #event(apply: () => void): void {
    apply()
    if (this.#fetching && this.#meanwhile.length < 10_000) this.#meanwhile.push(apply)
  }

  async load(filter: Filter): Promise<void> {
    this.filter = filter
    this.#dark = !live.connected
    try {
      await this.#fetch(() => this.#paged.restart(pageSize))
      this.waiting = new Map()
      this.loaded = true; this.problem = null
      this.version++
    } catch (e) { if ((e as Error).name !== 'AbortError') { this.problem = problemOf(e); this.loaded = true } }
  }
  reload(): Promise<void> { return this.load(this.filter) }
  async reach(n: number): Promise<void> {
    try { await this.#fetch(() => this.#paged.reach(n, pageSize)); this.problem = null } catch (e) { if ((e as Error).name !== 'AbortError') this.problem = problemOf(e) }
  }
  // The new rows come in because the reader asked.
  admit(): void { for (const r of this.waiting.values()) this.#paged.insert(r); this.waiting = new Map() }

  #put(endpoint: string, change: (r: ClientRow) => ClientRow, tint = true): void {
    this.#event(() => {
      const i = this.#paged.find(endpoint)
      if (i < 0) return
      if (tint) this.touched.set(endpoint, clock.exact())
      this.#paged.replace(i, change(this.#paged.rows[i]!))
    })
  }

  // How much waits for a device is asked for again when it changes: a few rows at once, and not more often than twice a second.
  #asked = new Set<string>()
  #asking: ReturnType<typeof setTimeout> | undefined
  #ask(endpoint: string): void {
    if (this.#paged.find(endpoint) < 0 || this.#asked.size >= 20) return
    this.#asked.add(endpoint)
    this.#asking ??= setTimeout(() => {
      this.#asking = undefined
      for (const ep of this.#asked) void api.client(ep).then((d) => this.#put(ep, (r) => ({ ...r, queued: d.queued, pending: d.pending }), false)).catch(() => {})
      this.#asked.clear()
    }, 500)
  }

  // Rows of devices that are gone leave after a while, when nobody is reading them.
  #gone = new Map<string, number>()
  #sweep(): void {
    if (!this.#gone.size || !this.atTop()) return
    const before = clock.exact() - 15_000
    for (const [endpoint, at] of this.#gone) {
      if (at > before) continue
      this.#gone.delete(endpoint)
      const i = this.#paged.find(endpoint)
      if (i >= 0 && this.#paged.rows[i]!.state === 'gone') { this.#paged.remove(endpoint); this.touched.delete(endpoint); this.born.delete(endpoint) }
    }
  }

  start(): () => void {
    const off = listen({
      hello: () => { if (this.problem || this.#dark) void this.reload() },
      reset: () => void this.reload(),
      stats: (s) => { this.total = s.registrations; if (s.counts) this.counts = s.counts; this.#sweep() },
      registered: ({ client, replaced }) => {
        if (this.#paged.find(client.endpoint) >= 0) { this.born.set(client.endpoint, clock.exact()); this.#put(client.endpoint, () => client); return }
        if (!matches(client, this.filter)) return
        if (!replaced) this.born.set(client.endpoint, clock.exact())
        if (this.atTop()) { this.touched.set(client.endpoint, clock.exact()); this.#event(() => this.#paged.insert(client)) } else this.waiting = new Map(this.waiting).set(client.endpoint, client)
      },
      updated: ({ endpoint, lastSeen, expiresAt, changed }) => this.#put(endpoint, (r) => changed ?? { ...r, lastSeen, expiresAt, updatedAt: lastSeen, state: 'awake', ...(r.awake !== undefined ? { awake: true } : {}) }),
      presence: (e) => this.#put(e.endpoint, (r) => ({ ...r, state: e.awake ? 'awake' : 'asleep', awake: e.awake, awakeUntil: e.until }), false),
      queued: (e) => this.#ask(e.endpoint),
      operation: (e) => { const i = this.#paged.find(e.endpoint); if (i >= 0 && this.#paged.rows[i]!.queued) this.#ask(e.endpoint) },
      notes: ({ endpoint, note, tags }) => this.#put(endpoint, (r) => ({ ...r, note, tags }), false),
      moved: ({ endpoint, address }) => this.#put(endpoint, (r) => ({ ...r, address })),
      value: ({ endpoint, path, value, at, source }) => {
        const battery = path === '/3/0/9' && typeof value === 'number' ? { battery: value } : {}
        if (source === 'notify' || source === 'send' || source === 'read') this.#put(endpoint, (r) => ({ ...r, ...battery, lastSeen: at > r.lastSeen ? at : r.lastSeen }), false) // a value tints its own cell, not the row
      },
      deregistered: ({ endpoint }) => {
        if (this.waiting.has(endpoint)) { const w = new Map(this.waiting); w.delete(endpoint); this.waiting = w }
        this.#put(endpoint, (r) => ({ ...r, state: 'gone' }))
        if (this.#paged.find(endpoint) >= 0) this.#gone.set(endpoint, clock.exact())
      },
    })
    return () => { off(); cancelAnimationFrame(this.#frame); this.#frame = 0 }
  }
}
