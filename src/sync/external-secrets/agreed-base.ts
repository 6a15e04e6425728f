/** The spec of a SecretStore, in the tenant's names, on which both sides last agreed: it stands on the host copy. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { JsonRecord } from "../../effects/client/unstructured.ts"
import type { SyncContext } from "../engine/context.ts"
import { baseAnnotation } from "../tenancy/labels.ts"
import type { Referent } from "./referents.ts"
import { readBase } from "./base.ts"
import { referentsOf } from "./store-references.ts"

/** @param host the copy */
export const baseOf = (host: KubeObject): JsonRecord | undefined => {
  const text = host.metadata.annotations?.[baseAnnotation]
  return text === undefined ? undefined : readBase(text)
}

/** What it refers to. */
export const agreedReferents = (host: KubeObject, context: SyncContext): ReadonlyArray<Referent> => {
  const base = baseOf(host)
  return base === undefined ? [] : referentsOf({ ...host, spec: base }, context)
}
