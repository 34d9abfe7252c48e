// The one event stream of a tab: reconnects from the last event id, says since when it is not live, and hands each event to who asked for its kind.

import { url } from '../api/client.ts'
import { parse } from '../api/json.ts'
import type { EventKind, EventMap, Stats } from '../api/types.ts'
import { clock } from './clock.svelte.ts'
import { session } from './session.svelte.ts'

const kinds: EventKind[] = ['hello', 'reset', 'registered', 'updated', 'deregistered', 'moved', 'value', 'observation', 'message', 'operation', 'refused', 'credential', 'stats', 'bootstrap', 'queued', 'presence', 'notes', 'firmware']
type Listener<K extends EventKind> = (data: EventMap[K], at: number) => void
const hiddenFor = 30_000 // a hidden tab gives its connection back: browsers allow six to a host

class Live {
  connected = $state(false)
  ever = $state(false)
  lostAt = $state(0)
  retryAt = $state(0)
  seq = $state(0)
  stats = $state.raw<Stats | null>(null)
  rates = $state.raw<number[]>([])
  #source: EventSource | undefined
  #last = ''
  #endpoint = ''
  #wanted = false
  #tries = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #hide: ReturnType<typeof setTimeout> | undefined
  #listeners = new Map<EventKind, Set<Listener<never>>>()

  start(): void {
    if (this.#wanted) return
    this.#wanted = true
    document.addEventListener('visibilitychange', this.#visibility)
    addEventListener('pagehide', this.#leave)
    addEventListener('pageshow', this.#visibility)
    this.#open()
  }
  stop(): void {
    this.#wanted = false
    document.removeEventListener('visibilitychange', this.#visibility)
    removeEventListener('pagehide', this.#leave)
    removeEventListener('pageshow', this.#visibility)
    clearTimeout(this.#retry); clearTimeout(this.#hide)
    this.#close()
    this.connected = false; this.ever = false; this.lostAt = 0; this.#last = ''; this.stats = null
  }
  on<K extends EventKind>(kind: K, f: Listener<K>): () => void {
    let set = this.#listeners.get(kind)
    if (!set) this.#listeners.set(kind, (set = new Set()))
    set.add(f as Listener<never>)
    return () => { set.delete(f as Listener<never>) }
  }
  // With an endpoint the stream holds that device's events and its CoAP messages; without, those of all devices.
  focus(endpoint: string): void {
    if (this.#endpoint === endpoint) return
    this.#endpoint = endpoint
    if (this.#wanted) this.#open()
  }
  now(): void { if (this.#wanted) { clearTimeout(this.#retry); this.#open() } }

  #visibility = (): void => {
    clearTimeout(this.#hide)
    if (document.hidden) this.#hide = setTimeout(() => this.#close(), hiddenFor)
    else if (!this.#source && this.#wanted) this.now()
  }
  // A page that was left is kept for the way back, with its connections: after six of them nothing loads any more.
  #leave = (): void => { clearTimeout(this.#hide); this.#close() }
  #close(): void { this.#source?.close(); this.#source = undefined }
  #open(): void {
    this.#close()
    clearTimeout(this.#retry)
    const q = new URLSearchParams()
    if (this.#endpoint) q.set('endpoint', this.#endpoint)
    if (this.#last) q.set('since', this.#last)
    const s = q.toString()
    const source = new EventSource(url('/events') + (s ? '?' + s : ''), { withCredentials: true })
    this.#source = source
    const alive = (): void => {
      if (this.#source !== source || this.connected) return
      this.connected = true; this.ever = true; this.lostAt = 0; this.retryAt = 0; this.#tries = 0
    }
    source.onopen = alive
    source.onerror = () => { if (this.#source === source) this.#lost() }
    for (const kind of kinds) source.addEventListener(kind, (e) => { if (this.#source === source) { alive(); this.#receive(kind, e as MessageEvent<string>) } })
  }
  #lost(): void {
    this.#close()
    if (this.connected || !this.lostAt) this.lostAt = clock.exact()
    this.connected = false
    const wait = Math.min(15_000, 1000 * 2 ** this.#tries++)
    this.retryAt = clock.exact() + wait
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#open(), wait)
    if (this.#tries === 2) void session.load() // an EventSource does not tell a 401 from a broken line
  }
  #receive(kind: EventKind, e: MessageEvent<string>): void {
    if (e.lastEventId) {
      this.#last = e.lastEventId
      const seq = Number(e.lastEventId.slice(e.lastEventId.lastIndexOf('-') + 1))
      if (seq) this.seq = seq
    }
    let data: EventMap[EventKind]
    try { data = parse<EventMap[EventKind]>(e.data) } catch { return }
    if (kind === 'stats') {
      this.stats = data as Stats
      this.rates = [...this.rates.slice(-43), this.stats.messagesPerSecond]
    } else if (kind === 'hello') {
      const seq = (data as EventMap['hello']).seq
      if (seq) this.seq = seq
    }
    for (const f of this.#listeners.get(kind) ?? []) (f as Listener<EventKind>)(data as never, clock.exact())
  }
}
export const live = new Live()

// Every one of several kinds with one call; for an $effect's clean-up.
export function listen(map: { [K in EventKind]?: Listener<K> }): () => void {
  const off = (Object.keys(map) as EventKind[]).map((k) => live.on(k, map[k] as Listener<typeof k>))
  return () => { for (const f of off) f() }
}
