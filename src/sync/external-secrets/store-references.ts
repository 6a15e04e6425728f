/** What a SecretStore of the tenant's refers to. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import type { SyncContext } from "../engine/context.ts"
import type { Referent } from "./referents.ts"
import { findReferences } from "../tenancy/references.ts"

/** The Secrets and ConfigMaps that it refers to. */
export const referentsOf = (store: KubeObject, context: SyncContext): ReadonlyArray<Referent> =>
  findReferences(context.hostSpecSchema("secretstores"), store["spec"]).references.flatMap(({ path, kind, name }) =>
    kind === "ServiceAccount" || name === "" ? [] : [{ path, kind, name }],
  )
