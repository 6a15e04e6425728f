/** Kubernetes label selectors (apimachinery, `metav1.LabelSelector`): checked, evaluated, written as a query. */
import { Data, Predicate, Result } from "effect"
import { nearestWord } from "./nearest-word.ts"

export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist"

export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values?: ReadonlyArray<string>
}

/** Empty selects everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: ReadonlyArray<Requirement>
}

export const everything: LabelSelector = {}

/** What is wrong with a selector, and where: `path` names the field from the root of what was read. */
export class SelectorProblem extends Data.TaggedError("SelectorProblem")<{
  readonly path: string
  readonly problem: string
}> {
  override get message(): string {
    return `${this.path}: ${this.problem}`
  }
}

type Parsed<A> = Result.Result<A, SelectorProblem>
const fail = (path: string, problem: string): Parsed<never> => Result.fail(new SelectorProblem({ path, problem }))

const namePattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const prefixPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** apimachinery's `IsQualifiedName`. */
const keyProblem = (key: string): string | undefined => {
  const parts = key.split("/")
  const name = parts.at(-1) ?? ""
  const prefix = parts.length === 2 ? parts[0] : undefined
  const good =
    parts.length <= 2 &&
    namePattern.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && prefixPattern.test(prefix)))
  return good ? undefined : `${JSON.stringify(key)} is not a label key; use [PREFIX/]NAME of letters, digits, - _ .`
}

const valueProblem = (value: unknown): string | undefined => {
  if (typeof value !== "string")
    return `a label value must be a string, not ${JSON.stringify(value)}; put it in quotes`
  return value === "" || namePattern.test(value)
    ? undefined
    : `${JSON.stringify(value)} is not a label value; use at most 63 letters, digits, - _ .`
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => Predicate.isObject(value) && !Array.isArray(value)

const unknownField = (value: Fields, known: ReadonlyArray<string>): string | undefined => {
  const field = Object.keys(value).find((key) => !known.includes(key))
  if (field === undefined) return undefined
  const near = nearestWord(field, known)
  return `unknown key ${JSON.stringify(field)}${near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`}`
}

const parseMatchLabels = (value: unknown, path: string): Parsed<Readonly<Record<string, string>>> => {
  if (!isFields(value)) return fail(path, "must be a map of labels")
  const labels: Array<[string, string]> = []
  for (const [key, label] of Object.entries(value)) {
    const problem = keyProblem(key) ?? valueProblem(label)
    if (problem !== undefined || typeof label !== "string") return fail(`${path}.${key}`, problem ?? "must be a string")
    labels.push([key, label])
  }
  return Result.succeed(Object.fromEntries(labels))
}

const isOperator = (value: unknown): value is Operator =>
  value === "In" || value === "NotIn" || value === "Exists" || value === "DoesNotExist"

const parseRequirement = (value: unknown, path: string): Parsed<Requirement> => {
  if (!isFields(value)) return fail(path, "must be a map with key, operator and values")
  const unknown = unknownField(value, ["key", "operator", "values"])
  if (unknown !== undefined) return fail(path, unknown)
  const { key, operator, values } = value
  if (typeof key !== "string") return fail(`${path}.key`, "is required")
  const problem = keyProblem(key)
  if (problem !== undefined) return fail(`${path}.key`, problem)
  if (!isOperator(operator))
    return fail(`${path}.operator`, `${JSON.stringify(operator)} is not one of In, NotIn, Exists, DoesNotExist`)
  const list = values ?? []
  if (!Array.isArray(list)) return fail(`${path}.values`, "must be a list")
  const takesValues = operator === "In" || operator === "NotIn"
  if (takesValues && list.length === 0) return fail(`${path}.values`, `operator ${operator} needs at least one value`)
  if (!takesValues && list.length > 0) return fail(`${path}.values`, `operator ${operator} takes no values`)
  const strings: Array<string> = []
  for (const [index, item] of list.entries()) {
    const wrong = valueProblem(item)
    if (wrong !== undefined || typeof item !== "string") return fail(`${path}.values[${index}]`, wrong ?? "must be a string")
    strings.push(item)
  }
  return Result.succeed(takesValues ? { key, operator, values: strings } : { key, operator })
}

const parseMatchExpressions = (value: unknown, path: string): Parsed<ReadonlyArray<Requirement>> =>
  Array.isArray(value)
    ? Result.all(value.map((item, index) => parseRequirement(item, `${path}[${index}]`)))
    : fail(path, "must be a list")

/** @param path where the selector stands, for messages. Absent and null select everything, as in Kubernetes' own API. */
export const parseLabelSelector = (value: unknown, path: string): Parsed<LabelSelector> => {
  if (value === undefined || value === null) return Result.succeed(everything)
  if (!isFields(value)) return fail(path, "must be a map with matchLabels and matchExpressions")
  const unknown = unknownField(value, ["matchLabels", "matchExpressions"])
  if (unknown !== undefined) return fail(path, unknown)
  return Result.all({
    matchLabels: parseMatchLabels(value["matchLabels"] ?? {}, `${path}.matchLabels`),
    matchExpressions: parseMatchExpressions(value["matchExpressions"] ?? [], `${path}.matchExpressions`),
  })
}

type Labels = Readonly<Record<string, string>>

const meets = ({ key, operator, values = [] }: Requirement, labels: Labels): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
  }
}

/** Kubernetes' semantics: all must hold; `NotIn` and `DoesNotExist` hold for an absent label. */
export const matches = (selector: LabelSelector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
  (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))

const queryOf = ({ key, operator, values = [] }: Requirement): string => {
  switch (operator) {
    case "In":
      return `${key} in (${values.join(",")})`
    case "NotIn":
      return `${key} notin (${values.join(",")})`
    case "Exists":
      return key
    case "DoesNotExist":
      return `!${key}`
  }
}

/** In the API's syntax (`labelSelector=`); empty for the selector that selects everything. */
export const toQuery = (selector: LabelSelector): string =>
  [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(queryOf),
  ].join(",")
