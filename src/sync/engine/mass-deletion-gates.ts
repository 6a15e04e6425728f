/** One gate for each kind whose host copies go with their virtual objects, told of all that it has to know. */
import { Context, Effect, Layer } from "effect"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { Delta } from "../../effects/informer/store.ts"
import { originOf } from "../tenancy/ownership.ts"
import type { Cache } from "./caches.ts"
import { VirtualClient } from "./clients.ts"
import { Epoch } from "./epoch.ts"
import { KeptCaches } from "./informers.ts"
import { Leadership } from "./leadership.ts"
import type { MassDeleteGate } from "./mass-deletion-guard.ts"
import { makeMassDeleteGate } from "./mass-deletion-guard.ts"
import type { MassDeletion } from "./mass-deletion.ts"
import { readCrd } from "./read-crd.ts"
import { Registry } from "./registry.ts"

interface Gates {
  readonly of: (kind: string) => MassDeleteGate | undefined
  /** To be told of each change before any worker can act on it. */
  readonly tell: (cache: Cache, delta: Delta) => void
  /** A list is complete and about to be believed. */
  readonly listed: (cache: Cache) => Effect.Effect<void, ApiError>
  /** The mass deletion that has to be asked for, as things stand, whether or not it is allowed. */
  readonly stop: () => MassDeletion | undefined
}

const makeGates = Effect.gen(function* () {
  const virtual = yield* VirtualClient
  const { kinds } = yield* Registry
  const { caches } = yield* KeptCaches
  const { context } = yield* Epoch
  const { massDeleteAllowed } = yield* Leadership
  const gates = kinds.flatMap(({ kind, mirrored }) => {
    if (mirrored === undefined) return []
    const virtualCrd = readCrd(virtual, mirrored.plural, { metadataOnly: true })
    const gate = makeMassDeleteGate({ kind, mirrored, caches, context, allowed: massDeleteAllowed, virtualCrd })
    return [{ kind, mirrored, gate }]
  })
  const tell = (cache: Cache, delta: Delta) => {
    for (const { gate, mirrored } of gates) {
      if (cache === mirrored.virtual) {
        if (delta._tag === "Upserted" && delta.object.metadata.deletionTimestamp === undefined) gate.forget(delta.key)
        else if (delta._tag === "Upserted" || delta.seen) gate.sawDeletion(delta.key)
        else gate.judgeAnew()
      }
      if (cache === mirrored.host && delta._tag === "Deleted") {
        const origin = originOf(delta.object, context.tenancy)
        if (origin !== undefined) gate.forget(origin.key)
        gate.judgeAnew()
      }
    }
  }
  return {
    of: (kind: string) => gates.find((candidate) => candidate.kind === kind)?.gate,
    tell,
    listed: (cache: Cache) =>
      Effect.forEach(
        gates.filter(({ mirrored }) => mirrored.virtual === cache),
        ({ gate }) => gate.listed,
        { discard: true },
      ),
    stop: () => gates.map(({ gate }) => gate.judge()).find((stop) => stop !== undefined),
  }
})

export class MassDeleteGates extends Context.Service<MassDeleteGates, Gates>()(
  "vcluster-es/sync/engine/MassDeleteGates",
) {
  static readonly layer = Layer.effect(MassDeleteGates, makeGates)
}
