// Whether a key press belongs to something that takes text.
export function typing(e: Event): boolean {
  const t = e.target as HTMLElement | null
  return !!t && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName)) && !['checkbox', 'radio', 'button'].includes((t as HTMLInputElement).type)
}
// Arrow keys, Home and End over the elements that match, inside one container.
export function arrows(e: KeyboardEvent, container: HTMLElement, selector: string, keys: [string, string] = ['ArrowUp', 'ArrowDown']): boolean {
  const all = [...container.querySelectorAll<HTMLElement>(selector)].filter((el) => el.offsetParent !== null)
  if (!all.length) return false
  const at = all.indexOf(document.activeElement as HTMLElement)
  const to = e.key === keys[1] ? Math.min(all.length - 1, at + 1) : e.key === keys[0] ? Math.max(0, at - 1) : e.key === 'Home' ? 0 : e.key === 'End' ? all.length - 1 : -1
  if (to < 0) return false
  e.preventDefault()
  all[to]!.focus()
  return true
}
