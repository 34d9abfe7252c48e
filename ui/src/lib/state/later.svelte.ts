// True once something has been waiting for 150 ms: only then does a list show that it loads.
export function slow(waiting: () => boolean, ms = 150): { readonly now: boolean } {
  let on = $state(false)
  $effect(() => {
    if (!waiting()) { on = false; return }
    const t = setTimeout(() => { on = true }, ms)
    return () => clearTimeout(t)
  })
  return { get now() { return on } }
}
