// The picture of a mesh on a canvas. A thousand nodes at thirty pictures a second: shapes are drawn once for each look and
// then copied, links are one path for each kind.

import { around, freest, hull, toScreen, type Point, type View } from './geometry.ts'
import { captionOf, cornerOf, hex, legend, linkKey, lookOf, named, quality, rloc, type Look, type World } from './model.ts'
import type { Frame, MeshNode } from './types.ts'

export interface Colours { [token: string]: string }
const tokens = ['--bg', '--surface', '--text', '--text-2', '--text-3', '--control', '--line-strong', '--accent', '--madder', '--weld', '--woad', '--sleep', '--err', '--warn', '--ok']
export function colours(): Colours {
  const s = getComputedStyle(document.documentElement)
  return Object.fromEntries(tokens.map((t) => [t, s.getPropertyValue(t).trim() || '#888'])) as Colours
}
const c = (k: Colours, t: string): string => k[t] ?? '#888'

// polygon with n corners, the first at an angle.
function polygon(g: CanvasRenderingContext2D, n: number, r: number, turn = 0): void {
  g.beginPath()
  for (let i = 0; i < n; i++) { const a = turn + (i * 2 * Math.PI) / n; g.lineTo(r * Math.cos(a), r * Math.sin(a)) }
  g.closePath()
}

function house(g: CanvasRenderingContext2D, f: number): void {
  g.beginPath()
  for (const [x, y] of [[-14, 15], [-14, -4], [0, -16], [14, -4], [14, 15]] as const) g.lineTo(f * x, f * y)
  g.closePath()
}

// shape draws a node's mark around 0, 0 at a scale: 1 is a router 33 px wide.
export function shape(g: CanvasRenderingContext2D, look: Look, k: Colours, size: number, letter = true): void {
  const colour = c(k, look.token), bg = c(k, '--surface')
  g.save()
  g.scale(size, size)
  g.lineWidth = 2
  g.strokeStyle = colour
  let ink = colour
  switch (look.shape) {
    case 'octagon':
      polygon(g, 8, 21, Math.PI / 8); g.fillStyle = c(k, '--bg'); g.fill(); g.lineWidth = 1.75; g.stroke()
      polygon(g, 8, 16.5, Math.PI / 8); g.fillStyle = colour; g.fill(); ink = bg
      break
    case 'hexagon': polygon(g, 6, 16.5); g.fillStyle = colour; g.fill(); ink = bg; break
    case 'hexring': polygon(g, 6, 15); g.fillStyle = bg; g.fill(); g.stroke(); break
    case 'ringed': // a leader's ring around the house of a border router
      polygon(g, 8, 21, Math.PI / 8); g.fillStyle = c(k, '--bg'); g.fill(); g.lineWidth = 1.75; g.stroke()
      house(g, 0.82); g.fillStyle = c(k, '--woad'); g.fill(); ink = bg
      break
    case 'house': house(g, 1); g.fillStyle = colour; g.fill(); ink = bg; break
    case 'diamond': polygon(g, 4, 15); g.fillStyle = bg; g.fill(); g.stroke(); break
    case 'cross': g.beginPath(); g.arc(0, 0, 10, 0, 7); g.fillStyle = bg; g.fill(); g.setLineDash([1.5, 3]); g.stroke(); break
    default:
      if (look.shape === 'dashed') g.setLineDash([4.2, 3.3])
      g.beginPath(); g.arc(0, 0, 12, 0, 7); g.fillStyle = bg; g.fill(); g.stroke()
  }
  if (letter) {
    g.fillStyle = ink
    g.font = `700 ${look.shape === 'dashed' || look.shape === 'circle' ? 12 : 13}px system-ui, sans-serif`
    g.textAlign = 'center'; g.textBaseline = 'middle'
    g.fillText(look.letter, 0, 0.5)
  }
  g.restore()
}

