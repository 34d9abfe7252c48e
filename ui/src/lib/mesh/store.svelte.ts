// The simulation that the page Topology shows: its snapshot, its stream, and what can be asked of it.

import { call, problemOf, query, url } from '../api/client.ts'
import type { Problem } from '../api/types.ts'
import { begin, apply, type World } from './model.ts'
import type { Action, Can, Change, Clock, Control, Detail, Frame, Path, Said, Snapshot } from './types.ts'

class Mesh {
  info = $state.raw<Omit<Snapshot, 'nodes' | 'links' | 'partitions' | 'history'> | null>(null)
  clock = $state.raw<Clock & { at: number }>({ now: 0, until: 0, speed: 1, paused: true, done: false, rate: 0, at: 0 }) // at: of this computer, in ms
  problem = $state.raw<Problem | null>(null)
  connected = $state(false)
  version = $state(0) // grows with each change of the world
  places = $state(0) // grows where hulls must be made again
  past = $state.raw<number | null>(null) // the moment that is shown instead of now, in virtual microseconds
  shown: World | null = null // as it was then
  route = $state.raw<Path | null>(null)
  world: World = { nodes: new Map(), links: new Map(), partitions: [], history: [], seq: 0 }
  onFrames: (frames: Frame[]) => void = () => {}
  #source: EventSource | undefined
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #early: Change[] | null = null // what comes before the snapshot is here

  // look is what the page shows: now, or a moment of the past.
  get look(): World { return this.shown ?? this.world }
  can(what: Can): boolean { return this.info?.can ? this.info.can.includes(what) : what !== 'past' && what !== 'seek' && what !== 'route' }
  start(): void { this.stop(); this.#open() }
  stop(): void { clearTimeout(this.#timer); this.#source?.close(); this.#source = undefined; this.connected = false }

  #open(): void {
    this.#source?.close()
    const source = new EventSource(url('/mesh/events'), { withCredentials: true })
    this.#source = source
    source.onopen = () => { if (this.#source === source) { this.connected = true; this.#tries = 0; void this.load() } }
    source.onerror = () => {
      if (this.#source !== source) return
      this.connected = false
      source.close()
      if (this.#tries === 0 && !this.info) void this.load() // says why
      this.#timer = setTimeout(() => this.#open(), Math.min(15_000, 1000 * 2 ** this.#tries++))
    }
    const on = <T>(kind: string, f: (v: T) => void): void => source.addEventListener(kind, (e) => { if (this.#source === source) { try { f(JSON.parse((e as MessageEvent<string>).data) as T) } catch { /* not for us */ } } })
    on<Change>('mesh', (c) => { if (this.#early) this.#early.push(c); else this.#take(c) })
    on<{ frames: Frame[] }>('frames', (f) => this.onFrames(f.frames ?? []))
    on<Partial<Clock>>('clock', (c) => this.#tick(c))
    on('reset', () => void this.load())
  }
  async load(): Promise<void> {
    this.#early ??= []
    try {
      const s = await call<Snapshot>('GET', '/mesh')
      const { nodes: _n, links: _l, partitions: _p, history: _h, ...info } = s
      this.world = begin(s)
      this.info = info
      this.problem = null
      this.#tick(s)
      const early = this.#early ?? []
      this.#early = null
      for (const c of early) apply(this.world, c)
      this.version++; this.places++
    } catch (e) { this.problem = problemOf(e); this.#early = null }
  }
  #take(c: Change): void {
    if (apply(this.world, c)) this.places++
    this.#tick({ now: c.now })
    this.version++
  }
  #tick(c: Partial<Clock>): void { const { now, until, speed, paused, done, rate } = { ...this.clock, ...c }; this.clock = { now, until, speed, paused, done, rate, at: performance.now() } }
  // now is the virtual time at this moment, between two words of the server.
  now(): number { const c = this.clock; return c.paused || c.done ? c.now : Math.min(c.until || Infinity, c.now + (performance.now() - c.at) * 1000 * Math.min(c.rate, c.speed || c.rate)) }

  #wanted = 0
  // see shows a moment of the past; null is now.
  see = async (us: number | null): Promise<void> => {
    const mine = ++this.#wanted
    if (us === null) { this.past = null; this.shown = null; this.version++; this.places++; return }
    const s = await call<Snapshot>('GET', '/mesh' + query({ at: Math.max(1, Math.round(us)) }))
    if (mine !== this.#wanted) return
    this.shown = begin(s); this.past = us; this.version++; this.places++
  }
  follow = async (from: number, to: number): Promise<Path> => (this.route = await call<Path>('GET', '/mesh/route' + query({ from, to })))
  forget = (): void => { this.route = null }
  control = async (c: Control): Promise<void> => { this.#tick((await call<Partial<Clock> | undefined>('POST', '/mesh/control', c)) ?? {}) }
  act = (id: number, a: Action): Promise<void> => call<void>('POST', `/mesh/nodes/${id}`, a)
  link = (a: number, b: number, on: boolean): Promise<void> => call<void>('POST', '/mesh/links', { a, b, on })
  detail = (id: number): Promise<Detail> => call<Detail>('GET', `/mesh/nodes/${id}`)
  type = (id: number, line: string): Promise<Said> => call<Said>('POST', `/mesh/nodes/${id}/shell`, { line })
  capture = (): string => url('/mesh/pcap' + query({}))
}
export const mesh = new Mesh()
