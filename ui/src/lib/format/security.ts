import type { ClientRow, ClientSecurity } from '../api/types.ts'

const modes = { none: 'none, plain CoAP', psk: 'PSK', rpk: 'RPK', x509: 'X.509' } as const
export function securityText(s: ClientSecurity): string { return (modes[s.mode] ?? s.mode) + (s.mode !== 'none' && s.cid ? ', CID' : '') }
export const stateText = { awake: 'awake', asleep: 'asleep', late: 'late', gone: 'deregistered' } as const
// A client is near its end when a tenth of its lifetime is left.
export function lifeLeft(c: Pick<ClientRow, 'expiresAt' | 'lifetime'>, now: number): { ms: number; low: boolean } {
  const ms = Date.parse(c.expiresAt) - now
  return { ms, low: ms < Math.max(c.lifetime * 100, 5000) }
}
