/** The Lease object as client-go's leader election reads and writes it; pure, the time is given. */
import { Predicate } from "effect"
import type { KubeObject, OwnerReference } from "../client/kube-object.ts"
import { apiVersionOf, type Resource } from "../client/resource.ts"

export const leaseResource: Resource = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
}

export interface LeaseState {
  /** `""`: free. */
  readonly holder: string
  /** As the server gave it; `""` when absent. */
  readonly renewTime: string
  readonly leaseDurationMs: number | undefined
  readonly transitions: number
}

/** What every write of ours carries. */
export interface LeaseWrite {
  readonly identity: string
  readonly leaseDurationMs: number
  /** Merged into those that are there; a value `""` removes the key. */
  readonly annotations: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly now: number
}

const specOf = (lease: KubeObject): { readonly [field: PropertyKey]: unknown } =>
  Predicate.isReadonlyObject(lease["spec"]) ? lease["spec"] : {}

export const readLease = (lease: KubeObject): LeaseState => {
  const { holderIdentity, renewTime, leaseDurationSeconds, leaseTransitions } = specOf(lease)
  return {
    holder: Predicate.isString(holderIdentity) ? holderIdentity : "",
    renewTime: Predicate.isString(renewTime) ? renewTime : "",
    leaseDurationMs: Predicate.isNumber(leaseDurationSeconds) ? leaseDurationSeconds * 1000 : undefined,
    transitions: Predicate.isNumber(leaseTransitions) ? leaseTransitions : 0,
  }
}

/**
 * When the holder's right ends if it renews no more, by the holder's clock; 0 for a Lease that nobody holds or that was
 * never renewed. `otherwiseMs` is the duration of a Lease that names none.
 */
export const expiryOf = (lease: LeaseState, otherwiseMs: number): number => {
  const renewed = Date.parse(lease.renewTime)
  return lease.holder === "" || Number.isNaN(renewed) ? 0 : renewed + (lease.leaseDurationMs ?? otherwiseMs)
}

/** Kubernetes' MicroTime: RFC 3339 with exactly six decimals. */
export const microTime = (millis: number): string => new Date(millis).toISOString().replace("Z", "000Z")

const mergeAnnotations = (old: Readonly<Record<string, string>> | undefined, ours: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries({ ...old, ...ours }).filter(([key, value]) => !(value === "" && Object.hasOwn(ours, key))),
  )

const withSpec = (lease: KubeObject, write: LeaseWrite, spec: Readonly<Record<string, unknown>>): KubeObject => ({
  ...lease,
  metadata: { ...lease.metadata, annotations: mergeAnnotations(lease.metadata.annotations, write.annotations) },
  spec: { ...specOf(lease), ...spec },
})

/** `lease` with us as its holder: a renewal if we are that already, else a take-over. Everything unknown is kept. */
export const heldLease = (lease: KubeObject, write: LeaseWrite): KubeObject => {
  const { holder, transitions } = readLease(lease)
  const now = microTime(write.now)
  return withSpec(lease, write, {
    holderIdentity: write.identity,
    leaseDurationSeconds: Math.ceil(write.leaseDurationMs / 1000),
    renewTime: now,
    ...(holder === write.identity ? {} : { acquireTime: now, leaseTransitions: transitions + 1 }),
  })
}

/** A Lease that does not exist yet, with us as its first holder. */
export const newLease = (
  ref: { readonly namespace: string; readonly name: string },
  labels: Readonly<Record<string, string>> | undefined,
  write: LeaseWrite,
): KubeObject => {
  const metadata = { ...ref, ...(labels === undefined ? {} : { labels }) }
  const empty = { apiVersion: apiVersionOf(leaseResource), kind: leaseResource.kind, metadata }
  return withSpec(heldLease(empty, write), write, { leaseTransitions: 0 })
}

/** `lease` with these owners; with those that it has where none are given. */
export const withOwners = (lease: KubeObject, owners: ReadonlyArray<OwnerReference>): KubeObject =>
  owners.length === 0 ? lease : { ...lease, metadata: { ...lease.metadata, ownerReferences: owners } }

/** `lease` given back, as client-go does: no holder, and one second, since the API server refuses a duration of 0. */
export const releasedLease = (lease: KubeObject, write: LeaseWrite): KubeObject =>
  withSpec(lease, write, { holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(write.now) })

/**
 * Whether nobody held the Lease between a look at it and our taking it: it was free then (or ours), and has changed hands once, to us.
 *
 * @param seen before; undefined: there was none
 * @param held as we wrote it
 */
export const tookOverAsSeen = (seen: KubeObject | undefined, held: KubeObject, identity: string): boolean => {
  const now = readLease(held)
  if (now.holder !== identity) return false
  if (seen === undefined) return now.transitions === 0
  const before = readLease(seen)
  const sameLease = seen.metadata.uid !== undefined && seen.metadata.uid === held.metadata.uid
  if (before.holder === identity) return sameLease && now.transitions === before.transitions
  return sameLease && before.holder === "" && now.transitions === before.transitions + 1
}
