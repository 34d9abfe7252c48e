import { expect, test } from 'vitest'
import { lifeLeft, securityText, stateNow } from '../src/lib/format/security.ts'
import { advice } from '../src/lib/advice.ts'
import type { ClientDetail } from '../src/lib/api/types.ts'

const now = Date.UTC(2026, 10, 23, 1, 0, 0)
const at = (s: number) => new Date(now + s * 1000).toISOString()
const row = (o: object) => ({ state: 'awake' as const, queue: false, lastSeen: at(-10), expiresAt: at(100), lifetime: 300, ...o })
test.each([
  [{}, 'awake'], [{ lastSeen: at(-94) }, 'awake'], [{ queue: true }, 'awake'], [{ queue: true, lastSeen: at(-92) }, 'awake'], [{ queue: true, lastSeen: at(-94) }, 'asleep'],
  [{ expiresAt: at(-1) }, 'late'], [{ queue: true, lastSeen: at(-400), expiresAt: at(-1) }, 'late'], [{ lifetime: 0, expiresAt: null }, 'awake'], [{ state: 'gone' }, 'gone'], [{ state: 'asleep', queue: true }, 'awake'],
] as const)('%o is %s', (o, state) => { expect(stateNow(row(o) as never, now)).toBe(state) })
test('the end is near at a tenth', () => { expect([at(31), at(29), at(-5)].map((expiresAt) => lifeLeft({ expiresAt, lifetime: 300 }, now).low)).toEqual([false, true, true]); expect(lifeLeft({ expiresAt: null, lifetime: 0 }, now)).toEqual({ ms: Infinity, low: false }) })
test('security in words', () => { expect([{ mode: 'psk', cid: true }, { mode: 'psk' }, { mode: 'none', cid: true }, { mode: 'x509' }].map((s) => securityText(s as never))).toEqual(['PSK, CID', 'PSK', 'none, plain CoAP', 'X.509']) })
test('advice', () => { const a = (o: object) => advice({ security: { mode: 'psk', cid: false }, queue: false, ...o } as ClientDetail); expect(a({ security: { mode: 'none' } }).tone).toBe('warn'); expect(a({ security: { mode: 'psk', cid: true } }).text).toContain('keeps the session'); expect(a({ queue: true }).text).not.toBe(a({}).text) })
