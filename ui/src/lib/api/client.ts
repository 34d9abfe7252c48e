// One typed function for each call of the REST contract. Every failure is an ApiError that holds the server's problem+json.

import { parse, stringify } from './json.ts'
import type * as T from './types.ts'

export class ApiError extends Error {
  constructor(readonly problem: T.Problem) { super(problem.detail || problem.title); this.name = 'ApiError' }
  get status(): number { return this.problem.status }
  get title(): string { return this.problem.title }
}

export interface Skew { ms: number }
export const skew: Skew = { ms: 0 } // how far the server's clock is ahead of ours

let csrf = ''
let onUnauthorised: () => void = () => {}
export function setCsrf(token: string | undefined): void { csrf = token ?? '' }
export function whenUnauthorised(f: () => void): void { onUnauthorised = f }

const base = 'api/v1'
export const url = (path: string): string => new URL(base + path, document.baseURI.replace(/#.*$/, '')).toString()

export function query(params: Record<string, string | number | boolean | undefined | null>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== null && v !== '') q.set(k, String(v))
  const s = q.toString()
  return s ? '?' + s : ''
}

function measureSkew(response: Response, sent: number): void {
  const date = Date.parse(response.headers.get('Date') ?? '')
  if (Number.isNaN(date)) return
  const here = (sent + Date.now()) / 2
  const off = date + 500 - here // the header is cut to whole seconds
  skew.ms = Math.abs(off) < 2000 ? 0 : off
}

export async function call<R>(method: string, path: string, body?: unknown, raw?: { type: string }, signal?: AbortSignal): Promise<R> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = raw?.type ?? 'application/json'
  if (csrf && method !== 'GET') headers['X-CSRF-Token'] = csrf
  const sent = Date.now()
  let response: Response
  try {
    response = await fetch(url(path), { method, headers, body: body === undefined ? undefined : raw ? (body as BodyInit) : stringify(body), credentials: 'same-origin', signal })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new ApiError({ title: 'The server does not answer', status: 0, detail: 'The request did not reach heddle. Check that the server runs, then try again.' })
  }
  measureSkew(response, sent)
  const text = await response.text()
  if (response.ok) {
    if (!text) return undefined as R
    try { return parse<R>(text) } catch { throw new ApiError({ title: 'The answer is not JSON', status: response.status, detail: `${method} ${path} gave something that this page cannot read.` }) }
  }
  let problem: T.Problem = { title: response.statusText || `HTTP ${response.status}`, status: response.status }
  try { problem = { ...problem, ...parse<T.Problem>(text) } } catch { if (text && text.length < 300) problem.detail = text }
  if (response.status === 401 && path !== '/session' && !path.startsWith('/session/')) onUnauthorised()
  if (problem.title === response.statusText || !problem.title || problem.title === reasons[problem.status]) problem.title = titles[problem.status] ?? problem.title
  throw new ApiError(problem)
}

// HTTP's own phrases say little to a person.
const reasons: Record<number, string> = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 410: 'Gone', 413: 'Content Too Large', 422: 'Unprocessable Entity', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout', 507: 'Insufficient Storage', 401: 'Unauthorized' }
const titles: Record<number, string> = { 400: 'The server did not understand this', 401: 'Not logged in', 403: 'This is not allowed', 404: 'It is not there', 409: 'It does not fit with what is there', 410: 'It is gone', 413: 'It is too large', 422: 'A value does not fit', 429: 'Too many attempts', 500: 'Something failed in the server', 502: 'The server in front cannot reach heddle', 503: 'The server is too busy now', 504: 'The device did not answer', 507: 'The disk is full' }

