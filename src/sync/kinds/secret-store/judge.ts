/** What keeps a SecretStore of the tenant's from the host. */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { SyncContext } from "../../engine/context.ts"
import { hostNameConflict } from "../../external-secrets/host-name-conflict.ts"
import { referencesConflict } from "../../external-secrets/referents.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import type { Observed } from "./observe.ts"
import { judgeSecretStore } from "./policy.ts"

/** The rule that the spec breaks, if any. */
export const judgeSpec = (store: KubeObject, context: SyncContext): Refusal | undefined =>
  judgeSecretStore(store["spec"], {
    virtualNamespace: store.metadata.namespace ?? "",
    schema: context.hostSpecSchema("secretstores"),
    serviceAccounts: context.settings.serviceAccounts,
  })

type Check = (virtual: KubeObject, observed: Observed) => Refusal | undefined

const isAllowed: Check = (virtual, { context }) => judgeSpec(virtual, context)

const isMapped: Check = ({ metadata }, { context, onHost }) =>
  onHost === undefined
    ? new Refusal({ reason: "NamespaceNotMapped", message: context.whyNowhere(metadata.namespace ?? "") })
    : undefined

const nameIsFree: Check = ({ metadata }, { context, key, onHost }) =>
  onHost === undefined || onHost.isHandedOver
    ? undefined
    : hostNameConflict(
        "SecretStore",
        { key, called: `SecretStore ${metadata.name}` },
        onHost.location,
        onHost.standing,
        context.tenancy,
      )

const referencesNamesAreOurs: Check = ({ metadata }, { context, onHost }) =>
  referencesConflict(onHost?.references ?? [], metadata.namespace ?? "", context)

/** In the order in which the tenant is told: what the spec may ask for (`policy.ts`), its place, then the names that it needs there. */
const checks: ReadonlyArray<Check> = [isAllowed, isMapped, nameIsFree, referencesNamesAreOurs]

/** One that is not selected breaks none. */
export const judge = (observed: Observed): Refusal | undefined => {
  const { virtual } = observed
  if (virtual === undefined || !observed.isSelected) return undefined
  return firstRefusal(checks, (check) => check(virtual, observed))
}
