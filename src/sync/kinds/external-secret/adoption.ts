/**
 * Taking over, in place, an ExternalSecret that vCluster's own integration left on the host and that the operator has handed over.
 *
 * Its Secret has the name that vCluster gives to the copy of the tenant's Secret for pods, and vCluster deletes the tenant's when that copy
 * goes while a pod uses it (`pkg/controllers/resources/secrets/to_host_syncer.go`). ESO deletes a Secret that is the target no more
 * (`deleteOrphanedSecrets`), and Kubernetes one whose ExternalSecret goes. So ESO lets it go first, which is what its
 * `creationPolicy: Orphan` does, and only then gets the target of ours.
 */
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { mergePatch } from "../../../effects/client/merge-patch.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { recordAt, stringAt } from "../../../effects/client/unstructured.ts"
import { parseGoDuration } from "../../../effects/text/go-duration.ts"
import type { Decision, Verdict } from "../../engine/actions.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import { leftoverSecretKey } from "../../external-secrets/external-secret-caches.ts"
import { hostSecrets, hostUnmanagedSecrets } from "../../external-secrets/secret-caches.ts"
import { pendingVerdict } from "../../external-secrets/verdicts.ts"
import { esoCreatedByLabel } from "../../tenancy/labels.ts"
import { controllerOf } from "../../tenancy/ownership.ts"
import { isHandedOver, isLeftoverOf } from "../../tenancy/vcluster-leftover.ts"

export interface Leftover {
  readonly externalSecret: KubeObject
  /** The Secret that ESO made of it; undefined: there is none. */
  readonly secret: KubeObject | undefined
}

/** @param standing what stands on the host in the place of the copy */
export const observeLeftover = (
  standing: KubeObject | undefined,
  key: ObjectKey,
  caches: Caches,
  { tenancy }: SyncContext,
): Leftover | undefined => {
  if (standing === undefined || !isLeftoverOf(standing, key, tenancy) || !isHandedOver(standing)) return undefined
  const secretKey = leftoverSecretKey(standing)
  return {
    externalSecret: standing,
    secret: caches.of(hostSecrets).get(secretKey) ?? caches.of(hostUnmanagedSecrets).get(secretKey),
  }
}

const isHeldByOperator = (secret: KubeObject): boolean =>
  secret.metadata.labels?.[esoCreatedByLabel] !== undefined || controllerOf(secret)?.kind === "ExternalSecret"

const lettingGo = (externalSecret: KubeObject): KubeObject => {
  const spec = recordAt(externalSecret, "spec") ?? {}
  const target = { ...recordAt(spec, "target"), creationPolicy: "Orphan", deletionPolicy: "Retain" }
  return { ...externalSecret, spec: { ...spec, target } }
}

/** As ESO has it (`shouldRefresh`): whether a changed spec makes it look at the Secret. */
const isRefreshed = (externalSecret: KubeObject): boolean => {
  const policy = stringAt(externalSecret, "spec", "refreshPolicy") ?? ""
  if (policy === "CreatedOnce" || policy === "OnChange") return policy === "OnChange"
  return (parseGoDuration(stringAt(externalSecret, "spec", "refreshInterval") ?? "") ?? 1) > 0
}

/** Under this policy ESO never looks at the Secret again, whatever the spec says. */
const byHand = ({ metadata: { name, namespace } }: KubeObject): Verdict => ({
  ...pendingVerdict(
    "External Secrets Operator does not let the Secret on the host go, since it never refreshes this ExternalSecret",
    "HandOverPending",
  ),
  fix: {
    text: "to go on, though the value is fetched anew then: let the Secret go by hand, on the host",
    command: `kubectl patch secret ${name} -n ${namespace} --type=merge -p '{"metadata":{"labels":{"${esoCreatedByLabel}":null},"ownerReferences":null}}'`,
  },
})

export const beingTakenOver: Verdict = pendingVerdict(
  "it is being taken over from vCluster's own integration",
  "HandOverPending",
)

/** The tenant's Secret, while it bears ESO's mark of the ExternalSecret that it was made for on the host. */
export const markedTarget = ({
  standing,
  unmanaged,
}: Readonly<Record<"standing" | "unmanaged", KubeObject | undefined>>): KubeObject | undefined => {
  const there = standing ?? unmanaged
  return there?.metadata.labels?.[esoCreatedByLabel] === undefined ? undefined : there
}

/**
 * @param desired the copy as it should stand
 * @returns how the leftover should stand now, and what is told
 */
export const takeOver = (
  { externalSecret, secret }: Leftover,
  desired: KubeObject,
): { readonly wanted: KubeObject; readonly told: Omit<Decision, "actions"> } =>
  secret === undefined || !isHeldByOperator(secret)
    ? {
        wanted: desired,
        told: { verdict: beingTakenOver },
      }
    : {
        wanted: lettingGo(externalSecret),
        told: {
          verdict: isRefreshed(externalSecret)
            ? pendingVerdict("External Secrets Operator lets the Secret on the host go first", "HandOverPending")
            : byHand(secret),
        },
      }

const replaced = ({ metadata, ...object }: KubeObject): JsonRecord => ({
  metadata: {
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    ownerReferences: metadata.ownerReferences ?? [],
  },
  spec: object["spec"],
})

/** All that stands there goes but for what is wanted: the marks of the former integration, and the operator's word, too. */
export const takeOverPatch = (current: KubeObject, wanted: KubeObject): JsonRecord | undefined =>
  mergePatch(replaced(current), replaced(wanted))
