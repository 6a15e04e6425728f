/**
 * What of a virtual ExternalSecret its host copy serves. It stands on the copy itself: an edit that is refused later changes
 * nothing (DESIGN §4), so what was accepted last must be known after a restart too, and which labels were selected then.
 */
import { Result } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { isRecord } from "../../effects/client/unstructured.ts"
import { remembering } from "../../effects/controller/remembering.ts"
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

const isTextMap = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((text) => typeof text === "string")

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

const read = (text: string): Accepted | undefined => {
  const stored = Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))
  if (!isRecord(stored)) return undefined
  const { generation, labels } = stored
  const target = decodeTarget(stored["target"])
  return typeof generation === "number" && isTextMap(labels) && target !== undefined
    ? { generation, labels, target }
    : undefined
}

/** It stays the same while the copy's status changes. */
const rememberedTexts = 512
/** Longer ones, in characters, would be too much of our memory. */
const longestRemembered = 2048

const readOnce = remembering(rememberedTexts, read)

/** @returns undefined for a copy that an older version made */
export const acceptedOf = (copy: KubeObject): Accepted | undefined => {
  const text = copy.metadata.annotations?.[acceptedAnnotation]
  if (text === undefined) return undefined
  return text.length > longestRemembered ? read(text) : readOnce(text)
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
