/**
 * CRDs, host → virtual: made before anything else, followed when ESO on the host is upgraded, never removed.
 */
import { retryThrottled } from "../../../effects/client/retry-throttled.ts"
import { named } from "../../../effects/client/field-selector.ts"
import { Effect, Option, Result, Schedule, Stream } from "effect"
import type { ApiError } from "../../../effects/client/api-error.ts"
import type { KubeClient } from "../../../effects/client/kube-client.ts"
import type { SyncSettings } from "../../engine/context.ts"
import type { Clients } from "../../engine/executor.ts"
import { carryOut } from "../../engine/executor.ts"
import { orUndefined } from "../../../effects/client/ignore-not-found.ts"
import { hostCrds, virtualCrds } from "./caches.ts"
import type { CrdPair, Prerequisites } from "../../engine/prerequisites.ts"
import {
  chooseVersion,
  crdNotServed,
  crdState,
  crdToVirtual,
  desiredVirtualCrd,
  isOurCrd,
  servedVersions,
  specSchema,
} from "./to-virtual.ts"
import type { CrdNotServed, CrdState, VersionNotServed } from "../../engine/errors.ts"
import { OperatorMissing } from "../../engine/errors.ts"
import { customResourceDefinitions, esoGroup } from "../../resources.ts"

/**
 * Plurals of the kinds that come into the virtual cluster. Without imported stores, ClusterSecretStores are an empty list there, as vCluster
 * documents it, and not an unknown kind.
 */
export const wantedPlurals = (settings: SyncSettings): ReadonlyArray<string> => [
  "externalsecrets",
  ...(settings.stores.enabled ? ["secretstores"] : []),
  "clustersecretstores",
]

export const crdName = (plural: string): string => `${plural}.${esoGroup}`

const getCrd = (client: KubeClient, plural: string) =>
  client.get(customResourceDefinitions, { name: crdName(plural) }).pipe(orUndefined)

/** Looks at one CRD on both sides; writes nothing. */
export const compareCrd = Effect.fnUntraced(function* (
  clients: Clients,
  plural: string,
  settings: SyncSettings,
): Effect.fn.Return<CrdPair, ApiError | OperatorMissing | VersionNotServed> {
  const [host, virtual] = yield* Effect.all([getCrd(clients.host, plural), getCrd(clients.virtual, plural)], {
    concurrency: 2,
  })
  if (host === undefined) return yield* new OperatorMissing({ crd: crdName(plural) })
  const version = yield* Result.match(chooseVersion(host, settings.version), {
    onFailure: (error) => Effect.fail(error),
    onSuccess: (chosen) => Effect.succeed(chosen),
  })
  return { plural, version, host, virtual, actions: crdToVirtual(desiredVirtualCrd(host, version, virtual), virtual) }
})

/** The schema of `spec` on the host, at the version that we speak. */
export const hostSpecSchema = (pair: CrdPair): unknown => specSchema(pair.host, pair.version)

/**
 * A CRD in the virtual cluster that somebody else installed: it is left alone. Undefined when it is ours or absent.
 */
export const foreignCrd = (pair: CrdPair): { readonly usable: boolean } | undefined =>
  pair.virtual === undefined || isOurCrd(pair.virtual)
    ? undefined
    : { usable: servedVersions(pair.virtual).includes(pair.version) }

/** Waits until the virtual CRD is in a state that `isOver` accepts. A list and a watch from its version: every API server has those. */
const awaitState = (client: KubeClient, plural: string, isOver: (state: CrdState) => boolean) => {
  const selection = { fieldSelector: named(crdName(plural)) }
  const one: Effect.Effect<boolean, ApiError> = Effect.gen(function* () {
    const { items, resourceVersion } = yield* client.list(customResourceDefinitions, selection)
    if (isOver(crdState(items[0]))) return true
    const states = client
      .watch(customResourceDefinitions, { ...selection, resourceVersion, timeoutSeconds: 30 })
      .pipe(
        Stream.flatMap((event) =>
          event.type === "BOOKMARK" || event.type === "MALFORMED"
            ? Stream.empty
            : Stream.succeed(crdState(event.type === "DELETED" ? undefined : event.object)),
        ),
      )
    return Option.isSome(yield* Stream.runHead(Stream.filter(states, isOver)))
  })
  return one.pipe(
    Effect.catchReason("ApiError", "Expired", () => Effect.succeed(false)),
    // A server that ends every watch at once must not make us spin.
    Effect.repeat({ until: (isReached) => isReached, schedule: Schedule.spaced("1 second") }),
  )
}

/** Brings one CRD into step, and waits for nothing; one that is being deleted is left to go. */
export const keepCrd = Effect.fnUntraced(function* (clients: Clients, plural: string, settings: SyncSettings) {
  const pair = yield* compareCrd(clients, plural, settings)
  for (const action of pair.actions) yield* carryOut(action, clients)
  return pair
})

/** How long a CRD may take to be served. Milliseconds. */
const servedWithinMs = 60_000

/**
 * Brings one CRD into step and waits until it is served. One that is being deleted is waited out, and then made anew.
 *
 * @param limitMs fails with {@link CrdNotServed} after this time
 */
export const ensureCrd = Effect.fnUntraced(function* (
  clients: Clients,
  plural: string,
  settings: SyncSettings,
  limitMs: number = servedWithinMs,
): Effect.fn.Return<CrdPair, ApiError | CrdNotServed | OperatorMissing | VersionNotServed> {
  const untilServed = Effect.gen(function* () {
    for (;;) {
      const pair = yield* retryThrottled(keepCrd(clients, plural, settings))
      const state = crdState(pair.virtual)
      if (state === "served") return pair
      const goes = state === "terminating"
      // One that goes away while it is waited for leads here again.
      yield* awaitState(clients.virtual, plural, (now) => now !== (goes ? "terminating" : "pending"))
    }
  })
  const givenUp = Effect.flatMap(getCrd(clients.virtual, plural), (crd) =>
    Effect.fail(crdNotServed(crdName(plural), crd, Math.round(limitMs / 1000))),
  )
  return yield* Effect.timeoutOrElse(untilServed, { duration: limitMs, orElse: () => givenUp })
})

export const crdPrerequisites: Prerequisites = {
  caches: [hostCrds, virtualCrds],
  wanted: wantedPlurals,
  compare: compareCrd,
  keep: keepCrd,
  ensure: ensureCrd,
  foreign: foreignCrd,
  specSchema: hostSpecSchema,
}
