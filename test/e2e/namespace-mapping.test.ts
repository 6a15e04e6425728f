/** `sync.toHost.namespaces`: virtual namespaces that stand for host namespaces (DESIGN §3, with vCluster's own example of mappings). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { mappedReferenceName, mappedSecretName } from "../../src/sync/tenancy/names.ts"
import { createNamespace, inVirtual } from "../support/attack.ts"
import { externalSecrets, namespaces, secrets, secretStores } from "../support/resources.ts"
import { fakeProvider, secretStore, tokenRef } from "../support/secret-stores.ts"
import {
  createReady,
  externalSecret,
  hostRef,
  isReady,
  isRefused,
  SyncedPair,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"

const values = (mappingsOnly: boolean) => ({
  sync: {
    toHost: {
      namespaces: {
        enabled: true,
        mappingsOnly,
        mappings: {
          byName: { "frontend-prod": "acme-prod", "team-a-*": "h-team-a-*", "datasets-*": "${name}-data-*" },
        },
      },
    },
  },
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: {
        toHost: { stores: { enabled: true } },
        fromHost: { clusterStores: { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } } },
      },
    },
  },
})

/** What vCluster does for a namespace that it maps. */
const makeNamespaces = Effect.fnUntraced(function* (pair: SyncedPairShape, virtual: string, host: string) {
  yield* createNamespace(pair, virtual)
  yield* pair.ground.host.kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: host } })
})

/** One ExternalSecret of a virtual namespace, and where its copy and its hidden Secret are to stand. */
const assertStandsAt = Effect.fnUntraced(function* (pair: SyncedPairShape, namespace: string, at: string) {
  const { host, virtual } = pair.ground
  const labels = { "app.kubernetes.io/instance": "payments", "argocd.argoproj.io/instance": "payments" }
  const annotations = { "argocd.argoproj.io/tracking-id": "payments:x", "meta.helm.sh/release-name": "payments" }
  yield* createReady(pair, externalSecret("db", { namespace, target: { name: "creds" }, labels, annotations }))
  assert.strictEqual(valueOf(yield* virtual.kube.waitFor(secrets, { namespace, name: "creds" }), "password"), "s3cret")
  const copy = yield* host.kube.get(externalSecrets, { namespace: at, name: "db" })
  assert.isEmpty(copy.metadata.ownerReferences ?? [], "an owner in another namespace would have it collected")
  // Case 12: without an owner, a GitOps tool of the host would prune it by a claim of the tenant's.
  assert.notInclude(JSON.stringify(copy.metadata), "payments")
  const hidden = mappedSecretName("creds", namespace, vcluster.name)
  assert.strictEqual(stringAt(copy, "spec", "target", "name"), hidden)
  assert.isDefined(yield* host.kube.find(secrets, { namespace: at, name: hidden }))
  const status = yield* virtual.kube.get(externalSecrets, { namespace, name: "db" })
  assert.strictEqual(stringAt(status, "status", "binding", "name"), "creds")
})

