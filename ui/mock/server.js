// Development only: the REST and SSE contract with invented devices, and the built page under the same strict Content-Security-Policy as the real server.
//   node mock/server.js [--port 8099] [--clients 50000] [--empty] [--refuse]
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bootstrap } from './bootstrap.js'
import { firmware } from './firmware.js'
import { makeMesh } from './mesh.js'
import { makePages } from './pages.js'
import { queues } from './queue.js'
import { objects } from './registry.js'
import { iso, makeDevice, makeWorld } from './world.js'

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '8099' }, clients: { type: 'string', default: '0' }, empty: { type: 'boolean' }, refuse: { type: 'boolean' }, quiet: { type: 'boolean' }, wake: { type: 'string', default: '9000' }, roles: { type: 'string', default: 'server,bootstrap,simulation,mesh,node,border,traces' }, nodes: { type: 'string', default: '24' } } })
const dist = process.env.HEDDLE_DIST ? join(process.env.HEDDLE_DIST, '/') : fileURLToPath(new URL('../../internal/web/dist/', import.meta.url))
const devices = flags.empty ? new Map() : makeWorld(Number(flags.clients))
let sorted = [...devices.keys()].sort()
const epoch = randomBytes(3).toString('hex')
let seq = 48_000
const ring = []
const streams = new Set()
const credentials = new Map()
for (const [i, ep] of [...devices.keys()].slice(0, 14).entries()) if (devices.get(ep).row.security.mode !== 'none') credentials.set(ep, { endpoint: ep, mode: 'psk', identity: ep, key: randomBytes(16).toString('hex'), createdAt: iso(Date.now() - i * 4.3 * 86400e3), state: 'registered' })
if (!flags.empty) {
  credentials.set('valve-south-02', { endpoint: 'valve-south-02', mode: 'psk', identity: 'valve-south-02', key: randomBytes(16).toString('hex'), createdAt: iso(Date.now() - 86400e3), state: 'refused', lastRefusal: { at: iso(Date.now() - 340e3), reason: 'wrong key' } })
  credentials.set('weather-mast', { endpoint: 'weather-mast', mode: 'psk', identity: 'weather-mast', key: randomBytes(16).toString('hex'), createdAt: iso(Date.now() - 86400e3), state: 'never' })
}
const users = [{ name: 'admin', role: 'admin', createdAt: iso(Date.now() - 9 * 86400e3), lastSeen: iso(Date.now()) }, { name: 'night-shift', role: 'operate', createdAt: iso(Date.now() - 2 * 86400e3) }]
const tokens = [{ id: 't1', name: 'grafana', scope: 'read', createdAt: iso(Date.now() - 5 * 86400e3), expires: iso(Date.now() + 85 * 86400e3), lastUsed: iso(Date.now() - 31e3) }]
const audit = [{ id: 3, at: iso(Date.now() - 60e3), user: 'admin', action: 'write', target: 'light-desk-03 /3311/0/5850', address: '127.0.0.1', outcome: '2.04' }, { id: 2, at: iso(Date.now() - 600e3), user: 'admin', action: 'reveal key', target: 'temp-attic-17', address: '127.0.0.1' }, { id: 1, at: iso(Date.now() - 86400e3), user: 'admin', action: 'first run', address: '127.0.0.1' }]
const counters = { received: 120_480, sent: 118_222, retransmissions: 311, duplicates: 42, dropped: 7, kernelDrops: 0, handshakes: 29, handshakeFailures: 2, notifications: 40_117 }
const sessions = new Set()
const started = Date.now() - 3 * 3600e3
let messagesIn = 0

function emit(type, data) {
  const e = { id: `${epoch}-${++seq}`, type, data }
  ring.push(e)
  if (ring.length > 5000) ring.shift()
  for (const s of streams) s.offer(e)
}
const counts = () => { const c = { awake: 0, asleep: 0, late: 0, insecure: 0 }; for (const d of devices.values()) { c[d.row.state]++; if (d.row.security.mode === 'none') c.insecure++ } return c }
const problem = (status, title, detail, extra = {}) => ({ $status: status, type: 'about:blank', title, status, detail, ...extra })
const waiting = queues({ emit, problem, devices, run: (d, op, path, body) => operate(d, op, path, body), wakeAfter: Number(flags.wake) })
const updates = firmware({ emit, problem, devices, empty: flags.empty })
const boot = bootstrap({ emit, problem, empty: flags.empty, quiet: flags.quiet })
const pages = makePages()
const mesh = makeMesh({ nodes: Number(flags.nodes), problem })
const sleep = (ms) => new Promise((r) => setTimeout(r, ms))
const object = (id) => objects.find((o) => o.id === id)
const resource = (o, r) => object(o)?.resources.find((x) => x.id === r)

