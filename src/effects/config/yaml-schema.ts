/** A YAML tree as a Schema wants it: the value, and everything that is wrong, each with its place. */
import { Predicate, Result, Schema, SchemaAST, type SchemaIssue, SchemaParser } from "effect"
import { describeValue } from "../text/problem-text.ts"
import { formatPath } from "../text/value-path.ts"
import { nearestEntry, plainValue } from "./yaml-position.ts"
import type { Position, PositionedProblem, YamlPath, YamlTree } from "./yaml-position.ts"

/** A key that the Schema does not name. Whether that is a mistake is the caller's business. */
export interface UnknownKey {
  readonly at: Position
  /** To the map that has it. */
  readonly path: YamlPath
  readonly key: string
  /** Those that the Schema names there, but for {@link superseded} ones. */
  readonly known: ReadonlyArray<string>
  /** The Schema of that map. */
  readonly schema: SchemaAST.AST
}

export interface WrongValue extends PositionedProblem {
  readonly at: Position
  readonly path: YamlPath
}

export interface Decoded<A> {
  /** Without what is wrong: what is left out has its default. */
  readonly value: A
  readonly unknownKeys: ReadonlyArray<UnknownKey>
  readonly wrongValues: ReadonlyArray<WrongValue>
}

/** On a key of a Schema: read, but never suggested. */
export const superseded = { superseded: true }

/** What a Schema's own rule says of a place. Without `atKey`, messages name the path before it. */
export interface Complaint {
  readonly message: string
  /** The last key of the path is at fault, not its value. */
  readonly atKey?: boolean
}

interface Leaf {
  readonly path: YamlPath
  readonly issue: SchemaIssue.Issue
}

const leavesOf = (issue: SchemaIssue.Issue, path: YamlPath): ReadonlyArray<Leaf> => {
  switch (issue._tag) {
    case "Pointer":
      return leavesOf(issue.issue, [
        ...path,
        ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step)),
      ])
    case "Filter":
    case "Encoding":
      return leavesOf(issue.issue, path)
    case "Composite":
    case "AnyOf":
      return issue.issues.length === 0 ? [{ path, issue }] : issue.issues.flatMap((inner) => leavesOf(inner, path))
    default:
      return [{ path, issue }]
  }
}

/** Of `NullOr`, which stands for "may be left out". */
const withoutNull = (ast: SchemaAST.AST): SchemaAST.AST =>
  SchemaAST.isUnion(ast) ? (ast.types.find((type) => !SchemaAST.isNull(type)) ?? ast) : ast

const names: Partial<Record<SchemaAST.AST["_tag"], string>> = {
  Boolean: "true or false",
  String: "a string",
  Number: "a number",
  Objects: "a map",
  Arrays: "a list",
}

/** Quotes make any text of a number; they do not make it a text of a certain form. */
const wantsAnyText = (ast: SchemaAST.AST): boolean => SchemaAST.isString(ast) && ast.checks === undefined

const typeMessage = (ast: SchemaAST.AST, found: YamlTree): string => {
  const what = found.kind === "scalar" ? describeValue(found.value) : `a ${found.kind}`
  const quotable = wantsAnyText(ast) && found.kind === "scalar" && found.value !== null
  return `expected ${names[ast._tag] ?? "something else"}, found ${what}${quotable ? "; put it in quotes" : ""}`
}

const complaintOf = (issue: SchemaIssue.Issue, found: YamlTree): Complaint => {
  if (issue._tag === "InvalidValue") {
    const { message, atKey } = issue.annotations ?? {}
    return { message: typeof message === "string" ? message : "is not valid", atKey: atKey === true }
  }
  return { message: "ast" in issue ? typeMessage(withoutNull(issue.ast), found) : "is missing" }
}

const wrongValue = (tree: YamlTree, { path, issue }: Leaf): WrongValue => {
  const { keyAt, value } = nearestEntry(tree, path)
  const { message, atKey = false } = complaintOf(issue, value)
  const place = atKey || path.length === 0 ? "" : `${formatPath(path)}: `
  return { path, at: atKey ? keyAt : value.at, message: `${place}${message}` }
}

const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.PropertySignature> => {
  const map = withoutNull(ast)
  return SchemaAST.isObjects(map) ? map.propertySignatures : []
}

