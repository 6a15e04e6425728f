/**
 * Beside the real open-source vCluster: what pods name gets to the pods. There is no kubelet, so no pod ever runs; vCluster's syncer does not mind.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { type AuditEntry, type AuditLog, describeEntry, isWrite } from "../clusters/audit-log.ts"
import { ourAgent } from "../support/complaint.ts"
import { documented } from "../support/documented.ts"
import { isLongRun } from "../support/long-run.ts"
import { clusterSecretStores, externalSecrets, namespaces, pods, secrets } from "../support/resources.ts"
import { externalSecret, fakeStore, isReady, valueOf } from "../support/synced-pair.ts"
import { besideVcluster, VclusterPair } from "../support/vcluster-pair.ts"

const container = { name: "app", image: "app" }

interface Way {
  /** The part of a pod's spec that names the Secret. */
  readonly spec: (secret: string) => Readonly<Record<string, unknown>>
  readonly template?: Readonly<Record<string, unknown>>
  /** Key of the Secret that is looked at, and what is in it. */
  readonly key?: string
  readonly text?: (value: string) => string
}

const dockerConfig = (value: string): string => `{"auths":{"registry.example.com":{"password":"${value}"}}}`

const ways: Readonly<Record<string, Way>> = {
  env: {
    spec: (name) => ({
      containers: [{ ...container, env: [{ name: "P", valueFrom: { secretKeyRef: { name, key: "password" } } }] }],
    }),
  },
  "env-from": { spec: (name) => ({ containers: [{ ...container, envFrom: [{ secretRef: { name } }] }] }) },
  volume: { spec: (name) => ({ containers: [container], volumes: [{ name: "v", secret: { secretName: name } }] }) },
  projected: {
    spec: (name) => ({
      containers: [container],
      volumes: [{ name: "v", projected: { sources: [{ secret: { name } }] } }],
    }),
  },
  "pull-secret": {
    spec: (name) => ({ containers: [container], imagePullSecrets: [{ name }] }),
    template: {
      type: "kubernetes.io/dockerconfigjson",
      data: { ".dockerconfigjson": dockerConfig("{{ .password }}") },
    },
    key: ".dockerconfigjson",
    text: dockerConfig,
  },
}

const podOf = (name: string, spec: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: { ...spec, automountServiceAccountToken: false },
})

const forceSync = (value: string) => ({ metadata: { annotations: { "force-sync": value } } })

/** From creation to the last pod's end; each has a store of its own, so that all can go side by side. */
const followThrough = Effect.fnUntraced(function* (name: string, way: Way) {
  const { ground, vcluster } = yield* VclusterPair
  const { kube } = vcluster
  const { kube: host } = ground.host
  const key = way.key ?? "password"
  const text = way.text ?? ((value: string) => value)
  const ref = { namespace: "default", name }
  const podCopy = { namespace: vcluster.namespace, name: `${name}-x-default-x-${vcluster.name}` }
  const has = (value: string) => (secret: KubeObject) => valueOf(secret, key) === text(value)
  const store = (value: string) => fakeStore(`store-${name}`, { "/database/password": value })

  yield* host.create(clusterSecretStores, store("one"))
  yield* kube.waitFor(clusterSecretStores, { name: `store-${name}` })
  const target = way.template === undefined ? {} : { target: { template: way.template } }
  yield* kube.create(externalSecrets, externalSecret(name, { store: `store-${name}`, ...target }))
  yield* kube.waitFor(secrets, ref, has("one"))
  // A Secret that no pod names is no business of vCluster's.
  assert.isUndefined(yield* host.find(secrets, podCopy))

  yield* kube.create(pods, podOf(`${name}-1`, way.spec(name)))
  yield* host.waitFor(secrets, podCopy, has("one"))
  yield* kube.create(pods, podOf(`${name}-2`, way.spec(name)))
  for (const value of ["two", "three"]) {
    yield* host.apply(clusterSecretStores, store(value))
    yield* kube.patch(externalSecrets, ref, forceSync(value))
    yield* host.waitFor(secrets, podCopy, has(value))
  }

  yield* kube.delete(pods, { namespace: "default", name: `${name}-1` })
  yield* kube.waitUntilGone(pods, { namespace: "default", name: `${name}-1` })
  yield* host.apply(clusterSecretStores, store("four"))
  yield* kube.patch(externalSecrets, ref, forceSync("four"))
  yield* host.waitFor(secrets, podCopy, has("four"))

  yield* kube.delete(pods, { namespace: "default", name: `${name}-2` })
  // At once, or at vCluster's next collection, within three minutes.
  yield* host.waitUntilGone(secrets, podCopy, { timeout: "200 seconds" })
  // The tenant's own stays, and so does the one that ESO writes.
  assert.isTrue(has("four")(yield* kube.get(secrets, ref)))
})

const objectOf = ({ objectRef = {} }: AuditEntry): string =>
  [objectRef.apiGroup ?? "", objectRef.resource, objectRef.namespace, objectRef.name].join("/")

const succeeded = ({ responseStatus }: AuditEntry): boolean => (responseStatus?.code ?? 500) < 300

