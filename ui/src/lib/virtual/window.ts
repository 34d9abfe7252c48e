// Which rows of a long list are on the screen. Pure, so that 50,000 rows are a test.

export interface Window { first: number; last: number; before: number; after: number } // rows [first, last), and the empty pixels around them

export function visible(count: number, rowHeight: number, scrollTop: number, viewHeight: number, overscan = 8): Window {
  if (count <= 0 || rowHeight <= 0) return { first: 0, last: 0, before: 0, after: 0 }
  const top = Math.min(Math.max(0, scrollTop), Math.max(0, count * rowHeight - viewHeight))
  const first = Math.max(0, Math.floor(top / rowHeight) - overscan)
  const last = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + overscan)
  return { first, last, before: first * rowHeight, after: (count - last) * rowHeight }
}

// The scroll position that shows row i wholly, moved as little as possible.
export function reveal(i: number, rowHeight: number, scrollTop: number, viewHeight: number): number {
  const top = i * rowHeight
  if (top < scrollTop) return top
  if (top + rowHeight > scrollTop + viewHeight) return top + rowHeight - viewHeight
  return scrollTop
}

// Where key belongs in a list sorted by it, and whether it is there.
export function locate<R>(rows: readonly R[], key: string, of: (r: R) => string): { at: number; found: boolean } {
  let lo = 0, hi = rows.length
  while (lo < hi) {
    const mid = (lo + hi) >> 1
    if (compare(of(rows[mid]!), key) < 0) lo = mid + 1
    else hi = mid
  }
  return { at: lo, found: lo < rows.length && of(rows[lo]!) === key }
}

// The server sorts by UTF-8 bytes; JavaScript compares UTF-16 units, which differs above U+FFFF only.
export function compare(a: string, b: string): number { return a < b ? -1 : a > b ? 1 : 0 }
