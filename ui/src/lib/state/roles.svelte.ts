// What this program is: an LwM2M server, a bootstrap server, both, or the simulation of a mesh. The pages follow from it.

import { api } from '../api/client.ts'
import type { ServerInfo, ServerRole } from '../api/types.ts'

export type PageId = 'topology' | 'traces' | 'border' | 'commissioning' | 'network' | 'clients' | 'security' | 'bootstrap' | 'firmware' | 'server' | 'objects' | 'access'
export const pageNames: Record<PageId, string> = { topology: 'Topology', traces: 'Traces', border: 'Border router', commissioning: 'Commissioning', network: 'Network', clients: 'Clients', security: 'Security', bootstrap: 'Bootstrap', firmware: 'Firmware', server: 'Server', objects: 'Objects', access: 'Access' }
const need: Partial<Record<PageId, ServerRole>> = { topology: 'mesh', traces: 'traces', border: 'border', commissioning: 'node', network: 'node', clients: 'server', security: 'server', firmware: 'server', bootstrap: 'bootstrap' }

class Roles {
  info = $state.raw<ServerInfo | null>(null)
  now = $state.raw<readonly ServerRole[] | null>(null) // null: not known yet
  settled = $state(false) // known, or not to be known now
  async load(): Promise<void> {
    try { this.info = await api.server(); this.now = this.info.roles?.length ? this.info.roles : ['server'] } catch { /* asked again with the next log-in; until then every page of a server is there */ }
    this.settled = true
  }
  has(role: ServerRole): boolean { return this.now ? this.now.includes(role) : role === 'server' }
  // A simulation alone has no devices, no users and no store.
  get lwm2m(): boolean { return this.has('server') || this.has('bootstrap') }
  shows(id: PageId): boolean { const r = need[id]; return r ? this.has(r) : this.lwm2m }
  pages(ids: PageId[]): PageId[] { return ids.filter((id) => this.shows(id)) }
  get home(): PageId { return this.has('server') ? 'clients' : this.has('mesh') ? 'topology' : 'bootstrap' }
}
export const roles = new Roles()
