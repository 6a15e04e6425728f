/**
 * The synced kind ExternalSecret: one decision for everything that hangs on one virtual ExternalSecret, so that no two
 * writers touch the same pair. The rows `external-secret-to-host`, `secret-to-virtual` and
 * `external-secret-status-to-virtual` do the parts; here is what leads to which.
 */
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../effects/kube-object.ts"
import { keyOf, objectKey } from "../effects/kube-object.ts"
import type { Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { desiredHostExternalSecret, toHost } from "./external-secret-to-host.ts"
import type { HostSide } from "./external-secret-to-host.ts"
import { saysAlready, statusFromHost, statusNotReady } from "./external-secret-status-to-virtual.ts"
import type { Action, Decision, Verdict } from "./rules/actions.ts"
import { nothing } from "./rules/actions.ts"
import { readyCondition, translateText } from "./rules/conditions.ts"
import type { ExternalSecretSpec } from "./rules/external-secret-spec.ts"
import { decodeSpec, targetName } from "./rules/external-secret-spec.ts"
import { recordAt } from "./rules/json.ts"
import { esoFinalizer } from "./rules/keys.ts"
import { matches, toQuery } from "./rules/label-selector.ts"
import type { HostLocation } from "./rules/names.ts"
import { controllerOf, originOf } from "./rules/ownership.ts"
import type { Surroundings } from "./rules/policy.ts"
import { judgeSpec } from "./rules/policy.ts"
import { Refusal } from "./rules/refusals.ts"
import { applySecret, desiredVirtualSecret, removeSecrets } from "./secret-to-virtual.ts"
import type { Memory, SyncedKind } from "./synced-kind.ts"

/** Everything that the caches hold about one key. */
interface Situation {
  readonly key: ObjectKey
  readonly caches: Caches
  readonly context: SyncContext
  readonly host: HostSide
  /** Host objects that say they are the copy of this key; more than one after a change of the namespace mapping. */
  readonly copies: ReadonlyArray<KubeObject>
  /** Virtual Secrets that name this ExternalSecret as theirs. */
  readonly claimed: ReadonlyArray<KubeObject>
}

const situationOf = (key: ObjectKey, caches: Caches, context: SyncContext): Situation => ({
  key,
  caches,
  context,
  host: {
    tenancy: context.tenancy,
    version: context.hostVersion,
    schema: context.hostSpecSchema("externalsecrets"),
    service: caches.hostService.get(keyOf(context.hostNamespace, context.tenancy.vcluster)),
  },
  copies: caches.hostExternalSecrets.byIndex("origin", key),
  claimed: caches.virtualSecrets.byIndex("claimant", key),
})

/** All of ours goes from the host, and from the virtual cluster what Kubernetes would collect with its owner. */
const removeAll = (situation: Situation, virtual: KubeObject | undefined): ReadonlyArray<Action> => [
  ...situation.copies.flatMap((copy) => toHost(undefined, copy, virtual, situation.host)),
  ...removeSecrets(situation.claimed.filter((secret) => controllerOf(secret) !== undefined)),
]

const refuse = (situation: Situation, virtual: KubeObject, refusal: Refusal): Decision => {
  const { context } = situation
  return {
    actions: [
      ...removeAll(situation, virtual),
      ...statusNotReady(virtual, refusal, context.virtualVersion, context.now()),
    ],
    verdict: refusedVerdict(refusal),
    ...(saysAlready(virtual, refusal)
      ? {}
      : { notice: { regarding: virtual, type: "Warning", reason: refusal.reason, message: refusal.message } }),
  }
}

const refusedVerdict = (refusal: Refusal): Verdict => ({
  health: "refused",
  reason: refusal.reason,
  message: refusal.message,
  ...(refusal.fix === undefined ? {} : { fix: refusal.fix }),
})

const notSelected = (situation: Situation, virtual: KubeObject): Decision => {
  const { context, copies, claimed } = situation
  const removals = removeAll(situation, virtual)
  if (copies.length === 0 && claimed.length === 0) return nothing
  const why = {
    reason: "NotSelected",
    message: `not synced: the labels do not match the selector ${toQuery(context.settings.externalSecrets.selector)} of this vCluster`,
  }
  return { actions: [...removals, ...statusNotReady(virtual, why, context.virtualVersion, context.now())], verdict: undefined }
}

const surroundings = (situation: Situation, virtual: KubeObject): Surroundings => {
  const { caches, context } = situation
  const name = virtual.metadata.namespace ?? ""
  return {
    policy: context.policy,
    clusterStores: {
      enabled: context.settings.clusterStores.enabled,
      selector: toQuery(context.settings.clusterStores.selector),
      imported: (store) => caches.hostClusterSecretStores.get(store),
    },
    virtualNamespace: { name, labels: caches.virtualNamespaces.get(name)?.metadata.labels ?? {} },
  }
}

/** Names are not injective and the host namespace is shared: what stands under the name that we need must be ours. */
const hostConflict = (
  situation: Situation,
  location: HostLocation,
  hostSecret: string,
): Refusal | undefined => {
  const { caches, context, key } = situation
  const standing = caches.hostExternalSecrets.get(keyOf(location.namespace, location.name))
  const origin = standing === undefined ? undefined : originOf(standing, context.tenancy)
  if (standing !== undefined && origin === undefined)
    return new Refusal({
      reason: "HostObjectNotOurs",
      message: `the host already has an ExternalSecret ${location.name} that does not belong to this vCluster; rename this ExternalSecret`,
    })
  if (origin !== undefined && origin.key !== key)
    return new Refusal({
      reason: "HostNameTaken",
      message: `ExternalSecret ${origin.key} translates to the same host name ${location.name}; rename one of the two`,
    })
  return secretConflict(situation, location, hostSecret)
}

/** ESO would take over a Secret that nobody controls: so we look before it does. One that another controls, it refuses itself. */
const secretConflict = (
  { caches }: Situation,
  location: HostLocation,
  hostSecret: string,
): Refusal | undefined => {
  const key = keyOf(location.namespace, hostSecret)
  const standing = caches.hostSecrets.get(key) ?? caches.hostUnmanagedSecrets.get(key)
  if (standing === undefined || controllerOf(standing) !== undefined) return undefined
  return new Refusal({
    reason: "HostObjectNotOurs",
    message: `the host already has a Secret ${hostSecret} that no ExternalSecret of this vCluster made; choose another spec.target.name`,
  })
}

const decideSelected = (situation: Situation, virtual: KubeObject, memory: Memory): Decision => {
  const { context } = situation
  const decoded = decodeSpec(virtual["spec"])
  if (Result.isFailure(decoded)) return refuse(situation, virtual, decoded.failure)
  const spec = decoded.success
  const refusal = judgeSpec(spec, surroundings(situation, virtual))
  if (refusal !== undefined) return refuse(situation, virtual, refusal)
  const location = context.locate(virtual)
  if (location === undefined)
    return refuse(
      situation,
      virtual,
      new Refusal({
        reason: "NamespaceNotMapped",
        message: `namespace ${virtual.metadata.namespace} is not mapped to the host (sync.toHost.namespaces.mappingsOnly)`,
      }),
    )
  const hostSecret = context.hostSecretName(targetName(spec, virtual.metadata.name), virtual.metadata.namespace ?? "")
  const conflict = hostConflict(situation, location, hostSecret)
  if (conflict !== undefined) return refuse(situation, virtual, conflict)
  return follow(situation, virtual, spec, { location, hostSecret }, memory)
}

interface HostNames {
  readonly location: HostLocation
  readonly hostSecret: string
}

/** The normal case: the spec may go to the host, and what ESO makes of it comes back. */
const follow = (
  situation: Situation,
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  names: HostNames,
  memory: Memory,
): Decision => {
  const { context, host } = situation
  const { location, hostSecret } = names
  const place = keyOf(location.namespace, location.name)
  const current = situation.copies.find((copy) => objectKey(copy) === place)
  const strays = situation.copies.filter((copy) => objectKey(copy) !== place)
  const desired = desiredHostExternalSecret(virtual, spec, location, hostSecret, host)
  const toHostActions = [
    ...strays.flatMap((copy) => toHost(undefined, copy, virtual, host)),
    ...toHost(desired, current, virtual, host),
  ]
  const settled =
    current !== undefined &&
    current.metadata.deletionTimestamp === undefined &&
    originOf(current, context.tenancy)?.uid === virtual.metadata.uid
  if (!settled) return { actions: toHostActions, verdict: waitingVerdict(current) }
  const back = comeBack(situation, virtual, spec, names, current, memory)
  return { ...back, actions: [...toHostActions, ...back.actions] }
}

const waitingVerdict = (current: KubeObject | undefined): Verdict =>
  current?.metadata.deletionTimestamp === undefined
    ? { health: "waiting", reason: "NotOnHost", message: "not on the host yet" }
    : {
        health: "waiting",
        reason: "HostDeletionPending",
        message: "the host's former copy is being deleted: External Secrets Operator has not released it yet",
      }

/** Secret and status, from the host object that is this one's copy. */
const comeBack = (
  situation: Situation,
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  names: HostNames,
  current: KubeObject,
  memory: Memory,
): Decision => {
  const { caches, context, claimed } = situation
  const { hostSecret } = names
  const namespace = virtual.metadata.namespace
  const target = targetName(spec, virtual.metadata.name)
  const made = caches.hostSecrets.get(keyOf(names.location.namespace, hostSecret))
  const source = made !== undefined && controllerOf(made)?.uid === current.metadata.uid ? made : undefined
  const secretActions = secretsToVirtual(virtual, spec, source, {
    name: target,
    standing: caches.virtualSecrets.get(keyOf(namespace, target)),
    claimed,
    dropped: readyCondition(current)?.reason === "SecretDeleted",
  })
  const pairs = [
    [keyOf(names.location.namespace, hostSecret), keyOf(namespace, target)],
    [keyOf(names.location.namespace, names.location.name), objectKey(virtual)],
    [hostSecret, target],
    [names.location.name, virtual.metadata.name],
  ] as const
  const refused = memory.refusedWrite
  if (refused !== undefined && secretActions.length > 0)
    return {
      actions: [...statusNotReady(virtual, refused, context.virtualVersion, context.now()), ...secretActions],
      verdict: refusedVerdict(refused),
      ...(saysAlready(virtual, refused)
        ? {}
        : { notice: { regarding: virtual, type: "Warning", reason: refused.reason, message: refused.message } }),
    }
  const statusActions = statusFromHost(virtual, current, target, pairs, context.virtualVersion)
  return {
    actions: [...secretActions, ...statusActions],
    verdict: verdictOf(virtual, current, pairs, secretActions.length + statusActions.length),
  }
}

interface VirtualTarget {
  readonly name: string
  readonly standing: KubeObject | undefined
  readonly claimed: ReadonlyArray<KubeObject>
  /** ESO has deleted the Secret on purpose (deletionPolicy Delete). */
  readonly dropped: boolean
}

/**
 * The former target of a renamed ExternalSecret goes once the new one can be written. A host Secret that is missing for
 * any other reason than ESO's own decision is about to come back: what the tenant has stays.
 */
const secretsToVirtual = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  source: KubeObject | undefined,
  target: VirtualTarget,
): ReadonlyArray<Action> => {
  const controlled = target.claimed.filter((secret) => controllerOf(secret)?.uid === virtual.metadata.uid)
  if (spec.target?.creationPolicy === "None" || (source === undefined && target.dropped)) return removeSecrets(controlled)
  if (source === undefined) return []
  const former = controlled.filter((secret) => secret.metadata.name !== target.name)
  return [
    ...applySecret(desiredVirtualSecret(virtual, spec, source, target.name), target.standing),
    ...removeSecrets(former),
  ]
}

