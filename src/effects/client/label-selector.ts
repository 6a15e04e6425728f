/** Kubernetes label selectors (apimachinery, `metav1.LabelSelector`): checked, evaluated, written as a query. */
import { Result, Schema } from "effect"
import { isRecord } from "./unstructured.ts"
import type { JsonRecord } from "./unstructured.ts"
import { describeValue, unknownKey } from "../text/problem-text.ts"
import { formatPath, quote } from "../text/value-path.ts"

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

/** What is wrong with a selector, and where. */
export class SelectorProblem extends Schema.TaggedError<SelectorProblem>()("SelectorProblem", {
  /** Where the selector stands, as the caller named it. */
  base: Schema.String,
  /** From the selector to the place at fault. */
  steps: Schema.Array(Schema.Union([Schema.String, Schema.Finite])),
  /** The last key itself is at fault, not its value. */
  atKey: Schema.Boolean,
  problem: Schema.String,
}) {
  override get message(): string {
    return `${formatPath(this.steps, this.base)}: ${this.problem}`
  }
}

const namePattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const prefixPattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** apimachinery's `IsQualifiedName`. */
const isLabelKey = (key: string): boolean => {
  const parts = key.split("/")
  const name = parts.at(-1) ?? ""
  const prefix = parts.length === 2 ? parts[0] : undefined
  return (
    parts.length <= 2 &&
    namePattern.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && prefixPattern.test(prefix)))
  )
}

const badKey = (key: string): string =>
  `${quote(key)} is not a label key; use [PREFIX/]NAME, the name at most 63 letters, digits, - _ . and the prefix a DNS name`

const valueProblem = (value: unknown): string | undefined => {
  if (typeof value !== "string") {
    const advice = typeof value === "boolean" || typeof value === "number" ? "; put it in quotes" : ""
    return `expected a string, found ${describeValue(value)}${advice}`
  }
  return value === "" || namePattern.test(value)
    ? undefined
    : `${quote(value)} is not a label value; use at most 63 letters, digits, - _ .`
}

const fieldOf = (value: JsonRecord, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined)

const operators: ReadonlyArray<Operator> = ["In", "NotIn", "Exists", "DoesNotExist"]
const operatorOf = (value: unknown): Operator | undefined => operators.find((operator) => operator === value)

type Steps = ReadonlyArray<string | number>

/** Reads one selector and keeps everything that is wrong with it. What it returns is only good without problems. */
class SelectorReader {
  readonly problems: Array<SelectorProblem> = []
  private readonly base: string

  constructor(base: string) {
    this.base = base
  }

  private report(steps: Steps, problem: string, atKey = false): void {
    this.problems.push(new SelectorProblem({ base: this.base, steps, atKey, problem }))
  }

  private checkKeys(value: JsonRecord, steps: Steps, known: ReadonlyArray<string>): void {
    for (const key of Object.keys(value))
      if (!known.includes(key)) this.report([...steps, key], unknownKey(key, known), true)
  }

  selector(value: unknown): LabelSelector {
    if (value === undefined || value === null) return everything
    if (!isRecord(value)) {
      this.report([], `expected a map with matchLabels or matchExpressions, found ${describeValue(value)}`)
      return everything
    }
    this.checkKeys(value, [], ["matchLabels", "matchExpressions"])
    const matchLabels = this.labels(fieldOf(value, "matchLabels") ?? {}, ["matchLabels"])
    const matchExpressions = this.list(fieldOf(value, "matchExpressions"), ["matchExpressions"]).flatMap(
      (item, index) => this.requirement(item, ["matchExpressions", index]),
    )
    return {
      ...(Object.keys(matchLabels).length === 0 ? {} : { matchLabels }),
      ...(matchExpressions.length === 0 ? {} : { matchExpressions }),
    }
  }

  private list(value: unknown, steps: Steps): ReadonlyArray<unknown> {
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value
    this.report(steps, `expected a list, found ${describeValue(value)}`)
    return []
  }

