/**
 * The synced kind ExternalSecret: one decision for everything that hangs on one virtual ExternalSecret, so that no two
 * writers touch the same pair. `observe.ts`, `judge.ts` and `desire.ts` are its stages; here is what is written, and what brings
 * a key back.
 */
import { clusterSecretStoresIn, externalSecretsIn } from "../../external-secrets/eso-resources.ts"
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { objectKey, splitKey } from "../../../effects/client/kube-object.ts"
import type { Action, Decision } from "../../engine/actions.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { writeStatus } from "../../engine/status-write.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"
import { hostService } from "../../engine/vcluster-service.ts"
import { hostEvents } from "../../external-secrets/event-caches.ts"
import { hostExternalSecrets, virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import { toldFirst } from "../../external-secrets/not-ready.ts"
import { complainedKey, regardedExternalSecrets } from "../../external-secrets/involved-object.ts"
import { needersOf, referrersIn, referrersOf } from "../../external-secrets/referents.ts"
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
import type { TargetSecrets } from "../../external-secrets/target-secret.ts"
import { translatedRefusal } from "../../external-secrets/tenant-text.ts"
import { externalSecrets, secrets } from "../../resources.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { originKeys } from "../../tenancy/ownership.ts"
import { leftoverKeys } from "../../tenancy/vcluster-leftover.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { virtualNamespaces } from "./caches.ts"
import type { Desired } from "./desired.ts"
import { desireWith } from "./desire.ts"
import { judge } from "./judge.ts"
import type { Observed } from "./observe.ts"
import { observe } from "./observe.ts"
import { takeOverPatch } from "./adoption.ts"
import { toHost } from "./to-host.ts"
import type { SecretPlan } from "./to-virtual.ts"

/** Of several copies only the one stays that stands where it should. */
const hostWrites = ({ copies, host, virtual }: Observed, copy: Desired["copy"], current: KubeObject | undefined) => {
  if (copy === "as it stands") return []
  const strays = copies.filter((each) => copy === "none" || each !== current)
  return [
    ...strays.flatMap((stray) => toHost(undefined, stray, virtual, host)),
    ...(copy === "none"
      ? []
      : copy === "anew"
        ? removedWithSecret(current, host.version)
        : toHost(copy, current, virtual, host)),
  ]
}

const leftoverWrites = ({ host }: Observed, leftover: Desired["leftover"]): ReadonlyArray<Action> => {
  if (leftover === undefined) return []
  const { current, wanted } = leftover
  const patch = takeOverPatch(current, wanted)
  return patch === undefined
    ? []
    : [{ _tag: "Patch", side: "host", resource: externalSecrets(host.version), current, patch }]
}

/** An immutable Secret that is still there would be taken over as it is. */
const removedWithSecret = (current: KubeObject | undefined, version: string): ReadonlyArray<Action> =>
  current === undefined
    ? []
    : [
        {
          _tag: "Delete",
          side: "host",
          resource: externalSecrets(version),
          current,
          becauseAbsent: false,
          propagation: "Foreground",
        },
      ]

/** Also in labels and annotations there may be a new value: it is handed on only while its stores are what they were taken for. */
const providedWith = (
  actions: ReadonlyArray<Action>,
  stores: ReadonlyArray<KubeObject>,
  context: SyncContext,
): ReadonlyArray<Action> => {
  if (stores.length === 0) return actions
  const resource = clusterSecretStoresIn(context)
  return actions.map((action) => ({ ...action, provided: stores.map((object) => ({ resource, object })) }))
}

const secretWrites = (
  targets: TargetSecrets,
  { context, key }: Observed,
  { apply, isRevoked = false, lookInto, remove, unmark }: SecretPlan,
): ReadonlyArray<Action> => [
  ...(lookInto === undefined ? [] : targets.lookInto(lookInto)),
  ...(unmark === undefined ? [] : targets.unmark(unmark)),
  ...(apply === undefined ? [] : providedWith(targets.apply(apply.target, apply.standing), apply.stores, context)),
  ...(remove === undefined ? [] : targets.remove(remove, splitKey(key).name, isRevoked)),
]

const onHostOf = ({ asked }: Observed) => (asked === undefined ? undefined : Result.getOrUndefined(asked)?.onHost)

const diffWith =
  (targets: TargetSecrets) =>
  (observed: Observed, { copy, leftover, secrets: plan, secretsFirst, status }: Desired): ReadonlyArray<Action> => {
    const { context, virtual } = observed
    const onHost = [...hostWrites(observed, copy, onHostOf(observed)?.copy), ...leftoverWrites(observed, leftover)]
    const ofSecrets = secretWrites(targets, observed, plan)
    const ofStatus =
      virtual === undefined || status === undefined ? [] : writeStatus(externalSecretsIn(context), virtual, status)
    // The copy tells why a Secret goes: without it, a crash in between would let that be forgotten.
    if (copy === "none") return [...ofSecrets, ...onHost, ...ofStatus]
    return secretsFirst === true ? [...ofSecrets, ...ofStatus, ...onHost] : [...onHost, ...ofSecrets, ...ofStatus]
  }

const isOfVirtual = ({ side }: Action): boolean => side === "virtual"

const isOfHost = ({ side }: Action): boolean => side === "host"

const isOfSecret = ({ side, resource }: Action): boolean => side === "virtual" && resource.plural === secrets.plural

/** Of what is only taken away nobody needs to hear. */
const refusedBefore = (
  refused: Refusal,
  observed: Observed,
  { copy }: Desired,
  actions: ReadonlyArray<Action>,
): Decision | undefined => {
  const { context, virtual } = observed
  const onHost = onHostOf(observed)
  if (virtual === undefined || onHost === undefined || typeof copy === "string") return undefined
  const resource = externalSecretsIn(context)
  if (
    refused.reason === "TargetSecretContested" ||
    (refused.reason === "TargetSecretRefused" && actions.some(isOfSecret))
  )
    return toldFirst(resource, virtual, refused, actions, context.now())
  // What the host has is not what the tenant asks for now, so nothing comes back from there.
  const again = actions.filter(isOfHost)
  return refused.reason === "RefusedByHost" && again.length > 0
    ? toldFirst(resource, virtual, translatedRefusal(refused, onHost.translate), again, context.now())
    : undefined
}

/** Whoever looks on while somebody else keeps changing the Secret finds it changed, or put right a moment ago. */
const toldBefore = ({ virtual }: Observed, actions: ReadonlyArray<Action>): Refusal | undefined => {
  const ready = readyCondition(virtual)
  return ready?.reason === "TargetSecretContested" && actions.some(isOfSecret)
    ? new Refusal({ reason: ready.reason, message: ready.message })
    : undefined
}

const keysOf = (objects: ReadonlyArray<KubeObject>): ReadonlyArray<ObjectKey> => objects.map(objectKey)

/** Those whose copies are found under the index: what they serve may be another spec than what is asked for now. */
const servedBy = (index: string, value: string, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> =>
  caches
    .of(hostExternalSecrets)
    .byIndex(index, value)
    .flatMap((copy) => originKeys(copy, context.tenancy))

/** Those that have a virtual Secret as their target, or refer to it. */
const usersOf = (secret: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> => [
  ...keysOf(caches.of(virtualExternalSecrets).byIndex("target", objectKey(secret))),
  ...servedBy("target", objectKey(secret), caches, context),
  ...referrersOf(virtualExternalSecrets, "Secret")(secret, caches),
]

/** Those that need the name of a host Secret, or wait for it to be let go, for what ESO makes or for a copy of what they refer to. */
const hostUsersOf = (secret: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> => [
  ...caches
    .of(hostExternalSecrets)
    .byIndex("leftoverSecret", objectKey(secret))
    .flatMap((leftover) => keysOf(caches.of(virtualExternalSecrets).byIndex("hostName", objectKey(leftover)))),
  ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostSecret", objectKey(secret))),
  ...servedBy("hostSecret", objectKey(secret), caches, context),
  ...needersOf(virtualExternalSecrets, "Secret")(secret, caches),
]

const keys = (caches: Caches, context: SyncContext): ReadonlySet<ObjectKey> =>
  new Set([
    ...keysOf([...caches.of(virtualExternalSecrets).values()]),
    ...[...caches.of(hostExternalSecrets).values()].flatMap((copy) => [
      ...originKeys(copy, context.tenancy),
      ...leftoverKeys(copy, context.tenancy),
    ]),
  ])

/** Those that need the name of a Secret that a host ExternalSecret made: whose that is depends on whose the maker is. */
const rivalsOf = (maker: KubeObject, caches: Caches): ReadonlyArray<ObjectKey> =>
  [hostSecrets, hostUnmanagedSecrets].flatMap((cache) =>
    caches
      .of(cache)
      .byIndex("maker", objectKey(maker))
      .flatMap((secret) => keysOf(caches.of(virtualExternalSecrets).byIndex("hostSecret", objectKey(secret)))),
  )

/** @param targets the rules of the Secret in the virtual cluster */
export const makeExternalSecretKind = (targets: TargetSecrets): SyncedKind =>
  synced<Observed, Desired>({
    kind: "ExternalSecret",
    counted: () => true,
    prerequisite: {
      plural: "externalsecrets",
      isWanted: () => true,
      isSynced: (settings) => settings.externalSecrets.enabled,
    },
    refusable: [
      { side: "virtual", plural: "secrets", reason: "TargetSecretRefused", contested: "TargetSecretContested" },
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
      on(virtualSecrets, (object, caches, context) => [...claimant(object), ...usersOf(object, caches, context)]),
      on(virtualUnmanagedSecrets, usersOf),
      on(virtualConfigMaps, referrersOf(virtualExternalSecrets, "ConfigMap")),
      on(virtualNamespaces, (object, caches) =>
        keysOf(caches.of(virtualExternalSecrets).byIndex("namespace", object.metadata.name)),
      ),
      on(hostExternalSecrets, (object, caches, context) => [
        ...originKeys(object, context.tenancy),
        ...leftoverKeys(object, context.tenancy),
        ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostName", objectKey(object))),
        ...rivalsOf(object, caches),
      ]),
      on(hostSecrets, hostUsersOf),
      on(hostUnmanagedSecrets, hostUsersOf),
      on(hostSecretStores, (object, caches, context) => [
        ...keysOf(caches.of(virtualExternalSecrets).byIndex("hostStore", objectKey(object))),
        ...servedBy("store", objectKey(object), caches, context),
      ]),
      on(virtualSecretStores, (object, caches) =>
        keysOf(caches.of(virtualExternalSecrets).byIndex("store", objectKey(object))),
      ),
      on(hostReferenceSecrets, referrersIn(virtualExternalSecrets, "Secret")),
      on(hostReferenceConfigMaps, referrersIn(virtualExternalSecrets, "ConfigMap")),
      on(hostClusterSecretStores, ({ metadata: { name } }, caches, context) => [
        ...keysOf(caches.of(virtualExternalSecrets).byIndex("clusterStore", name)),
        ...servedBy("clusterStore", name, caches, context),
      ]),
      on(hostEvents, complainedKey(regardedExternalSecrets)),
      on(hostService, (_object, caches, context) => keys(caches, context)),
    ],
    keys,
    observe,
    judge,
    desire: desireWith(targets),
    diff: diffWith(targets),
    report: (_observed, { told }, actions) => told(actions.filter(isOfVirtual).length),
    refusedBefore,
    toldBefore,
  })
