/**
 * What of a virtual ExternalSecret its host copy serves. It stands on the copy itself: an edit that is refused later changes
 * nothing (DESIGN §4), so what was accepted last must be known after a restart too, and which labels were selected then.
 */
import { Option, Schema } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { acceptedAnnotation } from "../tenancy/labels.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import type { TemplateReference } from "./external-secret-spec.ts"
import { decodeTarget, targetName, templateReferences } from "./external-secret-spec.ts"

export interface Accepted {
  /** `metadata.generation` of the virtual object. */
  readonly generation: number
  /** Of the virtual object. */
  readonly labels: Readonly<Record<string, string>>
  /** `spec.target` in the tenant's names, without `template.data`: what comes back by it. */
  readonly target: NonNullable<ExternalSecretSpec["target"]>
}

const Stored = Schema.fromJsonString(
  Schema.Struct({
    generation: Schema.Number,
    labels: Schema.Record(Schema.String, Schema.String),
    target: Schema.Unknown,
  }),
)
const decode = Schema.decodeUnknownOption(Stored)

const withoutData = ({ template, ...target }: Accepted["target"]): Accepted["target"] => {
  if (template === undefined) return target
  const { data: _texts, ...rest } = template
  return { ...target, template: rest }
}

export const acceptedAnnotations = (virtual: KubeObject, spec: ExternalSecretSpec): Record<string, string> => ({
  [acceptedAnnotation]: JSON.stringify({
    generation: virtual.metadata.generation ?? 0,
    labels: virtual.metadata.labels ?? {},
    target: withoutData(spec.target ?? {}),
  }),
})

/** @returns undefined for a copy that an older version made */
export const acceptedOf = (copy: KubeObject): Accepted | undefined => {
  const stored = Option.getOrUndefined(decode(copy.metadata.annotations?.[acceptedAnnotation]))
  const target = stored === undefined ? undefined : decodeTarget(stored.target)
  return stored === undefined || target === undefined ? undefined : { ...stored, target }
}

/** The name of the Secret in the virtual cluster by which the copy was accepted. @param name of the virtual object */
export const acceptedTargetName = (copy: KubeObject, name: string): string => {
  // Most have the ExternalSecret's own name, and every change of a copy asks.
  if (copy.metadata.annotations?.[acceptedAnnotation]?.includes('"name"') !== true) return name
  const accepted = acceptedOf(copy)
  return accepted === undefined ? name : targetName({ target: accepted.target }, name)
}

/** What the copy was accepted with refers to. Most refer to nothing, and every change of a copy asks. */
export const acceptedReferences = (copy: KubeObject): ReadonlyArray<TemplateReference> => {
  if (copy.metadata.annotations?.[acceptedAnnotation]?.includes("templateFrom") !== true) return []
  const accepted = acceptedOf(copy)
  return accepted === undefined ? [] : templateReferences({ target: accepted.target })
}
