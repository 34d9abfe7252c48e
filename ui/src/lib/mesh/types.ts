// The shapes of a simulation's REST and SSE contract (internal/topology/types.go).

export type Role = 'leader' | 'router' | 'reed' | 'fed' | 'med' | 'sed' | 'child' | 'detached' | 'disabled' | 'off'
export interface MeshNode {
  id: number; name: string; x: number; y: number; on: boolean; kind: 'router' | 'fed' | 'med' | 'sed'; role: Role; rloc16: string; partition: number; parent: number
  ext: string; channel: number; children: number; sent: number; received: number; retries: number; routerId: number; border?: boolean; client?: string; lwm2m?: string
}
export interface MeshLink { a: number; b: number; qa: number; qb: number; kind: 'router' | 'child' }
export interface Partition { id: number; leader: number; nodes: number }
export interface Entry { at: number; kind: 'partition' | 'merge' | 'leader' | 'kill' | 'script' | 'note'; text: string; node?: number }
export interface Clock { now: number; until: number; speed: number; paused: boolean; done: boolean; rate: number }
export type Can = 'time' | 'seek' | 'past' | 'act' | 'move' | 'links' | 'shell' | 'route' | 'frames' | 'capture'
export interface Path { from: number; to: number; hops: number[]; cost: number; whole: boolean; why?: string }
export interface Snapshot extends Clock { epoch: string; can?: Can[]; own?: number; seq: number; seed: number; network: { channel: number; panid: string; name: string }; nodes: MeshNode[]; links: MeshLink[]; partitions: Partition[]; history: Entry[] }
export interface Change { seq: number; now: number; nodes: MeshNode[] | null; links: { add: MeshLink[] | null; remove: MeshLink[] | null }; partitions: Partition[] | null; history: Entry[] | null }
export interface Frame { at: number; from: number; to: number; kind: 'data' | 'ack' | 'poll' | 'mle' | 'beacon' | 'fragment'; len: number; rssi: number; channel: number; ok: boolean; text?: string }
export interface NeighborRow { id: number; ext: string; rloc16: string; role: 'parent' | 'child' | 'router'; in: number; out: number; rssi: number; age: number }
export interface Detail extends MeshNode {
  eui64: string; mode: string; uptime: number; addresses: string[] | null; multicast: string[] | null; neighbors: NeighborRow[] | null; counters: Record<string, number>
  energy: Record<string, number>; dataVersion: number; pollPeriod?: number; vendor?: string; model?: string; stack?: string
}
export interface Said { output: string[] | null; last: string }
export interface Control { pause?: boolean; speed?: number; step?: 'frame' | 'second'; to?: number }
export interface Action { action: 'kill' | 'revive' | 'reset' | 'move'; x?: number; y?: number }
