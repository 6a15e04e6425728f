/**
 * The synced kind ExternalSecret: one decision for everything that hangs on one virtual ExternalSecret, so that no two
 * writers touch the same pair. The rows `external-secret-to-host`, `secret-to-virtual` and
 * `external-secret-status-to-virtual` do the parts; here is what leads to which.
 */
import { hostExternalSecrets, virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey, splitKey } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { virtualNamespaces } from "./caches.ts"
import { hostService } from "../../engine/vcluster-service.ts"
import { hostEvents } from "../../external-secrets/event-caches.ts"
import {
  claimant,
  hostReferenceConfigMaps,
  hostReferenceSecrets,
  hostSecrets,
  hostUnmanagedSecrets,
  virtualConfigMaps,
  virtualSecrets,
  virtualUnmanagedSecrets,
} from "../../external-secrets/secret-caches.ts"
import { hostClusterSecretStores, hostSecretStores, virtualSecretStores } from "../../external-secrets/store-caches.ts"
import { comeBack } from "./to-virtual.ts"
import type { HostPlace } from "../../external-secrets/host-place.ts"
import { hostSecretOf } from "../../external-secrets/host-place.ts"
import { hostConflict, situationOf, storesOf, surroundings } from "./conflicts.ts"
import type { MissingStore, Situation } from "./conflicts.ts"
import { desiredHostExternalSecret, toHost } from "./to-host.ts"
import { statusNotReady } from "./status.ts"
import { refusedVerdict, waitingVerdict } from "../../external-secrets/verdicts.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import { nothing } from "../../engine/actions.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { warnOnce } from "../../engine/events.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { decodeSpec, templateReferences } from "../../external-secrets/external-secret-spec.ts"
import { esoFinalizer } from "../../tenancy/labels.ts"
import { stringAt } from "../../../effects/client/unstructured.ts"
import { matches, toQuery } from "../../../effects/client/label-selector.ts"
import { controllerOf, originKeys, originOf } from "../../tenancy/ownership.ts"
import { judgeSpec } from "./policy.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import {
  missingCopy,
  needersOf,
  referenceConflict,
  referrersIn,
  referrersOf,
} from "../../external-secrets/referents.ts"
import { complainedKey, regardedExternalSecrets } from "../../external-secrets/involved-object.ts"
import { restsOnAbsentClusterStore } from "../../external-secrets/absent-cluster-store.ts"
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { secrets } from "../../resources.ts"
import { on } from "../../engine/synced-kind.ts"
import type { Memory, SyncedKind } from "../../engine/synced-kind.ts"
import { externalSecretText, translatedRefusal } from "../../external-secrets/tenant-text.ts"

/** All of ours goes from the host, and from the virtual cluster what Kubernetes would collect with its owner. */
const removeAll = (situation: Situation, virtual: KubeObject | undefined): ReadonlyArray<Action> => [
  ...situation.copies.flatMap((copy) => toHost(undefined, copy, virtual, situation.host)),
  ...situation.targets.remove(
    situation.claimed.filter((secret) => controllerOf(secret) !== undefined),
    splitKey(situation.key).name,
  ),
]

const refuse = (situation: Situation, virtual: KubeObject, refusal: Refusal): Decision => {
  const { context } = situation
  return {
    actions: [
      ...removeAll(situation, virtual),
      ...statusNotReady(virtual, refusal, context.virtualVersion, context.now()),
    ],
    verdict: refusedVerdict(refusal),
    ...warnOnce(virtual, refusal),
  }
}

const notSelected = (situation: Situation, virtual: KubeObject): Decision => {
  const { context, copies, claimed } = situation
  const removals = removeAll(situation, virtual)
  if (copies.length === 0 && claimed.length === 0) return nothing
  const { enabled, selector } = context.settings.externalSecrets
  const why = {
    reason: "NotSelected",
    message: enabled
      ? `not synced: the labels do not match the selector ${toQuery(selector)} of this vCluster`
      : "not synced: ExternalSecrets are switched off in the settings of this vCluster",
  }
  return {
    actions: [...removals, ...statusNotReady(virtual, why, context.virtualVersion, context.now())],
    verdict: undefined,
  }
}

const decideSelected = (situation: Situation, virtual: KubeObject, memory: Memory): Decision => {
  const { context } = situation
  const decoded = decodeSpec(virtual["spec"])
  if (Result.isFailure(decoded)) return refuse(situation, virtual, decoded.failure)
  const spec = decoded.success
  const refusal = judgeSpec(spec, surroundings(situation, virtual))
  if (refusal !== undefined)
    return {
      ...refuse(situation, virtual, refusal),
      ...(refusal.reason === "StoreNotImported" ? restsOnAbsentClusterStore : {}),
    }
  const location = context.locate(virtual)
  if (location === undefined)
    return refuse(
      situation,
      virtual,
      new Refusal({
        reason: "NamespaceNotMapped",
        message: context.whyNowhere(virtual.metadata.namespace ?? ""),
      }),
    )
  const hostSecret = hostSecretOf(virtual, spec, location, context)
  const stores = storesOf(situation, spec, virtual.metadata.namespace ?? "")
  const conflict =
    hostConflict(situation, location, hostSecret) ?? stores.conflict ?? referenceConflicts(situation, virtual, spec)
  if (conflict !== undefined) return refuse(situation, virtual, conflict)
  // One that is there keeps what it has, as in one cluster: ESO tells that the store is gone.
  if (stores.missing !== undefined && situation.copies.length === 0)
    return withoutStore(situation, virtual, stores.missing)
  return follow(situation, virtual, spec, { location, hostSecret }, memory)
}

