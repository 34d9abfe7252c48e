// Bootstrap configurations, the dry run and sessions that go on by themselves. Development only.
import { randomBytes } from 'node:crypto'
import { iso } from './world.js'

const key = () => randomBytes(16).toString('hex')
const dots = '••••••••'
const given = (ep, extra = {}) => ({ uri: 'coaps://[fdaa:bb:1::10]:5684', mode: 'psk', identity: ep, key: key(), shortServerId: 123, lifetime: 300, binding: 'U', storing: true, muteSend: false, ...extra })
const make = (ep, servers, more = {}) => ({ endpoint: ep, account: { uri: 'coaps://[fdaa:bb:1::10]:5784', mode: 'psk', identity: `BSID-${ep}`, key: key(), holdOff: 10, accountTimeout: 0 }, servers, delete: ['/0', '/1'], updatedAt: iso(Date.now() - 86400e3), ...more })

export function bootstrap({ emit, problem, empty, quiet }) {
  const stored = new Map()
  let fallback = null
  const sessions = []
  let next = 1
  if (!empty) {
    for (const ep of ['light-*', 'temp-cellar-20', 'tracker-*', 'valve-north-01']) stored.set(ep, make(ep, [given(ep)]))
    for (const ep of ['meter-cellar-02', 'meter-garage-05']) stored.set(ep, make(ep, [given(ep), given(ep, { shortServerId: 124, uri: 'coaps://lwm2m.example:5684' })], { acls: [{ object: 3, instance: 0, owner: 123, rights: { 123: 15, 124: 1 } }] }))
    stored.set('demo-plain', { ...make('demo-plain', [given('demo-plain', { mode: 'none', uri: 'coap://[fdaa:bb:1::10]:5683' })]), account: { mode: 'none', uri: 'coap://[fdaa:bb:1::10]:5783', holdOff: 0, accountTimeout: 0 } })
  }
  const mask = (c) => ({ ...c, account: { ...c.account, key: undefined, hasKey: !!c.account.key }, servers: c.servers.map((s) => ({ ...s, key: undefined, hasKey: !!s.key })) })
  const wrong = (c) => (c.servers.length === 0 ? 'A device without a server cannot register anywhere.' : c.servers.some((s) => s.mode === 'psk' && !s.key && !s.generateKey && !stored.get(c.endpoint)) ? 'A key is missing.' : '')
  const value = (path, name, v) => ({ path, name, value: String(v) })
  function stepsOf(c) {
    const out = [{ out: false, code: 'POST', path: `/bs?ep=${c.endpoint}&pct=112`, what: 'Request', size: 25 }, { out: true, code: 'GET', path: '/', what: 'Discover, to learn instance ids', size: 8 }]
    for (const p of c.delete) out.push({ out: true, code: 'DELETE', path: p, what: p === '/0' ? 'Delete, keeps the bootstrap account' : 'Delete', size: 8 })
    c.servers.forEach((s, i) => {
      const a = `/0/${i + 1}`, b = `/1/${i}`
      out.push({ out: true, code: 'PUT', path: a, what: 'Write Security', format: 'SenML CBOR', size: 80 + s.uri.length, values: [value(`${a}/0`, 'Server URI', s.uri), value(`${a}/1`, 'Bootstrap-Server', false), value(`${a}/2`, 'Security Mode', s.mode === 'none' ? '3, NoSec' : '0, PSK'), ...(s.mode === 'psk' ? [value(`${a}/3`, 'Identity', s.identity), value(`${a}/5`, 'Secret Key', `${dots} 16 B`)] : []), value(`${a}/10`, 'Short Server ID', s.shortServerId)] })
      out.push({ out: true, code: 'PUT', path: b, what: 'Write Server', format: 'SenML CBOR', size: 46, values: [value(`${b}/0`, 'Short Server ID', s.shortServerId), value(`${b}/1`, 'Lifetime', `${s.lifetime} s`), value(`${b}/6`, 'Notification Storing', s.storing), value(`${b}/7`, 'Binding', s.binding), value(`${b}/23`, 'Mute Send', !!s.muteSend)] })
    })
    for (const [i, a] of (c.acls ?? []).entries()) out.push({ out: true, code: 'PUT', path: `/2/${i}`, what: 'Write Access Control', format: 'SenML CBOR', size: 38, values: [value(`/2/${i}/0`, 'Object ID', a.object), value(`/2/${i}/1`, 'Object Instance ID', a.instance), ...Object.entries(a.rights).map(([k, v]) => value(`/2/${i}/2/${k}`, 'ACL', v)), value(`/2/${i}/3`, 'Owner', a.owner)] })
    for (const o of c.objects ?? []) out.push({ out: true, code: 'PUT', path: o.path, what: 'Write', format: 'SenML CBOR', size: 30, values: Object.entries(o.resources).map(([k, v]) => value(`${o.path}/${k}`, '', JSON.stringify(v))) })
    out.push({ out: true, code: 'POST', path: '/bs', what: 'Finish', size: 9 })
    return out
  }
  const plan = (c) => { const steps = stepsOf(c); return { valid: true, steps, bytes: steps.reduce((n, s) => n + (s.size ?? 0), 0) } }
  const code = (s) => (s.code === 'GET' ? '2.05' : s.code === 'DELETE' ? '2.02' : '2.04')
  function run(c, { fail = -1, slow = 500, endpoint = c.endpoint, done } = {}) {
    const all = stepsOf({ ...c, endpoint })
    const s = { id: String(next++), endpoint, address: '[fdaa:0:0:1:212:4b00:1430:18d2]:41022', identity: c.account.identity, configuration: c.endpoint, state: 'running', startedAt: iso(Date.now()), step: 1, of: all.length, steps: [] }
    sessions.unshift(s)
    const advance = () => {
      const i = s.steps.length
      if (i > 0) { const old = s.steps[i - 1]; if (old.state === 'sent') s.steps[i - 1] = { ...old, state: fail === i - 1 ? 'failed' : 'answered', answer: fail === i - 1 ? '4.06' : code(old), tookMs: 180 + Math.random() * 80, ...(fail === i - 1 ? { detail: '/0/1/2 is missing' } : {}) } }
      if ((fail >= 0 && fail === i - 1) || i === all.length) { Object.assign(s, { state: fail >= 0 ? 'failed' : 'finished', endedAt: iso(Date.now()), ...(fail >= 0 ? { detail: 'The device refused a message and goes back to what it had before.' } : {}) }); emit('bootstrap', { ...s }); done?.(s); return }
      s.steps = [...s.steps, { ...all[i], at: iso(Date.now()), state: 'sent', ...(i === 0 ? { state: 'answered', answer: '2.04', tookMs: 1 } : {}) }]
      s.step = s.steps.length
      emit('bootstrap', { ...s })
      if (slow < 1e6 || i < 4) setTimeout(advance, slow < 1e6 ? slow : 30)
    }
    advance()
    return s
  }
  // The past, and one that hangs in the middle for the pictures.
  if (!empty && !quiet) {
    for (const [ep, fail] of [['meter-cellar-02', -1], ['meter-garage-05', -1], ['light-*', -1], ['valve-north-01', 5]]) run(stored.get(ep), { fail, slow: 20, endpoint: ep.replace('*', 'hall-01') })
    setTimeout(() => { run(stored.get('temp-cellar-20'), { slow: 1e9 }) }, 400)
    setTimeout(() => { sessions.unshift({ id: String(next++), endpoint: 'stranger', address: '192.0.2.99:40000', state: 'refused', startedAt: iso(Date.now() - 3600e3), endedAt: iso(Date.now() - 3600e3), detail: 'No configuration names it, and there is no default.' }) }, 500)
  }
  return {
    route(method, p, q, body) {
      if (p[1] === 'plan') { const why = wrong(body); return why ? problem(422, 'A value does not fit', why, { errors: [{ message: why, location: 'body.servers' }] }) : plan(body) }
      if (p[1] === 'sessions') { if (method === 'DELETE') { const s = sessions.find((x) => x.id === p[2]); if (s) { s.state = 'failed'; s.detail = 'An operator stopped the session'; emit('bootstrap', { ...s }) } return { $status: 204 } } return { running: 1, items: sessions.slice(0, 200) } }
      if (p[1] === 'default') {
        if (method === 'PUT') { fallback = { ...body, endpoint: '' }; return mask(fallback) }
        if (method === 'DELETE') { fallback = null; return { $status: 204 } }
        return fallback ? mask(fallback) : problem(404, 'Not found', 'There is no default: unknown devices are refused.')
      }
      if (p.length === 2) { const t = (q.get('q') ?? '').toLowerCase(), limit = Number(q.get('limit') ?? 100), after = q.get('after') ?? ''; const all = [...stored.keys()].sort().filter((k) => !t || k.toLowerCase().includes(t)); const from = all.filter((k) => k > after); const items = from.slice(0, limit).map((k) => mask(stored.get(k))); return { default: !!fallback, total: stored.size, matched: all.length, items, next: from.length > limit ? items[items.length - 1].endpoint : undefined } }
      const ep = p[2], c = stored.get(ep)
      if (method === 'PUT') {
        const why = wrong(body)
        if (why) return problem(422, 'A value does not fit', why)
        const n = { ...body, endpoint: ep, updatedAt: iso(Date.now()), account: { ...body.account, key: body.account.key ?? c?.account.key }, servers: body.servers.map((s, i) => ({ ...s, key: s.key ?? c?.servers[i]?.key })) }
        stored.set(ep, n)
        if (!c && !ep.includes('*')) setTimeout(() => run(n, { slow: 350 }), 1500)
        return { $status: c ? 200 : 201, ...mask(n) }
      }
      if (!c) return problem(404, 'No such configuration', `Nothing is stored for “${ep}”.`)
      if (p[3] === 'keys') return { account: c.account.key, servers: Object.fromEntries(c.servers.map((s, i) => [i, s.key])) }
      if (method === 'DELETE') { stored.delete(ep); return { $status: 204 } }
      return mask(c)
    },
  }
}