const verdictOf = (
  virtual: KubeObject,
  current: KubeObject,
  pairs: ReadonlyArray<readonly [string, string]>,
  pending: number,
): Verdict => {
  const ready = readyCondition(current)
  if (ready === undefined || recordAt(current, "status") === undefined)
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
      message,
      ...since,
      fix: {
        text: "see the store and the provider's answer; then fetch again",
        command: `kubectl annotate externalsecret ${virtual.metadata.name} -n ${virtual.metadata.namespace} force-sync=$(date +%s) --overwrite`,
      },
    }
  return pending === 0
    ? { health: "synced", reason: ready.reason, message, ...since }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }
}

const decide = (key: ObjectKey, caches: Caches, context: SyncContext, memory: Memory): Decision => {
  const situation = situationOf(key, caches, context)
  const virtual = caches.virtualExternalSecrets.get(key)
  if (virtual === undefined || virtual.metadata.deletionTimestamp !== undefined)
    return { actions: removeAll(situation, virtual), verdict: undefined }
  if (virtual.metadata.finalizers?.includes(esoFinalizer) === true)
    return {
      actions: situation.copies.flatMap((copy) => toHost(undefined, copy, virtual, situation.host)),
      verdict: refusedVerdict(
        new Refusal({
          reason: "ManagedByOtherOperator",
          message: "an External Secrets Operator inside the virtual cluster reconciles this ExternalSecret; it is left to it",
        }),
      ),
    }
  return matches(context.settings.externalSecrets.selector, virtual.metadata.labels ?? {})
    ? decideSelected(situation, virtual, memory)
    : notSelected(situation, virtual)
}

