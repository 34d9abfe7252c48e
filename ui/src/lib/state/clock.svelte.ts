// The server's time, once a second, for ages and countdowns. It stands still while the page is hidden.

import { skew } from '../api/client.ts'

class Clock {
  now = $state(Date.now())
  #timer: ReturnType<typeof setInterval> | undefined
  start(): void {
    const tick = () => { this.now = Date.now() + skew.ms }
    const run = () => {
      clearInterval(this.#timer)
      tick()
      if (!document.hidden) this.#timer = setInterval(tick, 1000)
    }
    document.addEventListener('visibilitychange', run)
    run()
  }
  exact(): number { return Date.now() + skew.ms }
}
export const clock = new Clock()
