// Object definitions, fetched when first needed and kept.

import { api } from '../api/client.ts'
import type { RegistryObject, RegistryResource } from '../api/types.ts'

class Registry {
  #objects = $state.raw<ReadonlyMap<string, RegistryObject | null>>(new Map())
  #asked = new Set<string>()

  // undefined: still coming; null: nobody knows this object.
  object(id: number, version?: string): RegistryObject | null | undefined {
    return this.#objects.get(`${id}/${version ?? ''}`)
  }
  want(id: number, version?: string): void {
    const key = `${id}/${version ?? ''}`
    if (this.#asked.has(key)) return
    this.#asked.add(key)
    const keep = (o: RegistryObject | null) => { this.#objects = new Map(this.#objects).set(key, o) }
    api.object(id, version).then(keep).catch((e: unknown) => {
      if (version) return api.object(id).then(keep).catch(() => keep(null))
      if ((e as { status?: number }).status !== 404) this.#asked.delete(key)
      return keep(null)
    })
  }
  forget(): void { this.#asked.clear(); this.#objects = new Map() }
  resource(object: RegistryObject | null | undefined, id: number): RegistryResource | undefined {
    return object?.resources.find((r) => r.id === id)
  }
}
export const registry = new Registry()