function message(d, out, type, code, fields) {
  const m = { at: iso(Date.now()), out, type, code, messageId: (d.mid = (d.mid + 1) & 0xffff), token: randomBytes(4).toString('hex'), size: 12 + Math.floor(Math.random() * 60), ...fields }
  d.messages.push(m)
  if (d.messages.length > 300) d.messages.shift()
  messagesIn++
  emit('message', { endpoint: d.row.endpoint, ...m })
}
function heard(d) { const t = Date.now(); d.row = { ...d.row, lastSeen: iso(t), state: 'awake' }; d.seen = t }
function setValue(d, path, value, source, observation) {
  const [o, i, r, ri] = path.slice(1).split('/').map(Number)
  const def = resource(o, r)
  const cell = d.data[o][i]
  if (ri === undefined) cell[r] = value; else (cell[r] ??= {})[ri] = value
  const at = iso(Date.now())
  d.values[path] = { value, type: def?.type, at }
  if (typeof value === 'number') { const pts = d.series.get(path); if (pts) { pts.push([Date.now(), value]); if (pts.length > 600) pts.shift() } }
  emit('value', { endpoint: d.row.endpoint, path, value, type: def?.type, at, source, observation })
}
function entriesOf(d, path) {
  const [o, i, r, ri] = path.split('/').filter(Boolean).map(Number)
  const out = []
  const leaf = (p, v, def) => { if (v !== null && typeof v === 'object') for (const [k, x] of Object.entries(v)) out.push({ path: `${p}/${k}`, type: def?.type, value: x }); else out.push({ path: p, type: def?.type, value: v }) }
  const inst = d.data[o]
  if (!inst) return null
  for (const [ii, res] of Object.entries(inst)) {
    if (i !== undefined && Number(ii) !== i) continue
    for (const [rr, v] of Object.entries(res)) { if (r !== undefined && Number(rr) !== r) continue; const def = resource(o, Number(rr)); if (def && !def.operations.includes('R')) continue; leaf(`/${o}/${ii}/${rr}`, ri !== undefined ? v[ri] : v, def) }
  }
  return out.length || r === undefined ? out : null
}
const enough = (d) => d.row.queue && d.row.state === 'asleep'
const result = (d, op, path, code, codeName, took, extra = {}) => ({ operation: randomBytes(4).toString('hex'), endpoint: d.row.endpoint, op, path, status: Number(code[0]) < 3 ? 'answered' : 'refused', code, codeName, tookMs: took, format: 'senml-cbor', ...extra })