export interface Flight { frame: Frame; began: number; lasts: number; held?: boolean } // ms of this computer; held: shown on its way while time stands
export interface Show { links: boolean; quality: boolean; frames: boolean; names: boolean }
export interface Scene { world: World; view: View; width: number; height: number; dpr: number; selected: number; hovered: number; show: Show; flights: Flight[]; route: number[]; pointer: Point | null; hulls: Hull[]; drag: { id: number; x: number; y: number } | null }
export interface Hull { id: number; nodes: number; points: Point[]; at: Point }

export function hulls(w: World): Hull[] {
  const groups = new Map<number, Point[]>()
  for (const n of w.nodes.values()) {
    if (!n.on || n.role === 'detached' || n.role === 'disabled') continue
    const g = groups.get(n.partition)
    if (g) g.push(n); else groups.set(n.partition, [n])
  }
  return [...groups].filter(([, p]) => p.length > 1).map(([id, p]) => { const h = hull(p); const top = h.reduce((a, b) => (b.y < a.y ? b : a)); return { id, nodes: p.length, points: h, at: top } }).sort((a, b) => b.nodes - a.nodes || a.id - b.id)
}

let sprites = new Map<string, HTMLCanvasElement>()
let spritesOf = ''
function sprite(look: Look, k: Colours, size: number, dpr: number): HTMLCanvasElement {
  const theme = `${c(k, '--bg')}${dpr}`
  if (theme !== spritesOf) { sprites = new Map(); spritesOf = theme }
  const step = Math.max(1, Math.round(size * 8)), name = look.name + step
  let s = sprites.get(name)
  if (!s) {
    if (sprites.size > 400) sprites.clear()
    s = document.createElement('canvas')
    s.width = s.height = Math.ceil(48 * (step / 8) * dpr)
    const g = s.getContext('2d')!
    g.translate(s.width / 2, s.height / 2)
    shape(g, look, k, (step / 8) * dpr, step >= 4)
    sprites.set(name, s)
  }
  return s
}

// sizeOf is smaller where many stand close.
export const sizeOf = (w: World, v: View): number => { const n = w.nodes.size; return n <= 60 ? 1 : Math.max(0.25, Math.min(1, v.scale / Math.sqrt(n / 60) / 6, 1.2 / Math.sqrt(n / 60)) || 0.25) }
export const names = (w: World, size: number): boolean => size >= 0.6 && w.nodes.size <= 400

// paint draws what changes seldom: nodes, links, hulls, names. overlay draws what moves, on a canvas above.
export function paint(g: CanvasRenderingContext2D, s: Scene, k: Colours): void {
  const { world: w, view: v } = s
  g.setTransform(s.dpr, 0, 0, s.dpr, 0, 0)
  g.fillStyle = c(k, '--bg')
  g.fillRect(0, 0, s.width, s.height)
  const size = sizeOf(w, v)
  const at = (n: MeshNode): Point => (s.drag?.id === n.id ? s.drag : toScreen(v, n))
  for (const [i, h] of s.hulls.entries()) drawHull(g, h, v, k, i, size)
  drawRoute(g, s, k, at)
  if (s.show.links) drawLinks(g, s, k, at, size)
  const focus = w.nodes.get(s.selected)
  if (focus) {
    const p = at(focus)
    g.beginPath(); g.arc(p.x, p.y, 22 * Math.max(0.5, size) + 2, 0, 7); g.lineWidth = 2; g.strokeStyle = c(k, '--accent'); g.stroke()
  }
  for (const n of w.nodes.values()) {
    const p = at(n)
    if (p.x < -40 || p.y < -40 || p.x > s.width + 40 || p.y > s.height + 40) continue
    const img = sprite(lookOf(n), k, size, s.dpr)
    g.drawImage(img, p.x - img.width / s.dpr / 2, p.y - img.height / s.dpr / 2, img.width / s.dpr, img.height / s.dpr)
    if (n.lwm2m && size >= 0.4) drawCorner(g, p, cornerOf(n), k, size)
  }
  g.textAlign = 'center'; g.textBaseline = 'alphabetic'; g.lineJoin = 'round'; g.lineWidth = 4; g.strokeStyle = c(k, '--bg')
  drawNames(g, s, k, at, size)
  for (const [i, h] of s.hulls.entries()) labelHull(g, h, v, k, i, size)
}

