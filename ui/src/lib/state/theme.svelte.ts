// Light, dark, or as the system says. Remembered in this browser.

export type Theme = 'system' | 'light' | 'dark'
const order: Theme[] = ['system', 'light', 'dark']
const names: Record<Theme, string> = { system: 'follows the system', light: 'light', dark: 'dark' }

function stored(): Theme {
  try { const t = localStorage.getItem('heddle.theme'); if (t === 'light' || t === 'dark') return t } catch { /* a browser without storage follows the system */ }
  return 'system'
}

class ThemeState {
  choice = $state<Theme>('system')
  dark = $state(false)
  #system = typeof matchMedia === 'undefined' ? undefined : matchMedia('(prefers-color-scheme: dark)')
  start(): void {
    this.choice = stored()
    this.#system?.addEventListener('change', () => this.#apply())
    this.#apply()
  }
  get name(): string { return names[this.choice] }
  next(): void {
    this.choice = order[(order.indexOf(this.choice) + 1) % order.length]!
    try { if (this.choice === 'system') localStorage.removeItem('heddle.theme'); else localStorage.setItem('heddle.theme', this.choice) } catch { /* not remembered */ }
    this.#apply()
  }
  #apply(): void {
    this.dark = this.choice === 'dark' || (this.choice === 'system' && !!this.#system?.matches)
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light'
  }
}
export const theme = new ThemeState()
