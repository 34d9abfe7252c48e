// Points of a chart: gaps stay gaps, and the picture has words.

import type { HistoryPoint } from '../api/types.ts'
import { decimals, number } from './number.ts'
import { clock, day } from './time.ts'

export type Point = [number, number]

// Longer than this without a point and something is missing: four times the usual interval, and never less than what pmax allows.
export function gapLimit(points: readonly Point[], pmaxSeconds = 0): number {
  if (points.length < 3) return Infinity
  const steps = points.slice(1).map((p, i) => p[0] - points[i]![0]).sort((a, b) => a - b)
  const usual = steps[Math.floor(steps.length / 2)]!
  return Math.max(usual * 4, pmaxSeconds * 1500, 5000)
}

export interface Gap { from: number; to: number }
export function withGaps(points: readonly Point[], limit: number, spread?: readonly Spread[]): { xs: number[]; ys: (number | null)[]; los: (number | null)[]; his: (number | null)[]; gaps: Gap[] } {
  const xs: number[] = [], ys: (number | null)[] = [], los: (number | null)[] = [], his: (number | null)[] = [], gaps: Gap[] = []
  points.forEach(([t, v], i) => {
    const before = points[i - 1]
    if (before && t - before[0] > limit) { xs.push((before[0] + 1) / 1000); ys.push(null); los.push(null); his.push(null); gaps.push({ from: before[0], to: t }) }
    xs.push(t / 1000); ys.push(v)
    const s = spread?.[i]
    los.push(s ? s[0] : null); his.push(s ? s[1] : null)
  })
  return { xs, ys, los, his, gaps }
}
// Lowest and highest of the span that a point stands for.
export type Spread = [number, number]

// What a chart draws of the past: the mean of each span with its spread. Values that are no numbers are left out.
export function fromHistory(points: readonly HistoryPoint[]): { points: Point[]; spread: Spread[] } {
  const out: Point[] = [], spread: Spread[] = []
  for (const p of points) {
    const v = p.avg ?? (typeof p.value === 'number' ? p.value : undefined)
    const at = Date.parse(p.at)
    if (v === undefined || Number.isNaN(at)) continue
    out.push([at, v]); spread.push([p.min ?? v, p.max ?? v])
  }
  return { points: out, spread }
}
// Spans so that some hundred points fill the width, whole seconds at least.
export const stepFor = (ms: number, points = 360): number => Math.max(1, Math.round(ms / 1000 / points))

export function within(points: readonly Point[], from: number): Point[] {
  let lo = 0, hi = points.length
  while (lo < hi) { const m = (lo + hi) >> 1; if (points[m]![0] < from) lo = m + 1; else hi = m }
  return points.slice(lo)
}

export function usualDecimals(points: readonly Point[]): number {
  return points.slice(-50).reduce((d, p) => Math.max(d, decimals(p[1])), 0)
}

const least = (vs: readonly number[]): number => vs.reduce((a, b) => Math.min(a, b), Infinity)
const most = (vs: readonly number[]): number => vs.reduce((a, b) => Math.max(a, b), -Infinity)
export function summary(name: string, points: readonly Point[], gaps: readonly Gap[], unit: string, spread?: readonly Spread[]): string {
  if (!points.length) return `${name}: no point yet`
  const d = Math.min(6, usualDecimals(points)), u = unit ? ' ' + unit : ''
  const vs = points.map((p) => p[1])
  const first = points[0]!, last = points[points.length - 1]!
  const f = (v: number) => number(Number(v.toFixed(d)), d)
  const at = (t: number) => (last[0] - first[0] > 86_400_000 ? `${day(t, 0)}, ${clock(t)}` : clock(t))
  const words = `${name} from ${at(first[0])} to ${at(last[0])}: ${points.length} points, from ${f(first[1])} to ${f(last[1])}${u}, lowest ${f(spread ? least(spread.map((x) => x[0])) : least(vs))}, highest ${f(spread ? most(spread.map((x) => x[1])) : most(vs))}`
  return words + (gaps.length ? `; nothing between ${gaps.slice(-3).map((g) => `${at(g.from)} and ${at(g.to)}`).join(', ')}` : '')
}
