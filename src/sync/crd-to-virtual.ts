/**
 * CRDs, host → virtual: made before anything else, followed when ESO on the host is upgraded, never removed.
 */
import { named } from "../effects/field-selector.ts"
import { Effect, Result, Stream } from "effect"
import type { ApiError } from "../effects/api-error.ts"
import type { KubeClient } from "../effects/kube-client.ts"
import type { KubeObject } from "../effects/kube-object.ts"
import type { SyncSettings } from "./context.ts"
import type { Clients } from "./executor.ts"
import { carryOut } from "./executor.ts"
import { orUndefined } from "./or-undefined.ts"
import type { Action } from "./rules/actions.ts"
import type { VersionNotServed } from "./rules/crd.ts"
import {
  chooseVersion,
  crdToVirtual,
  desiredVirtualCrd,
  isEstablished,
  isOurCrd,
  servedVersions,
  specSchema,
} from "./rules/crd.ts"
import { OperatorMissing } from "./errors.ts"
import { customResourceDefinitions, esoGroup } from "./resources.ts"

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

/** One CRD on both sides, and what would bring the virtual one into step. */
export interface CrdPair {
  readonly plural: string
  readonly version: string
  readonly host: KubeObject
  readonly virtual: KubeObject | undefined
  readonly actions: ReadonlyArray<Action>
}

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

/** Waits, by a watch, until the virtual API server serves the CRD. One that is being deleted is waited out first. */
const awaitEstablished = (client: KubeClient, plural: string) =>
  client
    .watch(customResourceDefinitions, {
      fieldSelector: named(crdName(plural)),
      sendInitialEvents: true,
      timeoutSeconds: 60,
    })
    .pipe(
      Stream.filter(
        (event) =>
          (event.type === "ADDED" || event.type === "MODIFIED") &&
          event.object.metadata.deletionTimestamp === undefined &&
          isEstablished(event.object),
      ),
      Stream.take(1),
      Stream.runDrain,
    )

/** Brings one CRD into step and waits until it is served. */
export const ensureCrd = Effect.fnUntraced(function* (clients: Clients, plural: string, settings: SyncSettings) {
  const pair = yield* compareCrd(clients, plural, settings)
  for (const action of pair.actions) yield* carryOut(action, clients)
  if (pair.virtual === undefined || !isEstablished(pair.virtual)) yield* awaitEstablished(clients.virtual, plural)
  return pair
})
