/**
 * `templateFrom` with target Labels or Annotations: texts whose keys are known only when they are rendered, which the host must not bear as keys.
 * There ESO renders each into data, whole, under a key of ours; here it is read as ESO would have read it (`pkg/template/v2/template.go`).
 */
import { Result } from "effect"
import { parseYaml } from "../../effects/config/yaml-position.ts"
import type { YamlScalar, YamlTree } from "../../effects/config/yaml-position.ts"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { stringMapAt } from "../../effects/client/unstructured.ts"
import { renderedDataKey } from "../tenancy/rendered-keys.ts"
import type { ExternalSecretSpec, TargetTemplate, TemplateSource } from "./external-secret-spec.ts"
import { metadataPlace } from "./external-secret-spec.ts"

type Entries = Readonly<Record<string, string>>
type Place = "labels" | "annotations"

interface MetadataText {
  readonly place: Place
  /** Where the spec has it, for messages. */
  readonly path: string
  /** The key of data under which it is rendered. */
  readonly dataKey: string
  /** It is one value under this key; undefined: a map of them. */
  readonly key: string | undefined
}

const files = [
  ["configMap", "ConfigMap"],
  ["secret", "Secret"],
] as const

const dataKeyOfLiteral = (literal: string): string => renderedDataKey("literal", literal)

/** In the order in which ESO applies them. */
export const metadataTexts = (spec: ExternalSecretSpec): ReadonlyArray<MetadataText> =>
  (spec.target?.template?.templateFrom ?? []).flatMap((source, index) => {
    const place = metadataPlace(source.target)
    if (place === undefined) return []
    const path = `spec.target.template.templateFrom[${index}]`
    return [
      ...files.flatMap(([field, kind]) =>
        (source[field]?.items ?? []).map(({ key = "", templateAs }, item) => ({
          place,
          path: `${path}.${field}.items[${item}]`,
          dataKey: renderedDataKey(kind, source[field]?.name ?? "", key),
          key: templateAs === "KeysAndValues" ? undefined : key,
        })),
      ),
      ...(source.literal === undefined
        ? []
        : [{ place, path: `${path}.literal`, dataKey: dataKeyOfLiteral(source.literal), key: undefined }]),
    ]
  })

/** What the sources say of texts for metadata: of these the host sees no target. */
export const metadataSources = (spec: ExternalSecretSpec): ReadonlyArray<TemplateSource> =>
  (spec.target?.template?.templateFrom ?? []).filter(({ target }) => metadataPlace(target) !== undefined)

const fileIntoData = (source: TemplateSource): TemplateSource =>
  files.reduce<TemplateSource>((changed, [field, kind]) => {
    const file = source[field]
    if (file === undefined) return changed
    const items = (file.items ?? []).map((item) => ({
      ...item,
      key: renderedDataKey(kind, file.name ?? "", item.key ?? ""),
      templateAs: "Values",
    }))
    return { ...changed, [field]: { ...file, items } }
  }, source)

/** The template in which all texts go to data. Keys of ours, so that `template.data` stays what it is. */
export const textsIntoData = (template: TargetTemplate): TargetTemplate => {
  const { templateFrom, data, ...rest } = template
  if (templateFrom === undefined) return template
  const literals: Array<readonly [string, string]> = []
  const sources = templateFrom.flatMap((source): ReadonlyArray<TemplateSource> => {
    if (metadataPlace(source.target) === undefined)
      return [source.target === undefined || source.target === "" ? source : { ...source, target: "Data" }]
    const { literal, ...others } = source
    if (literal !== undefined) literals.push([dataKeyOfLiteral(literal), literal])
    return files.some(([field]) => others[field] !== undefined) ? [{ ...fileIntoData(others), target: "Data" }] : []
  })
  return {
    ...rest,
    ...(sources.length === 0 ? {} : { templateFrom: sources }),
    ...(data === undefined && literals.length === 0
      ? {}
      : { data: Object.fromEntries([...Object.entries(data ?? {}), ...literals]) }),
  }
}

/** More than all annotations of an object may have is no text for them. In characters. */
const longest = 262_144

/** Go's `strconv.FormatFloat(value, 'g', -1, 64)`. */
const formatFloat = (value: number): string => {
  const [digits = "0", power = "0"] = value.toExponential().split("e")
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 6) return String(value)
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`
}

/** As sigs.k8s.io/yaml puts a scalar into a text. */
const textOf = ({ name, value }: YamlScalar): string => {
  if (typeof value === "string") return value
  if (typeof value === "boolean") return String(value)
  if (typeof value !== "number") return ""
  return name !== undefined && /^-?\d+$/.test(name) ? name : formatFloat(value)
}

const entriesOf = (tree: YamlTree): Entries | undefined => {
  if (tree.kind === "scalar" && tree.value === null) return {}
  if (tree.kind !== "map") return undefined
  const entries = [...tree.entries].flatMap(([key, { value }]) =>
    value.kind === "scalar" ? [[key, textOf(value)] as const] : [],
  )
  return entries.length === tree.entries.size ? Object.fromEntries(entries) : undefined
}

const readMap = (text: string): Entries | undefined =>
  text.length > longest
    ? undefined
    : Result.match(parseYaml(text), { onSuccess: entriesOf, onFailure: () => undefined })

const decode = (base64: string): string => Buffer.from(base64, "base64").toString()

interface ReadText extends MetadataText {
  /** What it says; undefined: it is no map of texts. */
  readonly entries: Entries | undefined
}

/** A Secret is looked at for each of its decisions, and it and the spec stay the same objects while nothing changes. */
const read = new WeakMap<KubeObject, { readonly spec: ExternalSecretSpec; readonly texts: ReadonlyArray<ReadText> }>()

/** @param source the Secret that ESO made on the host */
const readTexts = (source: KubeObject, spec: ExternalSecretSpec): ReadonlyArray<ReadText> => {
  const known = read.get(source)
  if (known?.spec === spec) return known.texts
  const data = stringMapAt(source, "data")
  const texts = metadataTexts(spec).flatMap((text): ReadonlyArray<ReadText> => {
    const rendered = Object.hasOwn(data, text.dataKey) ? data[text.dataKey] : undefined
    if (rendered === undefined) return []
    const value = decode(rendered)
    return [{ ...text, entries: text.key === undefined ? readMap(value) : Object.fromEntries([[text.key, value]]) }]
  })
  read.set(source, { spec, texts })
  return texts
}

/** Where the spec has a text that ESO would have failed to read. */
export const unreadableText = (source: KubeObject, spec: ExternalSecretSpec): string | undefined =>
  readTexts(source, spec).find(({ entries }) => entries === undefined)?.path

/** What the texts say, those below over those above. */
export const renderedTexts = (source: KubeObject, spec: ExternalSecretSpec, place: Place): Entries =>
  Object.fromEntries(
    readTexts(source, spec).flatMap((text) => (text.place === place ? Object.entries(text.entries ?? {}) : [])),
  )
