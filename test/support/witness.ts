/** A second client that watches the Secrets of a virtual cluster from outside, and remembers all of it. */
import { Deferred, Effect, type Scope } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { follow, type Sight } from "./follow.ts"
import { type Kube, makeKube } from "./kube.ts"
import type { KubeError } from "./kube-error.ts"
import { secrets } from "./resources.ts"
import { valueOf } from "./synced-pair.ts"

export interface Witness {
  /** Everything that it has seen, oldest first; what happened before this was asked is in it. */
  readonly sights: Effect.Effect<ReadonlyArray<Sight>, KubeError>
  /** Names of the Secrets that were absent, be it for a moment. */
  readonly lost: Effect.Effect<ReadonlyArray<string>, KubeError>
  /** The values that a Secret has had, in their order. */
  readonly valuesOf: (name: string, key?: string) => Effect.Effect<ReadonlyArray<string | undefined>, KubeError>
}

const mark = (namespace: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
})

let marks = 0

/**
 * @param namespace whose Secrets are watched
 * @param see is told at once, too; must neither wait nor throw
 */
export const makeWitness = Effect.fnUntraced(function* (
  { connection }: Kube,
  {
    namespace = "default",
    see = () => {},
  }: { readonly namespace?: string; readonly see?: (sight: Sight) => void } = {},
): Effect.fn.Return<Witness, KubeError, Scope.Scope> {
  const kube = makeKube({ ...connection, userAgent: "witness" })
  const seen: Array<Sight> = []
  const awaited = new Map<string, Deferred.Deferred<void>>()
  yield* follow(kube, secrets, { namespace }, (sight) => {
    const reached = awaited.get(sight.object.metadata.name)
    if (reached !== undefined) {
      Deferred.doneUnsafe(reached, Effect.void)
      return
    }
    seen.push(sight)
    see(sight)
  })
  // A watch tells in the order of the writes: when a Secret made now is seen, all before it has been seen.
  const sights = Effect.gen(function* () {
    const name = `witness-${++marks}`
    const reached = yield* Deferred.make<void>()
    awaited.set(name, reached)
    yield* kube.create(secrets, mark(namespace, name))
    yield* Deferred.await(reached)
    yield* kube.delete(secrets, { namespace, name })
    return [...seen]
  })
  return {
    sights,
    lost: Effect.map(sights, (all) =>
      all.filter(({ type }) => type === "DELETED").map(({ object }) => object.metadata.name),
    ),
    valuesOf: (name, key = "password") =>
      Effect.map(sights, (all) =>
        all
          .filter(({ type, object }) => type !== "DELETED" && object.metadata.name === name)
          .map(({ object }) => valueOf(object, key))
          .filter((value, index, values) => index === 0 || value !== values[index - 1]),
      ),
  }
})
