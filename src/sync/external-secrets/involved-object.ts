/** The kinds that ESO's events regard: where their objects are, and what ESO complained about. */
import { Result } from "effect"
import { cutMessage } from "../../effects/client/event-recorder.ts"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Cache, Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import { hostEvents, hostStoreEvents } from "./event-caches.ts"
import { hostExternalSecrets, virtualExternalSecrets } from "./external-secret-caches.ts"
import { hostSecretStores, virtualSecretStores } from "./store-caches.ts"
import { hostSecretOf } from "./host-place.ts"
import { decodeSpec } from "./external-secret-spec.ts"
import type { Translate } from "../tenancy/message-translation.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import { isComplaint, newestWarning, operatorEvent } from "./operator-event.ts"
import type { OperatorEvent } from "./operator-event.ts"
import { originOf } from "../tenancy/ownership.ts"
import { externalSecretText, storeText } from "./tenant-text.ts"

export interface RegardedKind {
  /** The tenants' objects. */
  readonly virtuals: Cache
  /** Their copies on the host. */
  readonly copies: Cache
  /** The host's events about the copies. */
  readonly heard: Cache
  /** For texts about one object; undefined: it has no place on the host. */
  readonly textFor: (virtual: KubeObject, caches: Caches, context: SyncContext) => Translate | undefined
  /** Whether a repetition of the event is not worth a write. */
  readonly isNoNews: (event: OperatorEvent) => boolean
}

export const regardedExternalSecrets: RegardedKind = {
  virtuals: virtualExternalSecrets,
  copies: hostExternalSecrets,
  heard: hostEvents,
  textFor: (virtual, caches, context) => {
    const spec = Result.getOrUndefined(decodeSpec(virtual["spec"]))
    const location = context.locate(virtual)
    if (spec === undefined || location === undefined) return undefined
    const hostSecret = hostSecretOf(virtual, spec, location, context)
    return externalSecretText(virtual, spec, { location, hostSecret }, caches, context)
  },
  isNoNews: () => false,
}

export const regardedStores: RegardedKind = {
  virtuals: virtualSecretStores,
  copies: hostSecretStores,
  heard: hostStoreEvents,
  textFor: (virtual, caches, context) => {
    const location = context.locate(virtual)
    return location === undefined ? undefined : storeText(virtual, location, caches, context)
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
  const copy = caches.of(copies).get(keyOf(stringAt(event, "involvedObject", "namespace"), name))
  const origin = copy === undefined ? undefined : originOf(copy, context.tenancy)
  return origin === undefined || copy === undefined || operatorEvent(event, copy) === undefined ? [] : [origin.key]
}

/** As {@link regardedKey}, for complaints only: they are the causes that reports tell. */
export const complainedKey =
  (kind: RegardedKind) =>
  (event: KubeObject, caches: Caches, context: SyncContext): ReadonlyArray<ObjectKey> =>
    event["type"] === "Warning" ? regardedKey(event, caches, context, kind) : []

/** The host's events about a copy. */
export const heardOf = (
  copy: KubeObject,
  caches: Caches,
  { heard }: Pick<RegardedKind, "heard">,
): ReadonlyArray<KubeObject> => caches.of(heard).byIndex("regarded", copy.metadata.uid ?? "")

/** What ESO complained about last, in the tenant's names: its condition says only what failed, its event why. */
export const causeOf = (
  copy: KubeObject,
  translate: Translate,
  heard: ReadonlyArray<KubeObject>,
): string | undefined => {
  const warning = newestWarning(heard, copy)
  return warning === undefined ? undefined : cutMessage(translate(warning.message))
}

/** A condition's message with its cause, where there is one that it does not tell already. */
export const explained = (message: string, cause: string | undefined): string =>
  cause === undefined || message.includes(cause) ? message : `${message}: ${cause}`
