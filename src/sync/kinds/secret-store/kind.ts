/**
 * The synced kind SecretStore: the tenant's own stores, on the host beside their ExternalSecrets. Spec both ways
 * (`secret-store-to-host.ts`), status back. What the spec refers to goes first (`reference-to-host.ts`), so that ESO finds it.
 */
import { hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { missingCopy, needersOf, referrersIn, referrersOf } from "../../external-secrets/referents.ts"
import { secretStores } from "../../resources.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import { nothing } from "../../engine/actions.ts"
import { notReadyStatus, translateStatus } from "../../tenancy/conditions.ts"
import { warnOnce } from "../../engine/events.ts"
import type { NotReady } from "../../tenancy/conditions.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import { recordAt } from "../../../effects/client/unstructured.ts"
import { toQuery } from "../../../effects/client/label-selector.ts"
import type { HostLocation } from "../../tenancy/names.ts"
import { originKeys, originOf } from "../../tenancy/ownership.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { bringTogether, createStore } from "./to-host.ts"
import { hostConflict, isSelected, judge } from "./conflicts.ts"
import { referentsOf } from "../../external-secrets/store-references.ts"
import { hostStoreEvents } from "../../external-secrets/event-caches.ts"
import {
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import { on } from "../../engine/synced-kind.ts"
import type { Memory, SyncedKind } from "../../engine/synced-kind.ts"
import { hostService, vclusterService } from "../../engine/vcluster-service.ts"
import { causeOf, complainedKey, regardedStores } from "../../external-secrets/involved-object.ts"
import { pendingVerdict, refusedVerdict, verdictOf } from "../../external-secrets/verdicts.ts"
import { namedInTexts, storeText, translatedRefusal } from "../../external-secrets/tenant-text.ts"

const removeCopies = (
  copies: ReadonlyArray<KubeObject>,
  context: SyncContext,
  becauseAbsent: boolean,
): ReadonlyArray<Action> =>
  copies
    .filter((copy) => copy.metadata.deletionTimestamp === undefined)
    .map((current) => ({
      _tag: "Delete",
      side: "host",
      resource: secretStores(context.hostVersion),
      current,
      becauseAbsent,
    }))

const tell = (virtual: KubeObject, why: NotReady, context: SyncContext): ReadonlyArray<Action> =>
  writeStatus(
    secretStores(context.virtualVersion),
    virtual,
    notReadyStatus(virtual, why.reason, why.message, context.now()),
  )

const refuse = (
  virtual: KubeObject,
  refusal: Refusal,
  before: ReadonlyArray<Action>,
  context: SyncContext,
  after: ReadonlyArray<Action> = [],
): Decision => ({
  actions: [...before, ...tell(virtual, refusal, context), ...after],
  verdict: refusedVerdict(refusal),
  ...warnOnce(virtual, refusal),
})

const notSelected = (virtual: KubeObject, copies: ReadonlyArray<KubeObject>, context: SyncContext): Decision => {
  if (copies.length === 0) return nothing
  const { enabled, selector } = context.settings.stores
  const why = {
    reason: "NotSelected",
    message: enabled
      ? `not synced: the labels do not match the selector ${toQuery(selector)} of this vCluster`
      : "not synced: SecretStores are switched off in the settings of this vCluster",
  }
  return {
    actions: [...removeCopies(copies, context, false), ...tell(virtual, why, context)],
    verdict: undefined,
  }
}

const lookAtStore = ({ metadata: { name, namespace } }: KubeObject): Fix => ({
  text: "see what the provider answers, and what the spec refers to",
  command: `kubectl describe secretstore ${name} -n ${namespace}`,
})

/** Nothing until ESO has said something: an absent status on the host is no news. */
const statusBack = (
  virtual: KubeObject,
  host: KubeObject,
  translate: Translate,
  context: SyncContext,
): ReadonlyArray<Action> => {
  const status = recordAt(host, "status")
  return status === undefined || Object.keys(status).length === 0
    ? []
    : writeStatus(secretStores(context.virtualVersion), virtual, translateStatus(status, "", translate))
}

/** The normal case: the spec may go to the host, and ESO's word on it comes back. */
const follow = (
  virtual: KubeObject,
  location: HostLocation,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
  memory: Memory,
): Decision => {
  const place = keyOf(location.namespace, location.name)
  const current = copies.find((copy) => objectKey(copy) === place)
  const strays = removeCopies(
    copies.filter((copy) => copy !== current),
    context,
    false,
  )
  if (current !== undefined && originOf(current, context.tenancy)?.uid !== virtual.metadata.uid)
    return {
      actions: [...strays, ...removeCopies([current], context, false)],
      verdict: pendingVerdict("the host's former copy is being deleted", "HostDeletionPending"),
    }
  const missing = missingCopy(referentsOf(virtual, context), virtual.metadata.namespace ?? "", caches)
  if (missing !== undefined)
    return {
      actions: strays,
      verdict: pendingVerdict(`${missing.kind} ${missing.name} is on its way to the host`, "ReferencePending"),
    }
  const service = vclusterService(caches, context)
  const translate = storeText(virtual, location, caches, context)
  const { actions: writes, overruled } =
    current === undefined
      ? { actions: [createStore(virtual, location, service, context)], overruled: undefined }
      : bringTogether(virtual, current, location, service, context)
  if (memory.refusedWrite?.reason === "RefusedByHost" && writes.length > 0)
    return refuse(virtual, translatedRefusal(memory.refusedWrite, translate), strays, context, writes)
  if (current === undefined)
    return { actions: [...strays, ...writes], verdict: pendingVerdict("not on the host yet", "NotOnHost") }
  const status = statusBack(virtual, current, translate, context)
  return {
    actions: [...strays, ...writes, ...status],
    verdict: verdictOf(current, translate, writes.length + status.length, lookAtStore(virtual), () =>
      causeOf(current, translate, caches, regardedStores),
    ),
    ...(overruled === undefined
      ? {}
      : { notice: { regarding: virtual, type: "Warning", reason: "HostEditOverruled", message: overruled } }),
  }
}

const decide = (key: ObjectKey, caches: Caches, context: SyncContext, memory: Memory): Decision => {
  const virtual = caches.of(virtualSecretStores).get(key)
  const copies = caches.of(hostSecretStores).byIndex("origin", key)
  if (virtual === undefined || virtual.metadata.deletionTimestamp !== undefined)
    // With the setting off, the virtual side may not be there to be seen.
    return { actions: removeCopies(copies, context, context.settings.stores.enabled), verdict: undefined }
  if (!isSelected(virtual, context)) return notSelected(virtual, copies, context)
  const refusal = judge(virtual, context)
  if (refusal !== undefined) return refuse(virtual, refusal, removeCopies(copies, context, false), context)
  const location = context.locate(virtual)
  if (location === undefined)
    return refuse(
      virtual,
      new Refusal({
        reason: "NamespaceNotMapped",
        message: context.whyNowhere(virtual.metadata.namespace ?? ""),
      }),
      removeCopies(copies, context, false),
      context,
    )
  const conflict = hostConflict(virtual, location, caches, context)
  if (conflict !== undefined) return refuse(virtual, conflict, removeCopies(copies, context, false), context)
  return follow(virtual, location, copies, caches, context, memory)
}

const keysOf = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<ObjectKey> => objects.map(objectKey)

const keys = (caches: Caches, context: SyncContext): ReadonlySet<ObjectKey> =>
  new Set([
    ...keysOf([...caches.of(virtualSecretStores).values()]),
    ...[...caches.of(hostSecretStores).values()].flatMap((copy) => originKeys(copy, context.tenancy)),
  ])

export const secretStoreKind: SyncedKind = {
  kind: "SecretStore",
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
  decide,
}
