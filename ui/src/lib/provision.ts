// What a device needs to reach this server: the same facts for a QR code and for the command lines of the field.

import { bare } from './format/address.ts'

export interface Account { endpoint: string; identity: string; key: string; host: string; port: number }

const plain = /^[A-Za-z0-9_./:@%+=,[\]-]+$/
export function quote(word: string): string { return plain.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'` }

export interface Line { id: string; name: string; text: string }
export function lines(a: Account): Line[] {
  const h = quote(bare(a.host)), ep = quote(a.endpoint), id = quote(a.identity)
  const port = a.port === 5684 ? '' : ` -p ${a.port}`
  const uriHost = a.host.includes(':') && !a.host.startsWith('[') ? `[${a.host}]` : a.host
  return [
    { id: 'node', name: 'Node shell', text: `lwstart -n ${ep} -h ${h}${port} -i ${id} -s ${a.key}` },
    { id: 'heddle', name: 'heddle client', text: `heddle client -n ${ep} -h ${h}${port} -i ${id} -s ${a.key}` },
    { id: 'wakaama', name: 'C, Wakaama', text: `./lwm2mclient -n ${ep} -h ${h} -p ${a.port} -i ${id} -s ${a.key}` },
    { id: 'leshan', name: 'Leshan', text: `java -jar leshan-client-demo.jar -n ${ep} -u ${quote(`coaps://${uriHost}:${a.port}`)} -i ${id} -p ${a.key}` },
  ]
}
// The same for a device that begins with its bootstrap server; without an identity it comes without security.
export function bootstrapLines(a: Account): Line[] {
  const h = quote(bare(a.host)), ep = quote(a.endpoint)
  const keys = a.identity ? ` -i ${quote(a.identity)} -s ${a.key}` : ''
  const uriHost = a.host.includes(':') && !a.host.startsWith('[') ? `[${a.host}]` : a.host
  const uri = quote(`${a.identity ? 'coaps' : 'coap'}://${uriHost}:${a.port}`)
  return [
    { id: 'node', name: 'Node shell', text: `lwstart -n ${ep} -h ${h} -b -p ${a.port}${keys}` },
    { id: 'heddle', name: 'heddle client', text: `heddle client -n ${ep} -h ${h} -b -p ${a.port}${keys}` },
    { id: 'leshan', name: 'Leshan', text: `java -jar leshan-client-demo.jar -n ${ep} -b -u ${uri}${a.identity ? ` -i ${quote(a.identity)} -p ${a.key}` : ''}` },
  ]
}
export function bootstrapUri(a: Account): string {
  const uriHost = a.host.includes(':') && !a.host.startsWith('[') ? `[${a.host}]` : a.host
  return `${a.identity ? 'coaps' : 'coap'}://${uriHost}:${a.port}?ep=${encodeURIComponent(a.endpoint)}&bs=1${a.identity ? `&id=${encodeURIComponent(a.identity)}&psk=${a.key}` : ''}`
}

// One URI holds it all; whoever scans it needs no other word.
export function provisioningUri(a: Account): string {
  const uriHost = a.host.includes(':') && !a.host.startsWith('[') ? `[${a.host}]` : a.host
  return `coaps://${uriHost}:${a.port}?ep=${encodeURIComponent(a.endpoint)}&id=${encodeURIComponent(a.identity)}&psk=${a.key}`
}

export function randomKey(bytes = 16): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, '0')).join('')
}

export function checkEndpoint(t: string): string {
  if (!t.trim()) return 'A name for the device, for example temp-cellar-21.'
  if (new TextEncoder().encode(t).length > 255) return 'At most 255 bytes.'
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(t)) return 'Control characters do not belong in a name.'
  return ''
}
export function checkIdentity(t: string): string {
  if (!t.trim()) return 'An identity is needed: the device names itself with it in the handshake.'
  if (new TextEncoder().encode(t).length > 128) return 'At most 128 bytes (RFC 4279 section 5.3).'
  return ''
}
export function checkKey(t: string): { why: string; weak: string; bits: number } {
  const hex = t.replace(/[\s:]/g, '')
  if (!hex) return { why: 'A key, in hexadecimal; or let one be generated.', weak: '', bits: 0 }
  if (!/^[0-9a-f]*$/i.test(hex)) return { why: 'Hexadecimal digits only.', weak: '', bits: 0 }
  if (hex.length % 2) return { why: 'An odd number of digits: half a byte is missing.', weak: '', bits: 0 }
  if (hex.length > 128) return { why: 'At most 64 bytes (RFC 4279 section 5.3).', weak: '', bits: 0 }
  const bits = hex.length * 4
  return { why: '', weak: bits < 128 ? `Only ${bits} bits: can be guessed by trying. 128 are usual.` : /^(..)\1+$/.test(hex) ? 'One byte over and over is easy to guess.' : '', bits }
}

export interface Parsed { items: { endpoint: string; identity: string; key: string; mode: 'psk' }[]; errors: { line: number; why: string }[] }
// CSV as spreadsheets write it: endpoint, identity, key; or endpoint, key. A heading line, quotes, semicolons and tabs are understood.
export function parseCsv(text: string): Parsed {
  const out: Parsed = { items: [], errors: [] }
  const raw = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const sep = [';', '\t', ','].find((s) => raw.some((l) => l.includes(s))) ?? ','
  let order: string[] | undefined
  const seen = new Set<string>(), identities = new Set<string>()
  raw.forEach((l, i) => {
    if (!l.trim() || l.trim().startsWith('#')) return
    const cells = splitLine(l, sep)
    if (!order) {
      const lower = cells.map((c) => c.toLowerCase())
      if (lower.includes('endpoint') || lower.includes('identity') || lower.includes('key')) { order = lower; return }
      order = cells.length === 2 ? ['endpoint', 'key'] : cells.length >= 4 ? ['endpoint', 'mode', 'identity', 'key'] : ['endpoint', 'identity', 'key']
    }
    const at = (name: string): string => { const k = order!.indexOf(name); return k < 0 ? '' : (cells[k] ?? '').trim() }
    const endpoint = at('endpoint'), identity = at('identity') || endpoint, key = at('key').replace(/[\s:]/g, '').toLowerCase(), mode = at('mode').toLowerCase()
    const why = checkEndpoint(endpoint) || checkIdentity(identity) || checkKey(key).why || (mode && mode !== 'psk' ? `Mode “${mode}” is not read from a file: only psk.` : '') || (seen.has(endpoint) ? `${endpoint} stands in the file twice.` : '') || (identities.has(identity) ? `Identity ${identity} stands in the file twice.` : '')
    if (why) { out.errors.push({ line: i + 1, why }); return }
    seen.add(endpoint); identities.add(identity)
    out.items.push({ endpoint, identity, key, mode: 'psk' })
  })
  return out
}
function splitLine(line: string, sep: string): string[] {
  const cells: string[] = []
  let cell = '', quoted = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!
    if (quoted) { if (c === '"') { if (line[i + 1] === '"') { cell += '"'; i++ } else quoted = false } else cell += c } else if (c === '"' && !cell.trim()) { quoted = true; cell = '' } else if (c === sep) { cells.push(cell.trim()); cell = '' } else cell += c
  }
  cells.push(cell.trim())
  return cells
}