// drawNames writes each name below its mark, or at another side where that covers less of other marks and names.
function drawNames(g: CanvasRenderingContext2D, s: Scene, k: Colours, at: (n: MeshNode) => Point, size: number): void {
  const w = s.world, all = s.show.names && names(w, size), f = Math.max(0.7, size)
  const taken = all ? [...w.nodes.values()].map((n) => ({ ...at(n), w: 28 * size, h: 28 * size, id: n.id })) : []
  for (const n of w.nodes.values()) {
    if (!all && n.id !== s.selected && n.id !== s.hovered) continue
    const p = at(n), big = n.role === 'leader' || n.role === 'router'
    const text = big && n.on ? `${n.id} ${rloc(n)}` : `${n.id} ${named(n)}`.trim()
    g.font = `${n.id === s.selected ? 650 : 450} 12px system-ui, sans-serif`
    const width = g.measureText(text).width, far = (big ? 24 : 20) * f + width / 2
    const sides = [{ x: p.x, y: p.y + (big ? 34 : 28) * f - 4 }, { x: p.x, y: p.y - (big ? 29 : 24) * f }, { x: p.x + far, y: p.y }, { x: p.x - far, y: p.y }]
    const box = freest(sides.map((q) => ({ ...q, w: width, h: 13 })), taken.filter((t) => t.id !== n.id), s.width)
    taken.push({ ...box, id: -n.id })
    g.strokeText(text, box.x, box.y + 4); g.fillStyle = c(k, '--text-2'); g.fillText(text, box.x, box.y + 4)
  }
}

const progress = (f: Flight, now: number): number => (f.held ? 0.62 : (now - f.began) / f.lasts)

// overlay draws frames in flight, and a caption beside the one at the pointer, or beside the few that there are.
export function overlay(g: CanvasRenderingContext2D, s: Scene, k: Colours, now: number): void {
  g.setTransform(s.dpr, 0, 0, s.dpr, 0, 0)
  g.clearRect(0, 0, s.width, s.height)
  if (!s.show.frames) return
  const at = (n: MeshNode): Point => (s.drag?.id === n.id ? s.drag : toScreen(s.view, n))
  const on: { f: Flight; p: Point; d: number }[] = []
  for (const f of s.flights) {
    drawFlight(g, f, s.world, at, k, now)
    const t = progress(f, now), a = s.world.nodes.get(f.frame.from), b = f.frame.to ? s.world.nodes.get(f.frame.to) : a
    if (t < 0 || t > 1 || !a || !b) continue
    const p = at(a), q = at(b), x = { x: p.x + (q.x - p.x) * t, y: p.y + (q.y - p.y) * t }
    on.push({ f, p: x, d: s.pointer ? Math.hypot(x.x - s.pointer.x, x.y - s.pointer.y) : Infinity })
  }
  on.sort((a, b) => a.d - b.d)
  const near = on.filter((o) => o.d < 18).slice(0, 1)
  const few = on.filter((o) => o.f.frame.kind !== 'ack')
  for (const o of near.length ? near : few.length <= 2 || on.some((x) => x.f.held) ? few.slice(-2) : []) drawCaption(g, o.p, captionOf(o.f.frame), s, k)
}

function drawCaption(g: CanvasRenderingContext2D, at: Point, text: [string, string], s: Scene, k: Colours): void {
  g.save()
  g.textAlign = 'left'; g.textBaseline = 'alphabetic'
  g.font = '620 12px system-ui, sans-serif'
  const first = g.measureText(text[0]).width
  g.font = '400 12px system-ui, sans-serif'
  const width = Math.max(first, g.measureText(text[1]).width) + 20, height = 44
  const x = Math.max(6, Math.min(s.width - width - 6, at.x + 14)), y = at.y + 14 + height > s.height - 6 ? at.y - 14 - height : at.y + 14
  g.beginPath(); g.roundRect(x, y, width, height, 6)
  g.fillStyle = c(k, '--surface'); g.globalAlpha = 0.96; g.fill(); g.globalAlpha = 1
  g.lineWidth = 1; g.strokeStyle = c(k, '--line-strong'); g.stroke()
  g.fillStyle = c(k, '--text-2'); g.fillText(text[1], x + 10, y + 35)
  g.font = '620 12px system-ui, sans-serif'; g.fillStyle = c(k, '--text'); g.fillText(text[0], x + 10, y + 18)
  g.restore()
}

