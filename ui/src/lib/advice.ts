// One sentence on what a client's network and security mean for whoever manages it. Only what follows from what it registered.
import type { ClientDetail } from './api/types.ts'

export function advice(c: ClientDetail): { text: string; tone: 'warn' | '' } {
  if (c.security.mode === 'none') return { text: 'no security: anybody on the way can read and change it', tone: 'warn' }
  if (c.security.cid) return { text: 'its address may change: the connection ID keeps the session', tone: '' }
  if (c.queue) return { text: 'no connection ID: after its NAT forgets, only the device can begin again', tone: '' }
  return { text: 'no connection ID: a new address needs a new handshake', tone: '' }
}
