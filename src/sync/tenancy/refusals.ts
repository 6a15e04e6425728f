/**
 * A rule says no. The reason is stable (users alert on it), the message says what is refused, why, and what would be
 * accepted. Refusals are values, not failures: a refused object is a normal result of a decision.
 */
import { Data } from "effect"
import type { Fix } from "./object-health.ts"

export type RefusalReason =
  /** The spec does not have the shape that ESO's API gives it (possible where a tenant replaced the CRD). */
  | "InvalidSpec"
  /** A ClusterSecretStore that is not imported into this vCluster. */
  | "StoreNotImported"
  /** Stores of that kind are switched off in the settings. */
  | "StoreKindDisabled"
  /** The ClusterSecretStore's own conditions exclude the virtual namespace. */
  | "StoreConditionsNotMet"
  /** A provider that could turn the host against itself. */
  | "ProviderNotAllowed"
  /** A provider that the host's ESO does not have. */
  | "ProviderNotKnown"
  /** A provider would act with the credentials of the host's ESO. */
  | "AmbientCredentialsNotAllowed"
  | "AudienceNotAllowed"
  | "ReferenceOutsideNamespace"
  /** A ServiceAccount of the tenant's that vCluster does not bring to the host. */
  | "ServiceAccountNotSynced"
  | "GeneratorNotAllowed"
  | "ManifestTargetNotAllowed"
  | "TemplateTypeNotAllowed"
  /** Rendered text that would choose the keys of labels or annotations on the host. */
  | "TemplateTargetNotAllowed"
  /** A field that may lead somewhere we do not know. */
  | "UnknownReference"
  | "CreationPolicyNotSupported"
  /** Two virtual objects translate to one host name; the other one was first. */
  | "HostNameTaken"
  /** An object that is not ours stands on the host under the name that we need. */
  | "HostObjectNotOurs"
  /** An object of the tenant's stands in the virtual cluster under the name that an import needs. */
  | "VirtualObjectNotOurs"
  /** An ESO inside the virtual cluster reconciles the object. */
  | "ManagedByOtherOperator"
  /** One did, by all that is seen does not any more, and left its finalizer. */
  | "OtherOperatorSilent"
  /** What vCluster's own integration left on the host under the name that we need. */
  | "HostObjectOfVcluster"
  /** The host's API server (its validation, an admission webhook, a quota) does not take the host object. */
  | "RefusedByHost"
  /** The virtual Secret cannot be written (another controller owns it, it is immutable, admission denied it). */
  | "TargetSecretRefused"
  /** Somebody else keeps writing what is in the virtual Secret. */
  | "TargetSecretContested"
  /** vCluster itself imports a Secret of the host under the name of the virtual Secret. */
  | "TargetSecretImported"
  /** The virtual namespace is not mapped, and only mapped ones are synced. */
  | "NamespaceNotMapped"

export class Refusal extends Data.TaggedClass("Refusal")<{
  readonly reason: RefusalReason
  readonly message: string
  readonly fix?: Fix
}> {}

/**
 * @param rules in the order in which the tenant is told
 * @param judge asked of one after the other, and of none after the first that it refuses
 */
export const firstRefusal = <Rule>(
  rules: Iterable<Rule>,
  judge: (rule: Rule) => Refusal | undefined,
): Refusal | undefined => {
  for (const rule of rules) {
    const refusal = judge(rule)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
