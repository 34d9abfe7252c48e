// Between the form and what the server stores. What the form does not show stays as it was.

import type { BootstrapConfiguration, BootstrapWrite, GivenServer } from '../api/types.ts'
import { bsIdentity, givenIdentity, isGroup, newServer, serverExtras, type Extra, type Form, type Given, type ServerExtra, valueOf } from './form.ts'

const hex = (t: string): string => t.replace(/[\s:]/g, '').toLowerCase()
const extraIds = Object.keys(serverExtras) as ServerExtra[]
const number = (t: string): number | undefined => (t.trim() ? Number(t) : undefined)

export function toConfiguration(f: Form): BootstrapConfiguration {
  const r = f.reach, group = isGroup(f.endpoint)
  const { createdAt: _c, updatedAt: _u, result: _r, session: _s, ...base } = f.base ?? ({} as BootstrapConfiguration)
  return {
    ...base,
    endpoint: f.endpoint.trim(),
    account: { uri: r.uri.trim() || undefined, mode: r.mode, ...(r.mode === 'psk' ? { identity: r.identity.trim(), key: hex(r.key) || undefined } : {}), holdOff: number(r.holdOff), accountTimeout: number(r.accountTimeout), update: r.update || undefined },
    servers: f.servers.map((s) => server(s, group)),
    delete: [...f.remove],
    acls: f.acls.length ? f.acls.map((a) => ({ object: Number(a.object), instance: Number(a.instance), owner: Number(a.owner), rights: Object.fromEntries(a.rights.map((x) => [x.server.trim(), x.bits])) })) : undefined,
    objects: f.objects.length ? f.objects.map(write) : undefined,
  }
}
function server(s: Given, group: boolean): GivenServer {
  const { hasKey: _h, generateKey: _g, local: _l, key: _k, identity: _i, ...base } = s.base ?? ({} as GivenServer)
  const resources: Record<string, unknown> = { ...base.resources }
  for (const id of extraIds) if (s.more[id].trim()) resources[id] = Number(s.more[id]); else delete resources[id]
  return {
    ...base, uri: s.uri.trim(), mode: s.mode, ...(s.mode === 'psk' ? { identity: s.identity.trim(), ...(group ? { generateKey: true } : { key: hex(s.key) || undefined }) } : {}),
    shortServerId: Number(s.shortId), lifetime: Number(s.lifetime), binding: s.binding, storing: s.storing, muteSend: s.mute, resources: Object.keys(resources).length ? resources : undefined,
  }
}

// The keys that are stored stay on the server; in the form they are dots until somebody types others.
export function toForm(c: BootstrapConfiguration): Form {
  const a = c.account, endpoint = c.endpoint ?? '*'
  return {
    endpoint, base: c,
    reach: { uri: a.uri ?? '', mode: a.mode, identity: a.identity ?? '', follows: (a.identity ?? '') === bsIdentity(endpoint), key: '', kept: a.mode === 'psk', holdOff: String(a.holdOff ?? ''), accountTimeout: String(a.accountTimeout ?? ''), update: !!a.update },
    servers: c.servers.map((s) => {
      const g: Given = { ...newServer(s.uri, s.shortServerId), mode: s.mode, identity: s.identity ?? '', follows: s.identity === givenIdentity(endpoint), key: '', kept: s.mode === 'psk', lifetime: String(s.lifetime), binding: s.binding || 'U', storing: !!s.storing, mute: s.muteSend ?? false, base: s }
      for (const id of extraIds) g.more[id] = s.resources?.[id] === undefined ? '' : String(s.resources[id])
      return g
    }),
    remove: [...(c.delete ?? [])],
    acls: (c.acls ?? []).map((x) => ({ object: String(x.object), instance: String(x.instance), owner: String(x.owner), rights: Object.entries(x.rights ?? {}).map(([id, bits]) => ({ server: id, bits })) })),
    objects: (c.objects ?? []).map(extra),
  }
}
function write(o: Extra): BootstrapWrite {
  const path = o.path.trim(), v = valueOf(path, o.json)
  return path.split('/').length === 4 && (typeof v !== 'object' || v === null) ? { path, value: v } : { path, resources: v }
}
function extra(o: BootstrapWrite): Extra { return { path: o.path, json: JSON.stringify(o.resources ?? o.value) } }
// For another device: the same, with keys and names of its own.
export function another(f: Form, randomKey: () => string): Form {
  const { endpoint: _e, ...base } = f.base ?? ({} as BootstrapConfiguration)
  return { ...f, endpoint: '', base, reach: { ...f.reach, identity: '', follows: true, key: randomKey(), kept: false }, servers: f.servers.map((s) => ({ ...s, identity: '', follows: true, key: randomKey(), kept: false })) }
}
