// The shapes of the REST and SSE contract, /api/v1. One place, so that a change of the contract is a change here and the compiler finds the rest.

export type Role = 'admin' | 'operate' | 'read'
export interface Session { user: string; role: Role; via: 'cookie' | 'token' | 'open'; csrf?: string; version?: string; webBuild?: string }

export interface Problem { type?: string; title: string; status: number; detail?: string; instance?: string; operation?: string; errors?: { message?: string; location?: string; value?: unknown }[] }

export type ClientState = 'awake' | 'asleep' | 'late' | 'gone'
export type SecurityMode = 'none' | 'psk' | 'rpk' | 'x509'
export interface ClientSecurity { mode: SecurityMode; identity?: string; cid?: boolean }
export interface ClientRow {
  endpoint: string; id: string; state: ClientState; security: ClientSecurity; version: string; binding: string; queue: boolean; lifetime: number
  registeredAt: string; updatedAt: string; expiresAt: string | null; lastSeen: string; address: string; kind?: string; objects?: string[]; battery?: number; pending?: number; queued?: number; awake?: boolean; awakeUntil?: string | null; note?: string; tags?: string[]
}
export interface StateCounts { awake: number; asleep: number; late: number; insecure: number }
export interface ClientList { total: number; known?: number; matched: number; counts: StateCounts; items: ClientRow[]; next?: string }

export interface ClientObject { id: number; version?: string; name?: string; instances: number[] }
export interface Link { path: string; attributes?: Record<string, unknown>; version?: string }
export interface Observation { id: string; path: string; paths?: string[]; since: string; lastAt?: string | null; count: number; state: 'active' | 'restoring' | 'waiting' | 'failed' | 'ended'; error?: string }

// A value as JSON carries it. Opaque is hex, time is RFC 3339, objlink is "3:0"; an integer beyond 2^53 is kept as a bigint.
export type Scalar = string | number | boolean | bigint | null
export interface KnownValue { value: Scalar; type?: string; at: string; source?: string }
// What was measured of the NAT that a device is behind; from its first change of address on. Silences in seconds.
export interface Nat { changes: number; forgetsAfter: { atLeast?: number; atMost?: number }; advice?: string }
export interface ClientDetail extends Omit<ClientRow, 'objects'> {
  nat?: Nat
  objects: ClientObject[]; links?: Link[]; root?: string; parameters?: Record<string, string>; observations?: Observation[]; values?: Record<string, KnownValue>
}

export type Op = 'read' | 'discover' | 'write' | 'writePartial' | 'execute' | 'create' | 'delete' | 'writeAttributes' | 'observe' | 'cancelObserve' | 'readComposite' | 'writeComposite' | 'observeComposite'
export interface Entry { path: string; type?: string; value: Scalar; at?: string }
export interface OperationResult {
  operation?: string; id?: string; endpoint: string; op: string; path: string; status: 'answered' | 'timedOut' | 'refused' | 'failed' | 'expired' | 'cancelled'; observation?: Observation
  code?: string; codeName?: string; tookMs?: number; format?: string; value?: Scalar; resources?: unknown; entries?: Entry[]; links?: Link[]; location?: string; detail?: string
}
// A request that waits until its device wakes.
export interface QueuedOperation { id: string; endpoint?: string; op: Op; path: string; status: 'queued' | 'sent'; position?: number; attempts?: number; queuedAt: string; expiresAt: string; value?: Scalar }
export interface Message {
  at: string; out: boolean; type: string; code: string; codeName?: string; messageId: number; token?: string; path?: string; format?: string; size: number
  observe?: number; summary?: string; payloadHex?: string; decoded?: string
}
export interface Notes { note: string; tags: string[] }
export interface TagCount { tag: string; count: number }
// The past of a resource. With a step a point is a span in brief; without, a value as it came.
export interface HistoryPoint { at: string; value?: Scalar; type?: string; min?: number; max?: number; avg?: number; count?: number }
export interface HistoryPage { points: HistoryPoint[]; next?: string }
export interface Series { points: [number, number][] }
export interface Attributes { pmin?: number; pmax?: number; gt?: number; lt?: number; st?: number; epmin?: number; epmax?: number }

export interface RegistryItem { id: number; version: string; name: string; urn?: string; multiple: boolean; mandatory: boolean; versions?: string[]; source?: 'builtin' | 'added' }
export interface RegistryResource { id: number; name: string; operations: string; multiple: boolean; mandatory: boolean; type: string; range?: string; units?: string }
export interface RegistryObject extends RegistryItem { resources: RegistryResource[] }

export type CredentialState = 'registered' | 'seen' | 'never' | 'refused'
export interface Credential { endpoint: string; mode: SecurityMode; identity: string; hasKey?: boolean; createdAt?: string; state?: CredentialState; lastSeen?: string; lastRefusal?: { at: string; reason: string } }
export interface CredentialList { total: number; matched?: number; items: Credential[]; next?: string }
export interface NewCredential { endpoint: string; mode: SecurityMode; identity: string; key: string }
export interface BulkResult { added: number; replaced: number; skipped: number; errors?: { index: number; detail: string }[] }

