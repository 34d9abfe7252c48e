// The address after '#': /clients/EP/3303/0?x=y. The page is a function of it.

export interface Route { parts: string[]; query: URLSearchParams; hash: string }

export function parseHash(hash: string): Route {
  const raw = hash.replace(/^#\/?/, '')
  const [path = '', q = ''] = raw.split('?')
  const parts = path.split('/').filter(Boolean).map((p) => { try { return decodeURIComponent(p) } catch { return p } })
  return { parts, query: new URLSearchParams(q), hash }
}

class Router {
  current = $state.raw<Route>(parseHash(typeof location === 'undefined' ? '' : location.hash))
  constructor() { if (typeof window !== 'undefined') addEventListener('hashchange', () => { this.current = parseHash(location.hash) }) }
  get page(): string { return this.current.parts[0] ?? 'clients' }
  go(hash: string, replace = false): void {
    const h = hash.startsWith('#') ? hash : '#' + hash
    if (replace) { history.replaceState(null, '', h); this.current = parseHash(h) }
    else if (location.hash !== h) location.hash = h
    else this.current = parseHash(h)
  }
  setQuery(values: Record<string, string>): void {
    const q = new URLSearchParams(this.current.query)
    for (const [k, v] of Object.entries(values)) if (v) q.set(k, v); else q.delete(k)
    const s = q.toString()
    this.go('/' + this.current.parts.map(encodeURIComponent).join('/') + (s ? '?' + s : ''), true)
  }
}
export const router = new Router()
export const clientHref = (endpoint: string, path = ''): string => `#/clients/${encodeURIComponent(endpoint)}${path}`
