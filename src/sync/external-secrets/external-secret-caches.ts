/** The caches of ExternalSecrets, and the indexes that lead from anything that concerns one to its key. */
import { externalSecretsIn } from "./eso-resources.ts"
import { Result } from "effect"
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf, splitKey } from "../../effects/client/kube-object.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import type { Cache } from "../engine/caches.ts"
import { originKeys, originOf } from "../tenancy/ownership.ts"
import { acceptedReferences, acceptedTargetName } from "./accepted.ts"
import { hostReferenceKeys, referentKeys } from "./referents.ts"
import { originNamespace, ownNamespace } from "./referrer.ts"
import { isHandedOver, leftoverKeys } from "../tenancy/vcluster-leftover.ts"
import { copyKeys, hostSecretKeys } from "./host-place.ts"
import { summarizeWriters } from "./managed-fields.ts"
import type { ExternalSecretSpec, TemplateReference } from "./external-secret-spec.ts"
import { decodeSpec, storeNames, storeReferences, targetName, templateReferences } from "./external-secret-spec.ts"

/** What indexes need to know of an ExternalSecret's spec. */
interface Named {
  readonly spec: ExternalSecretSpec | undefined
  readonly target: string | undefined
  readonly clusterStores: ReadonlyArray<string>
  readonly stores: ReadonlyArray<string>
  readonly references: ReadonlyArray<TemplateReference>
}

/** Every index asks for the same object, when it comes and when it goes; the names outlive neither. */
const named = new WeakMap<KubeObject, Named>()

/** A tenant can write specs that do not decode: such an object is simply found under no name. */
const decodeNames = (object: KubeObject): Named => {
  const spec = Result.getOrUndefined(decodeSpec(object["spec"]))
  if (spec === undefined) return { spec, target: undefined, clusterStores: [], stores: [], references: [] }
  const { namespace } = object.metadata
  const stores = storeReferences(spec)
  const namesOf = (kind: string) => stores.flatMap((ref) => (ref.kind === kind ? [ref.name] : []))
  return {
    spec,
    target: targetName(spec, object.metadata.name),
    clusterStores: namesOf("ClusterSecretStore"),
    stores: namesOf("SecretStore").map((name) => keyOf(namespace, name)),
    references: templateReferences(spec),
  }
}

const namesIn = (object: KubeObject): Named => {
  const known = named.get(object)
  if (known !== undefined) return known
  const names = decodeNames(object)
  named.set(object, names)
  return names
}

/** The Secret that an ExternalSecret on the host has as its target. */
export const leftoverSecretKey = (host: KubeObject): ObjectKey => {
  const name = stringAt(host, "spec", "target", "name") ?? ""
  return keyOf(host.metadata.namespace, name === "" ? host.metadata.name : name)
}

export const virtualExternalSecrets: Cache = {
  name: "virtualExternalSecrets",
  side: "virtual",
  spec: (context) => ({
    resource: externalSecretsIn(context),
    selection: {},
    takesOurWrites: true,
    indexes: {
      namespace: (object) => [object.metadata.namespace ?? ""],
      hostName: (object) => copyKeys(object, context),
      hostSecret: (object) => {
        const { spec } = namesIn(object)
        const location = context.locate(object)
        return spec === undefined || location === undefined ? [] : hostSecretKeys(object, spec, location, context)
      },
      target: (object) => {
        const { target } = namesIn(object)
        return target === undefined ? [] : [keyOf(object.metadata.namespace, target)]
      },
      clusterStore: (object) => namesIn(object).clusterStores,
      store: (object) => namesIn(object).stores,
      hostStore: (object) =>
        namesIn(object).stores.flatMap((key) => {
          const { namespace = "", name } = splitKey(key)
          return copyKeys({ metadata: { name, namespace } }, context)
        }),
      reference: (object) => referentKeys(namesIn(object).references, ownNamespace(object)),
      hostReference: (object) => hostReferenceKeys(namesIn(object).references, ownNamespace(object), context),
    },
  }),
}

export const hostExternalSecrets: Cache = {
  name: "hostExternalSecrets",
  side: "host",
  spec: (context) => ({
    resource: externalSecretsIn(context),
    // Without a selector: a foreign object under a name that we need is seen coming and going, not guessed from a 409.
    selection: { namespace: context.hostScope },
    takesOurWrites: true,
    indexes: {
      origin: (object) => originKeys(object, context.tenancy),
      target: (object) => {
        const origin = originOf(object, context.tenancy)
        return origin === undefined ? [] : [keyOf(origin.namespace, acceptedTargetName(object, origin.name))]
      },
      hostSecret: (object) => {
        const name = stringAt(object, "spec", "target", "name")
        return name === undefined ? [] : [keyOf(object.metadata.namespace, name)]
      },
      clusterStore: (object) => storeNames(object["spec"], "ClusterSecretStore"),
      store: (object) =>
        storeNames(object["spec"], "SecretStore").map((name) => keyOf(object.metadata.namespace, name)),
      reference: (object) => {
        const references = acceptedReferences(object)
        return references.length === 0 ? [] : referentKeys(references, originNamespace(object, context))
      },
      hostReference: (object) => {
        const references = acceptedReferences(object)
        return references.length === 0 ? [] : hostReferenceKeys(references, originNamespace(object, context), context)
      },
      leftover: (object) => leftoverKeys(object, context.tenancy),
      leftoverSecret: (object) => (isHandedOver(object) ? [leftoverSecretKey(object)] : []),
    },
    transform: summarizeWriters,
  }),
}
