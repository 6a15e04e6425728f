/**
 * `spec.conditions` of a ClusterSecretStore: which namespaces may use it.
 *
 * On the host ESO evaluates them against the vCluster's host namespace. The operator who wrote them meant the namespace of
 * the ExternalSecret, so they must admit the virtual one as well (DESIGN §6). As in ESO, any one condition suffices, and
 * within a condition any one of its parts.
 */
import { Result } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { matches, parseLabelSelector } from "../../effects/client/label-selector.ts"
import { namespaceRegex } from "./namespace-regex.ts"
import { arrayAt, recordAt } from "../../effects/client/unstructured.ts"

interface Namespace {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

const selectorAdmits = (selector: unknown, namespace: Namespace): boolean =>
  selector !== undefined &&
  Result.match(parseLabelSelector(selector, "spec.conditions.namespaceSelector"), {
    onFailure: () => false,
    onSuccess: (parsed) => matches(parsed, namespace.labels),
  })

/** One that cannot be read admits nothing: the safe side. */
const regexAdmits = (pattern: unknown, name: string): boolean =>
  typeof pattern === "string" &&
  Result.match(namespaceRegex(pattern), { onFailure: () => false, onSuccess: (regex) => regex.test(name) })

/** What the operator should know of `spec.conditions`: the expressions that cannot be judged here, with their places. */
export const conditionProblems = (store: KubeObject): ReadonlyArray<string> =>
  arrayAt(store, "spec", "conditions").flatMap((condition, at) =>
    arrayAt(condition, "namespaceRegexes").flatMap((pattern, index) => {
      const read = typeof pattern === "string" ? namespaceRegex(pattern) : Result.fail("it is no text")
      return Result.isSuccess(read)
        ? []
        : [`spec.conditions[${at}].namespaceRegexes[${index}] cannot be judged: ${read.failure}`]
    }),
  )

const isAdmitted = (store: KubeObject, namespace: Namespace): boolean => {
  const conditions = arrayAt(store, "spec", "conditions")
  if (conditions.length === 0) return true
  return conditions.some(
    (condition) =>
      selectorAdmits(recordAt(condition, "namespaceSelector"), namespace) ||
      arrayAt(condition, "namespaces").includes(namespace.name) ||
      arrayAt(condition, "namespaceRegexes").some((pattern) => regexAdmits(pattern, namespace.name)),
  )
}

/** `unreadable`: the expression that might admit it, if it could be judged, and why it cannot. */
export type Admission = "admitted" | "not admitted" | { readonly unreadable: string }

/** Whether a store's conditions admit a namespace. Only what is admitted may use it. */
export const admissionOf = (store: KubeObject, namespace: Namespace): Admission => {
  if (isAdmitted(store, namespace)) return "admitted"
  const [unreadable] = conditionProblems(store)
  return unreadable === undefined ? "not admitted" : { unreadable }
}
