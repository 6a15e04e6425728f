/** All that is to be known of one ExternalSecret: itself, its copies, and what stands under the names that its spec needs. */
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { keyOf, objectKey } from "../../../effects/client/kube-object.ts"
import { matches } from "../../../effects/client/label-selector.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { vclusterService } from "../../engine/vcluster-service.ts"
import { acceptedGeneration, acceptedOf } from "../../external-secrets/accepted.ts"
import { hostExternalSecrets, virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import type { ExternalSecretSpec } from "../../external-secrets/external-secret-spec.ts"
import { decodeSpec, storeNames } from "../../external-secrets/external-secret-spec.ts"
import { hostSecretStores } from "../../external-secrets/store-caches.ts"
import { virtualSecrets } from "../../external-secrets/secret-caches.ts"
import { originOf } from "../../tenancy/ownership.ts"
import type { Refusal } from "../../tenancy/refusals.ts"
import type { Surroundings } from "./policy.ts"
import type { HostSide } from "./to-host.ts"
import { hostSideOf } from "./to-host.ts"

import type { Asked } from "./observe-asked.ts"
import { observeAsked, observeHost, observeSurroundings, observeTarget } from "./observe-asked.ts"
export interface Observed {
  readonly key: ObjectKey
  readonly context: SyncContext
  readonly host: HostSide
  /** Host objects that say they are the copy of this key; more than one after a change of the namespace mapping. */
  readonly copies: ReadonlyArray<KubeObject>
  /** Virtual Secrets that name this ExternalSecret as theirs. */
  readonly claimed: ReadonlyArray<KubeObject>
  /** undefined: there is none in the virtual cluster (any more) */
  readonly virtual: KubeObject | undefined
  /** What vCluster's own integration left of one that is gone. */
  readonly abandoned: ReadonlyArray<KubeObject>
  /** The virtual one, while it is being deleted. */
  readonly leaving: KubeObject | undefined
  /** What it asks for; undefined: it is not selected. A failure: its spec cannot be read. */
  readonly asked: Result.Result<Asked, Refusal> | undefined
  /** What the copy on the host serves; undefined: it is not there, or not the copy of this very object, or on its way out. */
  readonly served: Served | undefined
}

/** The spec that was accepted last: of a later one that is refused, nothing has gone to the host. */
export interface Served {
  readonly copy: KubeObject
  /** Of the virtual object that was accepted; undefined: an older version made the copy, and did not write it down. */
  readonly generation: number | undefined
  /** That it had then; read only where what is asked for now is something else. */
  readonly labels: Readonly<Record<string, string>> | undefined
  /** As it stands on the host: what it may ask for can be judged by that too. */
  readonly spec: ExternalSecretSpec
  readonly surroundings: Surroundings
  /** A SecretStore that it names on the host is not the tenant's own, of the same namespace: names there can be taken anew. */
  readonly drawsOnOthers: boolean
  /** By what comes back of it, in the tenant's names; undefined: it cannot be told. */
  readonly asked: Asked | undefined
}

const isSelected = (virtual: KubeObject, { settings: { externalSecrets } }: SyncContext): boolean =>
  externalSecrets.enabled && matches(externalSecrets.selector, virtual.metadata.labels ?? {})

/** The copy that stands in its place, is of this very object, and stays. */
const settledCopy = (
  virtual: KubeObject,
  copies: ReadonlyArray<KubeObject>,
  context: SyncContext,
): KubeObject | undefined => {
  const location = context.locate(virtual)
  const place = location === undefined ? undefined : keyOf(location.namespace, location.name)
  return copies.find(
    (copy) =>
      objectKey(copy) === place &&
      copy.metadata.deletionTimestamp === undefined &&
      originOf(copy, context.tenancy)?.uid === virtual.metadata.uid,
  )
}

const drawsOnOthers = (virtual: KubeObject, copy: KubeObject, caches: Caches, { tenancy }: SyncContext): boolean =>
  storeNames(copy["spec"], "SecretStore").some((name) => {
    const standing = caches.of(hostSecretStores).get(keyOf(copy.metadata.namespace, name))
    return standing !== undefined && originOf(standing, tenancy)?.namespace !== virtual.metadata.namespace
  })

/** @param asked what is asked for now, where it can be read: mostly that is what is served */
const observeServed = (
  virtual: KubeObject,
  asked: Asked | undefined,
  copies: ReadonlyArray<KubeObject>,
  caches: Caches,
  context: SyncContext,
): Served | undefined => {
  const copy = settledCopy(virtual, copies, context)
  if (copy === undefined) return undefined
  const generation = acceptedGeneration(copy)
  const served = { copy, generation, drawsOnOthers: drawsOnOthers(virtual, copy, caches, context) }
  if (asked !== undefined && generation === (virtual.metadata.generation ?? 0))
    return { ...served, labels: undefined, spec: asked.spec, surroundings: asked.surroundings, asked }
  const spec = Result.getOrUndefined(decodeSpec(copy["spec"]))
  if (spec === undefined) return undefined
  const surroundings = observeSurroundings(virtual, spec, caches, context)
  const accepted = acceptedOf(copy)
  if (accepted === undefined) return { ...served, labels: undefined, spec, surroundings, asked: undefined }
  const tenants = { ...spec, target: accepted.target }
  return {
    ...served,
    labels: accepted.labels,
    spec,
    surroundings,
    asked: {
      virtual,
      spec: tenants,
      surroundings,
      onHost: observeHost(virtual, tenants, copies, caches, context, true),
      target: observeTarget(virtual, tenants, caches),
    },
  }
}

export const observe = (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
  const known = caches.of(virtualExternalSecrets).get(key)
  const isLeaving = known?.metadata.deletionTimestamp !== undefined
  const virtual = isLeaving ? undefined : known
  const copies = caches.of(hostExternalSecrets).byIndex("origin", key)
  const asked =
    virtual === undefined || !isSelected(virtual, context)
      ? undefined
      : Result.map(decodeSpec(virtual["spec"]), (spec) => observeAsked(virtual, spec, copies, caches, context))
  const wish = asked === undefined ? undefined : Result.getOrUndefined(asked)
  return {
    key,
    context,
    host: hostSideOf(context, vclusterService(caches, context)),
    copies,
    claimed: caches.of(virtualSecrets).byIndex("claimant", key),
    virtual,
    abandoned: known === undefined ? caches.of(hostExternalSecrets).byIndex("leftover", key) : [],
    leaving: isLeaving ? known : undefined,
    asked,
    served: virtual === undefined ? undefined : observeServed(virtual, wish, copies, caches, context),
  }
}
