/** The spec of a SecretStore, in the tenant's names, on which both sides last agreed: it stands on the host copy. */
import { Result } from "effect"
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import { valueAt } from "../../effects/client/unstructured.ts"
import type { SyncContext } from "../engine/context.ts"
import { acceptedAnnotation, baseAnnotation } from "../tenancy/labels.ts"
import type { Referent } from "./referents.ts"
import { readBase } from "./base.ts"
import { referentsOf } from "./store-references.ts"

const parsed = (text: string | undefined): unknown =>
  text === undefined ? undefined : Result.getOrUndefined(Result.try((): unknown => JSON.parse(text)))

/** @param host the copy */
export const baseOf = (host: KubeObject): JsonRecord | undefined => {
  const text = host.metadata.annotations?.[baseAnnotation]
  return text === undefined ? undefined : readBase(text)
}

/** `metadata.generation` of the virtual store from which that came. */
export const agreedGeneration = (host: KubeObject): number | undefined => {
  const generation = valueAt(parsed(host.metadata.annotations?.[acceptedAnnotation]), "generation")
  return typeof generation === "number" ? generation : undefined
}

/** What it refers to. */
export const agreedReferents = (host: KubeObject, context: SyncContext): ReadonlyArray<Referent> => {
  const base = baseOf(host)
  return base === undefined ? [] : referentsOf({ ...host, spec: base }, context)
}