// drawCorner: LwM2M at the node's corner. A moon sleeps, a full dot is ready, a ring is under way.
function drawCorner(g: CanvasRenderingContext2D, p: Point, corner: string, k: Colours, size: number): void {
  if (!corner) return
  const x = p.x + 14 * size, y = p.y - 13 * size, r = Math.max(3, 4.5 * size)
  g.beginPath(); g.arc(x, y, r + 2, 0, 7); g.fillStyle = c(k, '--bg'); g.fill()
  if (corner === 'asleep') {
    g.beginPath(); g.arc(x, y, r, 0.6, 4.9); g.arc(x + r * 0.6, y - r * 0.5, r * 0.85, 4.3, 1.2, true); g.closePath(); g.fillStyle = c(k, '--sleep'); g.fill()
  } else {
    g.beginPath(); g.arc(x, y, r - 0.5, 0, 7)
    if (corner === 'ready') { g.fillStyle = c(k, '--ok'); g.fill() } else { g.lineWidth = 1.75; g.strokeStyle = c(k, '--warn'); g.stroke() }
  }
}

// drawRoute: the way that is followed is a wide band.
function drawRoute(g: CanvasRenderingContext2D, s: Scene, k: Colours, at: (n: MeshNode) => Point): void {
  if (s.route.length < 2) return
  g.save()
  g.beginPath()
  for (const id of s.route) { const n = s.world.nodes.get(id); if (n) { const p = at(n); g.lineTo(p.x, p.y) } }
  g.globalAlpha = 0.28; g.lineWidth = 14; g.lineJoin = 'round'; g.lineCap = 'round'; g.strokeStyle = c(k, '--accent'); g.stroke()
  g.restore()
}

function drawHull(g: CanvasRenderingContext2D, h: Hull, v: View, k: Colours, i: number, size: number): void {
  const colour = c(k, ['--accent', '--madder', '--woad', '--weld', '--sleep'][i % 5]!)
  const path = around(h.points.map((p) => toScreen(v, p)), 36 * Math.max(0.4, size))
  g.beginPath()
  for (const p of path) g.lineTo(p.x, p.y)
  g.closePath()
  g.save()
  g.globalAlpha = 0.07; g.fillStyle = colour; g.fill()
  g.restore()
  g.save()
  g.globalAlpha = 0.45; g.lineWidth = 1.5; g.strokeStyle = colour; g.setLineDash([2, 5]); g.stroke()
  g.restore()
}

// labelHull stands above nodes and links, with the ground around its letters.
function labelHull(g: CanvasRenderingContext2D, h: Hull, v: View, k: Colours, i: number, size: number): void {
  const t = toScreen(v, h.at), text = `partition ${hex(h.id)}, ${h.nodes} nodes`, y = Math.max(14, t.y - 42 * Math.max(0.4, size))
  g.font = '500 12px system-ui, sans-serif'; g.textAlign = 'center'; g.textBaseline = 'alphabetic'; g.lineJoin = 'round'; g.lineWidth = 4
  g.strokeStyle = c(k, '--bg'); g.strokeText(text, t.x, y)
  g.fillStyle = c(k, ['--accent', '--madder', '--woad', '--weld', '--sleep'][i % 5]!); g.fillText(text, t.x, y)
}

