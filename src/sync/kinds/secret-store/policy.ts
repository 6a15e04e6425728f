/**
 * What a tenant's SecretStore may ask of the host's ESO. Default deny (DESIGN §6): a provider acts from inside the host's
 * network, and where it is given no credentials, with those of ESO itself.
 */
import { parseGoDuration } from "../../../effects/text/go-duration.ts"
import { recordAt, stringAt, valueAt } from "../../../effects/client/unstructured.ts"
import { isObjectName } from "../../tenancy/names.ts"
import { describeValue } from "../../../effects/text/problem-text.ts"
import { credentialsMissing, findReferences } from "../../tenancy/references.ts"
import type { FoundReferences, Reference } from "../../tenancy/references.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import { isNestedDeeperThan } from "../../tenancy/structural-schema.ts"

/** ESO's API needs 12 levels. */
const maxDepth = 32

/** Providers that could turn the host against itself, and why. */
export const refusedProviders: ReadonlyMap<string, string> = new Map([
  ["kubernetes", "it could read the Secrets of the host's API server"],
  ["crd", "it could read any object of the host's API server"],
  ["webhook", "it could send requests to any address inside the host's network"],
])

export interface StoreSurroundings {
  readonly virtualNamespace: string
  /** openAPIV3Schema of the spec of the host's SecretStore. */
  readonly schema: unknown
  /** vCluster brings the tenant's ServiceAccounts to the host (`sync.toHost.serviceAccounts.enabled`). */
  readonly serviceAccounts: boolean
}

const invalid = (message: string): Refusal => new Refusal({ reason: "InvalidSpec", message })

/** The one provider of a store; the API server enforces that there is one, unless a tenant has replaced the CRD. */
export const providerOf = (spec: unknown): string | undefined => {
  const names = Object.keys(recordAt(spec, "provider") ?? {})
  return names.length === 1 ? names[0] : undefined
}

/** @param found what the spec refers to; asked for only of a spec that can be walked over */
type SpecRule = (spec: unknown, around: StoreSurroundings, found: () => FoundReferences) => Refusal | undefined

const judgeDepth: SpecRule = (spec) =>
  isNestedDeeperThan(spec, maxDepth) ? invalid(`spec is nested deeper than ${maxDepth} levels`) : undefined

const judgeProvider: SpecRule = (spec, { schema }) => {
  const provider = providerOf(spec)
  if (provider === undefined) return invalid("spec.provider must name exactly one provider")
  if (recordAt(schema, "properties", "provider", "properties", provider) === undefined)
    return new Refusal({
      reason: "ProviderNotKnown",
      message: `spec.provider ${describeValue(provider)} is not known to the host's External Secrets Operator; kubectl explain secretstore.spec.provider lists those that are`,
    })
  const why = refusedProviders.get(provider)
  return why === undefined
    ? undefined
    : new Refusal({
        reason: "ProviderNotAllowed",
        message: `spec.provider.${provider} is refused: ${why}; use another provider, or a ClusterSecretStore that the operator makes`,
      })
}

const judgeServiceAccount = (ref: Reference, around: StoreSurroundings): Refusal | undefined => {
  if (!around.serviceAccounts)
    return new Refusal({
      reason: "ServiceAccountNotSynced",
      message: `${ref.path} names ServiceAccount ${ref.name}, which is not on the host: ServiceAccounts of this vCluster are not synced`,
      fix: { text: "the operator sets sync.toHost.serviceAccounts.enabled: true in vcluster.yaml" },
    })
  // Such a token would let whoever the provider talks to speak to the host's API server.
  const audience = ref.audiences.find((each) => each.includes("kubernetes.default"))
  return audience === undefined
    ? undefined
    : new Refusal({
        reason: "AudienceNotAllowed",
        message: `${ref.path}.audiences holds ${describeValue(audience)}, for which tokens of the host's API server are made; use the provider's own audience`,
      })
}

const judgeReference = (ref: Reference, around: StoreSurroundings): Refusal | undefined => {
  if (ref.name === "") return undefined
  if (!isObjectName(ref.name))
    return invalid(`${ref.path}.name ${describeValue(ref.name)} is no name of a Kubernetes object`)
  if (ref.namespace !== undefined && ref.namespace !== around.virtualNamespace)
    return new Refusal({
      reason: "ReferenceOutsideNamespace",
      message: `${ref.path}.namespace ${describeValue(ref.namespace)} should either be empty or match the namespace of the SecretStore; a SecretStore may refer to objects of its own namespace only`,
    })
  return ref.kind === "ServiceAccount" ? judgeServiceAccount(ref, around) : undefined
}

const judgeUnknownReferences: SpecRule = (_spec, _around, found) => {
  const [unknown] = found().strange
  return unknown === undefined
    ? undefined
    : new Refusal({
        reason: "UnknownReference",
        message: `${unknown} may refer to something on the host in a way that this version of vcluster-es does not know; remove it`,
      })
}

const judgeReferences: SpecRule = (_spec, around, found) =>
  firstRefusal(found().references, (reference) => judgeReference(reference, around))

/** As in one cluster, a provider that is given no credentials takes those of ESO's own pod: here, the host's. */
const judgeCredentials: SpecRule = (spec, { schema }) => {
  const path = credentialsMissing(schema, spec)
  return path === undefined
    ? undefined
    : new Refusal({
        reason: "AmbientCredentialsNotAllowed",
        message: `${path} names no credentials, so the host's External Secrets Operator would use its own; refer to a Secret or a ServiceAccount`,
      })
}

/**
 * Values that the CRD takes, but that ESO cannot decode: one such store keeps it from reading any of the whole host.
 */
const judgeDecodable: SpecRule = (spec) => {
  const result = valueAt(spec, "provider", "fake", "validationResult")
  if (result !== undefined && result !== 0 && result !== 1 && result !== 2)
    return invalid(`spec.provider.fake.validationResult ${describeValue(result)} is none of 0, 1 and 2`)
  const provider = providerOf(spec) ?? ""
  const timeout = stringAt(spec, "provider", provider, "timeout")
  return timeout === undefined || timeout === "" || parseGoDuration(timeout) !== undefined
    ? undefined
    : invalid(`spec.provider.${provider}.timeout ${describeValue(timeout)} is no duration; use for example 10s`)
}

/** In the order in which the tenant is told. The first one makes the others safe to ask. */
const specRules: ReadonlyArray<SpecRule> = [
  judgeDepth,
  judgeProvider,
  judgeUnknownReferences,
  judgeReferences,
  judgeCredentials,
  judgeDecodable,
]

/** The first rule that the spec of a SecretStore breaks, or undefined when it may go to the host. */
export const judgeSecretStore = (spec: unknown, around: StoreSurroundings): Refusal | undefined => {
  let known: FoundReferences | undefined
  const found = () => (known ??= findReferences(around.schema, spec))
  return firstRefusal(specRules, (rule) => rule(spec, around, found))
}
