/**
 * The synced kind SecretStore: the tenant's own stores, on the host beside their ExternalSecrets. Spec both ways
 * (`secret-store-to-host.ts`), status back. What the spec refers to goes first (`reference-to-host.ts`), so that ESO finds it.
 */
import type { KubeObject, ObjectKey } from "../effects/kube-object.ts"
import { keyOf, objectKey } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import type { CopiedKind } from "./reference-copies.ts"
import { missingCopy } from "./reference-copies.ts"
import { secretStores } from "./resources.ts"
import type { Action, Decision, Verdict } from "./rules/actions.ts"
import { nothing } from "./rules/actions.ts"
import { notReadyStatus, readyCondition, saysAlready, translateStatus, translateText } from "./rules/conditions.ts"
import type { NotReady } from "./rules/conditions.ts"
import { recordAt } from "./rules/json.ts"
import { toQuery } from "./rules/label-selector.ts"
import type { HostLocation } from "./rules/names.ts"
import { originOf } from "./rules/ownership.ts"
import { referenceKey } from "./rules/references.ts"
import { patchStatus } from "./rules/status-patch.ts"
import { Refusal } from "./rules/refusals.ts"
import { bringTogether, createStore } from "./secret-store-to-host.ts"
import { hostConflict, isSelected, judge, referentsOf } from "./secret-store-situation.ts"
import type { Memory, SyncedKind } from "./synced-kind.ts"
import { causeOf, complainedKey, explained, regardedStores } from "./tenant-names.ts"
import type { NamePairs } from "./translated-names.ts"
import { storeNames, translatedRefusal } from "./translated-names.ts"

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
  patchStatus(
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
  verdict: {
    health: "refused",
    reason: refusal.reason,
    message: refusal.message,
    ...(refusal.fix === undefined ? {} : { fix: refusal.fix }),
  },
  ...(saysAlready(virtual, refusal)
    ? {}
    : { notice: { regarding: virtual, type: "Warning", reason: refusal.reason, message: refusal.message } }),
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

const verdictOf = (
  virtual: KubeObject,
  host: KubeObject,
  pairs: NamePairs,
  pending: number,
  cause: () => string | undefined,
): Verdict => {
  const ready = readyCondition(host)
  if (ready === undefined)
    return {
      health: "waiting",
      reason: "WaitingForOperator",
      message: "External Secrets Operator on the host has not answered yet",
    }
  const since = ready.lastTransitionTime === undefined ? {} : { since: ready.lastTransitionTime }
  const message = translateText(ready.message, pairs)
  if (ready.status !== "True")
    return {
      health: "broken",
      reason: ready.reason,
      message: explained(message, cause()),
      ...since,
      fix: {
        text: "see what the provider answers, and what the spec refers to",
        command: `kubectl describe secretstore ${virtual.metadata.name} -n ${virtual.metadata.namespace}`,
      },
    }
  return pending === 0
    ? { health: "synced", reason: ready.reason, message, ...since }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }
}

const waiting = (reason: string, message: string): Verdict => ({ health: "waiting", reason, message })

/** Nothing until ESO has said something: an absent status on the host is no news. */
const statusBack = (
  virtual: KubeObject,
  host: KubeObject,
  pairs: NamePairs,
  context: SyncContext,
): ReadonlyArray<Action> => {
  const status = recordAt(host, "status")
  return status === undefined || Object.keys(status).length === 0
    ? []
    : patchStatus(secretStores(context.virtualVersion), virtual, translateStatus(status, "", pairs))
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
      verdict: waiting("HostDeletionPending", "the host's former copy is being deleted"),
    }
  const missing = missingCopy(referentsOf(virtual, context), virtual.metadata.namespace ?? "", caches)
  if (missing !== undefined)
    return {
      actions: strays,
      verdict: waiting("ReferencePending", `${missing.kind} ${missing.name} is on its way to the host`),
    }
  const service = caches.hostService.get(keyOf(context.hostNamespace, context.tenancy.vcluster))
  const pairs = storeNames(virtual, location, context)
  const { actions: writes, overruled } =
    current === undefined
      ? { actions: [createStore(virtual, location, service, context)], overruled: undefined }
      : bringTogether(virtual, current, location, service, context)
  if (memory.refusedWrite?.reason === "RefusedByHost" && writes.length > 0)
    return refuse(virtual, translatedRefusal(memory.refusedWrite, pairs), strays, context, writes)
  if (current === undefined)
    return { actions: [...strays, ...writes], verdict: waiting("NotOnHost", "not on the host yet") }
  const status = statusBack(virtual, current, pairs, context)
  return {
    actions: [...strays, ...writes, ...status],
    verdict: verdictOf(virtual, current, pairs, writes.length + status.length, () =>
      causeOf(virtual, current, caches, context, regardedStores),
    ),
    ...(overruled === undefined
      ? {}
      : { notice: { regarding: virtual, type: "Warning", reason: "HostEditOverruled", message: overruled } }),
  }
}

const decide = (key: ObjectKey, caches: Caches, context: SyncContext, memory: Memory): Decision => {
  const virtual = caches.virtualSecretStores.get(key)
  const copies = caches.hostSecretStores.byIndex("origin", key)
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

/** The stores that refer to a copy (of a Secret or ConfigMap) that came or went on the host. */
const referrers = (kind: CopiedKind) => (copy: KubeObject, caches: Caches, context: SyncContext) => {
  const origin = originOf(copy, context.tenancy)
  return origin === undefined
    ? []
    : keysOf(caches.virtualSecretStores.byIndex("reference", referenceKey(kind, origin.key)))
}

export const secretStoreKind: SyncedKind = {
  kind: "SecretStore",
  mirrored: { virtual: "virtualSecretStores", host: "hostSecretStores", plural: "secretstores" },
  sources: {
    virtualSecretStores: (object) => [objectKey(object)],
    hostSecretStores: (object, caches, context) => [
      ...[originOf(object, context.tenancy)?.key].filter((key) => key !== undefined),
      ...keysOf(caches.virtualSecretStores.byIndex("hostName", objectKey(object))),
    ],
    hostStoreEvents: complainedKey(regardedStores),
    hostReferenceSecrets: referrers("Secret"),
    hostReferenceConfigMaps: referrers("ConfigMap"),
    hostService: (_object, caches, context) => secretStoreKind.keys(caches, context),
  },
  keys: (caches, context) =>
    new Set([
      ...keysOf([...caches.virtualSecretStores.values()]),
      ...[...caches.hostSecretStores.values()].flatMap((copy) => originOf(copy, context.tenancy)?.key ?? []),
    ]),
  decide,
}
