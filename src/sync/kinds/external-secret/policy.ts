/**
 * What a tenant may ask for. Default deny (DESIGN §6); the operator's SyncPolicy loosens rules by name.
 *
 * `judgeSpec` is the gate that every ExternalSecret passes before anything of it reaches the host.
 */
import { cutText } from "../../../effects/text/cut-text.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { ExternalSecretSpec, LocatedStoreReference } from "../../external-secrets/external-secret-spec.ts"
import { storeReferences } from "../../external-secrets/external-secret-spec.ts"
import { managedLabel } from "../../tenancy/labels.ts"
import { parseGoDuration } from "../../../effects/text/go-duration.ts"
import { describeValue } from "../../../effects/text/problem-text.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import type { Policy } from "../../tenancy/policy.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import { admissionOf } from "../../external-secrets/store-conditions.ts"
import { judgeName, unknownField } from "./field-rules.ts"
import { judgeTarget, judgeTemplateReferences } from "./target-policy.ts"
import { webhookErrors } from "./validation.ts"

/** What the gate must know of the world besides the spec. */
export interface Surroundings {
  readonly policy: Policy
  readonly clusterStores: {
    readonly enabled: boolean
    /** The selector in the API's syntax, for messages; empty selects all. */
    readonly selector: string
    /** Those of the host that the spec names; one that is absent is missing here. */
    readonly standing: ReadonlyMap<string, KubeObject>
    readonly isImported: (store: KubeObject) => boolean
  }
  readonly stores: { readonly enabled: boolean }
  /** Where the copy stands, or would. */
  readonly hostNamespace: string
  readonly virtualNamespace: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

/** Of the stores that the spec names, those that the settings import. */
export const importedStores = ({ clusterStores: { isImported, standing } }: Surroundings): ReadonlyArray<KubeObject> =>
  [...standing.values()].filter(isImported)

const judgeClusterStore = (ref: LocatedStoreReference, around: Surroundings): Refusal | undefined => {
  const { clusterStores, policy } = around
  const store = clusterStores.standing.get(ref.name)
  if (store === undefined || !clusterStores.isImported(store)) {
    if (policy.unimportedClusterStores === "allow") return undefined
    return new Refusal(
      clusterStores.enabled
        ? {
            reason: "StoreNotImported",
            message: `ClusterSecretStore ${ref.name} (${ref.path}) is not imported into this vCluster; usable are those that kubectl get clustersecretstores -l ${managedLabel}=true lists`,
            fix: {
              text: `the operator lets the store match the selector ${clusterStores.selector || "(all)"} on the host`,
              ...labelCommand(ref.name, clusterStores.selector),
            },
          }
        : {
            reason: "StoreKindDisabled",
            message: `ClusterSecretStore ${ref.name} (${ref.path}) cannot be used: integrations.externalSecrets.sync.fromHost.clusterStores.enabled is false for this vCluster`,
            fix: {
              text: "the operator sets integrations.externalSecrets.sync.fromHost.clusterStores.enabled: true in vcluster.yaml",
            },
          },
    )
  }
  return judgeConditions(ref, store, around)
}

/** The operator may have thought of one of the two namespaces: both are named. */
const judgeConditions = (
  { name, path }: LocatedStoreReference,
  store: KubeObject,
  { hostNamespace, virtualNamespace }: Surroundings,
): Refusal | undefined => {
  const admission = admissionOf(store, virtualNamespace)
  if (admission === "admitted") return undefined
  const called = `ClusterSecretStore ${name} (${path})`
  const namespace = virtualNamespace.name
  const both = `namespace ${namespace} and this vCluster's host namespace ${hostNamespace}`
  const command = `kubectl edit clustersecretstore ${name}`
  return new Refusal(
    admission === "not admitted"
      ? {
          reason: "StoreConditionsNotMet",
          message: `${called} does not admit namespace ${namespace}: its spec.conditions must admit both ${both}`,
          fix: {
            text: `the operator lets spec.conditions of the store on the host admit both ${both}; a host namespace that is called ${namespace} would be admitted as well`,
            command,
            cluster: "host",
          },
        }
      : {
          reason: "StoreConditionsNotMet",
          message: `whether ${called} admits namespace ${namespace} cannot be told: ${admission.unreadable}`,
          fix: {
            text: `the operator writes that expression of the store on the host otherwise, or names the namespaces: ${both}`,
            command,
            cluster: "host",
          },
        },
  )
}

/** A command that makes a store match, where the selector is simple enough to say it in one. */
const labelCommand = (store: string, selector: string): Omit<Fix, "text"> =>
  /^[^,!() ]+=[^,!() ]*$/.test(selector)
    ? { command: `kubectl label clustersecretstore ${store} ${selector}`, cluster: "host" }
    : {}

const judgeStore = (ref: LocatedStoreReference, around: Surroundings): Refusal | undefined => {
  switch (ref.kind) {
    case "ClusterSecretStore":
      return judgeClusterStore(ref, around)
    case "SecretStore":
      return around.stores.enabled
        ? undefined
        : new Refusal({
            reason: "StoreKindDisabled",
            message: `SecretStore ${ref.name} (${ref.path}) cannot be used: SecretStores of this vCluster are not synced to the host; use a ClusterSecretStore that kubectl get clustersecretstores -l ${managedLabel}=true lists`,
            fix: {
              text: "the operator sets integrations.externalSecrets.sync.toHost.stores.enabled: true in vcluster.yaml",
            },
          })
    default:
      return new Refusal({
        reason: "UnknownReference",
        message: `${ref.path}.kind ${describeValue(ref.kind)} is not known; use SecretStore or ClusterSecretStore`,
      })
  }
}

const specFields = new Set(["secretStoreRef", "target", "refreshPolicy", "refreshInterval", "data", "dataFrom"])
const entryFields = {
  data: new Set(["secretKey", "remoteRef", "sourceRef"]),
  dataFrom: new Set(["extract", "find", "rewrite", "sourceRef"]),
}
const sourceRefFields = new Set(["storeRef", "generatorRef"])

const judgeSources = (spec: ExternalSecretSpec): Refusal | undefined => {
  for (const field of ["data", "dataFrom"] as const) {
    for (const [index, entry] of (spec[field] ?? []).entries()) {
      const strange = unknownField(`spec.${field}[${index}]`, entry, entryFields[field])
      if (strange !== undefined) return strange
      const path = `spec.${field}[${index}].sourceRef`
      if (entry.sourceRef?.generatorRef !== undefined)
        return new Refusal({
          reason: "GeneratorNotAllowed",
          message: `${path}.generatorRef is refused: generators run with the host's identity; use a store`,
        })
      const unknown = unknownField(path, entry.sourceRef, sourceRefFields)
      if (unknown !== undefined) return unknown
    }
  }
  return undefined
}

/**
 * The CRD takes any text, but ESO decodes it as a Go duration: one ExternalSecret that it cannot decode keeps it from
 * reading any of the whole host.
 */
const judgeInterval = ({ refreshInterval }: ExternalSecretSpec): Refusal | undefined =>
  refreshInterval === undefined || parseGoDuration(refreshInterval) !== undefined
    ? undefined
    : new Refusal({
        reason: "InvalidSpec",
        message: `spec.refreshInterval ${describeValue(refreshInterval)} is no duration; use for example 1h, 30m or 0`,
      })

const judgeAsWebhook = (spec: ExternalSecretSpec): Refusal | undefined => {
  const errors = webhookErrors(spec)
  return errors.length === 0
    ? undefined
    : new Refusal({
        reason: "InvalidSpec",
        message: errors
          .slice(0, 5)
          .map((error) => cutText(error, 300))
          .join("; "),
      })
}

type SpecRule = (spec: ExternalSecretSpec) => Refusal | undefined

const judgeStores = (spec: ExternalSecretSpec, around: Surroundings): Refusal | undefined =>
  firstRefusal(storeReferences(spec), (ref) => judgeName(`${ref.path}.name`, ref.name) ?? judgeStore(ref, around))

const judgeFields: SpecRule = (spec) => unknownField("spec", spec, specFields)

/** What a spec must pass by itself, whatever is around it, in the order in which the tenant is told. */
const specRules: ReadonlyArray<SpecRule> = [
  judgeTemplateReferences,
  judgeSources,
  judgeTarget,
  judgeInterval,
  judgeFields,
  judgeAsWebhook,
]

/** A spec is decided about several times: before and after each write of ours, and when what it refers to changes. */
const judged = new WeakMap<ExternalSecretSpec, { readonly refusal: Refusal | undefined }>()

const judgeItself = (spec: ExternalSecretSpec): Refusal | undefined => {
  const known = judged.get(spec)
  if (known !== undefined) return known.refusal
  const refusal = firstRefusal(specRules, (rule) => rule(spec))
  judged.set(spec, { refusal })
  return refusal
}

/** It may be gone for good or come back in a moment (GitOps replaces it): that says nothing about who may use it. */
const isAbsent = (ref: LocatedStoreReference, { clusterStores, policy }: Surroundings): boolean =>
  ref.kind === "ClusterSecretStore" &&
  clusterStores.enabled &&
  policy.unimportedClusterStores === "deny" &&
  !clusterStores.standing.has(ref.name)

/**
 * Whether what is on the host already may stay there.
 *
 * @returns the rule that it breaks now, a store that is absent not counted; `"store absent"` where that is all
 */
export const judgeServed = (spec: ExternalSecretSpec, around: Surroundings): Refusal | "store absent" | undefined => {
  const stores = storeReferences(spec)
  const there = stores.filter((ref) => !isAbsent(ref, around))
  const refusal = firstRefusal(there, (ref) => judgeStore(ref, around)) ?? judgeItself(spec)
  return refusal ?? (there.length < stores.length ? "store absent" : undefined)
}

/** The first rule that the spec breaks, the stores that it draws on before all else; undefined when it may go to the host. */
export const judgeSpec = (spec: ExternalSecretSpec, around: Surroundings): Refusal | undefined =>
  judgeStores(spec, around) ?? judgeItself(spec)
