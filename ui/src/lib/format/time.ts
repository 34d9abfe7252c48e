// Ages, countdowns and instants. An age says how long something is silent; a countdown how long it still lives.

export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 1) return 'now'
  if (s < 60) return `${s} s`
  const m = Math.floor(s / 60)
  if (m < 10) return s % 60 ? `${m} min ${s % 60} s` : `${m} min`
  if (m < 60) return `${m} min`
  const h = Math.floor(m / 60)
  if (h < 6) return m % 60 ? `${h} h ${m % 60} min` : `${h} h`
  if (h < 48) return `${h} h`
  return `${Math.floor(h / 24)} d`
}

export function ago(ms: number): string {
  const text = age(ms)
  return text === 'now' ? 'now' : coarse(ms) + ' ago'
}

// One unit is enough beside a value.
export function coarse(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86400)} d`
}

// 4:41 under an hour (under ten minutes while it runs), then 31 min, 9 h, 2 d.
export function countdown(ms: number): string {
  if (ms === Infinity) return 'no end'
  const s = Math.max(0, Math.ceil(ms / 1000))
  if (s < 600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`
  if (s < 7200) return `${Math.floor(s / 60)} min`
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86400)} d`
}

export function span(seconds: number): string {
  if (seconds <= 0) return 'no end'
  if (seconds < 120) return `${seconds} s`
  if (seconds % 86400 === 0 && seconds >= 172800) return `${seconds / 86400} d`
  if (seconds % 3600 === 0) return `${seconds / 3600} h`
  if (seconds % 60 === 0) return `${seconds / 60} min`
  return `${seconds} s`
}

const two = (n: number) => String(n).padStart(2, '0')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function clock(at: string | number | Date): string {
  const d = new Date(at)
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}
export function clockMs(at: string | number | Date): string {
  const d = new Date(at)
  return `${clock(d)}.${String(d.getMilliseconds()).padStart(3, '0')}`
}
export function day(at: string | number | Date, now = Date.now()): string {
  const d = new Date(at)
  if (Number.isNaN(d.getTime())) return ''
  if (new Date(now).toDateString() === d.toDateString()) return 'today'
  return `${d.getDate()} ${months[d.getMonth()]} ${d.getFullYear()}`
}
export function instant(at: string | number | Date | null | undefined): string {
  const d = new Date(at ?? NaN)
  if (Number.isNaN(d.getTime())) return at ? String(at) : 'no end'
  return `${d.getDate()} ${months[d.getMonth()]} ${d.getFullYear()}, ${clock(d)} ${zone(d)}`
}
// Without the year where it is this one.
export function instantUTC(at: string | number | Date, thisYear?: number): string {
  const d = new Date(at)
  if (Number.isNaN(d.getTime())) return String(at)
  return `${d.getUTCDate()} ${months[d.getUTCMonth()]}${d.getUTCFullYear() === thisYear ? '' : ' ' + d.getUTCFullYear()}, ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
}
export function zone(d: Date): string {
  const off = -d.getTimezoneOffset()
  if (off === 0) return 'UTC'
  const a = Math.abs(off)
  return `UTC${off < 0 ? '\u2212' : '+'}${Math.floor(a / 60)}${a % 60 ? ':' + two(a % 60) : ''}`
}
// For <input type="datetime-local">, in the reader's zone.
export function localInput(at: string | number | Date): string {
  const d = new Date(at)
  if (Number.isNaN(d.getTime())) return ''
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${clock(d)}`
}
