/**
 * The parts of an ExternalSecret's spec that we must understand, because they name something or steer what we do. The
 * rest is carried as it is. Decoding is strict about these parts only: a tenant may have replaced the CRD by one without
 * validation, so nothing about their types may be taken for granted.
 */
import { Result, Schema } from "effect"
import { parseGoDuration } from "../../effects/text/go-duration.ts"
import { cutText } from "../../effects/text/cut-text.ts"
import { remembering } from "../../effects/controller/remembering.ts"
import { arrayAt, isRecord, stringAt, valueAt } from "../../effects/client/unstructured.ts"
import { Refusal } from "../tenancy/refusals.ts"
import { isNestedDeeperThan } from "../tenancy/structural-schema.ts"

const rest = [Schema.Record(Schema.String, Schema.Unknown)] as const
const open = <const Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.StructWithRest(Schema.Struct(fields), rest)

const StringMap = Schema.Record(Schema.String, Schema.String)

const StoreRef = open({ name: Schema.optionalKey(Schema.String), kind: Schema.optionalKey(Schema.String) })
const SourceRef = open({ storeRef: Schema.optionalKey(StoreRef), generatorRef: Schema.optionalKey(Schema.Unknown) })

const TemplateItem = open({ key: Schema.optionalKey(Schema.String), templateAs: Schema.optionalKey(Schema.String) })
const TemplateFile = open({
  name: Schema.optionalKey(Schema.String),
  items: Schema.optionalKey(Schema.Array(TemplateItem)),
})
const TemplateFrom = open({
  secret: Schema.optionalKey(TemplateFile),
  configMap: Schema.optionalKey(TemplateFile),
  literal: Schema.optionalKey(Schema.String),
  target: Schema.optionalKey(Schema.String),
})

const Template = open({
  type: Schema.optionalKey(Schema.String),
  metadata: Schema.optionalKey(
    open({ labels: Schema.optionalKey(StringMap), annotations: Schema.optionalKey(StringMap) }),
  ),
  templateFrom: Schema.optionalKey(Schema.Array(TemplateFrom)),
  data: Schema.optionalKey(StringMap),
})

const Target = open({
  name: Schema.optionalKey(Schema.String),
  creationPolicy: Schema.optionalKey(Schema.String),
  deletionPolicy: Schema.optionalKey(Schema.String),
  immutable: Schema.optionalKey(Schema.Boolean),
  template: Schema.optionalKey(Template),
})

const Spec = open({
  refreshInterval: Schema.optionalKey(Schema.String),
  refreshPolicy: Schema.optionalKey(Schema.String),
  secretStoreRef: Schema.optionalKey(StoreRef),
  target: Schema.optionalKey(Target),
  data: Schema.optionalKey(Schema.Array(open({ sourceRef: Schema.optionalKey(SourceRef) }))),
  dataFrom: Schema.optionalKey(Schema.Array(open({ sourceRef: Schema.optionalKey(SourceRef) }))),
})

export type ExternalSecretSpec = typeof Spec.Type
export type StoreReference = typeof StoreRef.Type
export type TargetTemplate = typeof Template.Type
export type TemplateSource = typeof TemplateFrom.Type

/** `spec.target` alone; undefined: it has not that shape. */
export const decodeTarget = (target: unknown): typeof Target.Type | undefined =>
  Schema.is(Target)(target) ? target : undefined

const decode = Schema.decodeUnknownResult(Spec)
const isSpec = Schema.is(Spec)

/** ESO's API needs 9 levels. What is nested much deeper could exhaust the stack of whoever walks over it. */
const maxDepth = 32

const invalid = (why: string): Refusal =>
  new Refusal({ reason: "InvalidSpec", message: `spec is not a valid ExternalSecret spec: ${why}` })

type Decoded = Result.Result<ExternalSecretSpec, Refusal>

/** Nothing is changed by decoding, so the spec itself is what is kept: a copy of each would be a fifth of all that is in memory. */
const decodeAnew = (spec: unknown): Decoded => {
  if (isNestedDeeperThan(spec, maxDepth)) return Result.fail(invalid(`it is nested deeper than ${maxDepth} levels`))
  if (isSpec(spec)) return Result.succeed(spec)
  return decode(spec ?? {}).pipe(
    Result.mapError((error) => invalid(cutText(error.message.replaceAll(/\s+/g, " "), 300))),
  )
}

/** Decoding costs more than all else in a decision, and a cached object is decided about several times. */
const decoded = new WeakMap<object, Decoded>()

