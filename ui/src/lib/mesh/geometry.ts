// Places: from metres to pixels and back, hulls, and which node is where.

export interface Point { x: number; y: number }
export interface View { scale: number; x: number; y: number } // pixel = metre * scale + offset

export const toScreen = (v: View, p: Point): Point => ({ x: p.x * v.scale + v.x, y: p.y * v.scale + v.y })
export const toWorld = (v: View, p: Point): Point => ({ x: (p.x - v.x) / v.scale, y: (p.y - v.y) / v.scale })

// fit shows all points with a margin in pixels.
export function fit(points: Iterable<Point>, width: number, height: number, margin = 56): View {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity
  for (const p of points) { x0 = Math.min(x0, p.x); y0 = Math.min(y0, p.y); x1 = Math.max(x1, p.x); y1 = Math.max(y1, p.y) }
  if (x0 > x1) return { scale: 1, x: width / 2, y: height / 2 }
  const m = Math.min(margin, width / 5, height / 5)
  const scale = Math.min((width - 2 * m) / Math.max(x1 - x0, 1e-6), (height - 2 * m) / Math.max(y1 - y0, 1e-6), 24)
  return { scale, x: width / 2 - (scale * (x0 + x1)) / 2, y: height / 2 - (scale * (y0 + y1)) / 2 }
}

export function zoom(v: View, at: Point, factor: number): View {
  const scale = Math.min(2000, Math.max(0.002, v.scale * factor)), f = scale / v.scale
  return { scale, x: at.x - (at.x - v.x) * f, y: at.y - (at.y - v.y) * f }
}

// hull returns the convex hull, counter-clockwise on a screen (Andrew's monotone chain).
export function hull(points: Point[]): Point[] {
  if (points.length < 3) return points.slice()
  const s = points.slice().sort((a, b) => a.x - b.x || a.y - b.y)
  const cross = (o: Point, a: Point, b: Point) => (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x)
  const half = (list: Point[]): Point[] => {
    const h: Point[] = []
    for (const p of list) { while (h.length > 1 && cross(h[h.length - 2]!, h[h.length - 1]!, p) <= 0) h.pop(); h.push(p) }
    h.pop()
    return h
  }
  return [...half(s), ...half(s.reverse())]
}

// around is a hull with a margin and round corners.
export function around(points: Point[], margin: number): Point[] {
  const all: Point[] = []
  for (const p of points) for (let i = 0; i < 16; i++) { const a = (i * Math.PI) / 8; all.push({ x: p.x + margin * Math.cos(a), y: p.y + margin * Math.sin(a) }) }
  return hull(all)
}

// A box around its middle.
export interface Box extends Point { w: number; h: number }

// freest returns the box of which others cover least, the first of equals. What is beyond a ground of that width counts as covered.
export function freest(boxes: Box[], others: Box[], ground?: number): Box {
  let best = boxes[0]!, least = Infinity
  for (const b of boxes) {
    let covered = ground === undefined ? 0 : b.h * (Math.max(0, b.w / 2 - b.x) + Math.max(0, b.x + b.w / 2 - ground))
    for (const o of others) covered += Math.max(0, Math.min(b.w, o.w, (b.w + o.w) / 2 - Math.abs(b.x - o.x))) * Math.max(0, Math.min(b.h, o.h, (b.h + o.h) / 2 - Math.abs(b.y - o.y)))
    if (covered < least) { least = covered; best = b }
  }
  return best
}

export function nearest<T extends Point>(points: Iterable<T>, at: Point, within: number): T | undefined {
  let best: T | undefined, d = within * within
  for (const p of points) { const e = (p.x - at.x) ** 2 + (p.y - at.y) ** 2; if (e <= d) { d = e; best = p } }
  return best
}

// towards finds the next node in a direction: near, and not far off the line.
export function towards<T extends Point>(points: Iterable<T>, from: T, dx: number, dy: number): T | undefined {
  let best: T | undefined, least = Infinity
  for (const p of points) {
    if (p === from) continue
    const x = p.x - from.x, y = p.y - from.y
    const along = x * dx + y * dy, off = Math.abs(x * dy - y * dx)
    if (along <= 0 || off > along * 1.5) continue
    const cost = along + 2 * off
    if (cost < least) { least = cost; best = p }
  }
  return best
}
