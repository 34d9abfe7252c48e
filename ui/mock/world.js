// Invented devices whose values move. Development only.
import { randomBytes } from 'node:crypto'

const now = () => Date.now()
export const iso = (t) => new Date(t).toISOString()
const pick = (a) => a[Math.floor(Math.random() * a.length)]

const known = [
  ['bench-client-042', 'LwM2M Test', 'psk', false, [1, 3, 4, 7, 31024], '192.0.2.77:51440', 300],
  ['demo', 'Device', 'none', false, [1, 3], '[fdaa:bb:1::4c]:41022', 300],
  ['gateway-roof-01', 'Connectivity Monitoring', 'x509', false, [1, 3, 4, 7], '[fdaa:bb:1::10]:5683', 86400],
  ['light-desk-03', 'Light Control', 'psk', false, [1, 3, 3311], '[fdaa:0:0:1:212:4b00:1430:18d2]:5683', 300],
  ['light-hall-01', 'Light Control', 'psk', false, [1, 3, 3311], '[fdaa:0:0:1:212:4b00:1430:902a]:5683', 300],
  ['meter-cellar-02', 'Power Measurement', 'x509', true, [1, 3, 3305], '[fdaa:0:0:1:212:4b00:1430:6f15]:5683', 43200],
  ['meter-garage-05', 'Power Measurement', 'x509', true, [1, 3, 3305], '[fdaa:0:0:1:212:4b00:1430:b44]:5683', 43200],
  ['node-5-test', 'LwM2M Test', 'psk', false, [1, 3, 4, 6, 7, 31024], '[fdaa:0:0:1:212:4b00:1430:a1b6]:5683', 300],
  ['temp-attic-17', 'Temperature', 'psk', true, [1, 3, 4, 6, 7, 3303, 3304, 31024], '192.0.2.20:40213', 3600],
  ['temp-greenhouse-07', 'Temperature', 'psk', false, [1, 3, 4, 6, 7, 3303, 3304, 31024], '192.0.2.20:40871', 3600],
  ['temp-lab-01', 'Temperature', 'rpk', true, [1, 3, 3303], '[fdaa:0:0:1:212:4b00:1430:e340]:5683', 3600],
  ['tracker-bike-04', 'Location', 'psk', true, [1, 3, 6], '198.51.100.23:33190', 86400],
  ['tracker-van-11', 'Location', 'psk', false, [1, 3, 6], '203.0.113.86:33190', 300],
  ['valve-north-02', 'On/Off switch', 'rpk', false, [1, 3, 3342], '[fdaa:0:0:1:212:4b00:1430:5a07]:5683', 300],
]

const initial = {
  1: { 0: 123, 1: 300, 6: false, 7: 'U' },
  3: { 0: 'heddle', 1: 'HD-1', 2: 'HD-0001-17', 3: '1.4.2', 6: { 0: 1, 1: 5 }, 7: { 0: 3800, 1: 5000 }, 9: 74, 10: 143, 11: { 0: 0 }, 13: iso(now()), 14: '+01:00', 15: 'Europe/Vienna', 16: 'U', 17: 'sensor', 21: 512, 22: { 0: '3303:0', 1: '65535:65535' } },
  4: { 0: 21, 1: { 0: 21, 1: 41 }, 2: -67, 3: 92, 4: { 0: 'fdaa::212:4b00:1430:18d2', 1: '192.0.2.20' } },
  6: { 0: 48.2082, 1: 16.3738, 2: 171.5, 3: 4.2, 4: '2003b400a5', 5: iso(now() - 90_000), 6: 1.5 },
  7: { 0: 0, 2: 1204, 3: 388, 8: 0 },
  3303: { 5700: 21.37, 5601: 18.62, 5602: 24.1, 5603: -40, 5604: 85, 5701: 'Cel', 5750: 'attic, north', 5518: iso(now()) },
  3304: { 5700: 46.2, 5601: 31, 5602: 64.5, 5701: '%RH', 5750: '' },
  3305: { 5800: 182.4, 5805: 120481.5, 5750: 'cellar' },
  3311: { 5850: true, 5851: 60, 5706: '#ffd2a1', 5852: 5124, 5750: 'desk' },
  3342: { 5500: false, 5501: 17 },
  31024: { 1: 20, 3: 36.6, 4: 'hello', 5: '0102030405060708', 6: iso(now() - 86400_000 * 3), 7: true, 8: '3:0', 9: { 0: 1, 1: 2, 5: 30 }, 10: 4294967295 },
}