// A file on its way, with progress; fetch cannot tell it.
function upload<R>(path: string, file: Blob, moved: (sent: number) => void, signal: AbortSignal): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const x = new XMLHttpRequest()
    x.open('POST', url(path))
    x.setRequestHeader('Accept', 'application/json')
    x.setRequestHeader('Content-Type', 'application/octet-stream')
    if (csrf) x.setRequestHeader('X-CSRF-Token', csrf)
    x.upload.onprogress = (e) => moved(e.loaded)
    x.onload = () => {
      if (x.status >= 200 && x.status < 300) { try { resolve(parse<R>(x.responseText)) } catch { reject(new ApiError({ title: 'The answer is not JSON', status: x.status })) } return }
      let problem: T.Problem = { title: titles[x.status] ?? `HTTP ${x.status}`, status: x.status }
      try { problem = { ...problem, ...parse<T.Problem>(x.responseText) } } catch { /* no problem+json: the code must do */ }
      if (problem.title === reasons[problem.status]) problem.title = titles[problem.status] ?? problem.title
      if (x.status === 401) onUnauthorised()
      reject(new ApiError(problem))
    }
    x.onerror = () => reject(new ApiError({ title: 'The server does not answer', status: 0, detail: 'The upload broke off. Check that the server runs, then try again.' }))
    x.onabort = () => reject(new DOMException('aborted', 'AbortError'))
    signal.addEventListener('abort', () => x.abort())
    x.send(file)
  })
}

const get = <R>(path: string, signal?: AbortSignal) => call<R>('GET', path, undefined, undefined, signal)
const seg = encodeURIComponent
const of = (endpoint: string) => `/clients/${seg(endpoint)}`

