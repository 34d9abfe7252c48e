// Development only: an invented mesh that lives a little. --nodes N has the picture drawn for as many as that.

export function makeMesh({ nodes: count = 24, problem }) {
  let random = 7
  const rnd = () => ((random = (random * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff)
  const side = Math.sqrt(count) * 12
  const names = ['light-hall', 'temp-lab', 'meter-cellar', 'valve-north', 'node']
  const routers = Math.max(2, Math.min(32, Math.round(count / 3)))
  const nodes = Array.from({ length: count }, (_, i) => ({ id: i + 1, name: i < routers ? String(i + 1) : `${names[i % 5]}-${String(i + 1).padStart(2, '0')}`, x: rnd() * side * 1.5, y: rnd() * side, on: true, kind: i < routers ? 'router' : ['sed', 'med', 'router'][i % 3], role: i === 0 ? 'leader' : i < routers ? 'router' : ['sed', 'med', 'reed'][i % 3], rloc16: '', partition: 0x3a91, parent: 0, ext: (0x18b43000 + i).toString(16).padStart(16, '0'), channel: 15, children: 0, sent: Math.floor(rnd() * 4000), received: Math.floor(rnd() * 9000), retries: Math.floor(rnd() * 90), routerId: i < routers ? i + 1 : -1 }))
  const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y)
  const links = []
  for (const n of nodes.slice(0, routers)) { n.rloc16 = '0x' + (n.id * 1024).toString(16).padStart(4, '0'); for (const m of nodes.slice(0, routers).filter((m) => m !== n).sort((a, b) => far(a, n) - far(b, n)).slice(0, 3)) if (!links.some((l) => l.a === Math.min(n.id, m.id) && l.b === Math.max(n.id, m.id))) { const q = 3 - Math.min(2, Math.floor(far(n, m) / side * 6)); links.push({ a: Math.min(n.id, m.id), b: Math.max(n.id, m.id), qa: q, qb: q, kind: 'router' }) } }
  for (const n of nodes.slice(routers)) { const p = nodes.slice(0, routers).sort((a, b) => far(a, n) - far(b, n))[0]; n.parent = p.id; p.children++; n.rloc16 = '0x' + (p.id * 1024 + p.children).toString(16).padStart(4, '0'); links.push({ a: p.id, b: n.id, qa: 3, qb: 3, kind: 'child' }) }
  if (count > 6) { const d = nodes[count - 1]; d.role = 'detached'; links.splice(links.findIndex((l) => l.b === d.id), 1); nodes[d.parent - 1].children--; d.parent = 0; d.partition = 0; d.rloc16 = '' }
  const clock = { now: 283_348_000, until: 600e6, speed: 1, paused: false, done: false, rate: 1 }
  let seq = 40
  const history = [{ at: 12e6, kind: 'leader', text: 'node 1 leads partition 0x3a91', node: 1 }, { at: 95e6, kind: 'note', text: 'all nodes are attached' }, { at: 120e6, kind: 'kill', text: 'node 5 is killed', node: 5 }, { at: 190e6, kind: 'partition', text: 'partition 0x77d0 begins', node: 4 }, { at: 246e6, kind: 'merge', text: 'partition 0x77d0 joins 0x3a91' }]
  const partitions = [{ id: 0x3a91, leader: 1, nodes: count - 1 }]
  const streams = new Set()
  const send = (kind, data) => { for (const r of streams) r.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`) }
  const change = (changed, more = {}) => send('mesh', { seq: ++seq, now: clock.now, nodes: changed, links: { add: [], remove: [], ...more.links }, partitions, history: more.history ?? [] })
  setInterval(() => {
    if (clock.paused || clock.done) return
    clock.now = Math.min(clock.until, clock.now + (clock.speed || 40) * 250e3)
    send('clock', clock)
    if (clock.speed > 0 && clock.speed <= 1) { const l = links[Math.floor(Math.random() * links.length)]; if (l) send('frames', { frames: [{ at: clock.now, from: l.a, to: Math.random() < 0.2 ? 0 : l.b, kind: ['data', 'mle', 'fragment', 'poll'][Math.floor(Math.random() * 4)], len: 40 + Math.floor(Math.random() * 80), rssi: -60, channel: 15, ok: Math.random() < 0.9 }] }) }
    if (seq % 4 === 0) { const n = nodes[Math.floor(Math.random() * count)]; n.sent++; change([n]) } else seq++
  }, 250)
  const node = (id) => nodes[Number(id) - 1]
  return {
    stream(req, res) {
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      res.write(': here\n\n')
      streams.add(res)
      req.on('close', () => streams.delete(res))
    },
    route(method, p, body) {
      if (p.length === 1) return { epoch: 'm', seq, seed: 1, ...clock, network: { channel: 15, panid: '0xabcd', name: 'heddle' }, nodes, links, partitions, history }
      if (p[1] === 'control') { if (body.pause !== undefined) clock.paused = body.pause; if (body.speed !== undefined) clock.speed = clock.rate = body.speed; if (body.step) clock.now += body.step === 'second' ? 1e6 : 4000; send('clock', clock); return clock }
      if (p[1] === 'links') { const i = links.findIndex((l) => l.a === Math.min(body.a, body.b) && l.b === Math.max(body.a, body.b)); if (!body.on && i >= 0) { const [l] = links.splice(i, 1); change([], { links: { remove: [l] } }) } return { $status: 204 } }
      const n = node(p[2])
      if (!n) return problem(404, 'No such node', `There is no node ${p[2]}.`)
      if (p[3] === 'shell') { if (!n.on) return problem(409, 'The node is off', 'Revive it first.'); return body.line === 'state' ? { output: [n.role], last: 'Done' } : body.line.startsWith('ping') ? { output: ['16 bytes from fdaa:bb:1:1:0:ff:fe00:400: icmp_seq=1 hlim=64 time=11ms', '1 packets transmitted, 1 packets received. Packet loss = 0.0%. Round-trip min/avg/max = 11/11.0/11 ms.'], last: 'Done' } : { output: [], last: 'Error 35: InvalidCommand' } }
      if (method === 'POST') {
        if (body.action === 'move') { n.x = body.x; n.y = body.y } else if (body.action === 'kill') { n.on = false; n.role = 'off' } else { n.on = true; n.role = 'detached' }
        change([n], { history: body.action === 'move' ? [] : [{ at: clock.now, kind: body.action === 'kill' ? 'kill' : 'note', text: `node ${n.id}: ${body.action}`, node: n.id }] })
        return { $status: 204 }
      }
      const neighbors = links.filter((l) => l.a === n.id || l.b === n.id).map((l) => { const o = node(l.a === n.id ? l.b : l.a); return { id: o.id, ext: o.ext, rloc16: o.rloc16, role: o.id === n.parent ? 'parent' : l.kind === 'child' ? 'child' : 'router', in: l.qa, out: l.qb, rssi: -50 - o.id, age: 3 } })
      return { ...n, eui64: n.ext, mode: 'rdn', uptime: 280, addresses: ['fdaa:bb:1:1:8e0a:2f47:b3c1:56d9', 'fdaa:bb:1:1:0:ff:fe00:400', 'fe80::1ab4:3000:0:1'], multicast: ['ff02::1'], neighbors, counters: {}, energy: {}, dataVersion: 3, pollPeriod: n.kind === 'sed' ? 500 : undefined }
    },
  }
}
