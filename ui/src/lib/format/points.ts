// Points of a chart: gaps stay gaps, and the picture has words.

import { decimals, number } from './number.ts'
import { clock } from './time.ts'

export type Point = [number, number]

// Longer than this without a point and something is missing: four times the usual interval, and never less than what pmax allows.
export function gapLimit(points: readonly Point[], pmaxSeconds = 0): number {
  if (points.length < 3) return Infinity
  const steps = points.slice(1).map((p, i) => p[0] - points[i]![0]).sort((a, b) => a - b)
  const usual = steps[Math.floor(steps.length / 2)]!
  return Math.max(usual * 4, pmaxSeconds * 1500, 5000)
}

export interface Gap { from: number; to: number }
export function withGaps(points: readonly Point[], limit: number): { xs: number[]; ys: (number | null)[]; gaps: Gap[] } {
  const xs: number[] = [], ys: (number | null)[] = [], gaps: Gap[] = []
  points.forEach(([t, v], i) => {
    const before = points[i - 1]
    if (before && t - before[0] > limit) { xs.push((before[0] + 1) / 1000); ys.push(null); gaps.push({ from: before[0], to: t }) }
    xs.push(t / 1000); ys.push(v)
  })
  return { xs, ys, gaps }
}

export function within(points: readonly Point[], from: number): Point[] {
  let lo = 0, hi = points.length
  while (lo < hi) { const m = (lo + hi) >> 1; if (points[m]![0] < from) lo = m + 1; else hi = m }
  return points.slice(lo)
}

export function usualDecimals(points: readonly Point[]): number {
  return points.slice(-50).reduce((d, p) => Math.max(d, decimals(p[1])), 0)
}

export function summary(name: string, points: readonly Point[], gaps: readonly Gap[], unit: string): string {
  if (!points.length) return `${name}: no point yet`
  const d = Math.min(6, usualDecimals(points)), u = unit ? ' ' + unit : ''
  const vs = points.map((p) => p[1])
  const first = points[0]!, last = points[points.length - 1]!
  const f = (v: number) => number(Number(v.toFixed(d)), d)
  const words = `${name} from ${clock(first[0])} to ${clock(last[0])}: ${points.length} points, from ${f(first[1])} to ${f(last[1])}${u}, lowest ${f(Math.min(...vs))}, highest ${f(Math.max(...vs))}`
  return words + (gaps.length ? `; nothing between ${gaps.slice(-3).map((g) => `${clock(g.from)} and ${clock(g.to)}`).join(', ')}` : '')
}
