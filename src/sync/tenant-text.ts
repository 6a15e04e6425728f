/** Host names and what the tenant knows them as: for the messages of ESO and of API servers that go back to the tenant. */
import type { KubeObject } from "../effects/kube-object.ts"
import { keyOf, objectKey } from "../effects/kube-object.ts"
import type { SyncContext } from "./context.ts"
import { referentNames } from "./reference-copies.ts"
import { translateText } from "./rules/conditions.ts"
import type { ExternalSecretSpec } from "./rules/external-secret-spec.ts"
import { storeReferences, targetName, templateReferences } from "./rules/external-secret-spec.ts"
import type { HostLocation } from "./rules/names.ts"
import { Refusal } from "./rules/refusals.ts"
import { referentsOf } from "./secret-store-situation.ts"

/** What is replaced first stands first: longer names before those that they contain. */
export type NamePairs = ReadonlyArray<readonly [host: string, virtual: string]>

const located = (location: HostLocation | undefined, namespace: string, name: string): NamePairs =>
  location === undefined
    ? []
    : [
        [keyOf(location.namespace, location.name), keyOf(namespace, name)],
        [location.name, name],
      ]

/** Quoted, as error messages have it: the bare word may be part of any other. */
const namespaces = (location: HostLocation, namespace: string): NamePairs => [
  [`"${location.namespace}"`, `"${namespace}"`],
]

const longestFirst = (pairs: NamePairs): NamePairs => pairs.toSorted(([left], [right]) => right.length - left.length)

/** Of a SecretStore. */
export const storeNames = (virtual: KubeObject, location: HostLocation, context: SyncContext): NamePairs => {
  const { name, namespace = "" } = virtual.metadata
  return longestFirst([
    ...referentNames(referentsOf(virtual, context), namespace, context),
    ...located(location, namespace, name),
    ...namespaces(location, namespace),
  ])
}

/** Of an ExternalSecret. @param hostSecret the Secret that ESO writes, beside the host object */
export const externalSecretNames = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  { location, hostSecret }: { readonly location: HostLocation; readonly hostSecret: string },
  context: SyncContext,
): NamePairs => {
  const { name, namespace = "" } = virtual.metadata
  const target = targetName(spec, name)
  return longestFirst([
    ...located({ namespace: location.namespace, name: hostSecret }, namespace, target),
    [keyOf(location.namespace, location.name), objectKey(virtual)],
    [location.name, name],
    ...referentNames(templateReferences(spec), namespace, context),
    ...storeReferences(spec).flatMap((ref) =>
      ref.kind === "SecretStore"
        ? located(context.locate({ metadata: { name: ref.name, namespace } }), namespace, ref.name)
        : [],
    ),
    ...namespaces(location, namespace),
  ])
}

export const translatedRefusal = (refusal: Refusal, pairs: NamePairs): Refusal =>
  new Refusal({ reason: refusal.reason, message: translateText(refusal.message, pairs) })
