/** What ESO's events are about: the kinds, where their objects are, and how a tenant knows the names in a text about one. */
import { Result } from "effect"
import { cutMessage } from "../effects/event-recorder.ts"
import type { KubeObject, ObjectKey } from "../effects/kube-object.ts"
import { keyOf } from "../effects/kube-object.ts"
import type { CacheName, Caches } from "./caches.ts"
import type { SyncContext } from "./context.ts"
import { hostSecretOf } from "./external-secret-names.ts"
import { decodeSpec } from "./rules/external-secret-spec.ts"
import type { HostNames } from "./rules/host-text.ts"
import { tenantText } from "./rules/host-text.ts"
import type { HostLocation } from "./rules/names.ts"
import { stringAt } from "./rules/json.ts"
import { isComplaint, newestWarning, operatorEvent } from "./rules/operator-event.ts"
import type { OperatorEvent } from "./rules/operator-event.ts"
import { originOf } from "./rules/ownership.ts"
import type { NamePairs } from "./translated-names.ts"
import { externalSecretNames, storeNames } from "./translated-names.ts"

export interface RegardedKind {
  /** The tenants' objects. */
  readonly virtuals: CacheName
  /** Their copies on the host. */
  readonly copies: CacheName
  /** The host's events about the copies. */
  readonly heard: CacheName
  /** For texts about one object; undefined: it has no place on the host. */
  readonly namesFor: (virtual: KubeObject, caches: Caches, context: SyncContext) => HostNames | undefined
  /** Whether a repetition of the event is not worth a write. */
  readonly isNoNews: (event: OperatorEvent) => boolean
}

const isOurs = (copy: KubeObject | undefined, context: SyncContext): boolean =>
  copy !== undefined && originOf(copy, context.tenancy) !== undefined

const hostNames = (
  virtual: KubeObject,
  location: HostLocation,
  pairs: NamePairs,
  caches: Caches,
  context: SyncContext,
): HostNames => ({
  own: new Map(pairs),
  hostNamespace: location.namespace,
  virtualNamespace: virtual.metadata.namespace ?? "",
  vcluster: context.tenancy.vcluster,
  isOther: (name) => {
    const place = keyOf(location.namespace, name)
    return (
      isOurs(caches.hostExternalSecrets.get(place), context) ||
      isOurs(caches.hostSecretStores.get(place), context) ||
      (name.endsWith(".es") && caches.hostSecrets.get(place) !== undefined)
    )
  },
  tenantText: JSON.stringify([virtual["spec"], virtual.metadata.labels, virtual.metadata.annotations]),
})

export const regardedExternalSecrets: RegardedKind = {
  virtuals: "virtualExternalSecrets",
  copies: "hostExternalSecrets",
  heard: "hostEvents",
  namesFor: (virtual, caches, context) => {
    const spec = Result.getOrUndefined(decodeSpec(virtual["spec"]))
    const location = context.locate(virtual)
    if (spec === undefined || location === undefined) return undefined
    const hostSecret = hostSecretOf(virtual, spec, location, context)
    const pairs = externalSecretNames(virtual, spec, { location, hostSecret }, context)
    return hostNames(virtual, location, pairs, caches, context)
  },
  isNoNews: () => false,
}

export const regardedStores: RegardedKind = {
  virtuals: "virtualSecretStores",
  copies: "hostSecretStores",
  heard: "hostStoreEvents",
  namesFor: (virtual, caches, context) => {
    const location = context.locate(virtual)
    return location === undefined
      ? undefined
      : hostNames(virtual, location, storeNames(virtual, location, context), caches, context)
  },
  // ESO says every 5 minutes that a store is valid, or has no maintainer (`--store-requeue-interval`); at rest we write nothing.
  isNoNews: (event) => !isComplaint(event),
}

/** From a host event to the virtual object that it concerns; none when it is not ESO's or not about a copy of ours. */
export const regardedKey = (
  event: KubeObject,
  caches: Caches,
  context: SyncContext,
  { copies }: RegardedKind,
): ReadonlyArray<ObjectKey> => {
  const name = stringAt(event, "involvedObject", "name")
  if (name === undefined) return []
  const copy = caches[copies].get(keyOf(stringAt(event, "involvedObject", "namespace"), name))
  const origin = copy === undefined ? undefined : originOf(copy, context.tenancy)
  return origin === undefined || copy === undefined || operatorEvent(event, copy) === undefined ? [] : [origin.key]
}

/** As {@link regardedKey}, for complaints only: they are the causes that reports tell. */
export const complainedKey =
  (kind: RegardedKind) =>
  (event: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> =>
    event["type"] === "Warning" ? regardedKey(event, caches, context, kind) : []

/** What ESO complained about last, in the tenant's names: its condition says only what failed, its event why. */
export const causeOf = (
  virtual: KubeObject,
  copy: KubeObject,
  caches: Caches,
  context: SyncContext,
  { heard, namesFor }: RegardedKind,
): string | undefined => {
  const warning = newestWarning(caches[heard].byIndex("regarded", copy.metadata.uid ?? ""), copy)
  const names = warning === undefined ? undefined : namesFor(virtual, caches, context)
  return warning === undefined || names === undefined ? undefined : cutMessage(tenantText(warning.message, names))
}

/** A condition's message with its cause, where there is one that it does not tell already. */
export const explained = (message: string, cause: string | undefined): string =>
  cause === undefined || message.includes(cause) ? message : `${message}: ${cause}`