const referenceConflicts = (
  { caches, context }: Situation,
  virtual: KubeObject,
  spec: ExternalSecretSpec,
): Refusal | undefined =>
  templateReferences(spec)
    .map((reference) => referenceConflict(reference, virtual.metadata.namespace ?? "", caches, context))
    .find((conflict) => conflict !== undefined)

/** Nothing goes to the host before its store is there: until then the name might come to lead to another one. */
const withoutStore = (
  { context }: Situation,
  virtual: KubeObject,
  { name, virtual: store }: MissingStore,
): Decision => {
  const { namespace } = virtual.metadata
  const ready = readyCondition(store)
  const why =
    store === undefined
      ? {
          reason: "SecretStoreNotFound",
          message: `SecretStore ${name} does not exist in namespace ${namespace}`,
        }
      : {
          reason: "SecretStoreNotReady",
          message: `SecretStore ${name} is not on the host${ready?.status === "False" ? `: ${ready.message}` : " yet"}`,
        }
  const isOnItsWay = store !== undefined && ready?.status !== "False"
  return {
    actions: isOnItsWay ? [] : statusNotReady(virtual, why, context.virtualVersion, context.now()),
    verdict: {
      health: isOnItsWay ? "waiting" : "broken",
      ...why,
      ...(store === undefined
        ? { fix: { text: "create the SecretStore", command: `kubectl get secretstores -n ${namespace}` } }
        : { fix: { text: "see the store", command: `kubectl describe secretstore ${name} -n ${namespace}` } }),
    },
    ...(isOnItsWay ? {} : warnOnce(virtual, why)),
  }
}

/** The normal case: the spec may go to the host, and what ESO makes of it comes back. */
const follow = (
  situation: Situation,
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  names: HostPlace,
  memory: Memory,
): Decision => {
  const { context, host } = situation
  const { location, hostSecret } = names
  const place = keyOf(location.namespace, location.name)
  const current = situation.copies.find((copy) => objectKey(copy) === place)
  const strays = situation.copies.filter((copy) => objectKey(copy) !== place)
  const desired = desiredHostExternalSecret(virtual, spec, location, hostSecret, host)
  const translate = externalSecretText(virtual, spec, names, situation.caches, context)
  const toHostActions = [
    ...strays.flatMap((copy) => toHost(undefined, copy, virtual, host)),
    ...toHost(desired, current, virtual, host),
  ]
  const missing = missingCopy(templateReferences(spec), virtual.metadata.namespace ?? "", situation.caches)
  if (missing !== undefined)
    return {
      actions: [],
      verdict: {
        health: "waiting",
        reason: "ReferencePending",
        message: `${missing.kind} ${missing.name} is on its way to the host`,
      },
    }
  if (memory.refusedWrite?.reason === "RefusedByHost" && toHostActions.length > 0)
    return tryAgain(situation, virtual, translatedRefusal(memory.refusedWrite, translate), toHostActions)
  const settled =
    current !== undefined &&
    current.metadata.deletionTimestamp === undefined &&
    originOf(current, context.tenancy)?.uid === virtual.metadata.uid
  if (!settled) return { actions: toHostActions, verdict: waitingVerdict(current) }
  const back = comeBack(situation, { virtual, spec, names, translate, copy: current })
  const secretWrites = back.actions.filter(({ resource }) => resource.plural === secrets.plural)
  if (memory.refusedWrite?.reason === "TargetSecretRefused" && secretWrites.length > 0)
    return tryAgain(situation, virtual, memory.refusedWrite, [...toHostActions, ...secretWrites])
  return { ...back, actions: [...toHostActions, ...back.actions] }
}

/** An API server did not take a write. The tenant is told, and then it is tried again: what it objects to may be over. */
const tryAgain = (
  { context }: Situation,
  virtual: KubeObject,
  refused: Refusal,
  writes: ReadonlyArray<Action>,
): Decision => ({
  actions: [...statusNotReady(virtual, refused, context.virtualVersion, context.now()), ...writes],
  verdict: refusedVerdict(refused),
  ...warnOnce(virtual, refused),
})

