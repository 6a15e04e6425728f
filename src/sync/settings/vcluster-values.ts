/**
 * What is read of a vCluster's values (vcluster.yaml), as a Schema: of `integrations.externalSecrets` everything that a release since
 * v0.21 takes (loft-sh/vcluster, `config/config.go`), of the rest what bears on the integration. The types are those of the chart's
 * `values.schema.json`, the same in v0.26.0, v0.30.0 and v0.36.1. Absent and null both leave the default.
 *
 * A new setting is one field here.
 */
import { Effect, Option, Result, Schema, SchemaAST, SchemaGetter, SchemaIssue } from "effect"
import { everything, parseLabelSelector } from "../../effects/client/label-selector.ts"
import type { LabelSelector, SelectorProblem } from "../../effects/client/label-selector.ts"
import { type Complaint, superseded } from "../../effects/config/yaml-schema.ts"

/** Helm and Go take a null for "not given". */
const orDefault = <S extends Schema.Constraint>(schema: S, fallback: () => S["Type"]) =>
  Schema.optionalKey(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(Schema.toType(schema), {
      decode: SchemaGetter.transformOptional((given: Option.Option<S["Type"] | null>) =>
        Option.orElseSome(
          Option.filter(given, (value) => value !== null),
          fallback,
        ),
      ),
      encode: SchemaGetter.passthroughSubtype(),
    }),
  )

const flag = (fallback = false) => orDefault(Schema.Boolean, () => fallback)
const text = orDefault(Schema.String, () => "")
const texts = orDefault(Schema.Record(Schema.String, Schema.String), () => ({}))
const records = <S extends Schema.Constraint>(entry: S) =>
  orDefault(Schema.Record(Schema.String, Schema.NullOr(entry)), () => ({}))

/** What becomes of keys that are not named here. */
export interface OtherKeys {
  /** Problems: all of them, where vCluster's own reader is as strict, or those that are almost a known one. */
  readonly refused?: "all" | "mistyped"
  /** Keys that the chart takes, too: what is almost one of them or of those named here is a mistake, and the chart refuses it. */
  readonly taken?: ReadonlyArray<string>
}

/** Of the Schema of a map. */
export const otherKeysOf = SchemaAST.resolveAt<OtherKeys>("otherKeys")

type Labels = Readonly<Record<string, string>>
type Fields = Readonly<Record<string, Schema.ConstraintDecoder<unknown>>>

const section = <F extends Fields>(fields: F, otherKeys: OtherKeys) => {
  const map = Schema.Struct(fields).annotate({ otherKeys })
  return orDefault(map, () => Schema.decodeUnknownSync(map)({}))
}

const strict = <F extends Fields>(fields: F) => section(fields, { refused: "all" })
const beside = <F extends Fields>(taken: ReadonlyArray<string>, fields: F) => section(fields, { taken })
const open = <F extends Fields>(fields: F) => section(fields, {})

/** CRD versions as Kubernetes orders them (apimachinery, `version.CompareKubeAwareVersionStrings`). */
const versionPattern = /^v[1-9]\d*((alpha|beta)[1-9]\d*)?$/

const version = orDefault(
  Schema.String.check(
    Schema.makeFilter((given: string) =>
      given === "" || versionPattern.test(given)
        ? undefined
        : `${JSON.stringify(given)} is not the version of a CRD; use one such as v1 or v1beta1`,
    ),
  ),
  () => "",
)

const asIssue = (steps: SelectorProblem["steps"], { problem, atKey }: SelectorProblem): SchemaIssue.Issue => {
  const complaint: Complaint = { message: problem, atKey }
  return new SchemaIssue.Pointer(steps, new SchemaIssue.InvalidValue({ ...complaint }))
}

/** Kubernetes' own rules. */
const selectorIn = (input: unknown, ast: SchemaAST.AST, within: number) =>
  Result.mapError(parseLabelSelector(input, ""), (problems) => {
    const [first, ...others] = problems.map((problem) => asIssue(problem.steps.slice(within), problem))
    return first === undefined ? new SchemaIssue.InvalidType(ast) : new SchemaIssue.Composite(ast, [first, ...others])
  })

const selector = orDefault(
  Schema.declareConstructor<LabelSelector>()(
    [],
    () => (input: unknown, ast: SchemaAST.AST) => Effect.fromResult(selectorIn(input, ast, 0)),
  ),
  () => everything,
)

/** Labels that must all be there: a selector's `matchLabels` alone. */
const labels = orDefault(
  Schema.declareConstructor<Labels>()(
    [],
    () => (input: unknown, ast: SchemaAST.AST) =>
      Effect.fromResult(Result.map(selectorIn({ matchLabels: input }, ast, 1), ({ matchLabels = {} }) => matchLabels)),
  ),
  () => ({}),
)

const externalSecrets = strict({
  enabled: flag(),
  version,
  webhook: strict({ enabled: flag() }),
  sync: strict({
    toHost: strict({
      externalSecrets: strict({ selector }),
      stores: strict({ enabled: flag(), selector }),
    }),
    fromHost: strict({ clusterStores: strict({ enabled: flag(), selector }) }),
    // Up to v0.28.
    externalSecrets: strict({ enabled: flag(true) }).pipe(Schema.annotateKey(superseded)),
    stores: strict({ enabled: flag() }).pipe(Schema.annotateKey(superseded)),
    clusterStores: strict({ enabled: flag(), selector: strict({ labels }) }).pipe(Schema.annotateKey(superseded)),
  }),
})

const customResources = records(Schema.Struct({ enabled: flag() }))
/** Up to v0.27. */
const genericObjects = orDefault(Schema.Array(Schema.Struct({ apiVersion: text, kind: text })), () => [])

const plugins = records(Schema.Struct({ image: text }))

const kubeConfig = {
  context: text,
  server: text,
  insecure: flag(),
  serviceAccount: beside([], { name: text, namespace: text, clusterRole: text }),
}
const secretReference = { name: text, namespace: text }

export const VclusterValues = Schema.Struct({
  integrations: section({ externalSecrets }, { refused: "mistyped" }),
  sync: open({
    toHost: beside([], {
      namespaces: beside(["patches"], {
        enabled: flag(),
        mappingsOnly: flag(),
        mappings: beside([], { byName: texts }),
        extraLabels: texts,
      }),
      serviceAccounts: beside(["patches"], { enabled: flag() }),
      customResources,
    }),
    fromHost: beside(["configMaps"], {
      secrets: open({ enabled: flag(), mappings: open({ byName: texts }) }),
      customResources,
    }),
  }),
  exportKubeConfig: beside([], {
    ...kubeConfig,
    secret: open(secretReference),
    additionalSecrets: orDefault(Schema.Array(Schema.Struct({ ...kubeConfig, ...secretReference })), () => []),
  }),
  privateNodes: open({ enabled: flag() }),
  controlPlane: open({ standalone: open({ enabled: flag() }) }),
  experimental: open({
    genericSync: open({ export: genericObjects, import: genericObjects }),
    proxy: open({ customResources }),
  }),
  plugin: plugins,
  plugins,
})
export type VclusterValues = typeof VclusterValues.Type
