// How an exchange is drawn: a scale of time in which long waits are short, and where each span stands on it.

import type { Span, Trace } from './pages.ts'

export interface Piece { from: number; to: number; x0: number; x1: number; cut: boolean } // microseconds, and shares of the width
export interface Scale { pieces: Piece[]; at: (us: number) => number }

const work = (s: Span): boolean => s.kind !== 'wait' && s.kind !== 'whole' && s.kind !== 'poll'

// quiet returns the stretches in which nothing but waiting happens and that are long beside all the rest.
export function quiet(t: Trace): [number, number][] {
  const spans = t.spans ?? [], end = Math.max(t.took, ...spans.map((s) => s.end), 1)
  const busy = spans.filter(work).map((s) => [s.begin, Math.max(s.end, s.begin + 1)] as [number, number]).sort((a, b) => a[0] - b[0])
  const gaps: [number, number][] = []
  let at = 0
  for (const [a, b] of busy) { if (a > at) gaps.push([at, a]); at = Math.max(at, b) }
  if (end > at) gaps.push([at, end])
  return gaps.filter(([a, b]) => b - a > end * 0.2)
}

// scale leaves both ends of a stretch as they are and makes its middle narrow.
export function scaleOf(t: Trace): Scale {
  const end = Math.max(t.took, ...(t.spans ?? []).map((s) => s.end), 1)
  const cuts = quiet(t).map(([a, b]) => { const edge = Math.min((b - a) * 0.06, end * 0.03); return [a + edge, b - edge] as [number, number] })
  const narrow = 0.1, cut = cuts.reduce((n, [a, b]) => n + b - a, 0)
  const room = 1 - narrow * cuts.length, live = Math.max(end - cut, 1)
  const pieces: Piece[] = []
  let us = 0, x = 0
  const put = (to: number, w: number, isCut: boolean): void => { if (to > us) { pieces.push({ from: us, to, x0: x, x1: x + w, cut: isCut }); us = to; x += w } }
  for (const [a, b] of cuts) { put(a, ((a - us) / live) * room, false); put(b, narrow, true) }
  put(end, ((end - us) / live) * room, false)
  return { pieces, at: (v) => { const p = pieces.find((q) => v <= q.to) ?? pieces[pieces.length - 1]; return p ? p.x0 + ((Math.max(p.from, Math.min(v, p.to)) - p.from) / Math.max(1, p.to - p.from)) * (p.x1 - p.x0) : 0 } }
}

// ticks are round instants that stand far enough from each other.
export function ticks(s: Scale, most = 9): number[] {
  const out: number[] = []
  const live = s.pieces.filter((p) => !p.cut)
  const length = live.reduce((n, p) => n + p.to - p.from, 0) || 1
  const steps = [100, 200, 500].flatMap((v) => [v, v * 10, v * 100, v * 1000, v * 10000, v * 100000]).sort((a, b) => a - b)
  const step = steps.find((v) => length / v <= most) ?? length
  for (const p of live) for (let v = Math.ceil(p.from / step) * step; v <= p.to; v += step) if (!out.some((o) => Math.abs(s.at(o) - s.at(v)) < 0.06)) out.push(v)
  return out
}

export const ms = (us: number): string => { const v = us / 1000; return v >= 1000 ? `${(v / 1000).toFixed(v >= 10000 ? 1 : 2)} s` : v >= 100 ? v.toFixed(0) + ' ms' : v >= 1 ? v.toFixed(1) + ' ms' : `${Math.round(us)} µs` }
export const short = (us: number): string => (us >= 1e6 ? (us / 1e6).toFixed(us % 1e6 ? 1 : 0) + ' s' : us % 1000 ? (us / 1000).toFixed(1) : String(us / 1000))

// The colour of a part, and of a span by what it is.
export const partToken: Record<string, string> = { wait: '--sleep', radio: '--accent', device: '--madder', page: '--text-3', server: '--weld', network: '--woad' }
export const sentence = (t: Trace): string => (t.parts ?? []).map((p) => `${p.name} ${ms(p.took)}`).join(', ')

// bytesOf cuts a raw span into lines of twelve, each byte with the index of its field, or -1.
export function bytesOf(s: Span): { at: number; bytes: { hex: string; field: number }[] }[] {
  const raw = s.raw ?? '', n = raw.length >> 1, of = new Int16Array(n).fill(-1)
  for (const [i, f] of (s.fields ?? []).entries()) for (let k = f.at; k < f.at + f.len && k < n; k++) of[k] = i
  const lines = []
  for (let at = 0; at < n; at += 12) { const bytes = []; for (let k = at; k < Math.min(n, at + 12); k++) bytes.push({ hex: raw.slice(2 * k, 2 * k + 2), field: of[k]! }); lines.push({ at, bytes }) }
  return lines
}

// toDevice says whether a span of a hop went from the border router's side to the device's: its lane is written that way.
export const toDevice = (t: Trace, s: Span): boolean => s.kind === 'wait' || (s.kind !== 'poll' && (s.kind === 'answer') === (t.kind !== 'operation'))