function drawLinks(g: CanvasRenderingContext2D, s: Scene, k: Colours, at: (n: MeshNode) => Point, size: number): void {
  const { world: w } = s
  const groups: Record<string, [Point, Point][]> = {}
  const labels: [Point, number][] = []
  for (const l of w.links.values()) {
    const a = w.nodes.get(l.a), b = w.nodes.get(l.b)
    if (!a || !b) continue
    const p = at(a), q = at(b)
    const child = l.kind === 'child', sleepy = child && (a.role === 'sed' || b.role === 'sed' || a.kind === 'sed' || b.kind === 'sed')
    const name = child ? (sleepy ? 's' : 'c') : 'r' + Math.max(1, quality(l))
    ;(groups[name] ??= []).push([p, q])
    if (!child && s.show.quality && w.nodes.size <= 60) labels.push([{ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 }, quality(l)])
  }
  const pens: Record<string, [string, number, number[]]> = { s: ['--control', 1.75, [1.5, 4]], c: ['--control', 1.25, []], r1: ['--warn', 1.25, [5, 4]], r2: ['--text-3', 2, []], r3: ['--text-3', 3.5, []] }
  for (const [name, lines] of Object.entries(groups)) {
    const [token, width, dash] = pens[name]!
    g.save()
    g.globalAlpha = w.nodes.size > 150 ? 0.4 : 0.75
    g.strokeStyle = c(k, token); g.lineWidth = Math.max(0.6, width * Math.max(0.35, size)); g.setLineDash(w.nodes.size > 300 ? [] : dash); g.lineCap = 'round'
    g.beginPath()
    for (const [p, q] of lines) { g.moveTo(p.x, p.y); g.lineTo(q.x, q.y) }
    g.stroke()
    g.restore()
  }
  g.textAlign = 'center'; g.textBaseline = 'middle'; g.font = '600 11px system-ui, sans-serif'
  for (const [p, q] of labels) {
    g.beginPath(); g.arc(p.x, p.y, 8, 0, 7); g.fillStyle = c(k, '--bg'); g.fill(); g.lineWidth = 1; g.strokeStyle = c(k, '--line-strong'); g.stroke()
    g.fillStyle = c(k, q <= 1 ? '--warn' : '--text-2'); g.fillText(String(q), p.x, p.y + 0.5)
  }
}

const kinds: Record<Frame['kind'], string> = { data: '--weld', fragment: '--weld', mle: '--accent', poll: '--sleep', ack: '--ok', beacon: '--woad' }

// drawFlight: an envelope on its way, or a ring for what all hear.
function drawFlight(g: CanvasRenderingContext2D, f: Flight, w: World, at: (n: MeshNode) => Point, k: Colours, now: number): void {
  const from = w.nodes.get(f.frame.from), t = progress(f, now)
  if (!from || t < 0 || t > 1) return
  const p = at(from), to = f.frame.to ? w.nodes.get(f.frame.to) : undefined
  const colour = c(k, f.frame.ok ? kinds[f.frame.kind] : '--err')
  g.save()
  if (!to) {
    g.globalAlpha = 0.5 * (1 - t); g.lineWidth = 2; g.strokeStyle = colour
    g.beginPath(); g.arc(p.x, p.y, 16 + 70 * t, 0, 7); g.stroke()
    g.restore()
    return
  }
  const q = at(to), x = p.x + (q.x - p.x) * t, y = p.y + (q.y - p.y) * t
  g.strokeStyle = colour; g.lineCap = 'round'
  if (!f.frame.ok) g.setLineDash([6, 5])
  g.lineWidth = f.frame.kind === 'ack' ? 1.5 : 4
  g.beginPath(); g.moveTo(p.x, p.y); g.lineTo(x, y); g.stroke()
  g.setLineDash([])
  const s = f.frame.kind === 'ack' ? 0.5 : 1
  g.translate(x, y); g.scale(s, s)
  g.fillStyle = colour; g.strokeStyle = c(k, '--bg'); g.lineWidth = 2
  g.beginPath(); g.roundRect(-9, -6.5, 18, 13, 2); g.fill(); g.stroke()
  g.strokeStyle = c(k, '--surface'); g.lineWidth = 1.5
  g.beginPath(); g.moveTo(-6, -3); g.lineTo(0, 1.5); g.lineTo(6, -3); g.stroke()
  g.restore()
}

export { legend, linkKey }
