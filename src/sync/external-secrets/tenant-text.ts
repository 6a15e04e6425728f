/** The messages of ESO and of the host's API server about one object, in the names that its tenant knows. */
import { hostExternalSecrets } from "./external-secret-caches.ts"
import { hostSecrets } from "./secret-caches.ts"
import { hostSecretStores } from "./store-caches.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { Cache, Caches } from "../engine/caches.ts"
import type { SyncContext } from "../engine/context.ts"
import type { HostPlace } from "./host-place.ts"
import type { Referent } from "./referents.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import { storeReferences, targetName, templateReferences } from "./external-secret-spec.ts"
import type { HostNames, Translate } from "../tenancy/message-translation.ts"
import { translator } from "../tenancy/message-translation.ts"
import type { HostLocation } from "../tenancy/names.ts"
import { originOf } from "../tenancy/ownership.ts"
import { Refusal } from "../tenancy/refusals.ts"
import { referentsOf } from "./store-references.ts"
import { renderedNames } from "./target-metadata.ts"

type Pair = readonly [host: string, virtual: string]

/** @param hostNameOf undefined: it has none, and no text can speak of it */
const pairsOf = (
  named: ReadonlyArray<{ readonly name: string }>,
  hostNameOf: (name: string) => string | undefined,
): ReadonlyArray<Pair> =>
  named.flatMap(({ name }): ReadonlyArray<Pair> => {
    const host = hostNameOf(name)
    return host === undefined ? [] : [[host, name]]
  })

const referentNames = (
  referents: ReadonlyArray<Referent>,
  namespace: string,
  context: SyncContext,
): ReadonlyArray<Pair> => pairsOf(referents, (name) => context.locateReference(name, namespace)?.name)

/** Whether the copy of an object of this vCluster stands there, under a name that its tenant did not give it. */
const isRenamedCopy = (copy: KubeObject | undefined, context: SyncContext): boolean => {
  const origin = copy === undefined ? undefined : originOf(copy, context.tenancy)
  return copy !== undefined && origin !== undefined && origin.name !== copy.metadata.name
}

/** What texts are looked up in: an object may be called by the name of any other. */
export const namedInTexts: ReadonlyArray<Cache> = [hostExternalSecrets, hostSecretStores, hostSecrets]

const hostNames = (
  virtual: KubeObject,
  location: HostLocation,
  pairs: ReadonlyArray<Pair>,
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
      isRenamedCopy(caches.of(hostExternalSecrets).get(place), context) ||
      isRenamedCopy(caches.of(hostSecretStores).get(place), context) ||
      (name.endsWith(".es") && caches.of(hostSecrets).get(place) !== undefined)
    )
  },
  tenantText: () => JSON.stringify([virtual["spec"], virtual.metadata.labels, virtual.metadata.annotations]),
})

/** For texts about a SecretStore whose copy stands at `location`. */
export const storeText = (
  virtual: KubeObject,
  location: HostLocation,
  caches: Caches,
  context: SyncContext,
): Translate =>
  translator(() => {
    const { name, namespace = "" } = virtual.metadata
    const pairs: ReadonlyArray<Pair> = [
      ...referentNames(referentsOf(virtual, context), namespace, context),
      [location.name, name],
    ]
    return hostNames(virtual, location, pairs, caches, context)
  })

/** For texts about an ExternalSecret. */
export const externalSecretText = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  { location, hostSecret }: HostPlace,
  caches: Caches,
  context: SyncContext,
): Translate =>
  translator(() => {
    const { name, namespace = "" } = virtual.metadata
    const pairs: ReadonlyArray<Pair> = [
      ...pairsOf(
        storeReferences(spec).filter(({ kind }) => kind === "SecretStore"),
        (store) => context.locate({ metadata: { name: store, namespace } })?.name,
      ),
      ...referentNames(templateReferences(spec), namespace, context),
      [location.name, name],
      [hostSecret, targetName(spec, name)],
      ...renderedNames(virtual, spec),
    ]
    return hostNames(virtual, location, pairs, caches, context)
  })

export const translatedRefusal = (refusal: Refusal, translate: Translate): Refusal =>
  new Refusal({ reason: refusal.reason, message: translate(refusal.message) })