const isSuperseded = ({ type }: SchemaAST.PropertySignature): boolean =>
  type.context?.annotations?.["superseded"] === true

const unknownKey = (tree: YamlTree, path: YamlPath, ast: SchemaAST.AST): UnknownKey => ({
  at: nearestEntry(tree, path).keyAt,
  path: path.slice(0, -1),
  key: String(path.at(-1)),
  known: fieldsOf(ast)
    .filter((field) => !isSuperseded(field))
    .map(({ name }) => String(name)),
  schema: ast,
})

const groupedByStep = (paths: ReadonlyArray<YamlPath>): ReadonlyMap<YamlPath[number], ReadonlyArray<YamlPath>> => {
  const groups = new Map<YamlPath[number], Array<YamlPath>>()
  for (const [step, ...rest] of paths)
    if (step !== undefined) {
      const group = groups.get(step)
      if (group === undefined) groups.set(step, [rest])
      else group.push(rest)
    }
  return groups
}

/** Leaves out what stands at the paths; a value in an item of a list takes the item with it. */
const without = (value: unknown, paths: ReadonlyArray<YamlPath>): unknown => {
  const groups = groupedByStep(paths)
  if (Array.isArray(value)) return value.filter((_item, index) => !groups.has(index))
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const below = groups.get(key)
      if (below === undefined) return [[key, inner] as const]
      return below.some(({ length }) => length === 0) ? [] : [[key, without(inner, below)] as const]
    }),
  )
}

/**
 * What is wrong is left out, and the rest read.
 *
 * @param schema whose maps and lists may all be empty; of another one there may be no rest, and it throws
 */
export const decodeYaml = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  tree: YamlTree,
): Decoded<S["Type"]> => {
  const plain = plainValue(tree) ?? {}
  const decoded = SchemaParser.decodeResult(schema, { errors: "all", onExcessProperty: "error" })(plain)
  if (Result.isSuccess(decoded)) return { value: decoded.success, unknownKeys: [], wrongValues: [] }
  const leaves = leavesOf(decoded.failure, [])
  const wrong = leaves.filter(({ issue }) => issue._tag !== "UnexpectedKey")
  const wrongPaths = wrong.map(({ path }) => path)
  return {
    value: Schema.decodeUnknownSync(schema)(Predicate.isObject(plain) ? without(plain, wrongPaths) : {}),
    unknownKeys: leaves.flatMap(({ path, issue }) =>
      issue._tag === "UnexpectedKey" ? [unknownKey(tree, path, issue.ast)] : [],
    ),
    wrongValues: wrong.map((leaf) => wrongValue(tree, leaf)),
  }
}

const leafPaths = (ast: SchemaAST.AST, path: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const fields = fieldsOf(ast)
  return fields.length === 0 ? [path] : fields.flatMap(({ name, type }) => leafPaths(type, [...path, String(name)]))
}

/** Paths of all values that a Schema of maps names. */
export const settingPaths = (schema: Schema.Constraint): ReadonlyArray<ReadonlyArray<string>> =>
  leafPaths(SchemaAST.toEncoded(schema.ast), [])

const isWithin = (place: YamlPath, path: YamlPath): boolean => path.every((step, index) => place[index] === step)

/** Something at the path, or below it, is wrong. */
export const isWrong = ({ wrongValues }: Pick<Decoded<unknown>, "wrongValues">, path: YamlPath): boolean =>
  wrongValues.some((wrong) => isWithin(wrong.path, path))

/**
 * The items of a decoded list, each with its place in the text: what is left out before it counts there.
 *
 * @param path to a list that is in no other list
 */
export const itemsInText = <A>(
  { wrongValues }: Pick<Decoded<unknown>, "wrongValues">,
  path: YamlPath,
  items: ReadonlyArray<A>,
): ReadonlyArray<readonly [index: number, item: A]> => {
  const leftOut = new Set(
    wrongValues.filter((wrong) => isWithin(wrong.path, path)).map((wrong) => wrong.path[path.length]),
  )
  let next = 0
  return items.map((item) => {
    while (leftOut.has(next)) next += 1
    const index = next
    next += 1
    return [index, item] as const
  })
}