async function operate(d, op, path, body = {}) {
  const parts = path.split('/').filter(Boolean).map(Number)
  const [o, i, r] = parts
  const def = parts.length >= 3 ? resource(o, r) : undefined
  if (enough(d)) return waiting.add(d, op, path, body)
  const took = 20 + Math.random() * 160
  message(d, true, 'CON', { read: 'GET', discover: 'GET', write: 'PUT', writePartial: 'POST', execute: 'POST', create: 'POST', delete: 'DELETE', writeAttributes: 'PUT', observe: 'GET' }[op] ?? 'GET', { path, summary: path })
  await sleep(took)
  const ack = (code, codeName, summary, extra) => message(d, false, 'ACK', code, { codeName, path, summary: summary ?? codeName, ...extra })
  heard(d)
  if (!d.data[o] || (i !== undefined && op !== 'create' && !d.data[o][i])) { ack('4.04', 'Not Found'); return result(d, op, path, '4.04', 'Not Found', took) }
  if (op === 'read' || op === 'observe') {
    if (def && !def.operations.includes('R')) { ack('4.05', 'Method Not Allowed'); return result(d, op, path, '4.05', 'Method Not Allowed', took) }
    const entries = entriesOf(d, path)
    if (!entries) { ack('4.04', 'Not Found'); return result(d, op, path, '4.04', 'Not Found', took) }
    for (const e of entries) { d.values[e.path] = { value: e.value, type: e.type, at: iso(Date.now()) }; emit('value', { endpoint: d.row.endpoint, path: e.path, value: e.value, type: e.type, at: iso(Date.now()), source: 'read' }) }
    ack('2.05', 'Content', entries.length === 1 ? `${path} = ${entries[0].value}` : `${entries.length} values`, { format: 'SenML CBOR', payloadHex: '82a2211af32033e0220102a200643537303002f94d57', decoded: JSON.stringify(entries.slice(0, 6).map((e) => ({ n: e.path, v: e.value })), null, 1) })
    return result(d, op, path, '2.05', 'Content', took, { entries, value: parts.length === 3 && entries.length === 1 && entries[0].path === path ? entries[0].value : undefined })
  }
  if (op === 'write' || op === 'writePartial') {
    if (def && !def.operations.includes('W')) { ack('4.05', 'Method Not Allowed'); return result(d, op, path, '4.05', 'Method Not Allowed', took) }
    if (d.row.endpoint === 'bench-client-042' && r === 4) { ack('4.05', 'Method Not Allowed'); return result(d, op, path, '4.05', 'Method Not Allowed', took) }
    if (parts.length >= 3) { if (body.resources) { d.data[o][i][r] = {}; for (const [k, v] of Object.entries(body.resources)) setValue(d, `${path}/${k}`, v, 'write') } else setValue(d, path, body.value, 'write') } else for (const [k, v] of Object.entries(body.resources ?? {})) { if (v !== null && typeof v === 'object') for (const [kk, x] of Object.entries(v)) setValue(d, `${path}/${k}/${kk}`, x, 'write'); else setValue(d, `${path}/${k}`, v, 'write') }
    ack('2.04', 'Changed')
    return result(d, op, path, '2.04', 'Changed', took)
  }
  if (op === 'execute') { ack('2.04', 'Changed'); return result(d, op, path, '2.04', 'Changed', took) }
  if (op === 'discover') { const links = [{ path: i === undefined ? `/${o}` : `/${o}/${i}` }, ...Object.entries(d.data[o]).filter(([k]) => i === undefined || Number(k) === i).flatMap(([k, res]) => Object.keys(res).map((rr) => ({ path: `/${o}/${k}/${rr}`, attributes: d.attributes[`/${o}/${k}/${rr}`] })))]; ack('2.05', 'Content', `${links.length} links`, { format: 'link-format' }); return result(d, op, path, '2.05', 'Content', took, { links }) }
  if (op === 'writeAttributes') { const a = (d.attributes[path] ??= {}); for (const [k, v] of Object.entries(body)) if (v === null) delete a[k]; else a[k] = v; ack('2.04', 'Changed'); return result(d, op, path, '2.04', 'Changed', took) }
  if (op === 'create') { let n = body.instance; if (n === undefined) { n = 0; while (d.data[o][n]) n++ } if (d.data[o][n]) { ack('4.00', 'Bad Request'); return result(d, op, path, '4.00', 'Bad Request', took) } d.data[o][n] = { ...(body.resources ?? {}) }; ack('2.01', 'Created'); emit('updated', { endpoint: d.row.endpoint, lastSeen: d.row.lastSeen, expiresAt: d.row.expiresAt, changed: d.row }); return { $status: 201, ...result(d, op, path, '2.01', 'Created', took, { location: `/${o}/${n}` }) } }
  if (op === 'delete') { if (!object(o)?.multiple) { ack('4.05', 'Method Not Allowed'); return result(d, op, path, '4.05', 'Method Not Allowed', took) } delete d.data[o][i]; for (const k of Object.keys(d.values)) if (k.startsWith(path + '/')) delete d.values[k]; ack('2.02', 'Deleted'); emit('updated', { endpoint: d.row.endpoint, lastSeen: d.row.lastSeen, expiresAt: d.row.expiresAt, changed: d.row }); return result(d, op, path, '2.02', 'Deleted', took) }
  return problem(422, 'Unknown operation', op)
}

