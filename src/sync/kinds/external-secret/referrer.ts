/** What ExternalSecrets take along to the host: the Secrets and ConfigMaps that their templates come from. */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { matches } from "../../../effects/client/label-selector.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { acceptedReferences } from "../../external-secrets/accepted.ts"
import { hostExternalSecrets, virtualExternalSecrets } from "../../external-secrets/external-secret-caches.ts"
import { decodeSpec, templateReferences } from "../../external-secrets/external-secret-spec.ts"
import type { Referrer } from "../../external-secrets/referrer.ts"
import { copiesAsReferrers, ownNamespace } from "../../external-secrets/referrer.ts"
import { hostClusterSecretStores } from "../../external-secrets/store-caches.ts"
import { virtualNamespaces } from "./caches.ts"
import { observeSurroundings } from "./observe-asked.ts"
import { judgeSpec } from "./policy.ts"

const mayGoToHost = (virtual: KubeObject, caches: Caches, context: SyncContext): boolean => {
  const { enabled, selector } = context.settings.externalSecrets
  if (virtual.metadata.deletionTimestamp !== undefined || !enabled) return false
  if (!matches(selector, virtual.metadata.labels ?? {}) || context.locate(virtual) === undefined) return false
  const spec = Result.getOrUndefined(decodeSpec(virtual["spec"]))
  return spec !== undefined && judgeSpec(spec, observeSurroundings(virtual, spec, caches, context)) === undefined
}

export const externalSecretReferrer: Referrer = {
  cache: virtualExternalSecrets,
  namespaceOf: ownNamespace,
  referents: (object) => {
    const spec = Result.getOrUndefined(decodeSpec(object["spec"]))
    return spec === undefined ? [] : templateReferences(spec)
  },
  mayGoToHost,
  judgedBy: [
    {
      cache: hostClusterSecretStores,
      judged: (store, caches) => caches.of(virtualExternalSecrets).byIndex("clusterStore", store.metadata.name),
    },
    // A store may be for namespaces with certain labels, and only what may use its store takes along what it refers to.
    {
      cache: virtualNamespaces,
      judged: (namespace, caches) => caches.of(virtualExternalSecrets).byIndex("namespace", namespace.metadata.name),
    },
  ],
}

export const acceptedExternalSecretReferrer: Referrer = copiesAsReferrers(
  virtualExternalSecrets,
  hostExternalSecrets,
  acceptedReferences,
)