export const api = {
  session: () => get<T.Session>('/session'),
  logIn: (user: string, password: string) => call<T.Session>('POST', '/session', { user, password }),
  logOut: () => call<void>('DELETE', '/session'),
  firstRun: (token: string, user: string, password: string) => call<T.Session>('POST', '/session/first-run', { token, user, password }),
  link: (token: string) => call<T.Session>('POST', '/session/link', { token }),

  clients: (p: { limit?: number; after?: string; q?: string; state?: string; object?: string; sort?: string }, signal?: AbortSignal) => get<T.ClientList>('/clients' + query(p), signal),
  client: (endpoint: string) => get<T.ClientDetail>(of(endpoint)),
  forget: (endpoint: string) => call<void>('DELETE', of(endpoint)),
  operate: (endpoint: string, body: { op: T.Op; path: string; value?: unknown; values?: unknown; resources?: unknown; args?: string; attributes?: unknown; instance?: number; timeout?: number; format?: string }) =>
    call<T.OperationResult>('POST', `${of(endpoint)}/operations`, body),
  readMany: (endpoint: string, paths: string[]) => call<T.OperationResult>('POST', `${of(endpoint)}/operations`, { op: 'read-composite', paths }),
  writeMany: (endpoint: string, values: Record<string, unknown>) => call<T.OperationResult>('POST', `${of(endpoint)}/operations`, { op: 'write-composite', values }),
  observeMany: (endpoint: string, paths: string[]) => call<T.Observation>('POST', `${of(endpoint)}/observations`, { paths }),
  read: (endpoint: string, path: string) => get<T.OperationResult>(`${of(endpoint)}/objects${path}`),
  write: (endpoint: string, path: string, body: { value?: unknown; resources?: unknown }) => call<T.OperationResult>('PUT', `${of(endpoint)}/objects${path}`, body),
  writePartial: (endpoint: string, path: string, resources: Record<string, unknown>) => call<T.OperationResult>('POST', `${of(endpoint)}/objects${path}?partial=true`, { resources }),
  execute: (endpoint: string, path: string, args?: string) => call<T.OperationResult>('POST', `${of(endpoint)}/objects${path}/execute`, args ? { args } : {}),
  create: (endpoint: string, object: number, body: { instance?: number; resources: Record<string, unknown> }) => call<T.OperationResult>('POST', `${of(endpoint)}/objects/${object}`, body),
  remove: (endpoint: string, path: string) => call<T.OperationResult>('DELETE', `${of(endpoint)}/objects${path}`),
  discover: (endpoint: string, path: string) => get<T.OperationResult & { links: T.Link[] }>(`${of(endpoint)}/discover${path}`),
  attributes: (endpoint: string, path: string, a: Record<string, number | null>) => call<T.OperationResult>('PUT', `${of(endpoint)}/attributes${path}`, a),
  queue: (endpoint: string) => get<T.QueuedOperation[] | { items: T.QueuedOperation[] }>(`${of(endpoint)}/queue`),
  // What this page measured of an operation, in microseconds: its part of the trace.
  shown: (id: string, page: { before: number; request: number; after: number }) => call<void>('PUT', `/traces/${seg(id)}/page`, page),
  operation: (id: string) => get<T.OperationResult>(`/operations/${seg(id)}`),
  cancelOperation: (id: string) => call<void>('DELETE', `/operations/${seg(id)}`),
  observations: (endpoint: string) => get<T.Observation[] | { items: T.Observation[] }>(`${of(endpoint)}/observations`),
  observe: (endpoint: string, path: string) => call<T.Observation>('POST', `${of(endpoint)}/observations`, { path }),
  unobserve: (endpoint: string, id: string, passive = false) => call<void>('DELETE', `${of(endpoint)}/observations/${seg(id)}${passive ? '?passive=true' : ''}`),
  messages: (endpoint: string, limit = 200) => get<T.Message[] | { items: T.Message[] }>(`${of(endpoint)}/messages?limit=${limit}`),
  series: (endpoint: string, path: string, from?: string) => get<T.Series>(`${of(endpoint)}/series${path}` + query({ from })),

  history: (endpoint: string, path: string, p: { from?: number; to?: number; step?: number; limit?: number; after?: string }, signal?: AbortSignal) => get<T.HistoryPage>(`${of(endpoint)}/history${path}` + query(p), signal),
  historyUrl: (endpoint: string, path: string, p: { from?: number; to?: number }) => url(`${of(endpoint)}/history${path}` + query({ ...p, format: 'csv' })),
  notes: (endpoint: string) => get<T.Notes>(`${of(endpoint)}/notes`),
  putNotes: (endpoint: string, n: T.Notes) => call<T.Notes>('PUT', `${of(endpoint)}/notes`, n),
  tags: () => get<{ items: T.TagCount[] }>('/tags'),

  registry: (p: { q?: string; limit?: number }) => get<{ items: T.RegistryItem[] }>('/registry' + query(p)),
  object: (id: number, version?: string) => get<T.RegistryObject>(`/registry/${id}` + query({ version })),
  addObject: (ddf: string) => call<{ items?: T.RegistryItem[] }>('POST', '/registry', ddf, { type: 'application/xml' }),
  removeObject: (id: number, version: string) => call<void>('DELETE', `/registry/${id}/${seg(version)}`),

  credentials: (p: { limit?: number; after?: string; q?: string }, signal?: AbortSignal) => get<T.CredentialList>('/credentials' + query(p), signal),
  credential: (endpoint: string) => get<T.Credential>(`/credentials/${seg(endpoint)}`),
  key: (endpoint: string) => get<{ key: string }>(`/credentials/${seg(endpoint)}/key`),
  putCredential: (c: T.NewCredential) => call<T.Credential>('PUT', `/credentials/${seg(c.endpoint)}`, { mode: c.mode, identity: c.identity, key: c.key }),
  removeCredential: (endpoint: string) => call<void>('DELETE', `/credentials/${seg(endpoint)}`),
  bulk: (items: T.NewCredential[], onConflict: 'fail' | 'replace' | 'skip') => call<T.BulkResult>('POST', '/credentials/bulk', { items, onConflict }),

  server: () => get<T.ServerInfo>('/server'),

  packages: () => get<{ items: T.FirmwarePackage[] } | T.FirmwarePackage[]>('/firmware/packages'),
  addPackage: (file: Blob, name: string, version: string, moved: (sent: number) => void, signal: AbortSignal) => upload<T.FirmwarePackage>('/firmware/packages' + query({ name, version }), file, moved, signal),
  removePackage: (id: string) => call<void>('DELETE', `/firmware/packages/${seg(id)}`),
  updates: () => get<{ items: T.FirmwareUpdate[] } | T.FirmwareUpdate[]>('/firmware/updates'),
  update: (id: string, p: { limit?: number; after?: string } = {}) => get<T.FirmwareUpdate>(`/firmware/updates/${seg(id)}` + query(p)),
  startUpdate: (u: { package: string; endpoints?: string[]; query?: string; method: T.FirmwareMethod }) => call<T.FirmwareUpdate>('POST', '/firmware/updates', u),
  cancelUpdate: (id: string) => call<unknown>('DELETE', `/firmware/updates/${seg(id)}`), // of one that has ended: its record goes
  retryUpdate: (id: string) => call<T.FirmwareUpdate>('POST', `/firmware/updates/${seg(id)}/retry`),

  configurations: (p: { limit?: number; after?: string; q?: string }, signal?: AbortSignal) => get<T.BootstrapList>('/bootstrap/configurations' + query(p), signal),
  configuration: (endpoint: string) => get<T.BootstrapConfiguration>(`/bootstrap/configurations/${seg(endpoint)}`),
  configurationKeys: (endpoint: string) => get<T.BootstrapKeys>(`/bootstrap/configurations/${seg(endpoint)}/keys`),
  putConfiguration: (endpoint: string, c: T.BootstrapConfiguration) => call<T.BootstrapConfiguration>('PUT', `/bootstrap/configurations/${seg(endpoint)}`, c),
  removeConfiguration: (endpoint: string) => call<void>('DELETE', `/bootstrap/configurations/${seg(endpoint)}`),
  bootstrapDefaultKeys: () => get<T.BootstrapKeys>('/bootstrap/default/keys'),
  bootstrapDefault: () => get<T.BootstrapConfiguration>('/bootstrap/default'),
  putBootstrapDefault: (c: T.BootstrapConfiguration) => call<T.BootstrapConfiguration>('PUT', '/bootstrap/default', c),
  removeBootstrapDefault: () => call<void>('DELETE', '/bootstrap/default'),
  plan: (c: T.BootstrapConfiguration, signal?: AbortSignal) => call<T.BootstrapPlan>('POST', '/bootstrap/plan', c, undefined, signal),
  stopSession: (id: string) => call<void>('DELETE', `/bootstrap/sessions/${seg(id)}`),
  bootstrapAgain: (endpoint: string) => call<{ status: string; code?: string; detail?: string }>('POST', `${of(endpoint)}/bootstrap`),
  bootstrapSessions: (p: { limit?: number; endpoint?: string } = {}) => get<{ items: T.BootstrapSession[] } | T.BootstrapSession[]>('/bootstrap/sessions' + query(p)),

  users: () => get<{ items: T.User[] } | T.User[]>('/users'),
  addUser: (u: { name: string; role: T.Role; password: string }) => call<T.User>('POST', '/users', u),
  removeUser: (name: string) => call<void>('DELETE', `/users/${seg(name)}`),
  tokens: () => get<{ items: T.Token[] } | T.Token[]>('/tokens'),
  addToken: (t: { name: string; scope: T.Role; expires?: string }) => call<T.Token>('POST', '/tokens', t),
  removeToken: (id: string) => call<void>('DELETE', `/tokens/${seg(id)}`),
  audit: (p: { limit?: number; before?: string | number }) => get<{ items: T.AuditEntry[]; next?: string | number } | T.AuditEntry[]>('/audit' + query(p)),
}

export function list<R>(answer: R[] | { items?: R[] | null } | null | undefined): R[] {
  return Array.isArray(answer) ? answer : (answer?.items ?? [])
}
export function problemOf(e: unknown): T.Problem {
  if (e instanceof ApiError) return e.problem
  return { title: 'Something in this page failed', status: 0, detail: e instanceof Error ? e.message : String(e) }
}
