// A bootstrap session in words.

import type { BootstrapConfiguration, BootstrapSession } from '../api/types.ts'
import type { IconName } from '../parts/Icon.svelte'

export const seconds = (ms: number): string => (ms < 10 ? '<0.01 s' : ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.round(ms / 1000)} s`)

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
