import { describe, expect, test } from 'vitest'
import type { BootstrapConfiguration, BootstrapSession } from '../src/lib/api/types.ts'
import { check, checkMode, checkPath, checkUri, follow, newForm, newServer, nextShortId, resourcesOf, tabOf } from '../src/lib/bootstrap/form.ts'
import { another, toConfiguration, toForm } from '../src/lib/bootstrap/wire.ts'
import { lastWords, sessionWords } from '../src/lib/bootstrap/words.ts'
import { bootstrapLines, bootstrapUri } from '../src/lib/provision.ts'

const form = () => { const f = newForm('coaps://[fdaa::10]:5784', 'coaps://[fdaa::10]:5684'); f.endpoint = 'demo'; follow(f); return f }

describe('a bootstrap configuration', () => {
  test('a new one with an endpoint is complete, with two different keys', () => {
    const f = form()
    expect(check(f)).toEqual([])
    expect(f.reach.key).toMatch(/^[0-9a-f]{32}$/)
    expect(f.servers[0]!.key).not.toBe(f.reach.key)
    expect([f.reach.identity, f.servers[0]!.identity]).toEqual(['BSID-demo', 'demo'])
  })
  test('identities follow the endpoint until somebody changes them', () => {
    const f = form()
    f.reach.follows = false; f.reach.identity = 'mine'; f.endpoint = 'other'; follow(f)
    expect([f.reach.identity, f.servers[0]!.identity]).toEqual(['mine', 'other'])
  })
  test('every field that is wrong is named, in the order of the form', () => {
    const f = form()
    f.endpoint = ''; f.reach.uri = 'coap://x'; f.reach.key = '0'; f.servers.push(newServer('coaps://h:99999')); f.servers[1]!.identity = 'x'; f.servers[0]!.lifetime = '0'; f.remove = ['/x']
    expect(check(f).map((w) => w.at)).toEqual(['bep', 'ruri', 'rkey', 's0life', 's1uri', 's1short', 'remove'])
    expect(['bep', 's1uri', 'remove', 'a0owner'].map(tabOf)).toEqual(['reach', 'given', 'given', 'given'])
  })
  test('short server ids are not used twice', () => { const f = form(); f.servers.push(newServer('coaps://h', nextShortId(f))); expect(f.servers.map((s) => s.shortId)).toEqual(['123', '124']) })
  test('addresses', () => {
    for (const ok of ['coaps://h:5684', 'coap://192.0.2.1', 'coaps://[fdaa:bb:1::10]:5784']) expect(checkUri(ok), ok).toBe('')
    for (const bad of ['', 'h:5684', 'http://h', 'coaps+tcp://h', 'coaps://', 'coaps://h:0', 'coaps://h:70000', 'coaps://fdaa::1:5684', 'coaps://h/path']) expect(checkUri(bad), bad).not.toBe('')
    expect(checkMode('coaps://h', 'none')).not.toBe('')
    expect(checkMode('coap://h', 'psk')).not.toBe('')
    expect(checkMode('coap://h', 'none') + checkMode('coaps://h', 'psk')).toBe('')
  })
  test('paths and resources', () => {
    for (const ok of ['/', '/0', '/3303/0']) expect(checkPath(ok), ok).toBe('')
    for (const bad of ['', '0', '/x', '/3/0/1', '/65535', '/3/']) expect(checkPath(bad), bad).not.toBe('')
    expect(resourcesOf('{"14": "+01:00"}')).toEqual({ 14: '+01:00' })
    for (const bad of ['', '[]', '{}', '{"x": 1}', '3', '{']) expect(resourcesOf(bad), bad).toBeNull()
  })
  test('the line for the device', () => {
    expect(bootstrapLines({ endpoint: 'demo', identity: 'BSID', key: '00ff', host: '[fdaa::10]', port: 5784 })[0]!.text).toBe('lwstart -n demo -h fdaa::10 -b -p 5784 -i BSID -s 00ff')
    expect(bootstrapLines({ endpoint: 'demo', identity: '', key: '', host: 'h', port: 5783 })[0]!.text).toBe('lwstart -n demo -h h -b -p 5783')
    expect(bootstrapUri({ endpoint: 'a b', identity: 'i', key: '00', host: 'fdaa::1', port: 5784 })).toBe('coaps://[fdaa::1]:5784?ep=a%20b&bs=1&id=i&psk=00')
  })
})

