/** What only the operator can mend, where ESO on the host complains of the host namespace: the tenant has no way there. */
import { Result } from "effect"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { splitKey } from "../../../effects/client/kube-object.ts"
import { newestWarning } from "../../external-secrets/operator-event.ts"
import { readyCondition } from "../../tenancy/conditions.ts"
import { hostSentences, unquoted } from "../../tenancy/eso-messages.ts"
import type { Fix } from "../../tenancy/object-health.ts"
import { findReferences } from "../../tenancy/references.ts"
import type { Observed } from "./observe.ts"
import { importedStores } from "./policy.ts"

/** The imported stores that the spec draws on. */
const storesOf = ({ asked }: Observed): ReadonlyArray<KubeObject> => {
  const wish = asked === undefined ? undefined : Result.getOrUndefined(asked)
  return wish === undefined ? [] : importedStores(wish.surroundings)
}

/** A store's credential that is named without a namespace is looked for beside the ExternalSecret that uses it. */
const namesWithoutNamespace = (store: KubeObject, secret: string, { context }: Observed): boolean =>
  findReferences(context.hostSpecSchema("clustersecretstores"), store["spec"]).references.some(
    ({ kind, name, namespace }) => kind === "Secret" && name === secret && namespace === undefined,
  )

const admit = (store: string, hostNamespace: string, namespace: string): Fix => ({
  text: `the operator lets spec.conditions of ClusterSecretStore ${store} on the host admit the host namespace ${hostNamespace} as well as namespace ${namespace}`,
  command: `kubectl edit clustersecretstore ${store}`,
  cluster: "host",
})

const provide = (store: string, secret: string, hostNamespace: string): Fix => ({
  text: `the operator makes Secret ${secret} in the host namespace ${hostNamespace}, with the keys that ClusterSecretStore ${store} names (without a namespace, so it is looked for there)`,
  command: `kubectl create secret generic ${secret} -n ${hostNamespace} --from-file=DIRECTORY`,
  cluster: "host",
})

/** Of one sentence of ESO's. */
const fixOf = (
  groups: Readonly<Record<string, string | undefined>>,
  hostNamespace: string,
  observed: Observed,
): Fix | undefined => {
  const { deniedStore, deniedFrom, secret, lookedForIn } = groups
  if ((deniedFrom ?? lookedForIn) !== hostNamespace) return undefined
  const name = unquoted(deniedStore ?? secret ?? "")
  const store = storesOf(observed).find((imported) =>
    deniedStore === undefined ? namesWithoutNamespace(imported, name, observed) : imported.metadata.name === name,
  )
  if (store === undefined) return undefined
  return deniedStore === undefined
    ? provide(store.metadata.name, name, hostNamespace)
    : admit(store.metadata.name, hostNamespace, splitKey(observed.key).namespace ?? "")
}

/**
 * A provider's answer may hold any words: what ESO seems to say counts only as far as it is about a store that the spec draws on, and that
 * the operator has written so.
 *
 * @returns undefined where ESO complains of something else
 */
export const operatorFix = (
  copy: KubeObject,
  heard: ReadonlyArray<KubeObject>,
  observed: Observed,
): Fix | undefined => {
  const ready = readyCondition(copy)
  if (ready === undefined || ready.status === "True") return undefined
  const said = `${ready.message}\n${newestWarning(heard, copy)?.message ?? ""}`
  for (const { groups = {} } of said.matchAll(hostSentences)) {
    const fix = fixOf(groups, copy.metadata.namespace ?? "", observed)
    if (fix !== undefined) return fix
  }
  return undefined
}