function detail(d) {
  const nat = { 'tracker-van-11': { changes: 4, forgetsAfter: { atLeast: 118, atMost: 296 }, advice: 'Its NAT forgets between 118 s and 5 min of silence: use queue mode, or a lifetime below 140 s.' } }[d.row.endpoint]
  return { ...d.row, nat, objects: Object.keys(d.data).map(Number).sort((a, b) => a - b).map((id) => ({ id, version: object(id)?.version, name: object(id)?.name, instances: Object.keys(d.data[id]).map(Number) })), links: [], root: '/', parameters: {}, observations: d.observations, values: d.values }
}
function clientList(q) {
  const limit = Math.min(1000, Number(q.get('limit') ?? 100)), after = q.get('after') ?? '', text = (q.get('q') ?? '').toLowerCase(), state = q.get('state')
  let from = 0
  if (after) { let lo = 0, hi = sorted.length; while (lo < hi) { const m = (lo + hi) >> 1; if (sorted[m] <= after) lo = m + 1; else hi = m } from = lo }
  const tag = (q.get('q') ?? '').startsWith('tag:') ? q.get('q').slice(4) : ''
  const ok = (r) => (!state || (state === 'insecure' ? r.security.mode === 'none' : r.state === state)) && (tag ? (r.tags ?? []).includes(tag) : !text || [r.endpoint, r.address, r.kind ?? ''].some((t) => t.toLowerCase().includes(text)))
  const items = []
  let matched = 0
  if (!text && !state) { matched = sorted.length; for (let i = from; i < sorted.length && items.length < limit; i++) items.push(devices.get(sorted[i]).row) } else for (const [i, ep] of sorted.entries()) { const r = devices.get(ep).row; if (ok(r)) { matched++; if (i >= from && items.length < limit) items.push(r) } }
  const last = items[items.length - 1]?.endpoint
  return { total: sorted.length, known: sorted.length + 4, matched, counts: counts(), items, next: items.length === limit && last !== sorted[sorted.length - 1] ? last : undefined }
}
function credentialRow(c) { const { key, ...rest } = c; return { ...rest, hasKey: !!key, state: devices.has(c.endpoint) ? 'registered' : c.state, lastSeen: devices.get(c.endpoint)?.row.lastSeen } }

// After an addition a device of that name shows up, or is refused when the server was started with --refuse.
function await_(c) {
  setTimeout(() => {
    if (!credentials.has(c.endpoint) || devices.has(c.endpoint)) return
    if (flags.refuse) { c.state = 'refused'; c.lastRefusal = { at: iso(Date.now()), reason: 'wrong key' }; emit('refused', { endpoint: c.endpoint, identity: c.identity, address: '192.0.2.44:50122', reason: 'wrong key' }); return }
    const d = makeDevice(c.endpoint, 'Temperature', 'psk', false, [1, 3, 3303, 31024], '192.0.2.44:50122', 300)
    d.row.lastSeen = d.row.registeredAt = d.row.updatedAt = iso(Date.now()); d.row.expiresAt = iso(Date.now() + 300e3)
    devices.set(c.endpoint, d); sorted = [...devices.keys()].sort()
    emit('registered', { client: d.row, replaced: false })
  }, 3000)
}

