import { acceptedAnnotations } from "../../../../../src/sync/external-secrets/accepted.ts"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../../src/effects/client/kube-object.ts"
import type { HostSide } from "../../../../../src/sync/kinds/external-secret/to-host.ts"
import { desiredHostExternalSecret, toHost } from "../../../../../src/sync/kinds/external-secret/to-host.ts"
import { decodeSpec } from "../../../../../src/sync/external-secrets/external-secret-spec.ts"
import { recordAt, valueAt } from "../../../../../src/effects/client/unstructured.ts"
import { metadataHash } from "../../../../../src/sync/tenancy/host-metadata.ts"
import { applyMergePatch } from "../../../../../src/effects/client/merge-patch.ts"
import { writtenAnnotation } from "../../../../../src/sync/tenancy/labels.ts"

const service: KubeObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "vc", namespace: "team-x", uid: "svc" },
}

const host: HostSide = {
  tenancy: { vcluster: "vc", hostNamespace: "team-x", virtualCluster: "cluster-uid" },
  version: "v1",
  schema: {
    type: "object",
    properties: {
      refreshInterval: { type: "string", default: "1h" },
      secretStoreRef: { type: "object", properties: { name: { type: "string" }, kind: { type: "string" } } },
      target: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  },
  names: { store: (name, namespace) => `${name}-x-${namespace}-x-vc`, reference: (name) => `${name}.ref` },
  service,
}

const virtual = (spec: object, metadata: object = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod", uid: "uid-1", ...metadata },
  spec,
})

const location = { namespace: "team-x", name: "db-x-prod-x-vc" }

const desiredOf = (object: KubeObject, side = host) =>
  desiredHostExternalSecret(
    object,
    Result.match(decodeSpec(object["spec"]), {
      onSuccess: (spec) => spec,
      onFailure: ({ message }) => assert.fail(message),
    }),
    location,
    "db-x-prod-x-vc.es",
    side,
  )

const plain = virtual({ secretStoreRef: { name: "store" } })
const stored = (object: KubeObject, metadata: object = {}): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, uid: "host-uid", resourceVersion: "7", ...metadata },
})

describe("desiredHostExternalSecret", () => {
  it("is known again while nothing that it is made of changes", () => {
    const object = virtual({ secretStoreRef: { name: "store" } })
    assert.strictEqual(desiredOf(object), desiredOf(object))
    const moved = desiredHostExternalSecret(object, {}, { namespace: "other", name: "db" }, "db.es", host)
    assert.deepStrictEqual([moved.metadata.namespace, moved.metadata.name], ["other", "db"])
    assert.deepStrictEqual(moved["spec"], { target: { name: "db.es", creationPolicy: "Owner" } })
    const orphaned = desiredOf(object, { ...host, service: undefined })
    assert.deepStrictEqual(orphaned.metadata.ownerReferences, [])
    const other = desiredOf(object, { ...host, tenancy: { ...host.tenancy, virtualCluster: "another" } })
    assert.strictEqual(other.metadata.annotations?.["vcluster-es.io/virtual-cluster"], "another")
  })

  it("has our metadata and no key of the tenant's (cases 3, 12, 13, 18)", () => {
    const metadata = {
      labels: { team: "a", app: "web", owner: "helm", "vcluster-es.io/managed-by": "other" },
      annotations: { note: "x", "vcluster-es.io/virtual-name": "victim", "vcluster.loft.sh/object-name": "y" },
      finalizers: ["a/b"],
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "1", controller: true }],
      generateName: "db-",
      managedFields: [{}],
      deletionGracePeriodSeconds: 3,
    }
    const desired = desiredOf(virtual({}, metadata))
    assert.deepStrictEqual(desired.metadata, {
      ...location,
      labels: { "vcluster-es.io/managed-by": "vc" },
      annotations: {
        "vcluster-es.io/metadata-hash": metadataHash(virtual({}, metadata)),
        "vcluster-es.io/vcluster": "vc",
        "vcluster-es.io/vcluster-namespace": "team-x",
        "vcluster-es.io/virtual-cluster": "cluster-uid",
        "vcluster-es.io/virtual-namespace": "prod",
        "vcluster-es.io/virtual-name": "db",
        "vcluster-es.io/virtual-uid": "uid-1",
        ...acceptedAnnotations(virtual({}, metadata), {}),
        [writtenAnnotation]: desired.metadata.annotations?.[writtenAnnotation] ?? "none",
      },
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "vc", uid: "svc", controller: false }],
    })
  })

  const policies: ReadonlyArray<readonly [tenants: string | undefined, hosts: string]> = [
    [undefined, "Owner"],
    ["Owner", "Owner"],
    ["Orphan", "Owner"],
    ["None", "None"],
  ]
  for (const [tenants, hosts] of policies)
    it(`creationPolicy ${tenants ?? "unset"} is ${hosts} on the host, with the hidden Secret as target`, () => {
      const target = {
        name: "mine",
        deletionPolicy: "Retain",
        ...(tenants === undefined ? {} : { creationPolicy: tenants }),
      }
      assert.deepStrictEqual(recordAt(desiredOf(virtual({ target })), "spec", "target"), {
        name: "db-x-prod-x-vc.es",
        deletionPolicy: "Retain",
        creationPolicy: hosts,
      })
    })

  it("a template keeps data; its labels and annotations stay in the virtual cluster", () => {
    const metadata = {
      labels: { a: "b", app: "x", "vcluster.loft.sh/managed-by": "vc" },
      annotations: { c: "d", "vcluster-es.io/vcluster": "other" },
      finalizers: ["a/b"],
      ownerReferences: [{}],
    }
    const template = { type: "Opaque", data: { x: "{{ .y }}" }, metadata }
    assert.deepStrictEqual(recordAt(desiredOf(virtual({ target: { template } })), "spec", "target", "template"), {
      type: "Opaque",
      data: { x: "{{ .y }}" },
      metadata: { annotations: { "vcluster-es.io/metadata-hash": metadataHash(plain, metadata) } },
    })
  })
})

