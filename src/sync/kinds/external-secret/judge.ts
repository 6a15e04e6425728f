/** What keeps an ExternalSecret from the host. */
import { Result } from "effect"
import { hostNameConflict, isGoing, stillThere } from "../../external-secrets/host-name-conflict.ts"
import { hasOperatorsFinalizer, otherOperator } from "../../external-secrets/other-operator.ts"
import { keyOf } from "../../../effects/client/kube-object.ts"
import { creationPolicyOf } from "../../external-secrets/external-secret-spec.ts"
import { referencesConflict } from "../../external-secrets/referents.ts"
import { controllerOf, originOf } from "../../tenancy/ownership.ts"
import { firstRefusal, Refusal } from "../../tenancy/refusals.ts"
import type { Observed } from "./observe.ts"
import type { Asked, OnHost } from "./observe-asked.ts"
import { judgeSpec } from "./policy.ts"

type Check = (asked: Asked, observed: Observed) => Refusal | undefined

const isAllowed: Check = ({ spec, surroundings }) => judgeSpec(spec, surroundings)

const isMapped: Check = ({ onHost, virtual }, { context }) =>
  onHost === undefined
    ? new Refusal({ reason: "NamespaceNotMapped", message: context.whyNowhere(virtual.metadata.namespace ?? "") })
    : undefined

/** vCluster would write the whole of it again whenever we have written (measured: it takes our keys and our label off). */
const targetIsNotImported: Check = ({ spec, target, virtual }, { context }) => {
  const wanted = keyOf(virtual.metadata.namespace, target.name)
  const mapping = context.settings.importedSecrets.find((each) => each.virtual === wanted)
  return mapping === undefined || creationPolicyOf(spec) === "None"
    ? undefined
    : new Refusal({
        reason: "TargetSecretImported",
        message: `Secret ${wanted} is one that vCluster itself imports from the host (sync.fromHost.secrets.mappings.byName: ${JSON.stringify(mapping.host)}); choose another spec.target.name`,
      })
}

const onHost =
  (check: (onHost: OnHost, asked: Asked, observed: Observed) => Refusal | undefined): Check =>
  (asked, observed) =>
    asked.onHost === undefined ? undefined : check(asked.onHost, asked, observed)

const nameIsFree = onHost(({ place, externalSecret, leftover }, _asked, { context, key }) =>
  leftover !== undefined
    ? undefined
    : hostNameConflict(
        "ExternalSecret",
        { key, called: "this ExternalSecret" },
        place.location,
        externalSecret,
        context.tenancy,
      ),
)

/**
 * ESO would take over a Secret that nobody controls, and put its label on one that another controller has: so we look before
 * it does. ESO knows its own Secrets by the controller's name (`externalsecret_controller.go`), and so do we.
 */
const secretsNameIsFree = onHost(({ place, secret, secretsMaker }, _asked, { context, key }) => {
  if (secret === undefined) return undefined
  const controller = controllerOf(secret)
  if (controller?.kind === "ExternalSecret" && controller.name === place.location.name) return undefined
  const origin = secretsMaker === undefined ? undefined : originOf(secretsMaker, context.tenancy)
  if (origin?.key === key) return undefined
  const made = `Secret ${place.hostSecret} on the host, made for ${origin === undefined ? "an ExternalSecret that is gone" : `ExternalSecret ${origin.key}`},`
  // Its maker is gone, or going: Kubernetes collects the Secret.
  if (controller?.kind === "ExternalSecret" && (secretsMaker === undefined || isGoing(secretsMaker)))
    return new Refusal({ reason: "HostNameTaken", message: stillThere(made) })
  return new Refusal(
    origin === undefined
      ? {
          reason: "HostObjectNotOurs",
          message: `the host already has a Secret ${place.hostSecret} that no ExternalSecret of this vCluster made; choose another spec.target.name`,
        }
      : {
          reason: "HostNameTaken",
          message: `ExternalSecret ${origin.key} already has the target that spec.target.name translates to on the host; choose another spec.target.name`,
        },
  )
})

/** The SecretStores that a spec draws on: ours must stand on the host under their names, and nobody else's. */
const storesNamesAreOurs = onHost(({ stores }, _asked, { context }) =>
  firstRefusal(stores, ({ key, name, location, host }) =>
    hostNameConflict("SecretStore", { key, called: `SecretStore ${name}` }, location, host, context.tenancy),
  ),
)

const referencesNamesAreOurs = onHost(({ references }, { virtual }, { context }) =>
  referencesConflict(references, virtual.metadata.namespace ?? "", context),
)

/** In the order in which the tenant is told: what the spec may ask for, its place, then the names that it needs there. */
const checks: ReadonlyArray<Check> = [
  isAllowed,
  targetIsNotImported,
  isMapped,
  nameIsFree,
  secretsNameIsFree,
  storesNamesAreOurs,
  referencesNamesAreOurs,
]

/** Of one that is not selected, only whether it is another operator's. */
export const judge = (observed: Observed): Refusal | undefined => {
  const { asked, context, virtual } = observed
  const other =
    virtual !== undefined && hasOperatorsFinalizer(virtual)
      ? otherOperator(virtual, Date.parse(context.now()))
      : undefined
  if (other !== undefined || asked === undefined) return other
  if (Result.isFailure(asked)) return asked.failure
  return firstRefusal(checks, (check) => check(asked.success, observed))
}