async function route(method, path, q, body, raw, req) {
  const p = path.split('/').filter(Boolean).map(decodeURIComponent)
  if (p[0] === 'session') {
    const me = { user: 'admin', role: 'admin', via: 'cookie', csrf: 'x', version: '0.1-mock', webBuild: 'mock' }
    const login = () => { const id = randomBytes(8).toString('hex'); sessions.add(id); return { $status: 201, $cookie: id, ...me } }
    if (method === 'POST' && p[1] === 'first-run') return body.token === 'gone' ? problem(410, 'This link does not work any more', 'It works once, for 15 minutes. Start the server again for a new one.') : login()
    if (method === 'POST' && p[1] === 'link') return body.token === 'gone' ? problem(401, 'This link does not work any more', 'It works once, for 15 minutes.') : login()
    if (method === 'POST') return body.password === 'wrong' ? problem(401, 'Unauthorized', 'Name or password is wrong.') : login()
    const id = /heddle_mock=([0-9a-f]+)/.exec(req.headers.cookie ?? '')?.[1]
    if (method === 'DELETE') { sessions.delete(id); return { $status: 204 } }
    return id && sessions.has(id) ? me : problem(401, 'Not logged in', 'Log in, or send an API token.')
  }
  if (p[0] === 'clients') {
    if (p.length === 1) return clientList(q)
    const d = devices.get(p[1])
    if (!d) return problem(404, 'No such client', `No client is registered as “${p[1]}”. GET /api/v1/clients lists those that are.`)
    const rest = '/' + p.slice(3).join('/')
    if (p.length === 2 && method === 'GET') return detail(d)
    if (p.length === 2 && method === 'DELETE') { devices.delete(p[1]); sorted = [...devices.keys()].sort(); emit('deregistered', { endpoint: p[1], reason: 'forgotten by admin' }); return { $status: 204 } }
    if (p[2] === 'objects') {
      if (method === 'GET') return operate(d, 'read', rest)
      if (method === 'PUT') return operate(d, 'write', rest, body)
      if (method === 'DELETE') return operate(d, 'delete', rest)
      if (rest.endsWith('/execute')) return operate(d, 'execute', rest.slice(0, -8), body)
      if (q.get('partial')) return operate(d, 'writePartial', rest, body)
      return operate(d, 'create', rest, body)
    }
    if (p[2] === 'operations') { // of several paths
      const took = 60 + Math.random() * 60
      if (enough(d)) return waiting.add(d, body.op, '/', body)
      message(d, true, 'CON', body.op === 'write-composite' ? 'iPATCH' : 'FETCH', { path: '/', summary: (body.paths ?? Object.keys(body.values ?? {})).join(' ') })
      await sleep(took)
      heard(d); message(d, false, 'ACK', body.op === 'write-composite' ? '2.04' : '2.05', { codeName: 'Content', path: '/', format: 'SenML CBOR' })
      if (body.op === 'write-composite') { for (const [path, v] of Object.entries(body.values)) setValue(d, path, v, 'write'); return result(d, body.op, '/', '2.04', 'Changed', took) }
      const entries = body.paths.flatMap((x) => { const [o, i, r] = x.split('/').filter(Boolean).map(Number); return d.data[o]?.[i]?.[r] === undefined ? [] : (entriesOf(d, x) ?? []) })
      return entries.length ? result(d, body.op, '/', '2.05', 'Content', took, { entries, paths: body.paths }) : result(d, body.op, '/', '4.04', 'Not Found', took)
    }
    if (p[2] === 'discover') return operate(d, 'discover', rest)
    if (p[2] === 'attributes') return operate(d, 'writeAttributes', rest, body)
    if (p[2] === 'observations') {
      if (method === 'GET') return { items: d.observations }
      if (method === 'POST' && body.paths) { const o = { id: String(d.nextObservation++), path: '/', paths: body.paths, since: iso(Date.now()), lastAt: iso(Date.now()), count: 1, state: 'active' }; d.observations.push(o); emit('observation', { endpoint: d.row.endpoint, ...o }); return { $status: 201, ...o } }
      if (method === 'POST') { const r = await operate(d, 'observe', body.path); if (r.$status || r.status !== 'answered') return r.$status ? r : problem(409, 'The device refused to be observed', `It answered ${r.code} ${r.codeName}.`, { code: r.code }); const o = { id: String(d.nextObservation++), path: body.path, since: iso(Date.now()), lastAt: iso(Date.now()), count: 1, state: 'active' }; d.observations.push(o); if (!d.series.has(body.path)) d.series.set(body.path, []); if (typeof r.value === 'number') d.series.get(body.path).push([Date.now(), r.value]); emit('observation', { endpoint: d.row.endpoint, id: o.id, path: o.path, state: 'active' }); return { $status: 201, ...o } }
      if (method === 'DELETE') { const o = d.observations.find((x) => x.id === p[3]); d.observations = d.observations.filter((x) => x !== o); if (o) emit('observation', { endpoint: d.row.endpoint, id: o.id, path: o.path, state: 'cancelled' }); return { $status: 204 } }
    }
    if (p[2] === 'history') { // as the server does: with a step, the spans in brief
      const from = Number(q.get('from') ?? 0), to = Number(q.get('to') ?? Date.now()), step = Number(q.get('step') ?? 0) * 1000, points = []
      const v = (t) => Math.round((21 + 3 * Math.sin(t / 1.4e7) + Math.sin(t / 4.1e6) + 0.4 * Math.sin(t / 7e5)) * 100) / 100
      const begins = Date.now() - 12 * 86400e3
      for (let t = Math.max(from, begins); t < Math.min(to, Date.now()); t += step || 60_000) { if (Math.floor(t / 3.6e6) % 41 === 0) continue; points.push(step ? { at: iso(t), min: v(t) - step / 3e7, max: v(t) + step / 2.4e7, avg: v(t), count: Math.max(1, Math.round(step / 60e3)) } : { at: iso(t), value: v(t), type: 'float' }) }
      return { points: points.slice(0, Number(q.get('limit') ?? 1000)) }
    }
    if (p[2] === 'notes') { if (method === 'PUT') { d.row = { ...d.row, note: body.note ?? '', tags: [...(body.tags ?? [])].sort() }; emit('notes', { endpoint: p[1], note: d.row.note, tags: d.row.tags }) } return { note: d.row.note ?? '', tags: d.row.tags ?? [] } }
    if (p[2] === 'queue') return { items: waiting.list(p[1]) }
    if (p[2] === 'messages') return d.messages.slice(-Number(q.get('limit') ?? 200)).reverse()
    if (p[2] === 'series') return { points: d.series.get(rest) ?? [] }
  }
  if (p[0] === 'registry') {
    if (p.length === 1 && method === 'POST') { const id = Number(/<ObjectID>(\d+)</.exec(raw)?.[1]); const name = /<Name>([^<]+)</.exec(raw)?.[1]; if (!id || !name) return problem(422, 'Not an object definition', 'The XML has no <ObjectID> or <Name>. Expected is an OMA DDF file, <LWM2M><Object>…'); const o = { id, version: '1.0', name, urn: `urn:oma:lwm2m:x:${id}`, multiple: true, mandatory: false, versions: ['1.0'], source: 'added', resources: [] }; objects.push(o); return { $status: 201, items: [o] } }
    if (p.length === 1) { const t = (q.get('q') ?? '').toLowerCase(); return { items: objects.filter((o) => !t || String(o.id).startsWith(t) || o.name.toLowerCase().includes(t)).slice(0, Number(q.get('limit') ?? 1000)).map(({ resources, ...o }) => o) } }
    const at = objects.findIndex((o) => o.id === Number(p[1]))
    if (method === 'DELETE') { objects.splice(at, 1); return { $status: 204 } }
    return at < 0 ? problem(404, 'No such object', `No definition of object ${p[1]}; add its DDF XML.`) : objects[at]
  }
  if (p[0] === 'credentials') {
    if (p[1] === 'bulk') { let added = 0, replaced = 0, skipped = 0; const errors = []; for (const [index, c] of body.items.entries()) { if (!/^([0-9a-f]{2}){1,64}$/i.test(c.key)) errors.push({ index, detail: 'the key is not hexadecimal' }); else if (credentials.has(c.endpoint)) { if (body.onConflict === 'skip') skipped++; else if (body.onConflict === 'replace') { replaced++; credentials.set(c.endpoint, { ...c, createdAt: iso(Date.now()), state: 'never' }) } else errors.push({ index, detail: `${c.endpoint} has a configuration already` }) } else { added++; credentials.set(c.endpoint, { ...c, createdAt: iso(Date.now()), state: 'never' }) } } return { added, replaced, skipped, errors } }
    if (p.length === 1) { const t = (q.get('q') ?? '').toLowerCase(), limit = Number(q.get('limit') ?? 100), after = q.get('after') ?? ''; const all = [...credentials.keys()].sort().filter((k) => !t || k.includes(t) || credentials.get(k).identity.toLowerCase().includes(t)); const from = all.filter((k) => k > after); const items = from.slice(0, limit).map((k) => credentialRow(credentials.get(k))); return { total: all.length, items, next: from.length > limit ? items[items.length - 1].endpoint : undefined } }
    const c = credentials.get(p[1])
    if (method === 'PUT') {
      const other = [...credentials.values()].find((x) => x.identity === body.identity && x.endpoint !== p[1])
      if (other) return problem(409, 'The identity is taken', `“${body.identity}” belongs to ${other.endpoint}. An identity names one device.`)
      const n = { endpoint: p[1], mode: body.mode, identity: body.identity, key: body.key, createdAt: iso(Date.now()), state: 'never' }
      credentials.set(p[1], n); emit('credential', { endpoint: p[1], change: c ? 'changed' : 'added' }); await_(n)
      return { $status: c ? 200 : 201, ...credentialRow(n) }
    }
    if (!c) return problem(404, 'No such configuration', `Nothing is stored for “${p[1]}”.`)
    if (p[2] === 'key') return { key: c.key }
    if (method === 'DELETE') { credentials.delete(p[1]); emit('credential', { endpoint: p[1], change: 'deleted' }); return { $status: 204 } }
    return credentialRow(c)
  }
  if (p[0] === 'tags') { const n = new Map(); for (const d of devices.values()) for (const t of d.row.tags ?? []) n.set(t, (n.get(t) ?? 0) + 1); return { items: [...n].sort().map(([tag, count]) => ({ tag, count })) } }
  if (p[0] === 'operations') return waiting.operation(method, p[1])
  if (p[0] === 'firmware') return updates.route(method, p, q, body, raw)
  if (p[0] === 'bootstrap') return boot.route(method, p, q, body)
  if (['border', 'traces'].includes(p[0]) || (p[0] === 'mesh' && ['commissioning', 'network'].includes(p[1]))) return pages.route(method, p, body, q.get('kind'))
  if (p[0] === 'mesh') return mesh.route(method, p, body)
  if (p[0] === 'server') return { roles: flags.roles.split(','), version: '0.1-mock', startedAt: iso(started), addresses: [{ uri: 'coap://[::]:5683', protocol: 'CoAP over UDP' }, { uri: 'coaps://[::]:5684', protocol: 'CoAP over DTLS 1.2' }, { uri: 'coap://[::]:5783', protocol: 'CoAP over UDP', role: 'bootstrap' }, { uri: 'coaps://[::]:5784', protocol: 'CoAP over DTLS 1.2', role: 'bootstrap' }], web: 'http://127.0.0.1:8080', registrations: devices.size, sessions: credentials.size, counters, store: { dir: '/var/lib/heddle', commits: 40_112, records: 81_004, failed: false }, demo: true, unknown: 'accept' }
  for (const [name, rows, key] of [['users', users, 'name'], ['tokens', tokens, 'id']]) if (p[0] === name) {
    if (method === 'GET') return { items: rows }
    if (method === 'POST') { const n = name === 'users' ? { name: body.name, role: body.role, createdAt: iso(Date.now()) } : { id: randomBytes(3).toString('hex'), name: body.name, scope: body.scope, expires: body.expires, createdAt: iso(Date.now()) }; rows.push(n); return { $status: 201, ...n, ...(name === 'tokens' ? { token: 'hd_' + randomBytes(20).toString('hex') } : {}) } }
    rows.splice(rows.findIndex((x) => x[key] === p[1]), 1)
    return { $status: 204 }
  }
  if (p[0] === 'audit') return { items: audit }
  return problem(404, 'Not found', path)
}

