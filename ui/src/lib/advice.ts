// What a client's network and security mean for whoever manages it. Only what follows from what it registered and what was measured.
import type { ClientDetail, Nat } from './api/types.ts'
import { span } from './format/time.ts'

export function advice(c: ClientDetail): { text: string; tone: 'warn' | '' } {
  if (c.security.mode === 'none') return { text: 'no security: anybody on the way can read and change it', tone: 'warn' }
  if (c.security.cid) return { text: 'its address may change: the connection ID keeps the session', tone: '' }
  if (c.queue) return { text: 'no connection ID: after its NAT forgets, only the device can begin again', tone: '' }
  return { text: 'no connection ID: a new address needs a new handshake', tone: '' }
}
// How it was found out: for whoever asks whether to believe it.
export function measured(n: Nat): string {
  const { atLeast, atMost } = n.forgetsAfter
  const round = (s: number) => span(Math.round(s))
  return [n.changes === 1 ? 'Its address has changed once' : `Its address has changed ${n.changes} times`, atMost ? `it came from a new port after ${round(atMost)} of silence` : '', atLeast ? `a request still reached it after ${round(atLeast)}` : ''].filter(Boolean).join('; ') + '.'
}
