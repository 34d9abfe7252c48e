// One client: what is known of it, and what we ask of it. Values come from its answers and from events, keyed by path.

import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import { api, ApiError, list, problemOf } from '../api/client.ts'
import type { Attributes, ClientDetail, KnownValue, Message, Observation, Op, OperationResult, Problem, QueuedOperation, Scalar } from '../api/types.ts'
import { codeMeaning, opName, trueNow } from '../codes.ts'
import { clock } from './clock.svelte.ts'
import { listen, live } from './live.svelte.ts'
import { roles } from './roles.svelte.ts'
import { say } from './say.svelte.ts'

export interface Running { op: Op; path: string; state: 'sent' | 'queued' | 'answered' | 'refused' | 'failed' | 'cancelled'; since: number; id?: string; operation?: string; expiresAt?: string; code?: string; codeName?: string; tookMs?: number; problem?: Problem; now?: string; wanted?: Scalar; again?: () => void }
export interface LogLine extends Message { n: number; key: string; rule?: 'asleep' | 'awake' } // a rule: the device fell asleep or woke, between the messages
const keyOf = (m: Message): string => `${m.at} ${m.messageId} ${m.out} ${m.code}`
const rule = (what: 'asleep' | 'awake', at: number): Omit<LogLine, 'n'> => ({ at: new Date(at).toISOString(), out: false, type: '', code: '', messageId: 0, size: 0, key: `${at} ${what}`, rule: what })
const keepMessages = 500
const keepPoints = 2000
export const together = '/' // where an operation of several paths stands among those that run

// When the person clicked or pressed the key that this goes back to; now, where nobody did.
function clickTime(): number {
  const now = performance.now()
  const at = globalThis.event?.timeStamp ?? now
  return at > now - 1000 && at <= now ? at : now
}

// An operation that is followed gets the page's part of its time: until the request left, and until its answer was painted.
async function tellShown(id: string | undefined, clicked: number, sent: number, got: number): Promise<void> {
  if (!id || document.hidden || !roles.has('traces')) return
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))
  const us = (ms: number): number => Math.max(0, Math.round(ms * 1000))
  await api.shown(id, { before: us(sent - clicked), request: us(got - sent), after: us(performance.now() - got) }).catch(() => {})
}

export class ClientState {
  detail = $state.raw<ClientDetail | null>(null)
  missing = $state(false)
  problem = $state.raw<Problem | null>(null)
  gone = $state.raw<{ at: number; reason: string } | null>(null)
  values = new SvelteMap<string, KnownValue>()
  changed = new SvelteMap<string, number>()
  observations = new SvelteMap<string, Observation>()
  together = new SvelteMap<string, Observation>() // by id: observations of several paths in one
  selecting = $state(false)
  selected = new SvelteSet<string>()
  unanswered = $state.raw<string[]>([]) // what the last read of several paths did not have
  attributes = new SvelteMap<string, Attributes>()
  found = new SvelteMap<string, string[]>() // by instance path: the resources that a discover listed
  series = new SvelteMap<string, [number, number][]>()
  answered = new SvelteSet<string>() // instances that were read as a whole
  running = new SvelteMap<string, Running>() // by path: the latest operation there
  queue = $state.raw<QueuedOperation[]>([]) // what waits for the device, in order
  messages = $state.raw<LogLine[]>([])
  paused = $state(false)
  held = $state(0)
  #held: LogLine[] = []
  #n = 0
  #wantedSeries = new Set<string>()
  #later = new Map<string, (r: OperationResult) => void>() // by id: what to do with the answer to a request that waits
  readonly endpoint: string
  constructor(endpoint: string) { this.endpoint = endpoint }

