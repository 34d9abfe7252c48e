// The latest bootstrap sessions, newest first, kept current by events. Bounded.

import { api, list, problemOf } from '../api/client.ts'
import type { BootstrapSession, Problem } from '../api/types.ts'
import { listen } from './live.svelte.ts'

const keep = 200

export class SessionList {
  items = $state.raw<BootstrapSession[]>([])
  loaded = $state(false)
  problem = $state.raw<Problem | null>(null)
  readonly running = $derived(this.items.filter((s) => s.state === 'running').length)

  async load(): Promise<void> {
    try { this.items = list(await api.bootstrapSessions({ limit: keep })); this.problem = null } catch (e) { this.problem = problemOf(e) }
    this.loaded = true
  }
  latest(endpoint: string): BootstrapSession | undefined { return this.items.find((s) => s.endpoint === endpoint) }
  #take(s: BootstrapSession): void {
    const at = this.items.findIndex((x) => x.id === s.id)
    this.items = at < 0 ? [s, ...this.items].slice(0, keep) : this.items.map((x, i) => (i === at ? merge(x, s) : x))
  }
  start(seen: (s: BootstrapSession) => void = () => {}): () => void {
    void this.load()
    return listen({ reset: () => void this.load(), hello: () => { if (this.problem) void this.load() }, bootstrap: (s) => { this.#take(s); seen(s) } })
  }
}
// An event may hold the new steps only.
export function merge(old: BootstrapSession, s: BootstrapSession): BootstrapSession { return { ...old, ...s, steps: s.steps ?? old.steps } }
