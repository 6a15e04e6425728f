/**
 * CRDs, host → virtual: made before anything else, followed when ESO on the host is upgraded, never removed. `follower.ts` does so over a run.
 */
import { named } from "../../../effects/client/field-selector.ts"
import { Effect, Option, Schedule, Stream } from "effect"
import type { ApiError } from "../../../effects/client/api-error.ts"
import type { KubeClient } from "../../../effects/client/kube-client.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { SyncSettings } from "../../tenancy/sync-settings.ts"
import type { Clients } from "../../engine/executor.ts"
import type { CrdPair, LookFailure } from "../../engine/prerequisites.ts"
import { readCrd } from "../../engine/read-crd.ts"
import { contestOf } from "./contest.ts"
import { checkConversion } from "./conversion.ts"
import {
  chooseVersion,
  crdState,
  crdToVirtual,
  desiredVirtualCrd,
  isOurCrd,
  lacksOnlySelectableFields,
  resourceOf,
  servedVersions,
  specSchema,
} from "./to-virtual.ts"
import type { CrdState } from "../../engine/errors.ts"
import { OperatorMissing } from "../../engine/errors.ts"
import { crdName, customResourceDefinitions } from "../../resources.ts"

/** Looks at one CRD on both sides, whole; writes nothing. */
export const compareCrd = Effect.fnUntraced(function* (
  clients: Clients,
  plural: string,
  settings: SyncSettings,
): Effect.fn.Return<CrdPair, LookFailure> {
  const read = (client: KubeClient) => readCrd(client, plural, { metadataOnly: false })
  const [host, virtual] = yield* Effect.all([read(clients.host), read(clients.virtual)], { concurrency: 2 })
  if (host === undefined) return yield* new OperatorMissing({ crd: crdName(plural) })
  const version = yield* Effect.fromResult(chooseVersion(host, settings.version))
  if (virtual !== undefined) yield* checkConversion(clients.virtual, virtual, version)
  const desired = desiredVirtualCrd(host, version, virtual)
  const isAsFarAsCanBe = virtual !== undefined && lacksOnlySelectableFields(desired, virtual)
  const actions = isAsFarAsCanBe ? [] : crdToVirtual(desired, virtual)
  const contested = virtual === undefined || actions.length === 0 ? undefined : contestOf(desired, virtual)
  return { plural, version, host, virtual, actions, ...(contested === undefined ? {} : { contested }) }
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

/**
 * Waits until the virtual CRD is in a state that `isOver` accepts. A list and a watch from its version: every API server has those.
 *
 * @returns the CRD in that state; undefined: it is absent
 */
export const awaitState = (client: KubeClient, plural: string, isOver: (state: CrdState) => boolean) => {
  const selection = { fieldSelector: named(crdName(plural)) }
  interface Reached {
    readonly crd: KubeObject | undefined
  }
  const one: Effect.Effect<Option.Option<Reached>, ApiError> = Effect.gen(function* () {
    const { items, resourceVersion } = yield* client.list(customResourceDefinitions, selection)
    if (isOver(crdState(items[0]))) return Option.some({ crd: items[0] })
    const states = client
      .watch(customResourceDefinitions, { ...selection, resourceVersion, timeoutSeconds: 30 })
      .pipe(
        Stream.flatMap((event) =>
          event.type === "BOOKMARK" || event.type === "MALFORMED"
            ? Stream.empty
            : Stream.succeed<Reached>({ crd: event.type === "DELETED" ? undefined : event.object }),
        ),
      )
    return yield* Stream.runHead(Stream.filter(states, ({ crd }) => isOver(crdState(crd))))
  })
  const once = Effect.catchReason(one, "ApiError", "Expired", () => Effect.succeedNone)
  return Effect.gen(function* () {
    for (;;) {
      const reached = yield* once
      if (Option.isSome(reached)) return reached.value.crd
      // A server that ends every watch at once must not make us spin.
      yield* Effect.sleep("1 second")
    }
  })
}

/** How often, and how many times, it is asked whether a CRD's objects are served: for ten seconds. */
const untilObjectsAreServed = { schedule: Schedule.spaced("50 millis"), times: 200 }

const isOfNoResource = ({ reason }: ApiError): boolean => reason._tag === "NotFound" && reason.resourceMissing

/**
 * Waits until the objects of a CRD are served. It is Established a moment before that: the part of the API server that serves them watches
 * CRDs like everybody else, and until it has seen the change it answers that there is no such resource.
 *
 * @param version of the CRD that will be spoken
 */
export const awaitObjects = (client: KubeClient, crd: KubeObject, version: string): Effect.Effect<void, ApiError> => {
  // Somebody else's may never serve it.
  if (!servedVersions(crd).includes(version)) return Effect.void
  return client.list(resourceOf(crd, version), { metadataOnly: true, limit: 1 }).pipe(
    Effect.retry({ ...untilObjectsAreServed, while: isOfNoResource }),
    Effect.asVoid,
    // Whatever else went wrong says that they are served; the caches themselves will try again.
    Effect.catch((error) => (isOfNoResource(error) ? Effect.fail(error) : Effect.void)),
  )
}
