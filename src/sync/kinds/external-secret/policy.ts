/**
 * What a tenant may ask for. Default deny (DESIGN §6); the operator's SyncPolicy loosens rules by name.
 *
 * `judgeSpec` is the gate that every ExternalSecret passes before anything of it reaches the host.
 */
import { cutText } from "../../../effects/text/cut-text.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type {
  ExternalSecretSpec,
  LocatedStoreReference,
  TargetTemplate,
} from "../../external-secrets/external-secret-spec.ts"
import { storeReferences, templateReferences } from "../../external-secrets/external-secret-spec.ts"
import { recordAt } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { heldBackLabels, managedLabel } from "../../tenancy/labels.ts"
import { parseGoDuration } from "../../../effects/text/go-duration.ts"
import { isObjectName } from "../../tenancy/names.ts"
import { describeValue } from "../../../effects/text/problem-text.ts"
import type { Policy } from "../../tenancy/policy.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import { conditionsAdmit } from "../../external-secrets/store-conditions.ts"
import { webhookErrors } from "./validation.ts"

/** What the gate must know of the world besides the spec. */
export interface Surroundings {
  readonly policy: Policy
  readonly clusterStores: {
    readonly enabled: boolean
    /** The selector in the API's syntax, for messages; empty selects all. */
    readonly selector: string
    /** An imported ClusterSecretStore by name. */
    readonly imported: (name: string) => KubeObject | undefined
  }
  readonly stores: { readonly enabled: boolean }
  readonly virtualNamespace: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

const judgeClusterStore = (ref: LocatedStoreReference, around: Surroundings): Refusal | undefined => {
  const { clusterStores, policy, virtualNamespace } = around
  const store = clusterStores.imported(ref.name)
  if (store === undefined) {
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
  if (conditionsAdmit(store, virtualNamespace)) return undefined
  return new Refusal({
    reason: "StoreConditionsNotMet",
    message: `ClusterSecretStore ${ref.name} (${ref.path}) does not admit namespace ${virtualNamespace.name}: see its spec.conditions`,
  })
}

/** A command that makes a store match, where the selector is simple enough to say it in one. */
const labelCommand = (store: string, selector: string): { readonly command?: string } =>
  /^[^,!() ]+=[^,!() ]*$/.test(selector) ? { command: `kubectl label clustersecretstore ${store} ${selector}` } : {}

/** The API server checks names by the CRD, which a tenant may have replaced; they end up in commands and requests. */
const judgeName = (path: string, name: string): Refusal | undefined =>
  isObjectName(name)
    ? undefined
    : new Refusal({
        reason: "InvalidSpec",
        message: `${path} ${describeValue(name)} is no name of a Kubernetes object; use at most 253 lowercase letters, digits, "-" and "."`,
      })

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

/**
 * Secret types by which the control plane or Helm would act on what a tenant templates (Kubernetes documentation, "Types
 * of Secret"): a service account token is filled in with credentials, a bootstrap token admits nodes, a Helm release
 * describes what is installed.
 */
const refusedTypes = new Map([
  ["kubernetes.io/service-account-token", "Kubernetes would fill it with the credentials of a host ServiceAccount"],
  ["bootstrap.kubernetes.io/token", "it admits nodes to a cluster"],
  ["helm.sh/release.v1", "Helm would take it for a release of the host"],
])

const specFields = new Set(["secretStoreRef", "target", "refreshPolicy", "refreshInterval", "data", "dataFrom"])
const entryFields = {
  data: new Set(["secretKey", "remoteRef", "sourceRef"]),
  dataFrom: new Set(["extract", "find", "rewrite", "sourceRef"]),
}
const targetFields = new Set(["name", "creationPolicy", "deletionPolicy", "template", "immutable", "manifest"])
const templateFields = new Set(["type", "engineVersion", "metadata", "mergePolicy", "data", "templateFrom"])
const sourceRefFields = new Set(["storeRef", "generatorRef"])
const templateFileFields = new Set(["name", "items"])
const templateFromFields = new Set(["literal", "target", "secret", "configMap"])
const creationPolicies = new Set(["Owner", "Orphan", "Merge", "None"])

/** A field as a step of a path; a tenant chooses it, so what is odd or long is quoted and cut. */
const step = (field: string): string => (/^\w{1,60}$/.test(field) ? `.${field}` : `[${describeValue(field)}]`)

const unknownField = (path: string, value: object | undefined, known: ReadonlySet<string>): Refusal | undefined => {
  const field = Object.keys(value ?? {}).find((key) => !known.has(key))
  return field === undefined
    ? undefined
    : new Refusal({
        reason: "UnknownReference",
        message: `${path}${step(field)} is not known to this version of vcluster-es and may refer to something on the host; remove it`,
      })
}

const judgeTarget = (spec: ExternalSecretSpec): Refusal | undefined => {
  const target = spec.target
  if (target === undefined) return undefined
  if (Object.hasOwn(target, "manifest"))
    return new Refusal({
      reason: "ManifestTargetNotAllowed",
      message: "spec.target.manifest would write objects of any kind on the host; only Secrets can be targets",
    })
  const policy = target.creationPolicy
  if (policy !== undefined && policy !== "" && !creationPolicies.has(policy))
    return new Refusal({
      reason: "CreationPolicyNotSupported",
      message: `spec.target.creationPolicy ${describeValue(policy)} is not supported; use Owner, Orphan, Merge or None`,
    })
  return (
    unknownField("spec.target", target, targetFields) ??
    (target.name === undefined || target.name === "" ? undefined : judgeName("spec.target.name", target.name)) ??
    judgeTemplate(target.template)
  )
}

/** A text to render: where it would go, and where it comes from. */
const judgeTemplateFrom = (path: string, source: JsonRecord): Refusal | undefined => {
  const unknown = unknownField(path, source, templateFromFields)
  if (unknown !== undefined) return unknown
  for (const field of ["secret", "configMap"]) {
    const strange = unknownField(`${path}.${field}`, recordAt(source, field), templateFileFields)
    if (strange !== undefined) return strange
  }
  // ESO takes the keys from the rendered text, where tenancy/labels.ts cannot hold back those that steer others on the host.
  if (source["target"] !== undefined && source["target"] !== "" && source["target"] !== "Data")
    return new Refusal({
      reason: "TemplateTargetNotAllowed",
      message: `${path}.target ${describeValue(source["target"])} is refused: labels and annotations on the host must be known before they are rendered; put them under template.metadata, whose values may be templates`,
    })
  return undefined
}

/** Some labels stay in the virtual cluster (tenancy/labels.ts), where nothing renders them. */
const judgeLabels = (template: TargetTemplate | undefined): Refusal | undefined => {
  const rendered = Object.entries(heldBackLabels(template?.metadata?.labels)).find(([, value]) => value.includes("{{"))
  return rendered === undefined
    ? undefined
    : new Refusal({
        reason: "TemplateTargetNotAllowed",
        message: `spec.target.template.metadata.labels.${rendered[0]} is not carried to the host, so it cannot be a template; give it a plain value`,
      })
}

const judgeTemplate = (template: TargetTemplate | undefined): Refusal | undefined => {
  const why = refusedTypes.get(template?.type ?? "")
  if (why !== undefined)
    return new Refusal({
      reason: "TemplateTypeNotAllowed",
      message: `spec.target.template.type ${template?.type} is refused: ${why}; use Opaque or another plain type`,
    })
  const unknown = unknownField("spec.target.template", template, templateFields) ?? judgeLabels(template)
  if (unknown !== undefined) return unknown
  return firstRefusal((template?.templateFrom ?? []).entries(), ([index, source]) =>
    judgeTemplateFrom(`spec.target.template.templateFrom[${index}]`, source),
  )
}

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

const judgeTemplateReferences: SpecRule = (spec) =>
  firstRefusal(templateReferences(spec), (ref) => judgeName(`${ref.path}.name`, ref.name))

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

/** The first rule that the spec breaks, the stores that it draws on before all else; undefined when it may go to the host. */
export const judgeSpec = (spec: ExternalSecretSpec, around: Surroundings): Refusal | undefined =>
  judgeStores(spec, around) ?? judgeItself(spec)
