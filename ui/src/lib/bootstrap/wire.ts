// Between the form and what the server stores.

import type { BootstrapConfiguration, BootstrapKeys } from '../api/types.ts'
import { bsIdentity, newServer, resourcesOf, serverExtras, type Form, type Given, type ServerExtra } from './form.ts'

const hex = (t: string): string => t.replace(/[\s:]/g, '').toLowerCase()
const extraIds = Object.keys(serverExtras) as ServerExtra[]

export function toConfiguration(f: Form): BootstrapConfiguration {
  const r = f.reach
  return {
    endpoint: f.endpoint.trim(),
    account: { ...(r.uri.trim() ? { uri: r.uri.trim() } : {}), mode: r.mode, ...(r.mode === 'psk' ? { identity: r.identity.trim(), ...(r.key ? { key: hex(r.key) } : {}) } : {}), holdOff: Number(r.holdOff), accountTimeout: Number(r.accountTimeout) },
    servers: f.servers.map((s) => {
      const resources = Object.fromEntries(extraIds.filter((id) => s.more[id].trim()).map((id) => [id, Number(s.more[id])]))
      return { uri: s.uri.trim(), mode: s.mode, ...(s.mode === 'psk' ? { identity: s.identity.trim(), ...(s.key ? { key: hex(s.key) } : {}) } : {}), shortServerId: Number(s.shortId), lifetime: Number(s.lifetime), binding: s.binding, storing: s.storing, muteSend: s.mute, ...(Object.keys(resources).length ? { resources } : {}) }
    }),
    delete: [...f.remove],
    ...(f.acls.length ? { acls: f.acls.map((a) => ({ object: Number(a.object), instance: Number(a.instance), owner: Number(a.owner), rights: Object.fromEntries(a.rights.map((x) => [x.server.trim(), x.bits])) })) } : {}),
    ...(f.objects.length ? { objects: f.objects.map((o) => ({ path: o.path.trim(), resources: resourcesOf(o.json) ?? {} })) } : {}),
  }
}

// The keys that are stored stay on the server; in the form they are dots until somebody types others.
export function toForm(c: BootstrapConfiguration, keys: BootstrapKeys = {}): Form {
  const a = c.account
  return {
    endpoint: c.endpoint,
    reach: { uri: a.uri ?? '', mode: a.mode, identity: a.identity ?? '', follows: a.identity === bsIdentity(c.endpoint), key: keys.account ?? '', kept: a.mode === 'psk' && !keys.account, holdOff: String(a.holdOff ?? 10), accountTimeout: String(a.accountTimeout ?? 0) },
    servers: c.servers.map((s, i) => {
      const key = keys.servers?.[String(i)] ?? ''
      const g: Given = { ...newServer(s.uri, s.shortServerId), mode: s.mode, identity: s.identity ?? '', follows: s.identity === c.endpoint, key, kept: s.mode === 'psk' && !key, lifetime: String(s.lifetime), binding: s.binding || 'U', storing: !!s.storing, mute: s.muteSend ?? false }
      for (const id of extraIds) g.more[id] = s.resources?.[id] === undefined ? '' : String(s.resources[id])
      return g
    }),
    remove: [...(c.delete ?? [])],
    acls: (c.acls ?? []).map((x) => ({ object: String(x.object), instance: String(x.instance), owner: String(x.owner), rights: Object.entries(x.rights).map(([server, bits]) => ({ server, bits })) })),
    objects: (c.objects ?? []).map((o) => ({ path: o.path, json: JSON.stringify(o.resources) })),
  }
}
