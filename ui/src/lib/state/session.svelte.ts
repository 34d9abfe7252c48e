// Who is at the page, and what they may do.

import { api, ApiError, setCsrf, whenUnauthorised } from '../api/client.ts'
import type { Role, Session } from '../api/types.ts'

const rank: Record<Role, number> = { read: 0, operate: 1, admin: 2 }

class SessionState {
  now = $state.raw<Session | null>(null)
  state = $state<'unknown' | 'out' | 'in' | 'unreachable'>('unknown')
  expired = $state(false)
  constructor() { whenUnauthorised(() => { if (this.state === 'in') { this.expired = true; this.state = 'out'; this.now = null } }) }

  async load(): Promise<void> {
    try { this.enter(await api.session()) } catch (e) {
      if (e instanceof ApiError && e.status === 0) { if (this.state === 'unknown') this.state = 'unreachable' } else { this.expired = this.state === 'in'; this.now = null; this.state = 'out' }
    }
  }
  enter(s: Session): void { this.now = s; setCsrf(s.csrf); this.state = 'in'; this.expired = false }
  async leave(): Promise<void> {
    await api.logOut()
    setCsrf(undefined)
    this.now = null; this.expired = false; this.state = 'out'
  }
  may(role: Role): boolean { return !!this.now && rank[this.now.role] >= rank[role] }
}
export const session = new SessionState()
