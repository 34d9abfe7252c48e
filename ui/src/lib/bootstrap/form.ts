// A bootstrap configuration as somebody types it: texts, checked field by field, turned into what the server stores.

import type { BootstrapConfiguration, GivenServer, SecurityMode } from '../api/types.ts'
import { checkEndpoint, checkIdentity, checkKey, randomKey } from '../provision.ts'

export interface Reach { uri: string; mode: SecurityMode; identity: string; follows: boolean; key: string; kept: boolean; holdOff: string; accountTimeout: string; update: boolean }
export interface Given {
  uri: string; mode: SecurityMode; identity: string; follows: boolean; key: string; kept: boolean; shortId: string; lifetime: string; binding: string; storing: boolean; mute: boolean
  more: Record<ServerExtra, string>
  base?: GivenServer // as it is stored: what the form does not show stays
}
export interface Form { endpoint: string; reach: Reach; servers: Given[]; remove: string[]; acls: Acl[]; objects: Extra[]; base?: BootstrapConfiguration }
export interface Acl { object: string; instance: string; owner: string; rights: { server: string; bits: number }[] }
export interface Extra { path: string; json: string }
// For all names that begin so; * alone is for every device that nothing else is for.
export const isGroup = (endpoint: string): boolean => endpoint.trim().endsWith('*')
export const placeholder = '{endpoint}'

// Resources of the Server object that few change; by their ids.
export const serverExtras = {
  2: ['Default minimum period', 's'], 3: ['Default maximum period', 's'], 5: ['Disable time-out', 's'], 13: ['Registration priority', ''], 14: ['Initial registration delay', 's'],
  17: ['Retries of a registration', ''], 18: ['First retry after', 's'], 19: ['Next sequence after', 's'], 20: ['Retry sequences', ''],
} as const
export type ServerExtra = `${keyof typeof serverExtras}`
const noExtras = (): Record<ServerExtra, string> => ({ 2: '', 3: '', 5: '', 13: '', 14: '', 17: '', 18: '', 19: '', 20: '' })

export const newServer = (uri: string, shortId = 123): Given => ({ uri, mode: uri.startsWith('coap://') ? 'none' : 'psk', identity: '', follows: true, key: randomKey(), kept: false, shortId: String(shortId), lifetime: '300', binding: 'U', storing: false, mute: false, more: noExtras() })
export function newForm(bootstrapUri: string, serverUri: string): Form {
  return { endpoint: '', reach: { uri: bootstrapUri, mode: 'psk', identity: '', follows: true, key: randomKey(), kept: false, holdOff: '10', accountTimeout: '0', update: false }, servers: [newServer(serverUri)], remove: ['/0', '/1'], acls: [], objects: [] }
}
export function bsIdentity(endpoint: string): string {
  const name = endpoint.trim().replace(/[-_.:]*\*$/, '')
  return name ? `BSID-${name}` : isGroup(endpoint) ? 'BSID' : ''
}
export const givenIdentity = (endpoint: string): string => (isGroup(endpoint) ? placeholder : endpoint.trim())
// The identities follow the endpoint until somebody changes them.
export function follow(f: Form): void {
  if (f.reach.follows) f.reach.identity = bsIdentity(f.endpoint)
  for (const s of f.servers) if (s.follows) s.identity = givenIdentity(f.endpoint)
}
export const nextShortId = (f: Form): number => { const used = new Set(f.servers.map((s) => Number(s.shortId))); for (let n = 123; n < 65535; n++) if (!used.has(n)) return n; return 1 }

export interface Trouble { at: string; why: string } // at: the id of the field
const checkLong = (key: string): string => { const k = checkKey(key); return k.why || (k.bits < 64 ? 'At least 8 bytes.' : '') }
const most = 2 ** 31 - 1
const whole = (t: string, from: number, to: number): boolean => /^\d{1,10}$/.test(t.trim()) && Number(t) >= from && Number(t) <= to

