// Addresses: the middle of an IPv6 address is what can be left out; its end tells devices apart.

export function host(address: string): string {
  const bracket = /^\[([^\]]+)\](?::\d+)?$/.exec(address)
  if (bracket) return bracket[1]!.replace(/^::ffff:(?=\d+\.)/i, '')
  const v4 = /^([^:]+):\d+$/.exec(address)
  return v4 ? v4[1]! : address
}

export function shortHost(address: string): string {
  const h = host(address)
  if (!h.includes(':')) return h
  const [plain = ''] = h.split('%')
  if (plain.length <= 14) return plain
  const groups = plain.split(':')
  return `${groups[0]}:…:${groups[groups.length - 1] || ':'}`
}

// The address that a device is told: a wildcard means the host that this page came from.
export function reachable(uri: string, pageHost: string): { scheme: string; host: string; port: number } | undefined {
  const m = /^(coaps?(?:\+tcp)?):\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?/.exec(uri)
  if (!m) return undefined
  const scheme = m[1]!
  let h = m[2]!
  if (h === '' || h === '[::]' || h === '0.0.0.0' || h === '*') h = pageHost
  return { scheme, host: h, port: m[3] ? Number(m[3]) : scheme.startsWith('coaps') ? 5684 : 5683 }
}

// heddle and lwstart take an IPv6 literal without brackets too.
export function bare(h: string): string { return h.replace(/^\[|\]$/g, '') }

export function shortAddress(address: string): string {
  if (address.length <= 24) return address
  const port = /:(\d+)$/.exec(address)?.[1]
  const h = shortHost(address)
  return port && address.startsWith('[') ? (h.includes(':') ? `[${h}]:${port}` : `${h}:${port}`) : h
}
