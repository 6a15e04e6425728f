/** What a tenant and the operator read where ESO speaks of the host namespace (`field-cases.md` 15 and 16). */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import { testContext, World } from "../../../../model/world.ts"

const selector = {
  type: "object",
  properties: { name: { type: "string" }, key: { type: "string" }, namespace: { type: "string" } },
}

/** As much of the CRD's schema as says where a store's credentials are named. */
const schema = {
  type: "object",
  properties: {
    provider: { type: "object", properties: { aws: { type: "object", properties: { accessKeyID: selector } } } },
  },
}

const storeOf = (accessKeyID: object, conditions?: ReadonlyArray<object>): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "store" },
  spec: { provider: { aws: { accessKeyID } }, ...(conditions === undefined ? {} : { conditions }) },
})

/** ESO has looked at the copy, and complains. */
const complaining = (store: KubeObject, complaint: string) => {
  const world = new World(testContext({ hostSpecSchema: () => schema }))
  world.put("host", "ClusterSecretStore", store)
  world.put("virtual", "ExternalSecret", {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "app", namespace: "default" },
    spec: {
      secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
      data: [{ secretKey: "value", remoteRef: { key: "1" } }],
    },
  })
  const decide = () =>
    externalSecretKind.decide("default/app", world.caches(), world.context, { refusedWrite: undefined })
  for (const action of decide().actions) world.perform(action)
  const key = `team-x/${hostName("app", "default", "vc")}`
  const copy = world.get("host", "ExternalSecret", key)
  assert.isDefined(copy)
  const ready = { type: "Ready", status: "False", reason: "SecretSyncedError", message: "could not get secret data" }
  const { metadata } = world.put("host", "ExternalSecret", { ...copy, status: { conditions: [ready] } })
  world.put("host", "Event", {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "event", namespace: "team-x" },
    involvedObject: { kind: "ExternalSecret", name: metadata.name, namespace: "team-x", uid: metadata.uid },
    type: "Warning",
    reason: "UpdateFailed",
    message: complaint,
    source: { component: "external-secrets" },
    lastTimestamp: "2026-01-01T00:00:00Z",
  })
  return decide().verdict
}

const missing = 'cannot get Kubernetes secret "aws-creds" from namespace "team-x": secrets "aws-creds" not found'
const denied = 'using cluster store "store" is not allowed from namespace "team-x": denied by spec.condition'

describe("a credential that a ClusterSecretStore names without a namespace", () => {
  const verdict = complaining(storeOf({ name: "aws-creds", key: "id" }), missing)

  it("is not said to be missing in the tenant's namespace", () => {
    assert.include(verdict?.message, `"aws-creds" from this vCluster's host namespace`)
    assert.notInclude(verdict?.message, `"default"`)
  })

  it("is the operator's to provide, on the host", () => {
    assert.deepInclude(verdict?.fix, {
      command: "kubectl create secret generic aws-creds -n team-x --from-file=DIRECTORY",
      cluster: "host",
    })
    assert.include(verdict?.fix?.text, "host namespace team-x")
  })

  it("is not asked for because a provider's answer says so", () => {
    for (const store of [
      storeOf({ name: "aws-creds", key: "id", namespace: "vault" }),
      storeOf({ name: "x", key: "id" }),
    ])
      assert.notInclude(complaining(store, missing)?.fix?.command, "aws-creds")
  })
})

describe("a ClusterSecretStore whose conditions do not admit the host namespace", () => {
  const verdict = complaining(storeOf({}, [{ namespaces: ["default"] }]), denied)

  it("is told with both namespaces, and not with the tenant's in the place of the host's", () => {
    assert.include(
      verdict?.message,
      `for namespace "default" is not allowed from this vCluster's host namespace "team-x"`,
    )
  })

  it("is the operator's to mend, on the host", () => {
    assert.deepInclude(verdict?.fix, { command: "kubectl edit clustersecretstore store", cluster: "host" })
    assert.include(verdict?.fix?.text, "admit the host namespace team-x as well as namespace default")
  })

  it("is no other store than one that the spec draws on", () => {
    const other = denied.replace('"store"', '"other"')
    assert.notInclude(complaining(storeOf({}), other)?.fix?.command, "clustersecretstore")
  })
})
