import { describe, expect, test } from 'vitest'
import { checkTag, tagOf, tagQuery } from '../src/lib/tags.ts'

describe('tags', () => {
  test('what a tag may be', () => {
    for (const ok of ['', 'cellar', 'north-2', 'größe']) expect(checkTag(ok, []), ok).toBe('')
    for (const bad of ['two words', 'a,b', 'x'.repeat(65)]) expect(checkTag(bad, []), bad).not.toBe('')
    expect(checkTag('cellar', ['cellar'])).not.toBe('')
    expect(checkTag('new', Array.from({ length: 32 }, (_, i) => 't' + i))).not.toBe('')
  })
  test('a search for one', () => { expect(tagOf(tagQuery('cellar'))).toBe('cellar'); expect(tagOf('cellar')).toBe('') })
})
