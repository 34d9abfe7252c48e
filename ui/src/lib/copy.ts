// To the clipboard, also on a page without TLS, where navigator.clipboard is missing.
export async function copyText(text: string): Promise<boolean> {
  try { if (navigator.clipboard) { await navigator.clipboard.writeText(text); return true } } catch { /* not allowed: the old way */ }
  const box = document.createElement('textarea')
  box.value = text
  box.className = 'vh'
  box.setAttribute('aria-hidden', 'true')
  const back = document.activeElement as HTMLElement | null
  const into = document.querySelector('dialog[open]') ?? document.body
  into.append(box)
  box.select()
  let done = false
  try { done = document.execCommand('copy') } catch { done = false }
  box.remove()
  back?.focus()
  return done
}
export function download(name: string, type: string, text: string): void {
  const a = document.createElement('a')
  const href = URL.createObjectURL(new Blob([text], { type }))
  a.href = href
  a.download = name
  document.body.append(a)
  a.click()
  a.remove()
  setTimeout(() => URL.revokeObjectURL(href), 10_000)
}