  private labels(value: unknown, steps: Steps): Readonly<Record<string, string>> {
    if (!isRecord(value)) {
      this.report(steps, `expected a map of labels, found ${describeValue(value)}`)
      return {}
    }
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, label]) => {
        if (!isLabelKey(key)) this.report([...steps, key], badKey(key), true)
        return this.labelValues([label], () => [...steps, key]).map((text) => [key, text] as const)
      }),
    )
  }

  private labelValues(values: ReadonlyArray<unknown>, stepsOf: (index: number) => Steps): ReadonlyArray<string> {
    return values.flatMap((value, index) => {
      const problem = valueProblem(value)
      if (problem !== undefined) this.report(stepsOf(index), problem)
      return typeof value === "string" ? [value] : []
    })
  }

  private requirement(value: unknown, steps: Steps): ReadonlyArray<Requirement> {
    if (!isRecord(value)) {
      this.report(steps, `expected a map with key, operator and values, found ${describeValue(value)}`)
      return []
    }
    this.checkKeys(value, steps, ["key", "operator", "values"])
    const key = this.key(fieldOf(value, "key"), [...steps, "key"])
    const operator = this.operator(fieldOf(value, "operator"), [...steps, "operator"])
    const list = this.list(fieldOf(value, "values"), [...steps, "values"])
    const values = this.labelValues(list, (index) => [...steps, "values", index])
    if (key === undefined || operator === undefined) return []
    const takesValues = operator === "In" || operator === "NotIn"
    if (takesValues && list.length === 0)
      this.report([...steps, "values"], `operator ${operator} needs at least one value`)
    if (!takesValues && list.length > 0) this.report([...steps, "values"], `operator ${operator} takes no values`)
    return [takesValues ? { key, operator, values } : { key, operator }]
  }

  private key(value: unknown, steps: Steps): string | undefined {
    if (typeof value === "string" && isLabelKey(value)) return value
    this.report(
      steps,
      typeof value === "string" ? badKey(value) : `expected a label key, found ${describeValue(value)}`,
    )
    return undefined
  }

  private operator(value: unknown, steps: Steps): Operator | undefined {
    const operator = operatorOf(value)
    if (operator === undefined)
      this.report(steps, `expected one of ${operators.join(", ")}, found ${describeValue(value)}`)
    return operator
  }
}

/**
 * Absent and null select everything, as in Kubernetes' own API. The rules are those of `LabelSelectorAsSelector`.
 *
 * @param path where the selector stands, for messages
 * @returns the selector, without empty parts, or everything that is wrong with it
 */
export const parseLabelSelector = (
  value: unknown,
  path: string,
): Result.Result<LabelSelector, ReadonlyArray<SelectorProblem>> => {
  const reader = new SelectorReader(path)
  const selector = reader.selector(value)
  return reader.problems.length === 0 ? Result.succeed(selector) : Result.fail(reader.problems)
}

type Labels = Readonly<Record<string, string>>

const meets = ({ key, operator, values = [] }: Requirement, labels: Labels): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  if (operator === "In") return value !== undefined && values.includes(value)
  if (operator === "NotIn") return value === undefined || !values.includes(value)
  return (operator === "Exists") === (value !== undefined)
}

/** Kubernetes' semantics: all must hold; `NotIn` and `DoesNotExist` hold for an absent label. */
export const matches = (selector: LabelSelector, labels: Labels): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  ) && (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))

/** `(a,b)`. The empty value alone is written `(,)`; the API server reads `()` as the same, as one value that is empty (apimachinery, `labels.Parse`). */
const valueList = (values: ReadonlyArray<string>): string => {
  const list = values.join(",")
  return `(${list === "" ? "," : list})`
}

const queryOf = ({ key, operator, values = [] }: Requirement): string => {
  if (operator === "In") return `${key} in ${valueList(values)}`
  if (operator === "NotIn") return `${key} notin ${valueList(values)}`
  return operator === "Exists" ? key : `!${key}`
}

/** In the API's syntax (`labelSelector=`); empty for the selector that selects everything. */
export const toQuery = (selector: LabelSelector): string =>
  [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(queryOf),
  ].join(",")
