/** Where copies stand on the host: what an ExternalSecret, a SecretStore and a Secret are called there. */
import type { KubeObject, ObjectKey } from "../../effects/client/kube-object.ts"
import { keyOf } from "../../effects/client/kube-object.ts"
import type { SyncContext } from "../engine/context.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"
import { creationPolicyOf, fetchesOnce, targetName } from "./external-secret-spec.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import type { HostLocation } from "../tenancy/names.ts"
import { formerMergeSecretName, formerSecretName, hostName } from "../tenancy/names.ts"

export interface HostPlace {
  readonly location: HostLocation
  /** The hidden Secret that ESO writes. */
  readonly hostSecret: string
}

/** For indexes: where the copy of a virtual object stands on the host; nowhere where its namespace has no place there. */
export const copyKeys = (virtual: Pick<KubeObject, "metadata">, context: SyncContext): ReadonlyArray<ObjectKey> => {
  const location = context.locate(virtual)
  return location === undefined ? [] : [keyOf(location.namespace, location.name)]
}

const formerHostSecretOf = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  { tenancy }: SyncContext,
): string => {
  const { name, namespace = "" } = virtual.metadata
  if (creationPolicyOf(spec) === "Merge") return formerMergeSecretName(location.name)
  const target = targetName(spec, name)
  const isMapped = location.namespace !== tenancy.hostNamespace
  return formerSecretName(isMapped ? target : hostName(target, namespace, tenancy.vcluster))
}

/**
 * Name of the Secret that ESO writes on the host for a virtual ExternalSecret. A value that ESO would not fetch again stays in the
 * Secret that version 0.1 named: under another name ESO would fetch one.
 *
 * @param copy what stands on the host for it, if anything does
 */
export const hostSecretOf = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  context: SyncContext,
  copy?: KubeObject,
): string => {
  const { name, namespace = "" } = virtual.metadata
  const former =
    copy !== undefined && fetchesOnce(spec) ? formerHostSecretOf(virtual, spec, location, context) : undefined
  if (former !== undefined && stringAt(copy, "spec", "target", "name") === former) return former
  return creationPolicyOf(spec) === "Merge"
    ? context.mergeSecretName(name, namespace)
    : context.hostSecretName(targetName(spec, name), namespace)
}

/** For indexes: the names that it may have. */
export const hostSecretKeys = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
  location: HostLocation,
  context: SyncContext,
): ReadonlyArray<ObjectKey> =>
  [
    hostSecretOf(virtual, spec, location, context),
    ...(fetchesOnce(spec) ? [formerHostSecretOf(virtual, spec, location, context)] : []),
  ].map((name) => keyOf(location.namespace, name))
