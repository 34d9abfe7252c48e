// The latest events in words, for the strip under the list. Bounded.

import type { Scalar } from '../api/types.ts'
import type { IconName } from '../parts/Icon.svelte'
import { plainReason } from '../codes.ts'
import { resultText } from '../firmware.ts'
import { span } from '../format/time.ts'
import { host } from '../format/address.ts'
import { listen } from './live.svelte.ts'

export interface Line { n: number; at: number; icon: IconName; tone: string; endpoint: string; what: string; detail: string; known: boolean; path?: string; value?: Scalar; more?: number }
const keep = 60
const mode = { none: 'no security', psk: 'PSK', rpk: 'raw public key', x509: 'X.509' }

class Events {
  lines = $state.raw<Line[]>([])
  paused = $state(false)
  missed = $state(0)
  #held: Line[] = []
  #n = 0
  #add(line: Omit<Line, 'n' | 'at' | 'known'> & { known?: boolean }, at: number): void {
    const full = { known: true, ...line, n: ++this.#n, at }
    if (this.paused) { this.#held = [full, ...this.#held].slice(0, keep); this.missed++ } else this.lines = [full, ...this.lines].slice(0, keep)
  }
  // One notification of an instance brings a value for each resource: they share a line.
  #joined(endpoint: string, what: string, at: number): boolean {
    const list = this.paused ? this.#held : this.lines
    const top = list[0]
    if (!top || !top.path || top.endpoint !== endpoint || top.what !== what || at - top.at > 40) return false
    const joined = [{ ...top, more: (top.more ?? 0) + 1 }, ...list.slice(1)]
    if (this.paused) this.#held = joined
    else this.lines = joined
    return true
  }
  toggle(): void {
    this.paused = !this.paused
    if (!this.paused) { this.lines = [...this.#held, ...this.lines].slice(0, keep); this.#held = []; this.missed = 0 }
  }
  start(): () => void {
    return listen({
      registered: ({ client: c, replaced }, at) => this.#add({ icon: c.security.mode === 'none' ? 'unlock' : 'lock', tone: c.security.mode === 'none' ? 't-warn' : 't-ok', endpoint: c.endpoint, what: replaced ? 'registered again' : 'registered', detail: `LwM2M ${c.version}, lifetime ${span(c.lifetime)}, ${mode[c.security.mode] ?? c.security.mode}${c.security.cid ? ' with CID' : ''}` }, at),
      updated: (e, at) => this.#add({ icon: 'check', tone: 't-ok', endpoint: e.endpoint, what: 'update', detail: e.changed ? `what it registered has changed; lifetime ${span(e.changed.lifetime)} begins again` : 'its lifetime begins again' }, at),
      deregistered: (e, at) => this.#add({ icon: 'out', tone: 'muted', endpoint: e.endpoint, what: 'gone', detail: e.reason }, at),
      moved: (e, at) => this.#add({ icon: 'swap', tone: 't-ok', endpoint: e.endpoint, what: 'moved', detail: `new address ${e.address}, same session` }, at),
      value: (e, at) => this.#joined(e.endpoint, e.source, at) || this.#add({ icon: e.source === 'write' ? 'pencil' : e.source === 'read' ? 'down' : e.source === 'send' ? 'up' : 'eye', tone: 't-accent', endpoint: e.endpoint, what: e.source, detail: '', path: e.path, value: e.value }, at),
      presence: (e, at) => this.#add(e.awake ? { icon: 'check', tone: 't-ok', endpoint: e.endpoint, what: 'awake', detail: 'what waits for it is sent now' } : { icon: 'moon', tone: 't-sleep', endpoint: e.endpoint, what: 'asleep', detail: 'later requests wait until it wakes' }, at),
      bootstrap: (e, at) => { if (e.state === 'finished') this.#add({ icon: 'boot', tone: 't-ok', endpoint: e.endpoint, known: false, what: 'bootstrapped', detail: `${e.steps?.length ?? e.step ?? 0} messages` }, at); else if (e.state !== 'running') this.#add({ icon: 'warn', tone: 't-err', endpoint: e.endpoint || e.identity || host(e.address ?? ''), known: false, what: e.state === 'refused' ? 'bootstrap refused' : 'bootstrap failed', detail: e.detail ?? '' }, at) },
      firmware: (e, at) => { if (e.state === 'done' || e.state === 'failed' || e.state === 'updating') this.#add({ icon: e.state === 'failed' ? 'warn' : 'chip', tone: e.state === 'failed' ? 't-err' : e.state === 'done' ? 't-ok' : 't-accent', endpoint: e.endpoint, what: 'firmware', detail: e.state === 'done' ? `updated${e.version ? `, runs ${e.version}` : ''}` : e.state === 'failed' ? `failed: ${e.detail || resultText(e.result)}` : 'installing' }, at) },
      refused: (e, at) => this.#add({ icon: 'warn', tone: 't-err', endpoint: e.endpoint || e.identity || host(e.address), known: false, what: 'refused', detail: `${plainReason(e.reason)}, from ${e.address}` }, at),
      credential: (e, at) => this.#add({ icon: 'key', tone: 'muted', endpoint: e.endpoint, known: false, what: 'credential', detail: e.change }, at),
    })
  }
}
export const events = new Events()