layer(SyncedPair.layer({ values: values(false) }), { excludeTestServices: true, timeout: "10 minutes" })(
  "mapped namespaces",
  (it) => {
    it.effect("exact names, patterns and ${name} lead to the host namespaces of the mapping, under plain names", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const places = {
          "frontend-prod": "acme-prod",
          "team-a-dev": "h-team-a-dev",
          "datasets-raw": `${vcluster.name}-data-raw`,
        }
        for (const [virtual, host] of Object.entries(places)) {
          yield* makeNamespaces(pair, virtual, host)
          yield* assertStandsAt(pair, virtual, host)
        }
        assert.isEmpty(yield* pair.ground.host.kube.list(externalSecrets, { namespace: vcluster.namespace }))
      }),
    )

    it.effect("an unmapped one goes to the vCluster's namespace, under vCluster's scheme", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        yield* createReady(pair, externalSecret("plain"))
        const copy = yield* pair.ground.host.kube.get(externalSecrets, hostRef("plain"))
        assert.strictEqual(copy.metadata.ownerReferences?.[0]?.name, vcluster.name)
      }),
    )

    it.effect("stores and what they refer to stand beside it; deletions are followed", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const namespace = "team-a-stores"
        const at = "h-team-a-stores"
        yield* makeNamespaces(pair, namespace, at)
        yield* virtual.kube.create(secretStores, secretStore("mine", fakeProvider, namespace))
        yield* virtual.kube.waitFor(secretStores, inVirtual("mine", namespace), isReady)
        const spec = {
          secretStoreRef: { name: "mine", kind: "SecretStore" },
          data: [{ secretKey: "password", remoteRef: { key: "/k" } }],
        }
        yield* createReady(pair, externalSecret("own", { namespace, spec }))
        const token: KubeObject = {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "token", namespace },
          stringData: { token: "t" },
        }
        yield* virtual.kube.create(secrets, token)
        yield* virtual.kube.create(secretStores, secretStore("vault", tokenRef({ name: "token" }), namespace))
        const copied = { namespace: at, name: mappedReferenceName("token", namespace, vcluster.name) }
        yield* host.kube.waitFor(secrets, copied)
        const copy = yield* host.kube.waitFor(secretStores, { namespace: at, name: "vault" })
        assert.strictEqual(stringAt(copy, "spec", "provider", "vault", "auth", "tokenSecretRef", "name"), copied.name)
        yield* virtual.kube.delete(secretStores, inVirtual("vault", namespace))
        yield* host.kube.waitUntilGone(secrets, copied)
        yield* virtual.kube.delete(externalSecrets, inVirtual("own", namespace))
        yield* host.kube.waitUntilGone(externalSecrets, { namespace: at, name: "own" })
      }),
    )

    it.effect("what others have in these namespaces stays as it is, also what bears the marks of a namesake", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const namespace = "team-a-shared"
        const at = "h-team-a-shared"
        yield* makeNamespaces(pair, namespace, at)
        const body = externalSecret("taken", { namespace: at })
        const theirs = yield* host.kube.create(externalSecrets, {
          ...body,
          metadata: {
            ...body.metadata,
            annotations: {
              "vcluster-es.io/vcluster": vcluster.name,
              "vcluster-es.io/vcluster-namespace": "team-of-a-namesake",
              "vcluster-es.io/virtual-namespace": "gone",
              "vcluster-es.io/virtual-name": "taken",
              "vcluster-es.io/virtual-uid": "1",
            },
          },
        })
        yield* virtual.kube.create(externalSecrets, externalSecret("taken", { namespace }))
        yield* virtual.kube.waitFor(externalSecrets, inVirtual("taken", namespace), isRefused("HostObjectNotOurs"))
        const after = yield* host.kube.get(externalSecrets, theirs.metadata)
        assert.strictEqual(after.metadata.uid, theirs.metadata.uid)
        assert.deepStrictEqual(after.metadata.annotations, theirs.metadata.annotations)
      }),
    )

    it.effect("a host namespace that is not there yet is told, and waited for", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* createNamespace(pair, "team-a-late")
        yield* virtual.kube.create(externalSecrets, externalSecret("early", { namespace: "team-a-late" }))
        yield* virtual.kube.waitFor(externalSecrets, inVirtual("early", "team-a-late"), isRefused("RefusedByHost"))
        yield* host.kube.create(namespaces, {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "h-team-a-late" },
        })
        yield* virtual.kube.waitFor(externalSecrets, inVirtual("early", "team-a-late"), isReady, {
          timeout: "60 seconds",
        })
      }),
    )
  },
)

layer(SyncedPair.layer({ values: values(true) }), { excludeTestServices: true, timeout: "10 minutes" })(
  "mappingsOnly",
  (it) => {
    it.effect("a namespace that no mapping covers is refused, and says why", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* virtual.kube.create(externalSecrets, externalSecret("nowhere"))
        const refused = yield* virtual.kube.waitFor(
          externalSecrets,
          inVirtual("nowhere"),
          isRefused("NamespaceNotMapped"),
        )
        assert.include(JSON.stringify(refused["status"]), "mappingsOnly")
        assert.isEmpty(yield* host.kube.list(externalSecrets))
        yield* virtual.kube.create(secretStores, secretStore("nowhere", fakeProvider))
        yield* virtual.kube.waitFor(secretStores, inVirtual("nowhere"), isRefused("NamespaceNotMapped"))
      }),
    )
  },
)
