// Packages and updates that go on by themselves. Development only.
import { createHash, randomBytes } from 'node:crypto'
import { iso } from './world.js'

export function firmware({ emit, problem, devices, empty }) {
  const packages = []
  const updates = []
  let next = 1
  const hash = (s) => createHash('sha256').update(s).digest('hex')
  const over = (s) => ['done', 'failed', 'cancelled'].includes(s)
  const counts = (u) => u.devices.reduce((n, d) => ({ ...n, [d.state]: (n[d.state] ?? 0) + 1 }), {})
  const view = (u, whole) => ({ id: u.id, package: u.package, packageName: u.packageName, version: u.version, method: u.method, startedAt: u.startedAt, endedAt: u.endedAt, by: 'admin', state: u.state, counts: counts(u), ...(whole ? { devices: u.devices } : {}) })
  const change = (u, d, patch) => { Object.assign(d, patch, { updatedAt: iso(Date.now()) }); if (u.devices.every((x) => over(x.state)) && u.state === 'running') { u.state = 'finished'; u.endedAt = iso(Date.now()) } emit('firmware', { update: u.id, package: u.package, ...d }) }
  function begin(p, endpoints, method, start = Date.now()) {
    const u = { id: String(next++), package: p.id, packageName: p.name, version: p.version, method, startedAt: iso(start), state: 'running', devices: endpoints.map((endpoint) => ({ endpoint, state: 'waiting', size: p.size, sent: 0, asleep: devices.get(endpoint)?.row.state === 'asleep' || undefined, updatedAt: iso(start) })) }
    updates.unshift(u)
    return u
  }
  function run(u) {
    const tick = setInterval(() => {
      for (const d of u.devices) {
        if (over(d.state) || d.asleep) continue
        if (d.state === 'waiting') change(u, d, { state: 'downloading' })
        else if (d.state === 'downloading') { const sent = Math.min(d.size, d.sent + Math.ceil(d.size / 9)); if (d.endpoint === 'valve-north-02' && sent > d.size / 2) change(u, d, { state: 'failed', result: 4 }); else change(u, d, sent === d.size ? { sent, state: 'downloaded' } : { sent }) } else if (d.state === 'downloaded') change(u, d, { state: 'updating' })
        else change(u, d, { state: 'done', result: 1, version: u.version })
      }
      if (u.state !== 'running') clearInterval(tick)
    }, 700)
  }
  const add = (name, version, size, at) => { const p = { id: randomBytes(4).toString('hex'), name, version, size, sha256: hash(name + version), addedAt: iso(at), addedBy: 'admin' }; packages.unshift(p); return p }
  if (!empty) {
    const a = add('thermo', '1.4.2', 182_272, Date.now() - 9 * 86400e3), b = add('thermo', '1.5.0', 186_880, Date.now() - 2 * 3600e3)
    const old = begin(a, ['temp-lab-01', 'temp-attic-17', 'temp-greenhouse-07'], 'push', Date.now() - 8 * 86400e3)
    old.devices.forEach((d, i) => Object.assign(d, i === 1 ? { state: 'failed', result: 5, sent: a.size } : { state: 'done', result: 1, version: '1.4.2', sent: a.size }, { asleep: undefined }))
    Object.assign(old, { state: 'finished', endedAt: iso(Date.now() - 8 * 86400e3 + 600e3) })
    const u = begin(b, ['bench-client-042', 'light-desk-03', 'light-hall-01', 'node-5-test', 'temp-attic-17', 'temp-greenhouse-07', 'valve-north-02'], 'push', Date.now() - 240e3)
    const at = (ep, patch) => Object.assign(u.devices.find((d) => d.endpoint === ep), patch)
    at('bench-client-042', { state: 'done', result: 1, version: '1.5.0', sent: b.size }); at('light-desk-03', { state: 'downloading', sent: 121_000 }); at('light-hall-01', { state: 'updating', sent: b.size }); at('node-5-test', { state: 'failed', result: 2 }); at('temp-greenhouse-07', { state: 'downloaded', sent: b.size }); at('valve-north-02', { state: 'cancelled' })
  }
  return {
    route(method, p, q, body, raw) {
      if (p[1] === 'packages') {
        if (method === 'POST') return { $status: 201, ...add(q.get('name'), q.get('version') ?? '', raw.length, Date.now()) }
        if (method === 'POST' && p[3] === 'retry') { const pack = packages.find((x) => x.id === u.package); const again = begin(pack, u.devices.filter((d) => d.state !== 'done').map((d) => d.endpoint), u.method); run(again); return view(again, true) }
      if (method === 'DELETE' && u.state !== 'running') { updates.splice(updates.indexOf(u), 1); return view(u, true) }
      if (method === 'DELETE') { if (updates.some((u) => u.package === p[2] && u.state === 'running')) return problem(409, 'Conflict', 'An update with it is running. Cancel that first.'); packages.splice(packages.findIndex((x) => x.id === p[2]), 1); return { $status: 204 } }
        return p[2] ? (packages.find((x) => x.id === p[2]) ?? problem(404, 'Not found', 'No such package.')) : { items: packages }
      }
      if (method === 'POST' && !p[2]) {
        const pack = packages.find((x) => x.id === body.package)
        if (!pack) return problem(422, 'Unprocessable Entity', 'There is no such package.')
        const names = body.endpoints ?? [...devices.keys()].filter((ep) => body.query === '*' || (body.query.startsWith('tag:') ? devices.get(ep).row.tags?.includes(body.query.slice(4)) : ep.includes(body.query)))
        const missing = names.filter((ep) => !devices.has(ep))
        if (missing.length) return problem(422, 'Unprocessable Entity', `Not registered: ${missing.join(', ')}.`)
        const u = begin(pack, names, body.method)
        run(u)
        return { $status: 201, ...view(u, true) }
      }
      const u = updates.find((x) => x.id === p[2])
      if (p[2] && !u) return problem(404, 'Not found', 'No such update.')
      if (method === 'POST' && p[3] === 'retry') { const pack = packages.find((x) => x.id === u.package); const again = begin(pack, u.devices.filter((d) => d.state !== 'done').map((d) => d.endpoint), u.method); run(again); return view(again, true) }
      if (method === 'DELETE' && u.state !== 'running') { updates.splice(updates.indexOf(u), 1); return view(u, true) }
      if (method === 'DELETE') { for (const d of u.devices) if (!over(d.state)) change(u, d, { state: 'cancelled' }); u.state = 'cancelled'; return { $status: 204 } }
      return u ? view(u, true) : { items: updates.map((x) => view(x)) }
    },
  }
}
