/** Templates, generators and types that would turn the host against itself (attacks 13, 27, 28). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { recordAt } from "../../src/effects/client/unstructured.ts"
import { assertRefused, copyOf, hiddenSecretOf } from "../support/attack.ts"
import { configMaps, externalSecrets, secrets } from "../support/resources.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair, valueOf, vcluster } from "../support/synced-pair.ts"

const templated = (name: string, template: Readonly<Record<string, unknown>>) =>
  externalSecret(name, { target: { template } })

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("templates", (it) => {
  it.effect("13: generators are refused", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      for (const kind of ["ClusterGenerator", "ECRAuthorizationToken", "Password"]) {
        const generatorRef = { apiVersion: "generators.external-secrets.io/v1alpha1", kind, name: "any" }
        yield* assertRefused(
          pair,
          externalSecret(`generates-${kind.toLowerCase()}`, {
            spec: { data: [], dataFrom: [{ sourceRef: { generatorRef } }] },
          }),
          "GeneratorNotAllowed",
          "spec.dataFrom[0].sourceRef.generatorRef",
        )
      }
      const generatorRef = { kind: "Password", name: "any" }
      yield* assertRefused(
        pair,
        externalSecret("generates-data", {
          spec: { data: [{ secretKey: "a", remoteRef: { key: "b" }, sourceRef: { generatorRef } }] },
        }),
        "GeneratorNotAllowed",
        "spec.data[0].sourceRef.generatorRef",
      )
    }),
  )

  it.effect("27: finalizers and owners in a template do not reach the host's Secret", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const ownerReferences = [{ apiVersion: "v1", kind: "Namespace", name: "default", uid: "1" }]
      const metadata = { finalizers: ["example.com/stay"], ownerReferences, labels: { a: "b" } }
      yield* createReady(pair, templated("finalizers", { metadata, data: { x: "{{ .password }}" } }))
      yield* awaitSecret(pair, "finalizers")
      const copy = yield* host.kube.get(externalSecrets, copyOf("finalizers"))
      assert.deepStrictEqual(Object.keys(recordAt(copy, "spec", "target", "template", "metadata") ?? {}), [
        "annotations",
      ])
      const secret = yield* host.kube.get(secrets, hiddenSecretOf("finalizers"))
      assert.isUndefined(secret.metadata.finalizers)
      assert.deepStrictEqual(
        secret.metadata.ownerReferences?.map(({ kind }) => kind),
        ["ExternalSecret"],
      )
      yield* virtual.kube.delete(externalSecrets, { namespace: "default", name: "finalizers" })
      yield* host.kube.waitUntilGone(secrets, hiddenSecretOf("finalizers"))
    }),
  )

  it.effect("28: types that the control plane or Helm acts on are refused", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const types = ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "helm.sh/release.v1"]
      for (const [index, type] of types.entries())
        yield* assertRefused(
          pair,
          templated(`typed-${index}`, {
            type,
            metadata: { annotations: { "kubernetes.io/service-account.name": `vc-${vcluster.name}` } },
          }),
          "TemplateTypeNotAllowed",
          type,
        )
    }),
  )

  it.effect("28: nor can labels make a Secret a Helm release of the host, also not as templates", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      const labels = { owner: "helm", name: vcluster.name, status: "deployed", version: "99" }
      yield* createReady(pair, templated("release", { metadata: { labels }, data: { release: "H4sI" } }))
      const secret = yield* awaitSecret(pair, "release")
      assert.strictEqual(valueOf(secret, "release"), "H4sI")
      // In the virtual cluster it is the tenant's own Helm.
      assert.deepInclude(secret.metadata.labels, labels)
      yield* createReady(pair, externalSecret("release-plain", { labels }))
      assert.strictEqual((yield* awaitSecret(pair, "release-plain")).metadata.labels?.["owner"], "helm")
      const rendered = { ...labels, owner: '{{ "helm" }}' }
      yield* createReady(pair, templated("release-rendered", { metadata: { labels: rendered } }))
      assert.strictEqual((yield* awaitSecret(pair, "release-rendered")).metadata.labels?.["owner"], "helm")
      const releases = yield* host.kube.list(secrets, { namespace: vcluster.namespace, labelSelector: "owner=helm" })
      assert.deepStrictEqual(releases, [])
    }),
  )

  it.effect("25: text that renders to labels or annotations does so in the virtual cluster only", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      const literal = `owner: helm\nvcluster-es.io/managed-by: another\napp: "{{ .password }}"\nnum: 010`
      yield* virtual.kube.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "texts", namespace: "default" },
        data: { grafana_datasource: "{{ .password }}", map: "team: a\nowner: b" },
      })
      const items = [{ key: "grafana_datasource" }, { key: "map", templateAs: "KeysAndValues" }]
      for (const target of ["Labels", "Annotations"]) {
        const name = `renders-${target.toLowerCase()}`
        const templateFrom = [
          { target, configMap: { name: "texts", items } },
          { target, literal },
          { literal: 'app: "{{ .password }}"' },
        ]
        yield* createReady(pair, templated(name, { templateFrom }))
        const { metadata, ...secret } = yield* awaitSecret(pair, name)
        const { app, grafana_datasource, num, owner, team } =
          (target === "Labels" ? metadata.labels : metadata.annotations) ?? {}
        assert.deepStrictEqual(
          { app, grafana_datasource, num, owner, team },
          { app: "s3cret", grafana_datasource: "s3cret", num: "8", owner: "helm", team: "a" },
        )
        assert.deepStrictEqual(secret["data"], { app: btoa("s3cret") })
        assert.notProperty(metadata.labels, "vcluster-es.io/managed-by")
        for (const object of [
          yield* host.kube.get(externalSecrets, copyOf(name)),
          yield* host.kube.get(secrets, hiddenSecretOf(name)),
        ]) {
          const keys = Object.keys({ ...object.metadata.labels, ...object.metadata.annotations })
          for (const key of ["owner", "app", "num", "team", "grafana_datasource"]) assert.notInclude(keys, key)
          assert.strictEqual(object.metadata.labels?.["vcluster-es.io/managed-by"] ?? vcluster.name, vcluster.name)
        }
      }
    }),
  )
})
