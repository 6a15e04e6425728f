/** What settings are made of: each takes what Helm and vCluster's reader take, and null and absent both leave its default. */
import { Effect, Option, Result, Schema, SchemaAST, SchemaGetter, SchemaIssue } from "effect"
import { everything, parseLabelSelector } from "../../effects/client/label-selector.ts"
import type { LabelSelector, SelectorProblem } from "../../effects/client/label-selector.ts"
import type { Complaint } from "../../effects/config/yaml-schema.ts"

/** Helm and Go take a null for "not given". */
export const orDefault = <S extends Schema.Constraint>(schema: S, fallback: () => S["Type"]) =>
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

export const flag = (fallback = false) => orDefault(Schema.Boolean, () => fallback)
export const text = orDefault(Schema.String, () => "")
/** A map of texts. */
export const texts = orDefault(Schema.Record(Schema.String, Schema.String), () => ({}))
/** A map of maps whose keys are names. */
export const records = <S extends Schema.Constraint>(entry: S) =>
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

/** A map whose keys are settings. */
export const section = <F extends Fields>(fields: F, otherKeys: OtherKeys) => {
  const map = Schema.Struct(fields).annotate({ otherKeys })
  return orDefault(map, () => Schema.decodeUnknownSync(map)({}))
}

export const strict = <F extends Fields>(fields: F) => section(fields, { refused: "all" })
export const partly = <F extends Fields>(fields: F, taken: ReadonlyArray<string> = []) => section(fields, { taken })
export const open = <F extends Fields>(fields: F) => section(fields, {})

/** CRD versions as Kubernetes orders them (apimachinery, `version.CompareKubeAwareVersionStrings`). */
const versionPattern = /^v[1-9]\d*((alpha|beta)[1-9]\d*)?$/

/** Empty: the host's. */
export const crdVersion = orDefault(
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

/** @param within how many steps of a problem's path are not in the text */
const selectorIn = (input: unknown, ast: SchemaAST.AST, within: number) =>
  Result.mapError(parseLabelSelector(input, ""), (problems) => {
    const [first, ...others] = problems.map((problem) => asIssue(problem.steps.slice(within), problem))
    return first === undefined ? new SchemaIssue.InvalidType(ast) : new SchemaIssue.Composite(ast, [first, ...others])
  })

export const selector = orDefault(
  Schema.declareConstructor<LabelSelector>()(
    [],
    () => (input: unknown, ast: SchemaAST.AST) => Effect.fromResult(selectorIn(input, ast, 0)),
  ),
  () => everything,
)

/** Labels that must all be there: a selector's `matchLabels` alone. */
export const labels = orDefault(
  Schema.declareConstructor<Labels>()(
    [],
    () => (input: unknown, ast: SchemaAST.AST) =>
      Effect.fromResult(Result.map(selectorIn({ matchLabels: input }, ast, 1), ({ matchLabels = {} }) => matchLabels)),
  ),
  () => ({}),
)
