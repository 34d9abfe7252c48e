// A bootstrap session in words.

import type { BootstrapConfiguration, BootstrapSession } from '../api/types.ts'
import { day } from '../format/time.ts'
import type { IconName } from '../parts/Icon.svelte'

export const seconds = (ms: number): string => (ms < 1 ? '<1 ms' : ms < 1000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms / 1000)} s`)

export interface Words { text: string; tone: string; icon: IconName }
export function sessionWords(s: BootstrapSession): Words {
  const last = s.steps?.[s.steps.length - 1]
  switch (s.state) {
    case 'finished': return { text: `done${s.endedAt ? ` in ${seconds(Date.parse(s.endedAt) - Date.parse(s.startedAt))}` : ''}`, tone: 't-ok', icon: 'check' }
    case 'failed': { const bad = s.steps?.find((t) => t.state === 'failed'); return { text: bad ? `failed at ${bad.what} ${bad.path}`.replace(/ \/bs.*$/, '') + (bad.answer ? `: ${bad.answer}` : '') : 'failed', tone: 't-err', icon: 'warn' } }
    case 'refused': return { text: 'refused', tone: 't-err', icon: 'warn' }
    default: return { text: last ? `running: ${last.what} ${last.path}, step ${s.step ?? s.steps!.length}${s.of ? ` of ${s.of}` : ''}` : 'running', tone: 't-accent', icon: 'refresh' }
  }
}

const modes = { psk: 'PSK', rpk: 'RPK', x509: 'X.509', none: 'no security' } as const
export const modeName = (m: string): string => modes[m as keyof typeof modes] ?? m
export function givenWords(c: BootstrapConfiguration): string {
  const n = c.servers.length
  const more = [c.acls?.length ? 'ACL' : '', c.objects?.length ? `${c.objects.length} more ${c.objects.length === 1 ? 'object' : 'objects'}` : ''].filter(Boolean)
  return [n === 1 ? '1 server' : `${n} servers`, ...more].join(', ')
}

// What became of a configuration's sessions: one device's last, or how many of a group.
export function lastWords(c: BootstrapConfiguration, s: BootstrapSession | undefined, now: number): (Words & { at?: string }) | undefined {
  if (s?.state === 'running') return { ...sessionWords(s), at: s.startedAt }
  const r = c.result
  if (r && c.endpoint?.endsWith('*') && r.state === 'finished') return { text: `${r.done} done${r.failed ? `, ${r.failed} failed` : ''}, last ${day(r.at, now)}`, tone: 't-ok', icon: 'check', at: r.at }
  if (s) return { ...sessionWords(s), text: `${sessionWords(s).text}, ${day(s.startedAt, now)}`, at: s.startedAt }
  if (!r) return undefined
  return r.state === 'finished' ? { text: `done in ${seconds(r.took * 1000)}, ${day(r.at, now)}`, tone: 't-ok', icon: 'check', at: r.at } : { text: `failed${r.detail ? `: ${r.detail}` : ''}, ${day(r.at, now)}`, tone: 't-err', icon: 'warn', at: r.at }
}
