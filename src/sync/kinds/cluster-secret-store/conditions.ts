/**
 * `spec.conditions` of a ClusterSecretStore: which namespaces may use it.
 *
 * On the host ESO evaluates them against the vCluster's host namespace. The operator who wrote them meant the namespace of
 * the ExternalSecret, so they must admit the virtual one as well (DESIGN §6). As in ESO, any one condition suffices, and
 * within a condition any one of its parts.
 */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { matches, parseLabelSelector } from "../../tenancy/label-selector.ts"
import { arrayAt, recordAt } from "../../../effects/client/unstructured.ts"

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

/** An expression that JavaScript cannot compile admits nothing: the safe side, and ESO's webhook rejects most of them. */
const regexAdmits = (pattern: unknown, name: string): boolean => {
  if (typeof pattern !== "string") return false
  return Result.match(
    Result.try(() => new RegExp(pattern, "u")),
    { onFailure: () => false, onSuccess: (regex) => regex.test(name) },
  )
}

export const conditionsAdmit = (store: KubeObject, namespace: Namespace): boolean => {
  const conditions = arrayAt(store, "spec", "conditions")
  if (conditions.length === 0) return true
  return conditions.some(
    (condition) =>
      selectorAdmits(recordAt(condition, "namespaceSelector"), namespace) ||
      arrayAt(condition, "namespaces").includes(namespace.name) ||
      arrayAt(condition, "namespaceRegexes").some((pattern) => regexAdmits(pattern, namespace.name)),
  )
}