describe("toHost", () => {
  it("an annotation of the tenant's, such as force-sync, is one patch of two annotations of ours", () => {
    const touched = virtual({ secretStoreRef: { name: "store" } }, { annotations: { "force-sync": "1" } })
    const [action, ...more] = toHost(desiredOf(touched), stored(desiredOf(plain)), touched, host)
    assert.deepStrictEqual(more, [])
    assert.deepInclude(action, {
      _tag: "Patch",
      patch: {
        metadata: {
          annotations: {
            "vcluster-es.io/metadata-hash": metadataHash(touched),
            [writtenAnnotation]: desiredOf(touched).metadata.annotations?.[writtenAnnotation],
          },
        },
      },
    })
  })

  it("what an earlier version carried goes", () => {
    const former = stored(desiredOf(plain), {
      labels: { ...desiredOf(plain).metadata.labels, grafana_datasource: "1" },
    })
    assert.deepInclude(toHost(desiredOf(plain), former, plain, host)[0], {
      patch: { metadata: { labels: { grafana_datasource: null } } },
    })
  })

  it("creates by POST, which fails where somebody stands", () => {
    const [action] = toHost(desiredOf(plain), undefined, plain, host)
    assert.deepInclude(action, { _tag: "Create", side: "host" })
  })

  it("writes nothing where the meaning is the same: defaults, Go's spelling, the order of keys", () => {
    const current = stored({
      ...desiredOf(plain),
      spec: { refreshInterval: "1h0m0s", ...recordAt(desiredOf(plain), "spec") },
    })
    assert.deepStrictEqual(toHost(desiredOf(plain), current, plain, host), [])
  })

  const edits: ReadonlyArray<readonly [what: string, edited: KubeObject]> = [
    ["another spec", stored({ ...desiredOf(plain), spec: { secretStoreRef: { name: "other" }, target: {} } })],
    ["foreign labels", stored(desiredOf(plain), { labels: { by: "hand" } })],
    ["no owner", stored(desiredOf(plain), { ownerReferences: [] })],
  ]
  for (const [what, edited] of edits)
    it(`puts right what was edited, of exactly what was looked at: ${what}`, () => {
      const [action, ...more] = toHost(desiredOf(plain), edited, plain, host)
      assert.deepStrictEqual(more, [])
      assert.strictEqual(action?._tag, "Patch")
      if (action?._tag !== "Patch") return
      assert.strictEqual(action.current, edited)
      const patched = applyMergePatch(edited, action.patch)
      assert.deepStrictEqual(valueAt(patched, "spec"), desiredOf(plain)["spec"])
      assert.deepInclude(recordAt(patched, "metadata"), { ...desiredOf(plain).metadata })
    })

  it("keeps the owner while the Service is away", () => {
    const away = { ...host, service: undefined }
    assert.deepStrictEqual(toHost(desiredOf(plain, away), stored(desiredOf(plain)), plain, away), [])
  })

  it("a copy of a predecessor goes first", () => {
    const again = virtual({ secretStoreRef: { name: "store" } }, { uid: "uid-2" })
    const before = stored(desiredOf(plain))
    const [action, ...more] = toHost(desiredOf(again), before, again, host)
    assert.deepStrictEqual(more, [])
    assert.deepInclude(action, { _tag: "Delete", current: before, becauseAbsent: false })
  })

  it("deletes what nobody wants, and says whether that is only inferred", () => {
    const current = stored(desiredOf(plain))
    assert.deepInclude(toHost(undefined, current, undefined, host)[0], { _tag: "Delete", current, becauseAbsent: true })
    assert.deepInclude(toHost(undefined, current, plain, host)[0], { _tag: "Delete", becauseAbsent: false })
    assert.deepStrictEqual(toHost(undefined, undefined, undefined, host), [])
  })

  it("leaves what is being deleted in peace", () => {
    const leaving = stored(desiredOf(plain), { deletionTimestamp: "2026-01-01T00:00:00Z", labels: {} })
    for (const [desired, object] of [
      [desiredOf(plain), plain],
      [undefined, undefined],
    ] as const)
      assert.deepStrictEqual(toHost(desired, leaving, object, host), [])
  })
})