/** The spec with the parts that we read checked, or a refusal that names the wrong field. Remembered while `spec` lives, so it must not change. */
export const decodeSpec = (spec: unknown): Decoded => {
  if (!isRecord(spec)) return decodeAnew(spec)
  const known = decoded.get(spec)
  if (known !== undefined) return known
  const result = decodeAnew(spec)
  decoded.set(spec, result)
  return result
}

/** The name of the Secret in the virtual cluster: `spec.target.name`, else the ExternalSecret's own (ESO's default). */
export const targetName = (spec: ExternalSecretSpec, externalSecretName: string): string => {
  const name = spec.target?.name
  return name === undefined || name === "" ? externalSecretName : name
}

/** `spec.target.creationPolicy`, ESO's default filled in. Others than ESO's four are refused before anything is decided by it. */
export const creationPolicyOf = (spec: ExternalSecretSpec): string => {
  const policy = spec.target?.creationPolicy
  return policy === undefined || policy === "" ? "Owner" : policy
}

const onlyWhenChanged = new Set(["CreatedOnce", "OnChange"])

/** Nearly all have one of a few. */
const rememberedIntervals = 64
/** Longer texts are no durations. */
const longestInterval = 200

const isNever = remembering(rememberedIntervals, (interval: string) => (parseGoDuration(interval) ?? 1) <= 0)

/** Whether ESO does not fetch again as time goes by (`shouldRefresh`). */
export const fetchesOnce = ({ refreshInterval, refreshPolicy }: ExternalSecretSpec): boolean =>
  onlyWhenChanged.has(refreshPolicy ?? "") ||
  (refreshInterval !== undefined && refreshInterval.length <= longestInterval && isNever(refreshInterval))

export interface LocatedStoreReference {
  /** Where in the spec, for messages: `spec.dataFrom[2].sourceRef.storeRef`. */
  readonly path: string
  readonly kind: string
  readonly name: string
}

/** Every store that the spec draws on, ESO's default kind (`SecretStore`) filled in. */
export const storeReferences = (spec: ExternalSecretSpec): ReadonlyArray<LocatedStoreReference> => {
  const found: Array<LocatedStoreReference> = []
  const add = (path: () => string, ref: StoreReference | undefined) => {
    if (ref?.name === undefined || ref.name === "") return
    const kind = ref.kind === undefined || ref.kind === "" ? "SecretStore" : ref.kind
    found.push({ path: path(), kind, name: ref.name })
  }
  add(() => "spec.secretStoreRef", spec.secretStoreRef)
  for (const field of ["data", "dataFrom"] as const)
    spec[field]?.forEach(({ sourceRef }, index) =>
      add(() => `spec.${field}[${index}].sourceRef.storeRef`, sourceRef?.storeRef),
    )
  return found
}

/** The stores of a kind that a spec draws on, of one that was decoded before it went to the host: cheap, for indexes. */
export const storeNames = (spec: unknown, kind: "ClusterSecretStore" | "SecretStore"): ReadonlyArray<string> =>
  [
    valueAt(spec, "secretStoreRef"),
    ...[...arrayAt(spec, "data"), ...arrayAt(spec, "dataFrom")].map((entry) => valueAt(entry, "sourceRef", "storeRef")),
  ].flatMap((ref) => {
    const name = stringAt(ref, "name") ?? ""
    // ESO's default kind.
    const isOfKind = (stringAt(ref, "kind") || "SecretStore") === kind
    return name !== "" && isOfKind ? [name] : []
  })

export interface TemplateReference {
  /** `spec.target.template.templateFrom[1].configMap` */
  readonly path: string
  readonly kind: "Secret" | "ConfigMap"
  readonly name: string
  /** Keys whose texts become labels or annotations. */
  readonly rendered: ReadonlyArray<string>
}

/** The place that a text goes to by the `target` of a source, in any case (ESO 2.x); undefined: data, or one that is refused. */
export const metadataPlace = (target: string | undefined): "labels" | "annotations" | undefined => {
  const place = target?.toLowerCase()
  return place === "labels" || place === "annotations" ? place : undefined
}

/** The Secrets and ConfigMaps of its namespace that the spec takes templates from. */
export const templateReferences = (spec: ExternalSecretSpec): ReadonlyArray<TemplateReference> =>
  (spec.target?.template?.templateFrom ?? []).flatMap((source, index) =>
    (["secret", "configMap"] as const).flatMap((field) => {
      const name = source[field]?.name
      if (name === undefined || name === "") return []
      const kind = field === "secret" ? ("Secret" as const) : ("ConfigMap" as const)
      const rendered =
        metadataPlace(source.target) === undefined ? [] : (source[field]?.items ?? []).flatMap(({ key }) => key ?? [])
      return [{ path: `spec.target.template.templateFrom[${index}].${field}`, kind, name, rendered }]
    }),
  )
