// Firmware updates in words: what a device's result means, and what to do.

import type { FirmwareDevice, FirmwareState, FirmwareUpdate } from './api/types.ts'
import type { IconName } from './parts/Icon.svelte'

// Update Result, /5/0/5 (OMA LwM2M Core 1.1.1 section E.6; 10 and 11 are of 1.2).
const results: Record<number, [string, string]> = {
  0: ['no result yet', ''],
  1: ['updated', ''],
  2: ['not enough flash memory', 'The package is larger than the room that the device has for it. Make it smaller, or delete something on the device.'],
  3: ['out of memory while it downloaded', 'Try again when the device does less; a smaller block size may help.'],
  4: ['connection lost while it downloaded', 'Start it again: the device goes on or begins anew.'],
  5: ['integrity check failed', 'The package arrived damaged, or it is not what the device expects. Compare the hash, then start it again.'],
  6: ['package type not supported', 'The package is for another kind of device.'],
  7: ['invalid URI', 'The device cannot use the address of the package. Check the address that devices reach this server at, or push instead.'],
  8: ['update failed', 'The package arrived whole, but the device could not install it. It runs what it ran before.'],
  9: ['protocol not supported', 'The device cannot pull by this protocol. Push instead.'],
  10: ['cancelled', ''],
  11: ['deferred', 'The device puts the update off by itself.'],
}
export const resultText = (r: number | undefined): string => (r === undefined ? '' : (results[r]?.[0] ?? `result ${r}`))
export const resultAdvice = (r: number | undefined): string => (r === undefined ? '' : (results[r]?.[1] ?? ''))

export const stateWords: Record<FirmwareState, string> = { waiting: 'waits', downloading: 'downloading', downloaded: 'downloaded', updating: 'installing', done: 'done', failed: 'failed', cancelled: 'cancelled' }
export const stateIcon: Record<FirmwareState, IconName> = { waiting: 'clock', downloading: 'down', downloaded: 'check', updating: 'refresh', done: 'check', failed: 'warn', cancelled: 'x' }
export const stateTone: Record<FirmwareState, string> = { waiting: 't-sleep', downloading: 't-accent', downloaded: 't-accent', updating: 't-accent', done: 't-ok', failed: 't-err', cancelled: 'muted' }
export const over = (s: FirmwareState): boolean => s === 'done' || s === 'failed' || s === 'cancelled'

// How far a device is, 0 to 1: the download is nearly all of it.
export function progress(d: Pick<FirmwareDevice, 'state' | 'sent' | 'size'>): number {
  if (d.state === 'done') return 1
  if (d.state === 'downloaded' || d.state === 'updating') return 0.95
  return d.size ? Math.min(0.95, ((d.sent ?? 0) / d.size) * 0.95) : 0
}
export function count(devices: readonly FirmwareDevice[]): Partial<Record<FirmwareState, number>> {
  const n: Partial<Record<FirmwareState, number>> = {}
  for (const d of devices) n[d.state] = (n[d.state] ?? 0) + 1
  return n
}
export function totals(u: FirmwareUpdate): { all: number; done: number; failed: number; cancelled: number; left: number } {
  const c = u.counts ?? count(u.devices ?? [])
  const all = Object.values(c).reduce((a, b) => a + (b ?? 0), 0)
  const done = c.done ?? 0, failed = c.failed ?? 0, cancelled = c.cancelled ?? 0
  return { all, done, failed, cancelled, left: all - done - failed - cancelled }
}
export function updateWords(u: FirmwareUpdate): string {
  const t = totals(u)
  const parts = [t.all === 1 && t.done ? 'done' : `${t.done} of ${t.all} done`]
  if (t.failed) parts.push(`${t.failed} failed`)
  if (t.cancelled) parts.push(`${t.cancelled} cancelled`)
  if (t.left && u.state === 'running') parts.push(`${t.left} under way`)
  return parts.join(', ')
}
// An event about one device changes what is known of its update; the counts follow.
export function take(u: FirmwareUpdate, d: FirmwareDevice): FirmwareUpdate {
  const at = u.devices?.findIndex((x) => x.endpoint === d.endpoint) ?? -1
  if (!u.devices || at < 0) return u
  const old = u.devices[at]!
  const devices = [...u.devices]
  devices[at] = { ...old, ...d }
  const counts = u.counts && old.state !== d.state ? { ...u.counts, [old.state]: Math.max(0, (u.counts[old.state] ?? 0) - 1), [d.state]: (u.counts[d.state] ?? 0) + 1 } : u.counts
  return { ...u, devices, counts }
}
// From the name of a file: thermo-1.4.2.bin is thermo, 1.4.2.
export function guess(file: string): { name: string; version: string } {
  const base = file.replace(/\.(bin|img|hex|fw|zip|tar(\.gz)?|gz)$/i, '')
  const m = /^(.*?)[-_ ]v?(\d+(?:\.\d+)+[\w.+-]*)$/.exec(base)
  return m ? { name: m[1]!, version: m[2]! } : { name: base, version: '' }
}
// A container of ours says its name and version in its first bytes (docs/firmware.md).
export function container(head: Uint8Array): { name: string; version: string } | null {
  if (head.length < 48 || String.fromCharCode(...head.subarray(0, 4)) !== 'HDFW' || head[4] !== 1) return null
  const n = head[5]!, v = head[6]!
  if (n > 64 || v > 64 || head.length < 48 + n + v) return null
  const text = new TextDecoder()
  return { name: text.decode(head.subarray(48, 48 + n)), version: text.decode(head.subarray(48 + n, 48 + n + v)) }
}
export const shortHash = (h: string): string => (h.length > 20 ? `${h.slice(0, 8)}…${h.slice(-8)}` : h)
