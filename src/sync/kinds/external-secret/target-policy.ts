/** What the Secret that ESO makes of an ExternalSecret may be, and what its template may ask for: it is made on the host first. */
import { recordAt } from "../../../effects/client/unstructured.ts"
import { describeValue } from "../../../effects/text/problem-text.ts"
import type { ExternalSecretSpec, TargetTemplate, TemplateSource } from "../../external-secrets/external-secret-spec.ts"
import { metadataPlace, templateReferences } from "../../external-secrets/external-secret-spec.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import { judgeName, unknownField } from "./field-rules.ts"

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

const targetFields = new Set(["name", "creationPolicy", "deletionPolicy", "template", "immutable", "manifest"])
const templateFields = new Set(["type", "engineVersion", "metadata", "mergePolicy", "data", "templateFrom"])
const templateFileFields = new Set(["name", "items"])
const templateFromFields = new Set(["literal", "target", "secret", "configMap"])
const creationPolicies = new Set(["Owner", "Orphan", "Merge", "None"])

/** A text to render: where it would go, and where it comes from. */
const judgeTemplateFrom = (path: string, source: TemplateSource, engine: unknown): Refusal | undefined => {
  const unknown = unknownField(path, source, templateFromFields)
  if (unknown !== undefined) return unknown
  for (const field of ["secret", "configMap"]) {
    const strange = unknownField(`${path}.${field}`, recordAt(source, field), templateFileFields)
    if (strange !== undefined) return strange
  }
  const { target = "" } = source
  const isMetadata = metadataPlace(target) !== undefined
  if (isMetadata && engine === "v1")
    return new Refusal({
      reason: "TemplateTargetNotAllowed",
      message: `${path}.target ${describeValue(target)} is refused: engineVersion v1 renders data only; use v2`,
    })
  // ESO 2.x takes others for paths into the Secret that it makes.
  return isMetadata || target === "" || target.toLowerCase() === "data"
    ? undefined
    : new Refusal({
        reason: "TemplateTargetNotAllowed",
        message: `${path}.target ${describeValue(target)} is refused; use Data, Labels or Annotations`,
      })
}

const judgeTemplate = (template: TargetTemplate | undefined): Refusal | undefined => {
  const why = refusedTypes.get(template?.type ?? "")
  if (why !== undefined)
    return new Refusal({
      reason: "TemplateTypeNotAllowed",
      message: `spec.target.template.type ${template?.type} is refused: ${why}; use Opaque or another plain type`,
    })
  const unknown = unknownField("spec.target.template", template, templateFields)
  if (unknown !== undefined) return unknown
  return firstRefusal((template?.templateFrom ?? []).entries(), ([index, source]) =>
    judgeTemplateFrom(`spec.target.template.templateFrom[${index}]`, source, template?.["engineVersion"]),
  )
}

/** @returns the first rule that `spec.target` breaks */
export const judgeTarget = (spec: ExternalSecretSpec): Refusal | undefined => {
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

/** The Secrets and ConfigMaps that hold templates. */
export const judgeTemplateReferences = (spec: ExternalSecretSpec): Refusal | undefined =>
  firstRefusal(templateReferences(spec), (ref) => judgeName(`${ref.path}.name`, ref.name))