const decide = (
  key: ObjectKey,
  targets: TargetSecrets,
  caches: Caches,
  context: SyncContext,
  memory: Memory,
): Decision => {
  const situation = situationOf(key, targets, caches, context)
  const virtual = caches.of(virtualExternalSecrets).get(key)
  if (virtual === undefined || virtual.metadata.deletionTimestamp !== undefined)
    return { actions: removeAll(situation, undefined), verdict: undefined }
  if (virtual.metadata.finalizers?.includes(esoFinalizer) === true)
    return {
      actions: situation.copies.flatMap((copy) => toHost(undefined, copy, virtual, situation.host)),
      verdict: refusedVerdict(
        new Refusal({
          reason: "ManagedByOtherOperator",
          message:
            "an External Secrets Operator inside the virtual cluster reconciles this ExternalSecret; it is left to it",
        }),
      ),
    }
  const { enabled, selector } = context.settings.externalSecrets
  return enabled && matches(selector, virtual.metadata.labels ?? {})
    ? decideSelected(situation, virtual, memory)
    : notSelected(situation, virtual)
}

const keysOf = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<ObjectKey> => objects.map(objectKey)

/** Those that have a virtual Secret as their target, or refer to it. */
const usersOf = (secret: KubeObject, caches: Caches): ReadonlyArray<ObjectKey> => [
  ...keysOf(caches.of(virtualExternalSecrets).byIndex("target", objectKey(secret))),
  ...referrersOf(virtualExternalSecrets, "Secret")(secret, caches),
]

/** Those that need the name of a host Secret, for what ESO makes or for a copy of what they refer to. */
const hostUsersOf = (secret: KubeObject, caches: Caches): ReadonlyArray<ObjectKey> => [
  ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostSecret", objectKey(secret))),
  ...needersOf(virtualExternalSecrets, "Secret")(secret, caches),
]

const keys = (caches: Caches, context: SyncContext): ReadonlySet<ObjectKey> =>
  new Set([
    ...keysOf([...caches.of(virtualExternalSecrets).values()]),
    ...[...caches.of(hostExternalSecrets).values()].flatMap((copy) => originKeys(copy, context.tenancy)),
  ])

/** Where the Secret is that ESO makes of a host ExternalSecret. */
const madeBy = (host: KubeObject): ObjectKey =>
  keyOf(host.metadata.namespace, stringAt(host, "spec", "target", "name") ?? host.metadata.name)

/** @param targets the rules of the Secret in the virtual cluster */
export const makeExternalSecretKind = (targets: TargetSecrets): SyncedKind => ({
  kind: "ExternalSecret",
  prerequisite: { plural: "externalsecrets", isWanted: () => true },
  refusable: [
    { side: "virtual", plural: "secrets", reason: "TargetSecretRefused" },
    { side: "host", plural: "externalsecrets", reason: "RefusedByHost" },
  ],
  mirrored: { virtual: virtualExternalSecrets, host: hostExternalSecrets, plural: "externalsecrets" },
  caches: [
    virtualExternalSecrets,
    virtualSecrets,
    virtualUnmanagedSecrets,
    virtualConfigMaps,
    virtualNamespaces,
    virtualSecretStores,
    hostExternalSecrets,
    hostSecrets,
    hostUnmanagedSecrets,
    hostSecretStores,
    hostReferenceSecrets,
    hostReferenceConfigMaps,
    hostClusterSecretStores,
    hostEvents,
    hostService,
  ],
  sources: [
    on(virtualExternalSecrets, (object) => [objectKey(object)]),
    on(virtualSecrets, (object, caches) => [...claimant(object), ...usersOf(object, caches)]),
    on(virtualUnmanagedSecrets, usersOf),
    on(virtualConfigMaps, referrersOf(virtualExternalSecrets, "ConfigMap")),
    on(virtualNamespaces, (object, caches) =>
      keysOf(caches.of(virtualExternalSecrets).byIndex("namespace", object.metadata.name)),
    ),
    on(hostExternalSecrets, (object, caches, context) => [
      ...originKeys(object, context.tenancy),
      ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostName", objectKey(object))),
      // Those that need the name of the Secret that it makes: whose that is depends on whose this one is.
      ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostSecret", madeBy(object))),
    ]),
    on(hostSecrets, hostUsersOf),
    on(hostUnmanagedSecrets, hostUsersOf),
    on(hostSecretStores, (object, caches) =>
      keysOf(caches.of(virtualExternalSecrets).byIndex("hostStore", objectKey(object))),
    ),
    on(virtualSecretStores, (object, caches) =>
      keysOf(caches.of(virtualExternalSecrets).byIndex("store", objectKey(object))),
    ),
    on(hostReferenceSecrets, referrersIn(virtualExternalSecrets, "Secret")),
    on(hostReferenceConfigMaps, referrersIn(virtualExternalSecrets, "ConfigMap")),
    on(hostClusterSecretStores, (object, caches) =>
      keysOf(caches.of(virtualExternalSecrets).byIndex("clusterStore", object.metadata.name)),
    ),
    on(hostEvents, complainedKey(regardedExternalSecrets)),
    on(hostService, (_object, caches, context) => keys(caches, context)),
  ],
  keys,
  decide: (key, caches, context, memory) => decide(key, targets, caches, context, memory),
})
