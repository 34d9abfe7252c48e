import type { ClientRow, ClientSecurity, ClientState } from '../api/types.ts'

const modes = { none: 'none, plain CoAP', psk: 'PSK', rpk: 'RPK', x509: 'X.509' } as const
export function securityText(s: ClientSecurity): string { return (modes[s.mode] ?? s.mode) + (s.mode !== 'none' && s.cid ? ', CID' : '') }
export const stateText = { awake: 'awake', asleep: 'asleep', late: 'late', gone: 'deregistered' } as const
// A client is near its end when a tenth of its lifetime is left.
export function lifeLeft(c: Pick<ClientRow, 'expiresAt' | 'lifetime'>, now: number): { ms: number; low: boolean } {
  if (!c.expiresAt || c.lifetime <= 0) return { ms: Infinity, low: false }
  const ms = Date.parse(c.expiresAt) - now
  return { ms, low: ms < Math.max(c.lifetime * 100, 5000) }
}

// A device in queue mode listens for a while after it was heard (OMA LwM2M Core section 6.5: 93 s), then sleeps. The server says so; the page tells the time itself too, as an event may be late.
const awakeWindow = 93_000
export function stateNow(c: Pick<ClientRow, 'state' | 'queue' | 'lastSeen' | 'expiresAt' | 'lifetime' | 'awake'>, now: number): ClientState {
  if (c.state === 'gone') return 'gone'
  if (lifeLeft(c, now).ms < 0) return 'late'
  if (!c.queue) return 'awake'
  if (c.awake !== undefined) return c.awake ? 'awake' : 'asleep' // the server knows the device's own window, and tells both
  return now - Date.parse(c.lastSeen) > awakeWindow ? 'asleep' : 'awake'
}
