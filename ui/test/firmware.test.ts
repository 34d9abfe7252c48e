import { describe, expect, test } from 'vitest'
import type { FirmwareUpdate } from '../src/lib/api/types.ts'
import { container, guess, progress, resultAdvice, resultText, take, totals, updateWords } from '../src/lib/firmware.ts'

const u: FirmwareUpdate = { id: '1', package: 'p', method: 'push', startedAt: '2026-11-25T08:00:00.000Z', state: 'running', counts: { done: 1, failed: 1, downloading: 2 }, devices: [{ endpoint: 'a', state: 'done' }, { endpoint: 'b', state: 'failed', result: 5 }, { endpoint: 'c', state: 'downloading', sent: 50, size: 100 }, { endpoint: 'd', state: 'downloading' }] }

describe('firmware', () => {
  test('an update in words', () => {
    expect(updateWords(u)).toBe('1 of 4 done, 1 failed, 2 under way')
    expect(updateWords({ ...u, state: 'finished', counts: { done: 1 } })).toBe('done')
    expect(totals({ ...u, counts: undefined })).toEqual({ all: 4, done: 1, failed: 1, cancelled: 0, left: 2 })
  })
  test('an event moves one device, and the counts with it', () => {
    const next = take(u, { endpoint: 'c', state: 'done', result: 1 })
    expect(next.counts).toEqual({ done: 2, failed: 1, downloading: 1 })
    expect(next.devices![2]).toEqual({ endpoint: 'c', state: 'done', sent: 50, size: 100, result: 1 })
    expect(take(u, { endpoint: 'x', state: 'done' })).toBe(u)
    expect(take(next, { endpoint: 'c', state: 'done' }).counts).toEqual(next.counts)
  })
  test('progress', () => {
    expect(progress({ state: 'downloading', sent: 50, size: 100 })).toBeCloseTo(0.475)
    expect([progress({ state: 'waiting' }), progress({ state: 'updating' }), progress({ state: 'done' })]).toEqual([0, 0.95, 1])
  })
  test('results say what to do', () => { expect(resultText(5)).toBe('integrity check failed'); expect(resultAdvice(2)).toMatch(/flash|larger/); expect(resultText(42)).toBe('result 42') })
  test('a container says what it is', () => {
    const b = new Uint8Array(60)
    b.set([...'HDFW'].map((c) => c.charCodeAt(0)), 0); b.set([1, 4, 3], 4); b.set([...'lamp2.0'].map((c) => c.charCodeAt(0)), 48)
    expect(container(b)).toEqual({ name: 'lamp', version: '2.0' })
    expect(container(b.subarray(0, 50))).toBeNull()
    b[5] = 200
    expect(container(b)).toBeNull()
    expect(container(new Uint8Array(100))).toBeNull()
  })
  test('names of files', () => {
    expect(guess('thermo-1.4.2.bin')).toEqual({ name: 'thermo', version: '1.4.2' })
    expect(guess('app_v2.0-rc1.img')).toEqual({ name: 'app', version: '2.0-rc1' })
    expect(guess('firmware.bin')).toEqual({ name: 'firmware', version: '' })
  })
})
