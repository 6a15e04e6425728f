/**
 * What of a virtual ExternalSecret its host copy serves. It stands on the copy itself: an edit that is refused later changes
 * nothing (DESIGN §4), so what was accepted last must be known after a restart too, and which labels were selected then.
 */
import { Result } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { isRecord } from "../../effects/client/unstructured.ts"
import { acceptedAnnotation } from "../tenancy/labels.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import type { TemplateReference } from "./external-secret-spec.ts"
import { decodeTarget, targetName, templateReferences } from "./external-secret-spec.ts"

export interface Accepted {
  /** `metadata.generation` of the virtual object. */
  readonly generation: number
  /** Of the virtual object. */
  readonly labels: Readonly<Record<string, string>>
  /** `spec.target` in the tenant's names, without the texts of the data: what comes back by it. */
  readonly target: NonNullable<ExternalSecretSpec["target"]>
}

const isTextMap = (value: unknown): value is Readonly<Record<string, string>> =>
  isRecord(value) && Object.values(value).every((text) => typeof text === "string")

type Texts = NonNullable<NonNullable<Accepted["target"]["template"]>["templateFrom"]>

const comesBack = new Set(["labels", "annotations"])

/** A text for the data may be as large as the data; one for labels or annotations is needed to know it again. */
const withoutTexts = (sources: Texts): Texts =>
  sources.map((source) => {
    if (comesBack.has((source.target ?? "").toLowerCase())) return source
    const { literal: _text, ...rest } = source
    return rest
  })

const withoutData = ({ template, ...target }: Accepted["target"]): Accepted["target"] => {
  if (template === undefined) return target
  const { data: _texts, templateFrom, ...rest } = template
  const sources = templateFrom === undefined ? {} : { templateFrom: withoutTexts(templateFrom) }
  return { ...target, template: { ...rest, ...sources } }
}

/** What most do not have, and every change of a copy asks for: it shows without reading all. */
const flags = { name: "n", references: "r", none: "-" } as const

const flagsOf = ({ name, template }: Accepted["target"]): string =>
  `${name === undefined ? "" : flags.name}${template?.templateFrom === undefined ? "" : flags.references}` || flags.none

/**
 * `GENERATION.FLAGS.REST`. The rest holds keys that the tenant wrote, which nothing on the host is to find there (DESIGN §3), be it
 * with a search for text: base64.
 */
export const acceptedAnnotations = (virtual: KubeObject, spec: ExternalSecretSpec): Record<string, string> => {
  const target = withoutData(spec.target ?? {})
  const rest = Buffer.from(JSON.stringify({ labels: virtual.metadata.labels ?? {}, target })).toString("base64")
  return { [acceptedAnnotation]: [virtual.metadata.generation ?? 0, flagsOf(target), rest].join(".") }
}

/** Of a SecretStore the generation is all: what was agreed on stands beside it (`base.ts`). */
export const acceptedGenerationAnnotation = ({ metadata: { generation = 0 } }: KubeObject): Record<string, string> => ({
  [acceptedAnnotation]: String(generation),
})

const partsOf = (copy: KubeObject): ReadonlyArray<string> =>
  copy.metadata.annotations?.[acceptedAnnotation]?.split(".") ?? []

const hasFlag = (copy: KubeObject, flag: string): boolean => partsOf(copy)[1]?.includes(flag) === true

/** `metadata.generation` of the virtual object that was accepted; undefined for a copy that an older version made. */
export const acceptedGeneration = (copy: KubeObject): number | undefined => {
  const [generation = ""] = partsOf(copy)
  return /^\d+$/.test(generation) ? Number(generation) : undefined
}

const read = (text: string): Omit<Accepted, "generation"> | undefined => {
  const stored = Result.getOrUndefined(Result.try((): unknown => JSON.parse(Buffer.from(text, "base64").toString())))
  if (!isRecord(stored)) return undefined
  const { labels } = stored
  const target = decodeTarget(stored["target"])
  return isTextMap(labels) && target !== undefined ? { labels, target } : undefined
}

/** @returns undefined for a copy that an older version made */
export const acceptedOf = (copy: KubeObject): Accepted | undefined => {
  const generation = acceptedGeneration(copy)
  const [, , rest] = partsOf(copy)
  const accepted = rest === undefined ? undefined : read(rest)
  return generation === undefined || accepted === undefined ? undefined : { generation, ...accepted }
}

/** The name of the Secret in the virtual cluster by which the copy was accepted. @param name of the virtual object */
export const acceptedTargetName = (copy: KubeObject, name: string): string => {
  if (!hasFlag(copy, flags.name)) return name
  const accepted = acceptedOf(copy)
  return accepted === undefined ? name : targetName({ target: accepted.target }, name)
}

/** What the copy was accepted with refers to. */
export const acceptedReferences = (copy: KubeObject): ReadonlyArray<TemplateReference> => {
  if (!hasFlag(copy, flags.references)) return []
  const accepted = acceptedOf(copy)
  return accepted === undefined ? [] : templateReferences({ target: accepted.target })
}