export function checkUri(t: string): string {
  const m = /^(coaps?):\/\/(\[[0-9a-fA-F:.%a-z]+\]|[^/:?#[\]]+)(?::(\d{1,5}))?\/?$/.exec(t.trim())
  if (!t.trim()) return 'An address, for example coaps://server.example:5684.'
  if (!/^[a-z+]+:\/\//.test(t.trim())) return 'It begins with coaps:// or coap://.'
  if (!m) return 'Not an address such as coaps://server.example:5684; an IPv6 literal stands in brackets.'
  if (m[3] && (Number(m[3]) < 1 || Number(m[3]) > 65535)) return 'A port is 1 to 65535.'
  return ''
}
// The scheme and the mode say the same.
export function checkMode(uri: string, mode: SecurityMode): string {
  if (/^coaps/.test(uri.trim()) && mode === 'none') return 'coaps needs a key: choose PSK, or an address with coap://.'
  if (/^coap:\/\//.test(uri.trim()) && mode !== 'none') return 'coap is without security: choose None, or an address with coaps://.'
  return ''
}
export function checkPath(t: string): string {
  if (!/^\/(\d{1,5}(\/\d{1,5})?)?$/.test(t)) return 'An object or an instance, for example /3303 or /3303/0; / is all of them.'
  if (t.split('/').filter(Boolean).some((n) => Number(n) > 65534)) return 'An id is at most 65534.'
  return ''
}

// Everything that is wrong, in the order of the form.
export function check(f: Form): Trouble[] {
  const out: Trouble[] = []
  const add = (at: string, why: string): void => { if (why) out.push({ at, why }) }
  const group = isGroup(f.endpoint)
  add('bep', checkEndpoint(f.endpoint) || (f.endpoint.trim().slice(0, -1).includes('*') ? 'A * stands at the end only: for all names that begin so.' : ''))
  const r = f.reach
  if (r.uri.trim()) add('ruri', checkUri(r.uri) || checkMode(r.uri, r.mode))
  if (r.mode === 'psk') { add('rid', checkIdentity(r.identity) || (r.identity.includes(placeholder) ? 'The device shows this before its name is known.' : '')); if (!(r.kept && !r.key)) add('rkey', checkLong(r.key)) }
  add('rhold', !r.holdOff.trim() || whole(r.holdOff, 0, most) ? '' : 'Whole seconds, 0 or more.')
  add('rtime', !r.accountTimeout.trim() || whole(r.accountTimeout, 0, most) ? '' : 'Whole seconds; 0 keeps the account.')
  f.servers.forEach((s, i) => {
    add(`s${i}uri`, checkUri(s.uri) || checkMode(s.uri, s.mode))
    if (s.mode === 'psk') { add(`s${i}id`, checkIdentity(s.identity) || (group && !s.identity.includes(placeholder) ? `It has to hold ${placeholder}: each device needs its own.` : '')); if (!group && !(s.kept && !s.key)) add(`s${i}key`, checkLong(s.key)) }
    add(`s${i}short`, !whole(s.shortId, 1, 65534) ? '1 to 65534.' : f.servers.findIndex((o) => o.shortId.trim() === s.shortId.trim()) !== i ? 'Another server has this id.' : '')
    add(`s${i}life`, whole(s.lifetime, 1, most) ? '' : 'A whole number of seconds, for example 300.')
    for (const [id, t] of Object.entries(s.more)) add(`s${i}x${id}`, !t.trim() || whole(t, 0, most) ? '' : 'A whole number, 0 or more; empty leaves it to the device.')
  })
  for (const p of f.remove) add('remove', checkPath(p))
  f.acls.forEach((a, i) => {
    add(`a${i}object`, whole(a.object, 1, 65534) ? '' : 'The id of an object.')
    add(`a${i}instance`, whole(a.instance, 0, 65535) ? '' : 'The id of an instance; 65535 is who may create one.')
    add(`a${i}owner`, whole(a.owner, 0, 65535) ? '' : 'The short id of the server that owns it.')
    const ids = a.rights.map((x) => x.server.trim())
    if (a.rights.some((x) => !whole(x.server, 0, 65534)) || new Set(ids).size !== ids.length) add(`a${i}rights`, 'Each right names a server once, by its short id; 0 is every other one.')
  })
  f.objects.forEach((o, i) => {
    const p = o.path.trim()
    add(`o${i}path`, /^\/\d{1,5}(\/\d{1,5}){0,2}$/.test(p) ? (/^\/[01](\/|$)/.test(p) ? 'Objects 0 and 1 are written from the fields above.' : '') : 'An instance or a resource, for example /3/0 or /3/0/15.')
    add(`o${i}json`, valueOf(p, o.json) !== undefined ? '' : p.split('/').length === 4 ? 'One value as JSON: "Europe/Vienna", 42, true.' : 'Resources by id, as JSON: {"14": "+01:00", "15": "Europe/Vienna"}.')
  })
  return out
}
export function resourcesOf(json: string): Record<string, unknown> | null {
  try {
    const v: unknown = JSON.parse(json)
    if (v === null || typeof v !== 'object' || Array.isArray(v)) return null
    const keys = Object.keys(v)
    return keys.length && keys.every((k) => /^\d{1,5}$/.test(k)) ? (v as Record<string, unknown>) : null
  } catch { return null }
}
// What is written at a path: one value to a resource, resources by id to an instance.
export function valueOf(path: string, json: string): unknown {
  if (path.split('/').length !== 4) return resourcesOf(json) ?? undefined
  try { const v: unknown = JSON.parse(json); return v === null ? undefined : v } catch { return undefined }
}
export const tabOf = (at: string): 'reach' | 'given' => (/^(s\d|remove|a\d|o\d)/.test(at) ? 'given' : 'reach')
