/** What the tests of the leader election share. */
import { assert } from "@effect/vitest"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { LeaseOptions } from "../../src/effects/leader-election/candidate.ts"
import { leaseResource, microTime } from "../../src/effects/leader-election/lease.ts"
import type { MemoryClient } from "./memory-client.ts"

export const leaseRef = { namespace: "team-x", name: "sync" }

export const leaseOptions = (client: MemoryClient, more: Partial<LeaseOptions> = {}): LeaseOptions => ({
  client,
  ...leaseRef,
  identity: "me",
  annotations: () => ({}),
  wait: false,
  ...more,
})

/** Somebody else's, with things in it that are not ours. */
export const theirLease = (renewTime: string, spec: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { ...leaseRef, labels: { team: "x" }, annotations: { theirs: "kept", empty: "", gone: "old" } },
  spec: {
    holderIdentity: "they",
    leaseDurationSeconds: 15,
    acquireTime: microTime(0),
    renewTime,
    leaseTransitions: 4,
    strategy: "OldestEmulationVersion",
    ...spec,
  },
})

export const storedLease = (client: MemoryClient): KubeObject =>
  client.stored(leaseResource, leaseRef) ?? assert.fail("there is no Lease")
