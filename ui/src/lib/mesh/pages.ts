// The shapes and calls of the pages Commissioning, Network, Border router and Traces (internal/commissioning, internal/dataset,
// internal/api/border.go, internal/trace).

import { call, query, url } from '../api/client.ts'

export interface Joiner { id: string; kind: 'any' | 'eui64' | 'discerner'; left: number }
export interface Try { at: string; id: string; joiner?: string; state: 'connecting' | 'secured' | 'joined' | 'failed'; why?: string; took: number }
export interface Commissioning { state: 'disabled' | 'petitioning' | 'active'; role: string; attached: boolean; network: string; session?: number; joiners: Joiner[] | null; attempts: Try[] | null; problem?: string }

export interface Policy { rotation: number; flags: string }
export interface Dataset { timestamp?: number; pendingTimestamp?: number; delay?: number; name?: string; channel?: number; wakeupChannel?: number; channelMask?: string; panid?: string; extpanid?: string; meshLocal?: string; policy?: Policy; networkKey?: string; pskc?: string; tlvs?: string }
export interface Network { role: string; attached: boolean; up: boolean; active?: Dataset; pending?: Dataset; delayMin: number }

export interface BorderStatus {
  role: string; state: string; mode: string; infra?: string; device?: string; ask?: Question; addresses: string[] | null
  prefixes: { kind: 'omr' | 'on-link' | 'nat64'; prefix: string; local: boolean; favored: boolean; published: boolean; pref: string; left?: number }[] | null
  routes: { prefix: string; pref: string; nat64: boolean; rloc16: string; own: boolean }[] | null
  routers: { address: string; flags: string; age: number }[] | null
  nat64: { prefix: string; translator: string; cidr?: string; most?: number; mappings: Mapping[] | null }
  dns: { on: boolean; upstream: string[] | null; asked: number; answered: number; failed: number; cache: { name: string; type: string; values: string[] | null; made: boolean; left: number }[] | null }
  mdns?: { asked: number; answered: number; hosts: LinkHost[] | null }
  counters: { name: string; packets: number; bytes?: number }[] | null
}
export interface LinkHost { name: string; state: string; taken?: string; own: boolean; addresses: string[] | null; services: { instance: string; type: string; port: number; state: string; taken?: string }[] | null }
export interface Mapping { protocol: string; inside: string; outside: string; remote?: string; left: number; out: number; in: number; outBytes: number; inBytes: number; node?: number; client?: string }
export interface Question { server?: string; name?: string }
export interface Report { took: number; ok: boolean; legs: { name: string; state: 'ok' | 'warn' | 'broken' | 'skipped'; found: string; do?: string; took: number }[] | null }

export interface Lane { name: string; where: string; kind: 'page' | 'rest' | 'lwm2m' | 'coap' | 'dtls' | 'ipv4' | 'nat64' | 'ipv6' | '6lowpan' | 'hop' | 'device'; from?: number; to?: number }
export interface Field { name: string; value: string; at: number; len: number; kind: 'header' | 'security' | 'mesh' | 'fragment' | 'payload' | 'check' }
export interface Span { id: number; cause?: number; lane: number; kind: 'request' | 'answer' | 'wait' | 'work' | 'poll' | 'whole'; begin: number; end: number; label: string; short?: string; bytes?: number; try?: number; lost?: boolean; rssi?: number; channel?: number; fields?: Field[]; raw?: string }
export interface Part { kind: 'wait' | 'radio' | 'device' | 'page' | 'server' | 'network'; name: string; took: number }
export interface Layer { name: string; note?: string; bytes: number; air?: boolean }
export interface Trace {
  id: string; title: string; endpoint: string; node?: number; kind: 'operation' | 'device' | 'notification'; op: string; path: string; at: string; took: number; state: 'running' | 'done' | 'failed'; code?: string
  retries: number; frames: number; onAir: number; route?: number[]; lanes?: Lane[]; spans?: Span[]; parts?: Part[]; layers?: Layer[]
}

const get = <R>(path: string) => call<R>('GET', path)
export const meshApi = {
  commissioning: () => get<Commissioning>('/mesh/commissioning'),
  commission: (active: boolean) => call<Commissioning>('POST', '/mesh/commissioning', { active }),
  addJoiner: (j: { id?: string; pskd?: string; qr?: string; timeout?: number }) => call<Commissioning>('POST', '/mesh/commissioning/joiners', j),
  removeJoiner: (id: string) => call<Commissioning>('DELETE', '/mesh/commissioning/joiners' + query({ id })),
  pskd: () => get<{ pskd: string }>('/mesh/commissioning/pskd'),
  network: () => get<Network>('/mesh/network'),
  networkKeys: () => get<Network>('/mesh/network/keys'),
  setNetwork: (d: Dataset & { after?: number }) => call<Network>('PUT', '/mesh/network', d),
  runNetwork: (run: boolean) => call<Network>('POST', '/mesh/network', { run }),
  newNetwork: () => get<Dataset>('/mesh/network/new'),
  parseNetwork: (tlvs: string) => call<Dataset>('POST', '/mesh/network/parse', { tlvs }),
  border: () => get<BorderStatus>('/border'),
  doctor: (q: Question) => call<Report>('POST', '/border/doctor', q),
  traces: (endpoint = '', kind = '', limit = 100) => get<{ items: Trace[] }>('/traces' + query({ endpoint, kind, limit })),
  trace: (id: string) => get<Trace>(`/traces/${encodeURIComponent(id)}`),
  traceCapture: (id: string) => url(`/traces/${encodeURIComponent(id)}/pcap`),
}

// every calls f now and then again while the page is looked at; what it returns ends it.
export function every(ms: number, f: () => Promise<void>): () => void {
  let going = true, timer: ReturnType<typeof setTimeout> | undefined
  const turn = async (): Promise<void> => { if (!document.hidden) await f(); if (going) timer = setTimeout(() => void turn(), ms) }
  void turn()
  return () => { going = false; clearTimeout(timer) }
}