const isStatusWrite = (entry: AuditEntry): boolean => isWrite(entry) && entry.objectRef?.subresource === "status"

/** Objects that both have written; Kubernetes' own controllers and the test do not count. */
const writtenByBoth = Effect.fnUntraced(function* (audit: AuditLog) {
  const writes = (yield* audit.since(0)).filter((entry) => isWrite(entry) && succeeded(entry))
  const by = (prefix: string) =>
    new Set(writes.filter(({ userAgent }) => userAgent?.startsWith(prefix) === true).map(objectOf))
  const ours = by("kubectl-vcluster-es")
  const theirs = by("vcluster/")
  assert.isAbove(ours.size, 5)
  // Pods' statuses, in the virtual cluster; on the host their copies of all that pods need.
  assert.isAbove(theirs.size, 1)
  return [...ours].filter((object) => theirs.has(object))
})

besideVcluster("beside a real vCluster", (it) => {
  /** The documentation's stores are Amazon's and HashiCorp's; ESO's stand-in has their names and values here. */
  const documentedStores = [
    fakeStore("aws-parameter-store", { "/production/database/password": "from the documentation" }),
    fakeStore("aws-secrets-manager", { "production/database": '{"username":"app","password":"s3cret"}' }),
    fakeStore("vault-backend", { "apps/my-app": '{"api_key":"key","api_secret":"secret"}' }),
  ]

  const documentedExamples = [
    ["clusterStoreExample", "default/my-app-secret", { password: "from the documentation" }],
    ["awsExternalSecret", "production/db-credentials", { username: "app", password: "s3cret" }],
    ["vaultExternalSecret", "default/api-credentials", { apiKey: "key", apiSecret: "secret" }],
  ] as const

  it.effect("the documented examples get their Secrets", () =>
    Effect.gen(function* () {
      const { ground, vcluster } = yield* VclusterPair
      yield* vcluster.kube.create(namespaces, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: "production" },
      })
      for (const store of documentedStores) {
        yield* ground.host.kube.create(clusterSecretStores, store)
        yield* vcluster.kube.waitFor(clusterSecretStores, store.metadata)
      }
      for (const [example, secret, expected] of documentedExamples) {
        const applied = yield* ground.kubectl(vcluster, ["apply", "-f", "-"], documented[example])
        assert.strictEqual(applied.code, 0, applied.stderr)
        const [namespace = "", name = ""] = secret.split("/")
        const found = yield* vcluster.kube.waitFor(secrets, { namespace, name }, (each) => each["data"] !== undefined)
        for (const [key, value] of Object.entries(expected)) assert.strictEqual(valueOf(found, key), value)
      }
      yield* vcluster.kube.waitFor(externalSecrets, { namespace: "default", name: "aws-secret" }, isReady)
    }),
  )

  it.effect(
    "Secrets that pods name reach the pods, follow each rotation, and go with the last pod",
    () =>
      Effect.forEach(Object.entries(ways), ([name, way]) => followThrough(name, way), {
        concurrency: "unbounded",
        discard: true,
      }),
    300_000,
  )

  const minutes = isLongRun ? 10 : 1
  it.effect(
    `at rest nobody writes for ${minutes} min: neither we, nor vCluster to what is ours`,
    () =>
      Effect.gen(function* () {
        const { ground, vcluster } = yield* VclusterPair
        yield* vcluster.kube.create(pods, podOf("resting", ways["env"]?.spec("env") ?? {}))
        const copy = { namespace: vcluster.namespace, name: `env-x-default-x-${vcluster.name}` }
        yield* ground.host.kube.waitFor(secrets, copy)
        const marks = { host: yield* ground.host.audit.mark, virtual: yield* vcluster.audit.mark }
        yield* Effect.sleep(`${minutes} minutes`)
        const onHost = yield* ground.host.audit.since(marks.host)
        const seen = [...onHost, ...(yield* vcluster.audit.since(marks.virtual))]
        const ours = seen.filter((entry) => isWrite(entry) && ourAgent(entry))
        // An example asks for a refresh every 10 minutes: what ESO says of that comes back.
        const refreshed = new Set(
          onHost.filter((entry) => isStatusWrite(entry) && !ourAgent(entry)).map(({ objectRef }) => objectRef?.name),
        )
        const isAnswer = (entry: AuditEntry) =>
          isStatusWrite(entry) &&
          refreshed.has(`${entry.objectRef?.name}-x-${entry.objectRef?.namespace}-x-${vcluster.name}`)
        const unasked = ours.filter((entry) => entry.objectRef?.resource !== "leases" && !isAnswer(entry))
        assert.deepStrictEqual(unasked.map(describeEntry), [])
        const secretWrites = seen.filter((entry) => isWrite(entry) && entry.objectRef?.resource === "secrets")
        assert.deepStrictEqual(secretWrites.map(describeEntry), [])
      }),
    700_000,
  )

  it.effect("vCluster's syncer and ours have never written one object", () =>
    Effect.gen(function* () {
      const { ground, vcluster } = yield* VclusterPair
      assert.deepStrictEqual(yield* writtenByBoth(ground.host.audit), [])
      assert.deepStrictEqual(yield* writtenByBoth(vcluster.audit), [])
    }),
  )
})