export type ServerRole = 'server' | 'bootstrap' | 'simulation' | 'mesh' | 'node' | 'border' | 'traces'
export interface ServerAddress { uri: string; role?: ServerRole; protocol?: string; security?: string; kernelDrops?: number }
export interface ServerInfo {
  version: string; startedAt: string; addresses: ServerAddress[]; web?: string; registrations: number; sessions?: number; counters?: Record<string, number>
  store?: { dir?: string; commits?: number; records?: number; failed?: boolean | string; [k: string]: unknown }; demo?: boolean; unknown?: 'accept' | 'refuse'; webBuild?: string; roles?: ServerRole[]
}

// Bootstrap: what a device is given, and the sessions in which it happens. Keys go in and never come out, but for /keys.
export interface GivenServer {
  uri: string; mode: SecurityMode; identity?: string; key?: string; hasKey?: boolean; generateKey?: boolean; shortServerId: number; lifetime: number; binding?: string; storing?: boolean; muteSend?: boolean
  resources?: Record<string, unknown>; securityResources?: Record<string, unknown>; securityInstance?: number; serverInstance?: number; local?: boolean
}
export interface AclEntry { object: number; instance: number; owner: number; rights?: Record<string, number> }
export interface BootstrapAccount { uri?: string; mode: SecurityMode; identity?: string; key?: string; hasKey?: boolean; holdOff?: number; accountTimeout?: number; update?: boolean }
export interface BootstrapWrite { path: string; resources?: unknown; value?: unknown }
export interface BootstrapOutcome { done: number; failed: number; endpoint: string; state: 'finished' | 'failed'; detail?: string; at: string; took: number }
export interface BootstrapConfiguration {
  endpoint?: string; enabled?: boolean; account: BootstrapAccount; servers: GivenServer[]; delete?: string[]; read?: string[]; acls?: AclEntry[]; objects?: BootstrapWrite[]; format?: string; onRefusal?: 'stop' | 'continue'
  createdAt?: string; updatedAt?: string; result?: BootstrapOutcome; session?: BootstrapSession
}
export interface BootstrapKeys { account?: string; servers?: Record<string, string> }
export interface BootstrapList { total: number; matched?: number; items: BootstrapConfiguration[]; next?: string; default?: boolean }
export interface BootstrapStep { number?: number; at?: string; out: boolean; op?: string; code: string; path: string; what: string; format?: string; size?: number; values?: { path: string; name?: string; type?: string; value: string; secret?: boolean }[]; links?: string; note?: string; state?: 'sent' | 'answered' | 'failed' | 'skipped'; answer?: string; tookMs?: number; detail?: string }
export interface BootstrapPlan { valid: boolean; steps: BootstrapStep[]; bytes: number; problems?: { location?: string; message: string }[] }
export interface BootstrapSession { id: string; endpoint: string; address?: string; security?: SecurityMode; identity?: string; version?: string; configuration?: string; state: 'running' | 'finished' | 'failed' | 'refused'; startedAt: string; endedAt?: string; detail?: string; step?: number; of?: number; steps?: BootstrapStep[] }

// Firmware: packages that the server holds, and updates of one device or many.
export interface FirmwarePackage { id: string; name: string; version?: string; size: number; sha256: string; format?: 'container' | 'raw'; addedAt: string; addedBy?: string; updates?: number }
export type FirmwareMethod = 'auto' | 'push' | 'pull'
export type FirmwareState = 'waiting' | 'downloading' | 'downloaded' | 'updating' | 'done' | 'failed' | 'cancelled'
export interface FirmwareDevice { endpoint: string; state: FirmwareState; method?: string; sent?: number; size?: number; percent?: number; before?: string; version?: string; result?: number; detail?: string; attempts?: number; startedAt?: string; updatedAt?: string; endedAt?: string; asleep?: boolean; steps?: { at: string; text: string }[] }
export interface FirmwareUpdate { id: string; package: string; packageName?: string; version?: string; method: FirmwareMethod; startedAt: string; endedAt?: string; by?: string; state: 'running' | 'finished' | 'cancelled' | 'stopped'; counts?: Partial<Record<FirmwareState, number>>; devices?: FirmwareDevice[]; next?: string }

export interface User { name: string; role: Role; createdAt?: string; lastSeen?: string }
export interface Token { id: string; name: string; scope: Role; createdAt?: string; expires?: string; lastUsed?: string; token?: string }
export interface AuditEntry { id?: string | number; at: string; user?: string; action: string; target?: string; detail?: string; address?: string; outcome?: string }

// Events of /api/v1/events.
export interface Stats { messagesPerSecond: number; registrations: number; counts: StateCounts }
export interface EventMap {
  hello: { epoch: string | number; seq: number }
  reset: Record<string, never>
  registered: { client: ClientRow; replaced?: boolean }
  updated: { endpoint: string; lastSeen: string; expiresAt: string | null; changed?: ClientRow }
  deregistered: { endpoint: string; reason: string }
  moved: { endpoint: string; address: string }
  value: { endpoint: string; path: string; value: Scalar; type?: string; at: string; source: 'notify' | 'read' | 'send' | 'write'; observation?: string }
  observation: Observation & { endpoint: string }
  message: Message & { endpoint: string }
  operation: OperationResult
  refused: { endpoint?: string; identity?: string; address: string; reason: string }
  credential: { endpoint: string; change: string }
  stats: Stats
  bootstrap: BootstrapSession
  queued: QueuedOperation & { endpoint: string }
  presence: { endpoint: string; awake: boolean; until?: string | null }
  firmware: FirmwareDevice & { update: string; package?: string }
  notes: { endpoint: string; note: string; tags: string[] }
}
export type EventKind = keyof EventMap
