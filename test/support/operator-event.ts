/** An event of the host as ESO's recorder writes it (client-go, tools/record), for tests over Maps. */
import type { KubeObject } from "../../src/effects/client/kube-object.ts"

/** A second of one minute, RFC 3339. */
export const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`

export const eventOn = (copy: KubeObject, name: string, fields: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace: "team-x" },
  involvedObject: {
    apiVersion: copy.apiVersion,
    kind: copy.kind,
    name: copy.metadata.name,
    namespace: copy.metadata.namespace,
    uid: copy.metadata.uid,
  },
  type: "Warning",
  reason: "UpdateFailed",
  message: "no such key",
  source: { component: "external-secrets" },
  firstTimestamp: at(1),
  lastTimestamp: at(1),
  count: 1,
  ...fields,
})
