// Tags as the server takes them: without spaces and commas, 64 bytes at most, 32 to a device.
export function checkTag(t: string, has: readonly string[]): string {
  const tag = t.trim()
  if (!tag) return ''
  if (/[\s,]/.test(tag)) return 'A tag is one word, without commas.'
  if (new TextEncoder().encode(tag).length > 64) return 'At most 64 bytes.'
  if (has.includes(tag)) return 'It has this tag.'
  if (has.length >= 32) return 'A device has at most 32 tags.'
  return ''
}
export const tagQuery = (tag: string): string => `tag:${tag}`
export const tagOf = (q: string): string => (q.trim().startsWith('tag:') ? q.trim().slice(4) : '')
