/** Labels and annotations by which others act on the host: none that a tenant wrote stands there (field cases 3, 12, 13, 18). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { hostReferenceName } from "../../src/sync/tenancy/names.ts"
import { markAnnotations, markLabels } from "../../src/sync/tenancy/ownership.ts"
import { assertServesOthers, assertUntouched, copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { externalSecrets, secrets } from "../support/resources.ts"
import { awaitSecret, createReady, externalSecret, SyncedPair, vcluster } from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"

interface Keys {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const replicators: Keys = {
  annotations: {
    "replicator.example.com/from": "made-up/source",
    "reflector.example.com/from": "{{ .password }}/source",
  },
}

const reflection: Keys = {
  annotations: {
    "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
    "reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true",
    "reflector.v1.k8s.emberstack.com/reflection-auto-namespaces": "app-.*",
    "replicator.v1.mittwald.de/replicate-to": "app-.*",
    "kubed.appscode.com/sync": "",
  },
}

const selected: Keys = {
  labels: {
    grafana_datasource: "1",
    "argocd.argoproj.io/secret-type": "repository",
    "sealedsecrets.bitnami.com/managed": "true",
    "cnpg.io/reload": '{{ "true" }}',
    owner: "helm",
  },
}

const claimed: Keys = {
  labels: {
    "app.kubernetes.io/instance": "payments",
    "argocd.argoproj.io/instance": "payments",
    "app.kubernetes.io/managed-by": "Helm",
  },
  annotations: {
    "argocd.argoproj.io/tracking-id": "payments:external-secrets.io/ExternalSecret:payments/app",
    "meta.helm.sh/release-name": "payments",
  },
}

const allowed = /^(vcluster-es\.io|rendered\.vcluster-es\.io|reconcile\.external-secrets\.io)\//

/** All keys on the object are ours, or ESO's own. */
const assertNoOtherKeys = ({ metadata }: KubeObject) => {
  const keys = [...Object.keys(metadata.labels ?? {}), ...Object.keys(metadata.annotations ?? {})]
  assert.deepStrictEqual(
    keys.filter((key) => !allowed.test(key)),
    [],
  )
}

const assertStaysInVirtual = Effect.fnUntraced(function* (pair: SyncedPairShape, body: KubeObject, keys: Keys) {
  const { host } = pair.ground
  const { name } = body.metadata
  yield* createReady(pair, body)
  const { metadata } = yield* awaitSecret(pair, name)
  assert.deepInclude(metadata.labels, keys.labels ?? {})
  assert.deepInclude(metadata.annotations, keys.annotations ?? {})
  assertNoOtherKeys(yield* host.kube.get(externalSecrets, copyOf(name)))
  assertNoOtherKeys(yield* host.kube.get(secrets, hiddenSecretOf(name)))
})

const dockerconfig = '{"auths":{"r.example":{"auth":"{{ .password | b64enc }}"}}}'

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("keys on the host", (it) => {
  const cases: ReadonlyArray<readonly [what: string, name: string, keys: Keys, template: object]> = [
    ["case 3: a replicator's", "pull", replicators, {}],
    [
      "case 13: a reflector's",
      "reflected",
      reflection,
      { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": dockerconfig } },
    ],
    ["case 18: a sidecar's", "selected", selected, { data: { "ds.yaml": "password: {{ .password }}" } }],
    ["case 12: a GitOps tool's", "claimed", claimed, {}],
  ]
  for (const [what, name, keys, template] of cases)
    it.effect(`${what} from a template stay in the virtual cluster, rendered`, () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const rendered = (entries: Keys["labels"]) =>
          Object.fromEntries(
            Object.entries(entries ?? {}).map(([key, value]) => [
              key,
              value.replace("{{ .password }}", "s3cret").replace('{{ "true" }}', "true"),
            ]),
          )
        yield* assertStaysInVirtual(
          pair,
          externalSecret(name, { target: { template: { ...template, metadata: keys } } }),
          { labels: rendered(keys.labels), annotations: rendered(keys.annotations) },
        )
      }),
    )

  for (const [what, name, keys] of cases.filter(([, , { labels }]) => labels?.["cnpg.io/reload"] === undefined))
    it.effect(`${what} from the object itself stay in the virtual cluster`, () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        yield* assertStaysInVirtual(pair, externalSecret(`${name}-plain`, keys), keys)
      }),
    )

  it.effect("case 18: nothing on the host is found by the label that a tenant chose", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      for (const label of ["grafana_datasource=1", "owner=helm", "app.kubernetes.io/instance=payments"])
        for (const resource of [secrets, externalSecrets])
          assert.deepStrictEqual(yield* pair.ground.host.kube.list(resource, { labelSelector: label }), [])
    }),
  )

  it.effect("marks of ours under a name that they do not lead to are nobody's: neither adopted nor deleted", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host } = pair.ground
      const tenancy = { vcluster: vcluster.name, hostNamespace: vcluster.namespace, virtualCluster: "any" }
      const virtual = (name: string): KubeObject => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace: "default", uid: "gone" },
      })
      const forged = (name: string, of: string) => ({
        namespace: vcluster.namespace,
        name,
        labels: { ...markLabels(tenancy), "vcluster-es.io/reference": "true" },
        annotations: markAnnotations(virtual(of), tenancy),
      })
      // As vCluster copies a tenant's Secret, marks included; and under the name of another's copy.
      const copies = [
        forged(copyOf("imported").name, "imported"),
        forged(hostReferenceName("other", "default", vcluster.name), "imported"),
      ]
      const standing = yield* Effect.forEach(copies, (metadata) =>
        host.kube.create(secrets, { apiVersion: "v1", kind: "Secret", metadata, data: { mine: btoa("x") } }),
      )
      const body = externalSecret("elsewhere", { target: { creationPolicy: "None" } })
      const stray = yield* host.kube.create(externalSecrets, {
        ...body,
        metadata: forged("elsewhere", "imported"),
      })
      yield* assertServesOthers(pair, "forged")
      // At a start, what was left over is looked for by label.
      yield* pair.syncer?.signal("SIGTERM") ?? Effect.void
      yield* pair.syncer?.finished ?? Effect.void
      yield* pair.startFollow()
      yield* assertServesOthers(pair, "forged-again")
      for (const secret of standing) yield* assertUntouched(pair, "host", secrets, secret)
      const after = yield* host.kube.get(externalSecrets, stray.metadata)
      assert.strictEqual(after.metadata.uid, stray.metadata.uid)
      assert.isUndefined(after.metadata.deletionTimestamp)
      assert.isUndefined(yield* pair.ground.virtual.kube.find(secrets, inVirtual("imported")))
    }),
  )
})
