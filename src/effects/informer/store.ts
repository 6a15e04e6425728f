/** The cache of one reflector: objects by key, with indexes. Readers see it; only the reflector changes it. */
import type { KubeObject, ObjectKey } from "../client/kube-object.ts"

/** What happened to one object, told after the store has changed. */
export type Delta =
  | {
      readonly _tag: "Upserted"
      readonly key: ObjectKey
      readonly object: KubeObject
      readonly previous: KubeObject | undefined
    }
  /**
   * `object` is the last known state. `seen`: the server told of this deletion while we watched; otherwise it is inferred
   * from absence in a list, and may as well mean that the list is not what we think it is.
   */
  | { readonly _tag: "Deleted"; readonly key: ObjectKey; readonly object: KubeObject; readonly seen: boolean }

/** From an object to the values under which it is found; pure. */
export type Indexer = (object: KubeObject) => ReadonlyArray<string>

export interface Store {
  readonly get: (key: ObjectKey) => KubeObject | undefined
  readonly values: () => Iterable<KubeObject>
  readonly size: () => number
  /** Objects for which the named indexer gave `value`; an unknown index name is a defect. */
  readonly byIndex: (index: string, value: string) => ReadonlyArray<KubeObject>
}

/** In place of a cache that is not kept: it holds nothing, under every index. */
export const emptyStore: Store = {
  get: () => undefined,
  values: () => [],
  size: () => 0,
  byIndex: () => [],
}
