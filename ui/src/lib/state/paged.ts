// A long list that the server pages by key: pages come in order, each asked for once, until the wanted row is there. Plain and without runes, so that it is a test.

import { locate } from '../virtual/window.ts'

export interface Page<R> { items: R[]; next?: string; matched: number }

export class Paged<R> {
  rows: R[] = []
  matched = 0
  next: string | undefined
  complete = false
  #busy: Promise<void> | undefined
  #generation = 0

  constructor(readonly fetch: (after: string | undefined, limit: number, signal: AbortSignal) => Promise<Page<R>>, readonly key: (r: R) => string, readonly changed: () => void) {}
  #abort = new AbortController()

  // Begins again; the old rows stay until the first page of the new answer is there.
  async restart(limit: number): Promise<void> {
    this.#abort.abort()
    this.#abort = new AbortController()
    const generation = ++this.#generation
    this.#busy = undefined
    const page = await this.fetch(undefined, limit, this.#abort.signal)
    if (generation !== this.#generation) return
    this.rows = page.items
    this.#take(page)
  }
  #take(page: Page<R>): void {
    this.matched = page.matched
    this.next = page.next
    this.complete = !page.next
    if (this.complete) this.matched = this.rows.length
    this.changed()
  }
  // Fetches pages until row n - 1 is there.
  async reach(n: number, limit: number): Promise<void> {
    const generation = this.#generation
    while (generation === this.#generation && !this.complete && this.rows.length < Math.min(n, this.matched)) {
      if (this.#busy) { await this.#busy; continue }
      const missing = Math.min(n, this.matched) - this.rows.length
      this.#busy = this.#more(missing > 300 ? 1000 : limit, generation)
      try { await this.#busy } finally { this.#busy = undefined }
    }
  }
  async #more(limit: number, generation: number): Promise<void> {
    const page = await this.fetch(this.next, limit, this.#abort.signal)
    if (generation !== this.#generation) return
    const last = this.rows.length ? this.key(this.rows[this.rows.length - 1]!) : ''
    for (const r of page.items) {
      if (this.rows.length === 0 || this.key(r) > last) this.rows.push(r)
      else { const { at, found } = locate(this.rows, this.key(r), this.key); if (found) this.rows[at] = r; else this.rows.splice(at, 0, r) }
    }
    this.#take(page)
  }
  find(key: string): number { const { at, found } = locate(this.rows, key, this.key); return found ? at : -1 }
  replace(at: number, row: R): void { this.rows[at] = row; this.changed() }
  // A new row at its place, if that is among the rows that are here; beyond them it only counts.
  insert(row: R): void {
    const { at, found } = locate(this.rows, this.key(row), this.key)
    if (found) { this.rows[at] = row; this.changed(); return }
    this.matched++
    if (at < this.rows.length || this.complete) this.rows.splice(at, 0, row)
    this.changed()
  }
  remove(key: string): void {
    const at = this.find(key)
    if (at >= 0) this.rows.splice(at, 1)
    this.matched = Math.max(this.rows.length, this.matched - 1)
    this.changed()
  }
}