  // An answer may be older than an event that comes while it is on its way, and knows nothing of what happens between it and
  // the begin of the stream of events: in both cases it is asked for again.
  #loading = 0
  #stale = false
  #dark = false
  async load(): Promise<void> {
    this.#loading++
    this.#dark = !live.connected
    await this.#loadOnce()
    if (--this.#loading === 0 && this.#stale) { this.#stale = false; void this.load() }
  }
  async #loadOnce(): Promise<void> {
    try {
      const d = await api.client(this.endpoint)
      this.detail = d; this.missing = false; this.problem = null; this.gone = null
      for (const [path, v] of Object.entries(d.values ?? {})) this.values.set(path, v)
      this.observations.clear(); this.together.clear()
      for (const o of d.observations ?? []) if (o.paths?.length) this.together.set(o.id, o); else this.observations.set(o.path, o)
      for (const l of d.links ?? []) if (l.attributes && Object.keys(l.attributes).length) this.attributes.set(l.path, l.attributes as Attributes)
      for (const path of this.#wantedSeries) void this.#fetchSeries(path)
      if (d.queued || this.queue.length || this.#later.size) void this.loadQueue()
    } catch (e) {
      if (e instanceof ApiError && e.status === 404) { this.missing = !this.detail; if (this.detail && !this.gone) this.gone = { at: clock.exact(), reason: 'no longer registered' } } else this.problem = problemOf(e)
    }
  }
  async loadMessages(): Promise<void> {
    try {
      const known = list(await api.messages(this.endpoint))
      if (known.length > 1 && known[0]!.at < known[known.length - 1]!.at) known.reverse() // newest first; within a millisecond the server's order holds
      this.messages = known.map((m) => ({ ...m, n: ++this.#n, key: keyOf(m) }))
    } catch { /* the log is best effort; the page says that it is empty */ }
  }
  async loadQueue(): Promise<void> {
    try { this.queue = list(await api.queue(this.endpoint)) } catch (e) { if (!(e instanceof ApiError && e.status === 404)) return; this.queue = [] }
    const waits = new Set(this.queue.map((q) => q.id))
    for (const q of this.queue) {
      const run = this.running.get(q.path)
      if (!run || run.id === q.id || run.state === 'answered') this.running.set(q.path, { op: q.op, path: q.path, since: Date.parse(q.queuedAt), ...(run?.id === q.id ? run : {}), state: 'queued', id: q.id, expiresAt: q.expiresAt })
    }
    // Those that have left the line while nobody listened.
    for (const [path, run] of this.running) if (run.state === 'queued' && run.id && !waits.has(run.id)) void api.operation(run.id).then((r) => { if ((r.status as string) !== 'queued' && (r.status as string) !== 'sent') this.#settle(run.id!, r) }).catch(() => { if (this.running.get(path)?.id === run.id) this.running.delete(path) })
  }
  #soon: ReturnType<typeof setTimeout> | undefined
  #queueSoon(): void { clearTimeout(this.#soon); this.#soon = setTimeout(() => void this.loadQueue(), 120) }
  #settle(id: string, r: OperationResult): void {
    this.queue = this.queue.filter((q) => q.id !== id)
    const then = this.#later.get(id)
    this.#later.delete(id)
    if (then) { then(r); return }
    for (const [path, run] of this.running) if (run.id === id && run.state === 'queued') this.#end(run, path, r) // asked for before this page was opened
  }
  async cancel(id: string): Promise<void> {
    const q = this.queue.find((x) => x.id === id)
    const path = q?.path ?? [...this.running].find(([, r]) => r.id === id)?.[0]
    try {
      await api.cancelOperation(id)
      this.queue = this.queue.filter((x) => x.id !== id)
      this.#later.delete(id)
      if (path !== undefined && this.running.get(path)?.id === id) this.#fade(path, { ...this.running.get(path)!, state: 'cancelled' })
      say.now('Cancelled: it will not be sent')
    } catch (e) {
      say.now(problemOf(e).title)
      if (path !== undefined && this.running.get(path)?.id === id) this.running.set(path, { ...this.running.get(path)!, state: 'failed', problem: { ...problemOf(e), title: 'It could not be cancelled' } })
      this.#queueSoon()
    }
  }
  start(): () => void {
    void this.load()
    void this.loadMessages()
    const mine = (e: { endpoint?: string }) => e.endpoint === this.endpoint
    const touch = (patch: Partial<ClientDetail>) => { this.#stale ||= this.#loading > 0; if (this.detail) this.detail = { ...this.detail, ...patch } }
    return listen({
      hello: () => { if (this.problem || this.#dark) { void this.load(); void this.loadMessages() } if (this.queue.length || this.#later.size) this.#queueSoon() },
      reset: () => { void this.load(); void this.loadMessages() },
      notes: (e) => { if (mine(e)) touch({ note: e.note, tags: e.tags }) },
      queued: (e) => { if (mine(e)) this.#queueSoon() },
      operation: (e) => { if (!mine(e)) return; const id = e.operation ?? e.id; if (id) this.#settle(id, e) },
      presence: (e) => {
        if (!mine(e)) return
        touch({ state: e.awake ? 'awake' : 'asleep', awake: e.awake, awakeUntil: e.until })
        this.#log({ ...rule(e.awake ? 'awake' : 'asleep', clock.exact()), n: ++this.#n })
        this.#queueSoon()
      },
      registered: ({ client }) => { if (client.endpoint === this.endpoint) void this.load() },
      updated: (e) => {
        if (!mine(e)) return
        if (e.changed) { const { objects: _objects, ...row } = e.changed; touch(row); void this.load() } else touch({ lastSeen: e.lastSeen, expiresAt: e.expiresAt, updatedAt: e.lastSeen, ...(this.detail?.awake !== undefined ? { awake: true } : {}), ...(this.detail?.state === 'gone' ? { state: 'awake' as const } : {}) })
      },
      moved: (e) => { if (mine(e)) touch({ address: e.address }) },
      deregistered: (e) => { if (mine(e)) { this.gone = { at: clock.exact(), reason: e.reason }; touch({ state: 'gone' }) } },
      value: (e) => {
        if (!mine(e)) return
        this.#know(e.path, { value: e.value, type: e.type, at: e.at, source: e.source })
        if (e.source !== 'write' && this.detail && e.at > this.detail.lastSeen) touch({ lastSeen: e.at })
        const many = e.observation ? this.together.get(e.observation) : undefined
        if (many && e.source === 'notify') this.together.set(many.id, { ...many, lastAt: e.at, count: many.lastAt === e.at ? many.count : many.count + 1 })
        const o = [...this.observations.values()].find((x) => x.id === e.observation || x.path === e.path)
        if (o && e.source === 'notify') this.observations.set(o.path, { ...o, lastAt: e.at, count: o.count + 1, state: 'active' })
      },
      observation: (e) => {
        if (!mine(e)) return
        if (e.paths?.length || this.together.has(e.id)) {
          const { endpoint: _endpoint, ...o } = e
          if (['active', 'restoring', 'waiting', 'failed'].includes(e.state)) this.together.set(e.id, { ...this.together.get(e.id), ...o }); else this.together.delete(e.id)
          return
        }
        const old = this.observations.get(e.path)
        if (e.state === 'active' || e.state === 'restoring' || e.state === 'waiting' || e.state === 'failed') { const { endpoint: _endpoint, ...o } = e; this.observations.set(e.path, { ...old, ...o, since: e.since ?? old?.since ?? new Date(clock.exact()).toISOString(), count: e.count ?? old?.count ?? 0 }) }
        else if (!old || old.id === e.id) this.observations.delete(e.path)
      },
      message: (e) => {
        if (!mine(e)) return
        if (!e.out && this.detail && e.at > this.detail.lastSeen) touch({ lastSeen: e.at })
        this.#log({ ...e, n: ++this.#n, key: keyOf(e) })
      },
    })
  }
  #log(line: LogLine): void {
    if (this.paused) { this.#held = [line, ...this.#held].slice(0, keepMessages); this.held = this.#held.length } else this.messages = [line, ...this.messages].slice(0, keepMessages)
  }
  noted(n: { note: string; tags: string[] }): void { if (this.detail) this.detail = { ...this.detail, note: n.note, tags: n.tags } }
  pause(): void {
    this.paused = !this.paused
    if (!this.paused) { this.messages = [...this.#held, ...this.messages].slice(0, keepMessages); this.#held = []; this.held = 0 }
  }

  #know(path: string, v: KnownValue): void {
    const old = this.values.get(path)
    if (old && old.value !== v.value) this.changed.set(path, clock.exact())
    this.values.set(path, v)
    const pts = this.series.get(path)
    if (pts && typeof v.value === 'number') {
      const at = Date.parse(v.at)
      if (!pts.length || at > pts[pts.length - 1]![0]) this.series.set(path, [...pts.slice(-keepPoints + 1), [at, v.value]])
    }
  }
  // Points of an observed number; asked for once, then kept by events.
  wantSeries(path: string): void {
    if (this.#wantedSeries.has(path)) return
    this.#wantedSeries.add(path)
    void this.#fetchSeries(path)
  }
  async #fetchSeries(path: string): Promise<void> {
    try { this.series.set(path, (await api.series(this.endpoint, path)).points ?? []) } catch { if (!this.series.has(path)) this.series.set(path, []) }
  }
  observedBy(path: string): Observation | undefined {
    for (let p = path; p; p = p.slice(0, p.lastIndexOf('/'))) { const o = this.observations.get(p); if (o) return o }
    for (const o of this.together.values()) if (o.paths!.some((p) => p === path || path.startsWith(p === '/' ? p : p + '/'))) return o
    return undefined
  }

  // One operation at a path: sent or queued, then answered, refused or failed, in place. What follows from an answer is done when it is there: at once, or when the device has woken.
  async #run(op: Op, path: string, call: () => Promise<OperationResult | Observation | void>, done: (r: OperationResult | undefined) => void = () => {}, extra: Partial<Running> = {}): Promise<'answered' | 'queued' | 'failed'> {
    const again = () => void this.#run(op, path, call, done, extra)
    const start: Running = { op, path, state: 'sent', since: clock.exact(), again, ...extra }
    const clicked = clickTime()
    this.running.set(path, start)
    try {
      const sent = performance.now()
      const result = (await call()) as OperationResult | undefined
      const got = performance.now()
      if ((result?.status as string | undefined) === 'queued') {
        const q = result as unknown as QueuedOperation
        if (q.id) this.#later.set(q.id, (r) => { if (this.#end({ ...start, id: q.id }, path, r)) done(r) })
        this.running.set(path, { ...start, state: 'queued', id: q.id, expiresAt: q.expiresAt })
        if (!this.queue.some((x) => x.id === q.id)) this.queue = [...this.queue, { ...q, op, path, value: extra.wanted }]
        this.#queueSoon()
        say.now('Queued, will be sent when the device wakes')
        return 'queued'
      }
      const answered = this.#end(start, path, result)
      if (answered) done(result)
      void tellShown(result?.operation ?? result?.id, clicked, sent, got)
      return answered ? 'answered' : 'failed'
    } catch (e) {
      const problem = problemOf(e)
      if (problem.status === 404 && !this.gone) void this.load()
      this.running.set(path, { ...start, state: 'failed', problem, now: problem.status === 504 && (op === 'execute' || op === 'create') ? 'It may have been done all the same: only the answer is missing.' : problem.status === 504 && op.startsWith('write') ? 'Whether the device took the value is not known: read it.' : trueNow(op) })
      say.now(problem.title)
    }
    return 'failed'
  }
  #fade(path: string, run: Running): void {
    this.running.set(path, run)
    setTimeout(() => { const now = this.running.get(path); if (now?.since === run.since && now.state === run.state) this.running.delete(path) }, 3500)
  }
  // Says how it ended, and whether it was done. An observation that is there has no status of an operation.
  #end(start: Running, path: string, result: OperationResult | undefined): boolean {
    const status = result?.status as string | undefined
    if (!result || !status || status === 'answered' || !['timedOut', 'refused', 'failed', 'expired', 'cancelled'].includes(status)) {
      this.#fade(path, { ...start, state: 'answered', operation: result?.operation ?? result?.id, code: result?.code, codeName: result?.codeName, tookMs: result?.tookMs ?? clock.exact() - start.since })
      return true
    }
    if (status === 'cancelled') { this.#fade(path, { ...start, state: 'cancelled' }); return false }
    const title = status === 'timedOut' ? 'The device did not answer' : status === 'expired' ? 'It was not sent: the device did not wake in time' : `The device refused the ${opName[start.op] ?? start.op}: ${result.code ?? ''} ${result.codeName ?? ''}`.trim()
    this.running.set(path, { ...start, state: status === 'refused' ? 'refused' : 'failed', code: result.code, codeName: result.codeName, tookMs: result.tookMs, problem: { title, status: 200, detail: result.detail || codeMeaning(result.code) }, now: trueNow(start.op) })
    say.now(title)
    return false
  }
  dismiss(path: string): void { this.running.delete(path) }

  async read(path: string): Promise<boolean> {
    const how = await this.#run('read', path, () => api.read(this.endpoint, path), (r) => {
      if (!r) return
      const at = new Date(clock.exact()).toISOString()
      const entries = (r.entries ?? (r.value !== undefined ? [{ path, value: r.value }] : [])).filter((e) => e.value !== undefined)
      const seen = new Set(entries.map((e) => e.path))
      for (const known of [...this.values.keys()]) if ((known === path || known.startsWith(path + '/')) && !seen.has(known)) this.values.delete(known)
      for (const e of entries) if (e.value !== null) this.#know(e.path, { value: e.value, type: e.type, at: e.at ?? at })
      const depth = path.split('/').length - 1
      if (depth === 2) this.answered.add(path)
      else if (depth === 1) for (const i of this.detail?.objects.find((o) => '/' + o.id === path)?.instances ?? []) this.answered.add(`${path}/${i}`)
      say.now(`Read ${path}: ${entries.length === 1 ? String(entries[0]!.value) : entries.length + ' values'}`)
    })
    return how !== 'failed'
  }
  async readAll(): Promise<void> {
    for (const o of this.detail?.objects ?? []) if (o.id !== 0 && o.instances.length && !(await this.read('/' + o.id))) { const p = this.running.get('/' + o.id)?.problem; if (p && (p.status === 504 || p.status === 0 || p.status === 404)) return }
  }
  async write(path: string, value: Scalar | Record<string, Scalar>): Promise<boolean> {
    const many = value !== null && typeof value === 'object'
    const how = await this.#run('write', path, () => api.write(this.endpoint, path, many ? { resources: value } : { value }), () => {
      const at = new Date(clock.exact()).toISOString()
      if (many) {
        for (const k of [...this.values.keys()]) if (k.startsWith(path + '/')) this.values.delete(k)
        for (const [ri, v] of Object.entries(value as Record<string, Scalar>)) this.#know(`${path}/${ri}`, { value: v, at })
      } else this.#know(path, { ...this.values.get(path), value: value as Scalar, at })
      say.now('Written')
    }, many ? {} : { wanted: value as Scalar })
    return how !== 'failed'
  }
  async writeInstance(path: string, resources: Record<string, unknown>, replace: boolean): Promise<boolean> {
    const how = await this.#run(replace ? 'write' : 'writePartial', path, () => (replace ? api.write(this.endpoint, path, { resources }) : api.writePartial(this.endpoint, path, resources)), () => {
      const at = new Date(clock.exact()).toISOString()
      for (const [id, v] of Object.entries(resources)) {
        if (v !== null && typeof v === 'object') for (const [ri, x] of Object.entries(v as Record<string, Scalar>)) this.#know(`${path}/${id}/${ri}`, { value: x, at })
        else this.#know(`${path}/${id}`, { value: v as Scalar, at })
      }
      say.now('Written')
    })
    return how !== 'failed'
  }
  async execute(path: string, args = ''): Promise<boolean> { return (await this.#run('execute', path, () => api.execute(this.endpoint, path, args))) !== 'failed' }
  // The path of the new instance; '' where it waits for the device.
  async create(object: number, instance: number | undefined, resources: Record<string, unknown>): Promise<string | undefined> {
    let made = ''
    const how = await this.#run('create', '/' + object, () => api.create(this.endpoint, object, { instance, resources }), (r) => {
      made = r?.location || (instance !== undefined ? `/${object}/${instance}` : '')
      const id = Number(made.split('/').filter(Boolean)[1])
      if (this.detail && Number.isInteger(id)) this.detail = { ...this.detail, objects: this.detail.objects.map((o) => (o.id === object && !o.instances.includes(id) ? { ...o, instances: [...o.instances, id].sort((a, b) => a - b) } : o)) }
    })
    return how === 'failed' ? undefined : made
  }
  // True when it is gone; one that waits is still there.
  async remove(path: string): Promise<boolean> {
    return (await this.#run('delete', path, () => api.remove(this.endpoint, path), () => {
      for (const k of [...this.values.keys()]) if (k.startsWith(path + '/')) this.values.delete(k)
      const [object, instance] = path.split('/').filter(Boolean).map(Number)
      if (this.detail) this.detail = { ...this.detail, objects: this.detail.objects.map((o) => (o.id === object ? { ...o, instances: o.instances.filter((i) => i !== instance) } : o)) }
    })) === 'answered'
  }
  async observe(path: string): Promise<boolean> {
    return (await this.#run('observe', path, () => api.observe(this.endpoint, path), (r) => {
      const o = (r?.observation ?? r) as unknown as Observation | undefined
      if (o?.id) this.observations.set(path, { ...o, path: o.path ?? path, state: o.state ?? 'active', since: o.since ?? new Date(clock.exact()).toISOString(), count: o.count ?? 0 })
    })) !== 'failed'
  }
  async unobserve(o: Observation, passive = false): Promise<void> {
    await this.#run('cancelObserve', o.path, () => api.unobserve(this.endpoint, o.id, passive), () => { this.observations.delete(o.path) })
  }
  async discover(path: string): Promise<boolean> {
    return (await this.#run('discover', path, () => api.discover(this.endpoint, path), (r) => {
      const byInstance = new Map<string, string[]>()
      for (const l of r?.links ?? []) {
        this.attributes.set(l.path, (l.attributes ?? {}) as Attributes)
        const parts = l.path.split('/').filter(Boolean)
        if (parts.length >= 3) { const inst = `/${parts[0]}/${parts[1]}`; const a = byInstance.get(inst) ?? []; if (!a.includes(parts[2]!)) a.push(parts[2]!); byInstance.set(inst, a) }
      }
      if (path.split('/').length <= 3) for (const [inst, ids] of byInstance) this.found.set(inst, ids)
    })) !== 'failed'
  }
  // Several paths in one request. What the device has not is left out of its answer.
  select(path: string): void { this.selecting = true; if (!this.selected.delete(path)) this.selected.add(path) }
  unselect(): void { this.selecting = false; this.selected.clear(); this.running.delete(together); this.unanswered = [] }
  async readTogether(paths: string[]): Promise<boolean> {
    this.unanswered = []
    return (await this.#run('readComposite', together, () => api.readMany(this.endpoint, paths), (r) => {
      const at = new Date(clock.exact()).toISOString(), entries = (r?.entries ?? []).filter((e) => e.value !== undefined && e.value !== null)
      for (const e of entries) this.#know(e.path, { value: e.value, type: e.type, at: e.at ?? at })
      this.unanswered = paths.filter((p) => !entries.some((e) => e.path === p || e.path.startsWith(p + '/')))
      say.now(`Read ${entries.length} values in one request`)
    })) !== 'failed'
  }
  async writeTogether(values: Record<string, Scalar>): Promise<boolean> {
    return (await this.#run('writeComposite', together, () => api.writeMany(this.endpoint, values), () => {
      const at = new Date(clock.exact()).toISOString()
      for (const [p, v] of Object.entries(values)) this.#know(p, { ...this.values.get(p), value: v, at, source: 'write' })
      say.now('Written together')
    })) !== 'failed'
  }
  async observeTogether(paths: string[]): Promise<boolean> {
    return (await this.#run('observeComposite', together, () => api.observeMany(this.endpoint, paths), (r) => {
      const o = (r?.observation ?? r) as unknown as Observation | undefined
      if (o?.id) this.together.set(o.id, { ...o, paths: o.paths ?? paths, state: o.state ?? 'active', since: o.since ?? new Date(clock.exact()).toISOString(), count: o.count ?? 0 })
    })) !== 'failed'
  }
  async unobserveTogether(o: Observation): Promise<void> {
    await this.#run('cancelObserve', together, () => api.unobserve(this.endpoint, o.id), () => { this.together.delete(o.id) })
  }
  async writeAttributes(path: string, a: Record<string, number | null>): Promise<boolean> {
    return (await this.#run('writeAttributes', path, () => api.attributes(this.endpoint, path, a), () => { this.attributes.set(path, Object.fromEntries(Object.entries(a).filter(([, v]) => v !== null)) as Attributes) })) !== 'failed'
  }
}