export function makeDevice(ep, kind, mode, queue, objects, address, lifetime) {
  const t = now()
  const data = {}
  for (const o of objects) {
    const make = () => structuredClone(initial[o] ?? {})
    data[o] = o === 31024 ? { 10: make(), 11: make() } : o === 3303 && ep.includes('attic') ? { 0: make(), 1: { ...make(), 5750: 'attic, roof', 5700: 23.08 } } : { 0: make() }
  }
  if (data[3]) { data[3][0][2] = ep.toUpperCase(); data[3][0][9] = 20 + Math.floor(Math.random() * 80) }
  const silent = queue ? 150_000 + Math.random() * 2e6 : Math.random() * Math.min(lifetime * 500, 110_000)
  return {
    data, seen: t - silent, values: {}, observations: [], messages: [], series: new Map(), attributes: {}, nextObservation: 1, mid: Math.floor(Math.random() * 65536),
    row: { endpoint: ep, id: randomBytes(8).toString('hex').slice(0, 10), state: queue ? 'asleep' : ep === 'demo' ? 'late' : 'awake', security: { mode, identity: mode === 'none' ? undefined : ep, cid: mode === 'psk' || mode === 'x509' }, version: mode === 'none' ? '1.0' : mode === 'x509' ? '1.2' : '1.1', binding: queue && mode === 'none' ? 'UQ' : 'U', queue, lifetime, registeredAt: iso(t - 86400_000 * Math.random()), updatedAt: iso(t - silent), expiresAt: iso(ep === 'demo' ? t + 21_000 : t - silent + lifetime * 1000 + 30_000), lastSeen: iso(t - silent), address, kind, battery: data[3] && queue ? data[3][0][9] : undefined, pending: ep === 'meter-cellar-02' ? 1 : 0 },
  }
}

export function makeWorld(extra = 0) {
  const devices = new Map()
  for (const k of known) devices.set(k[0], makeDevice(...k))
  const kinds = [['load-temp', 'Temperature', [1, 3, 3303]], ['load-meter', 'Power Measurement', [1, 3, 3305]], ['load-light', 'Light Control', [1, 3, 3311]]]
  for (let i = 0; i < extra; i++) {
    const [p, kind, objs] = kinds[i % 3]
    const ep = `${p}-${String(i).padStart(6, '0')}`
    devices.set(ep, makeDevice(ep, kind, pick(['psk', 'psk', 'psk', 'none']), i % 5 === 0, objs, `[fdaa::${(i >> 8).toString(16)}:${(i & 255).toString(16)}]:5683`, 300 + (i % 7) * 600))
  }
  const written = { 'temp-attic-17': [['attic', 'north'], 'Behind the chimney; battery changed in March.'], 'temp-greenhouse-07': [['garden'], ''], 'light-desk-03': [['office', 'pilot', 'second-floor'], ''], 'meter-cellar-02': [['cellar', 'pilot'], 'Ask the landlord for the key.'] }
  for (const [ep, [tags, note]] of Object.entries(written)) { const d = devices.get(ep); d.row = { ...d.row, tags, note } }
  // The pictures show a device that is known well.
  for (const ep of ['temp-attic-17', 'temp-greenhouse-07']) {
    const d = devices.get(ep)
    for (const path of ['/3303/0/5700', '/3304/0/5700']) {
      d.observations.push({ id: String(d.nextObservation++), path, since: iso(now() - 4 * 3600e3), lastAt: d.row.lastSeen, count: 1204, state: 'active' })
      const pts = []
      let v = path.startsWith('/3304') ? 46 : 21
      for (let t = now() - 3 * 3600e3; t < now() - 20e3; t += 120e3) {
        v += (Math.random() - 0.5) * 0.4 + Math.sin(t / 3e6) * 0.08
        const gap = t > now() - 80 * 60e3 && t < now() - 62 * 60e3
        if (!gap) pts.push([Math.round(t), Math.round(v * 100) / 100])
      }
      d.series.set(path, pts)
    }
    d.attributes['/3303/0/5700'] = { pmin: 10, pmax: 300, st: 0.1 }
  }
  const attic = devices.get('temp-attic-17')
  for (const r of ['5700', '5601', '5602', '5603', '5604', '5701', '5750', '5518']) attic.values[`/3303/0/${r}`] = { value: attic.data[3303][0][r], type: 'Float', at: iso(attic.seen - (r === '5700' ? 0 : 172800e3)) }
  return devices
}