const keysOf = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<ObjectKey> => objects.map(objectKey)

export const externalSecretKind: SyncedKind = {
  kind: "ExternalSecret",
  sources: {
    virtualExternalSecrets: (object) => [objectKey(object)],
    virtualSecrets: (object, caches) => [
      ...(controllerOf(object)?.kind === "ExternalSecret"
        ? [keyOf(object.metadata.namespace, controllerOf(object)?.name ?? "")]
        : []),
      ...keysOf(caches.virtualExternalSecrets.byIndex("target", objectKey(object))),
    ],
    virtualNamespaces: (object, caches) =>
      keysOf(caches.virtualExternalSecrets.byIndex("namespace", object.metadata.name)),
    hostExternalSecrets: (object, caches, context) => [
      ...[originOf(object, context.tenancy)?.key].filter((key) => key !== undefined),
      ...keysOf(caches.virtualExternalSecrets.byIndex("hostName", objectKey(object))),
    ],
    hostSecrets: (object, caches) => keysOf(caches.virtualExternalSecrets.byIndex("hostSecret", objectKey(object))),
    hostUnmanagedSecrets: (object, caches) =>
      keysOf(caches.virtualExternalSecrets.byIndex("hostSecret", objectKey(object))),
    hostClusterSecretStores: (object, caches) =>
      keysOf(caches.virtualExternalSecrets.byIndex("clusterStore", object.metadata.name)),
    hostService: (_object, caches, context) => externalSecretKind.keys(caches, context),
  },
  keys: (caches, context) =>
    new Set([
      ...[...caches.virtualExternalSecrets.values()].map(objectKey),
      ...[...caches.hostExternalSecrets.values()].flatMap((copy) => originOf(copy, context.tenancy)?.key ?? []),
    ]),
  decide,
}