describe('what is stored', () => {
  test('a new configuration', () => {
    const f = form()
    f.reach.key = '00 11:22 AA'.padEnd(40, '0'); f.acls = [{ object: '3', instance: '0', owner: '123', rights: [{ server: '123', bits: 15 }] }]; f.objects = [{ path: '/3/0/15', json: '"Europe/Vienna"' }, { path: '/3/0', json: '{"14":"+01:00"}' }]; f.servers[0]!.more[13] = '1'
    const c = toConfiguration(f)
    expect(c.account).toMatchObject({ uri: 'coaps://[fdaa::10]:5784', mode: 'psk', identity: 'BSID-demo', holdOff: 10, accountTimeout: 0 })
    expect(c.account.key).toMatch(/^[0-9a-f]+$/)
    expect(c.servers[0]).toMatchObject({ uri: 'coaps://[fdaa::10]:5684', identity: 'demo', shortServerId: 123, lifetime: 300, binding: 'U', muteSend: false, resources: { 13: 1 } })
    expect(c.acls).toEqual([{ object: 3, instance: 0, owner: 123, rights: { 123: 15 } }])
    expect(c.objects).toEqual([{ path: '/3/0/15', value: 'Europe/Vienna' }, { path: '/3/0', resources: { 14: '+01:00' } }])
  })
  const stored: BootstrapConfiguration = {
    endpoint: 'demo', enabled: true, account: { uri: 'coaps://h:5784', mode: 'psk', identity: 'BSID-demo', hasKey: true, holdOff: 5, update: true }, read: ['/1'], onRefusal: 'continue', delete: ['/0'], updatedAt: '2026-11-25T08:00:00.000Z',
    servers: [{ uri: 'coaps://h:5684', mode: 'psk', identity: 'x', hasKey: true, shortServerId: 7, lifetime: 60, binding: 'UQ', storing: true, muteSend: true, resources: { 16: false, 17: 3 }, securityInstance: 4, local: true }],
  }
  test('editing keeps the keys that are stored, and what the form does not show', () => {
    const f = toForm(stored)
    expect(check(f)).toEqual([])
    const c = toConfiguration(f)
    expect(c.account).toEqual({ uri: 'coaps://h:5784', mode: 'psk', identity: 'BSID-demo', key: undefined, holdOff: 5, accountTimeout: undefined, update: true })
    expect(c).toMatchObject({ enabled: true, read: ['/1'], onRefusal: 'continue' })
    expect(c).not.toHaveProperty('updatedAt')
    expect(c.servers[0]).toMatchObject({ key: undefined, shortServerId: 7, binding: 'UQ', muteSend: true, resources: { 16: false, 17: 3 }, securityInstance: 4 })
  })
  test('a duplicate has keys and names of its own', () => {
    const f = another(toForm(stored), () => 'ab'.repeat(16))
    expect(f.endpoint).toBe('')
    f.endpoint = 'two'; follow(f)
    const c = toConfiguration(f)
    expect([c.endpoint, c.account.identity, c.account.key, c.servers[0]!.identity, c.servers[0]!.key]).toEqual(['two', 'BSID-two', 'ab'.repeat(16), 'two', 'ab'.repeat(16)])
  })
  test('a group: one way in, and a name and a key of its own for each device', () => {
    const f = form()
    f.endpoint = 'light-*'; follow(f)
    expect(check(f)).toEqual([])
    expect(toConfiguration(f)).toMatchObject({ endpoint: 'light-*', account: { identity: 'BSID-light' }, servers: [{ identity: '{endpoint}', generateKey: true }] })
    expect(toConfiguration(f).servers[0]).not.toHaveProperty('key')
    f.servers[0]!.identity = 'light'
    expect(check(f).map((w) => w.at)).toEqual(['s0id'])
    f.endpoint = 'a*b'
    expect(check(f).map((w) => w.at)).toEqual(['bep'])
  })
})

describe('a session in words', () => {
  const s: BootstrapSession = { id: '1', endpoint: 'demo', state: 'running', startedAt: '2026-11-25T08:00:00.000Z', step: 4, of: 6, steps: [{ out: true, code: 'PUT', path: '/1/0', what: 'Write', state: 'sent' }] }
  test('running, done, failed', () => {
    expect(sessionWords(s).text).toBe('running: Write /1/0, step 4 of 6')
    expect(sessionWords({ ...s, state: 'finished', endedAt: '2026-11-25T08:00:01.310Z' }).text).toBe('done in 1.31 s')
    expect(sessionWords({ ...s, state: 'failed', steps: [{ out: true, code: 'POST', path: '/bs', what: 'Finish', state: 'failed', answer: '4.06' }] }).text).toBe('failed at Finish: 4.06')
  })
  test('the last of a device, how many of a group', () => {
    const at = '2026-11-25T08:00:00.000Z', now = Date.parse(at) + 5000
    const c: BootstrapConfiguration = { endpoint: 'light-*', account: { mode: 'none' }, servers: [], result: { done: 14, failed: 1, endpoint: 'light-3', state: 'finished', at, took: 1.3 } }
    expect(lastWords(c, undefined, now)?.text).toBe('14 done, 1 failed, last today')
    expect(lastWords({ ...c, endpoint: 'demo' }, undefined, now)?.text).toBe('done in 1.30 s, today')
    expect(lastWords({ ...c, result: undefined }, undefined, now)).toBeUndefined()
    expect(lastWords(c, s, now)?.text).toBe('running: Write /1/0, step 4 of 6')
  })
})
