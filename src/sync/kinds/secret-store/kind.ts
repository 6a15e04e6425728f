/**
 * The synced kind SecretStore: the tenant's own stores, on the host beside their ExternalSecrets. Spec both ways (`to-host.ts`), status
 * back. What the spec refers to goes first (`referenced-object/`), so that ESO finds it.
 */
import { secretStoresIn } from "../../external-secrets/eso-resources.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { objectKey } from "../../../effects/client/kube-object.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"
import { hostService } from "../../engine/vcluster-service.ts"
import { hostStoreEvents } from "../../external-secrets/event-caches.ts"
import { toldFirst } from "../../external-secrets/not-ready.ts"
import { complainedKey, regardedStores } from "../../external-secrets/involved-object.ts"
import { needersOf, referrersIn, referrersOf } from "../../external-secrets/referents.ts"
import {
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import { hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { namedInTexts, translatedRefusal } from "../../external-secrets/tenant-text.ts"
import { originKeys } from "../../tenancy/ownership.ts"
import { leftoverKeys } from "../../tenancy/vcluster-leftover.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import type { Desired } from "./desire.ts"
import { desire } from "./desire.ts"
import { judge } from "./judge.ts"
import type { Observed } from "./observe.ts"
import { observe } from "./observe.ts"
import { writesOf } from "./to-host.ts"

const remove = (copies: ReadonlyArray<KubeObject>, { context, virtual }: Observed): ReadonlyArray<Action> =>
  copies
    .filter((copy) => copy.metadata.deletionTimestamp === undefined)
    .map((current) => ({
      _tag: "Delete",
      side: "host",
      resource: secretStoresIn(context),
      current,
      // With the setting off, the virtual side may not be there to be seen.
      becauseAbsent: virtual === undefined && context.settings.stores.enabled,
    }))

const diff = (observed: Observed, desired: Desired): ReadonlyArray<Action> => {
  const { context, onHost, service, virtual } = observed
  const { agreement, status } = desired
  return [
    ...remove(desired.remove, observed),
    ...(virtual === undefined || agreement === undefined
      ? []
      : writesOf(agreement, virtual, onHost?.isHandedOver === true ? onHost.standing : onHost?.copy, service, context)),
    ...(virtual === undefined || status === undefined ? [] : writeStatus(secretStoresIn(context), virtual, status)),
  ]
}

const isDeletion = ({ _tag }: Action): boolean => _tag === "Delete"

const refusedBefore = (
  refused: Refusal,
  { context, onHost, virtual }: Observed,
  _desired: Desired,
  actions: ReadonlyArray<Action>,
): Decision | undefined =>
  virtual !== undefined && onHost !== undefined && actions.some(({ _tag }) => _tag === "Create" || _tag === "Patch")
    ? toldFirst(secretStoresIn(context), virtual, translatedRefusal(refused, onHost.translate), actions, context.now())
    : undefined

const keysOf = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<ObjectKey> => objects.map(objectKey)

const keys = (caches: Caches, context: SyncContext): ReadonlySet<ObjectKey> =>
  new Set([
    ...keysOf([...caches.of(virtualSecretStores).values()]),
    ...[...caches.of(hostSecretStores).values()].flatMap((copy) => [
      ...originKeys(copy, context.tenancy),
      ...leftoverKeys(copy, context.tenancy),
    ]),
  ])

export const secretStoreKind: SyncedKind = synced<Observed, Desired>({
  kind: "SecretStore",
  counted: ({ stores }) => stores.enabled,
  prerequisite: { plural: "secretstores", isWanted: ({ stores }) => stores.enabled },
  refusable: [{ side: "host", plural: "secretstores", reason: "RefusedByHost" }],
  mirrored: { virtual: virtualSecretStores, host: hostSecretStores, plural: "secretstores" },
  caches: [
    virtualSecretStores,
    hostSecretStores,
    hostStoreEvents,
    virtualSecrets,
    virtualUnmanagedSecrets,
    virtualConfigMaps,
    hostSecrets,
    hostUnmanagedSecrets,
    hostReferenceSecrets,
    hostReferenceConfigMaps,
    hostService,
    ...namedInTexts,
  ],
  sources: [
    on(virtualSecretStores, (object) => [objectKey(object)]),
    on(hostSecretStores, (object, caches, context) => [
      ...originKeys(object, context.tenancy),
      ...leftoverKeys(object, context.tenancy),
      ...keysOf(caches.of(virtualSecretStores).byIndex("hostName", objectKey(object))),
    ]),
    on(hostStoreEvents, complainedKey(regardedStores)),
    on(virtualSecrets, referrersOf(virtualSecretStores, "Secret")),
    on(virtualUnmanagedSecrets, referrersOf(virtualSecretStores, "Secret")),
    on(virtualConfigMaps, referrersOf(virtualSecretStores, "ConfigMap")),
    on(hostSecrets, needersOf(virtualSecretStores, "Secret")),
    on(hostUnmanagedSecrets, needersOf(virtualSecretStores, "Secret")),
    on(hostReferenceSecrets, referrersIn(virtualSecretStores, "Secret")),
    on(hostReferenceConfigMaps, referrersIn(virtualSecretStores, "ConfigMap")),
    on(hostService, (_object, caches, context) => keys(caches, context)),
  ],
  keys,
  observe,
  judge,
  desire,
  diff,
  report: (_observed, { told }, actions) => told(actions.filter((action) => !isDeletion(action)).length),
  refusedBefore,
})
