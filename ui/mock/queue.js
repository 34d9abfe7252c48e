// Requests that wait for a sleeping device, until it wakes. Development only.
import { randomBytes } from 'node:crypto'
import { iso } from './world.js'

export function queues({ emit, problem, run, devices, wakeAfter = 9000 }) {
  const lines = new Map() // endpoint: requests, in order
  const results = new Map()
  const of = (ep) => lines.get(ep) ?? []
  const view = (q, position) => ({ id: q.id, endpoint: q.endpoint, op: q.op, path: q.path, status: q.status, position, attempts: q.status === 'sent' ? 1 : 0, queuedAt: q.queuedAt, expiresAt: q.expiresAt, value: q.body?.value })
  const list = (ep) => of(ep).map((q, i) => view(q, i + 1))
  const tell = (ep, q) => { const d = devices.get(ep); if (d) { d.row = { ...d.row, queued: of(ep).length } } emit('queued', view(q, of(ep).indexOf(q) + 1)) }
  async function wake(d) {
    const ep = d.row.endpoint
    d.row = { ...d.row, state: 'awake', lastSeen: iso(Date.now()) }
    emit('presence', { endpoint: ep, awake: true, until: iso(Date.now() + 93_000) })
    while (of(ep).length) {
      const q = of(ep)[0]
      q.status = 'sent'; tell(ep, q)
      const { $status, ...r } = await run(d, q.op, q.path, q.body)
      if (of(ep)[0] !== q) continue // cancelled meanwhile
      lines.set(ep, of(ep).slice(1))
      const result = { ...r, operation: q.id, endpoint: ep, op: q.op, path: q.path }
      results.set(q.id, result)
      d.row = { ...d.row, queued: of(ep).length }
      emit('operation', result)
    }
    setTimeout(() => { d.row = { ...d.row, state: 'asleep' }; emit('presence', { endpoint: ep, awake: false }) }, 12_000)
  }
  return {
    add(d, op, path, body) {
      const ep = d.row.endpoint, first = !of(ep).length
      const q = { id: randomBytes(6).toString('hex'), endpoint: ep, op, path, body, status: 'queued', queuedAt: iso(Date.now()), expiresAt: iso(Date.now() + 86400e3) }
      lines.set(ep, [...of(ep), q])
      if (first && wakeAfter) setTimeout(() => void wake(d), wakeAfter)
      tell(ep, q)
      return { $status: 202, ...view(q, of(ep).length) }
    },
    list,
    operation(method, id) {
      for (const [ep, line] of lines) for (const [i, q] of line.entries()) if (q.id === id) {
        if (method === 'DELETE') { lines.set(ep, line.filter((x) => x !== q)); results.set(id, { operation: id, endpoint: ep, op: q.op, path: q.path, status: 'cancelled' }); tell(ep, q); emit('operation', results.get(id)); return { $status: 204 } }
        return view(q, i + 1)
      }
      return results.get(id) ?? problem(404, 'No such operation', 'Its result is not kept any more, or it never was.')
    },
  }
}