function stream(req, res, q) {
  const endpoint = q.get('endpoint') ?? ''
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const wants = (e) => ['hello', 'reset', 'stats'].includes(e.type) || (endpoint ? (e.data.endpoint ?? e.data.client?.endpoint) === endpoint : e.type !== 'message')
  const s = { offer: (e) => { if (wants(e)) res.write(`id: ${e.id}\nevent: ${e.type}\ndata: ${JSON.stringify(e.data)}\n\n`) } }
  res.write(`id: ${epoch}-${seq}\nevent: hello\ndata: ${JSON.stringify({ epoch, seq })}\n\n`)
  const since = req.headers['last-event-id'] ?? q.get('since')
  if (since) { const [e, n] = [since.slice(0, since.lastIndexOf('-')), Number(since.slice(since.lastIndexOf('-') + 1))]; if (e !== epoch || (ring.length && n < Number(ring[0].id.split('-')[1]) - 1)) res.write('event: reset\ndata: {}\n\n'); else for (const x of ring) if (Number(x.id.split('-')[1]) > n) s.offer(x) }
  streams.add(s)
  req.on('close', () => streams.delete(s))
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' }
const csp = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
const server = createServer(async (req, res) => {
  const u = new URL(req.url, 'http://x')
  try {
    if (u.pathname === '/api/v1/mesh/events') return mesh.stream(req, res)
    if (u.pathname === '/api/v1/events') return stream(req, res, u.searchParams)
    if (u.pathname.startsWith('/api/v1')) {
      const chunks = []
      for await (const c of req) chunks.push(c)
      const raw = Buffer.concat(chunks).toString()
      let body = {}
      try { body = raw ? JSON.parse(raw) : {} } catch { /* XML */ }
      const { $status = 200, $cookie, ...answer } = (await route(req.method, u.pathname.slice(7), u.searchParams, body, raw, req)) ?? {}
      const list = Array.isArray(answer) ? answer : undefined
      if ($cookie) res.setHeader('Set-Cookie', `heddle_mock=${$cookie}; HttpOnly; SameSite=Strict; Path=/`)
      res.writeHead($status, { 'Content-Type': $status >= 400 ? 'application/problem+json' : 'application/json', 'Cache-Control': 'no-store' })
      return res.end($status === 204 ? undefined : JSON.stringify(list ?? (answer && '0' in answer ? Object.values(answer) : answer)))
    }
    const file = normalize(join(dist, u.pathname === '/' ? 'index.html' : decodeURIComponent(u.pathname)))
    if (!file.startsWith(dist)) throw new Error('outside')
    const data = await readFile(file)
    res.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': csp, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-cache' })
    res.end(data)
  } catch (e) { if (!res.headersSent) res.writeHead(e.code === 'ENOENT' ? 404 : 500, { 'Content-Type': 'text/plain' }); res.end(String(e.message)) }
})
server.listen(Number(flags.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${flags.port}/#/enter/mock`))

const awake = () => [...devices.values()].filter((d) => d.row.state === 'awake')
if (!flags.quiet && !flags.empty) {
  setInterval(() => {
    for (const d of awake().slice(0, 40)) for (const o of d.observations) {
      if (o.paths || Math.random() < 0.6) continue
      const old = entriesOf(d, o.path)?.[0]
      if (!old || typeof old.value !== 'number') continue
      const v = Math.round((old.value + (Math.random() - 0.5) * 0.3) * 100) / 100
      o.count++; o.lastAt = iso(Date.now()); heard(d)
      message(d, false, 'NON', '2.05', { codeName: 'Content', path: old.path, summary: `${old.path} = ${v}`, observe: o.count, format: 'SenML CBOR', payloadHex: '82a2211af32033e0220102a200643537303002f94d57', decoded: `[{ bn: "${old.path}", bt: ${Math.floor(Date.now() / 1000)}, v: ${v} }]` })
      counters.notifications++
      setValue(d, old.path, v, 'notify', o.id)
    }
  }, 1500)
  setInterval(() => { const d = devices.get('node-5-test'); if (d) { const at = iso(Date.now() - 40e3); d.values['/31024/10/3'] = { value: 36.6, type: 'Float', at }; emit('value', { endpoint: 'node-5-test', path: '/31024/10/3', value: 36.6, type: 'Float', at, source: 'send' }) } }, 2000)
  setInterval(() => { const d = awake()[Math.floor(Math.random() * awake().length)]; if (!d) return; heard(d); d.row = { ...d.row, updatedAt: d.row.lastSeen, expiresAt: iso(Date.now() + d.row.lifetime * 1000) }; message(d, false, 'CON', 'POST', { path: '/rd/' + d.row.id, summary: '/rd/' + d.row.id }); message(d, true, 'ACK', '2.04', { codeName: 'Changed', summary: 'Changed' }); emit('updated', { endpoint: d.row.endpoint, lastSeen: d.row.lastSeen, expiresAt: d.row.expiresAt }) }, 2500)
}
setInterval(() => { counters.received += messagesIn; emit('stats', { messagesPerSecond: messagesIn / 2 + Math.random() * 2, registrations: devices.size, counts: counts() }); messagesIn = 0 }, 2000)
