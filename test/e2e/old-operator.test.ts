/** ESO 0.16, which serves `v1beta1` beside `v1`. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { arrayAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { crds, externalSecretsV1beta1, externalSecrets, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  externalSecret,
  hostRef,
  isReady,
  type PairOptions,
  readyOf,
  SyncedPair,
  valueOf,
} from "../support/synced-pair.ts"

const eso = { version: "0.16" } as const

const crd = { name: "externalsecrets.external-secrets.io" }

interface Version {
  readonly name: string | undefined
  readonly served: unknown
  readonly storage: unknown
}

const versionsOf = (object: KubeObject): ReadonlyArray<Version> =>
  arrayAt(object, "spec", "versions").map((version) => ({
    name: stringAt(version, "name"),
    served: valueAt(version, "served"),
    storage: valueAt(version, "storage"),
  }))

const lifeIn = (options: PairOptions, resource: Resource, versions: ReadonlyArray<Version>) =>
  layer(SyncedPair.layer(options), { excludeTestServices: true, timeout: "10 minutes" })((it) => {
    it.effect("the virtual CRD serves what it should", () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        assert.deepStrictEqual(versionsOf(yield* ground.virtual.kube.get(crds, crd)), versions)
      }),
    )

    it.effect("an ExternalSecret is created, changed, fetched anew and deleted", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const ref = { namespace: "default", name: "life" }
        const apiVersion = `${resource.group}/${resource.version}`
        yield* virtual.kube.create(resource, { ...externalSecret("life", { target: { name: "app" } }), apiVersion })
        const ready = yield* virtual.kube.waitFor(resource, ref, isReady)
        assert.deepInclude(readyOf(ready), { reason: "SecretSynced" })
        assert.strictEqual(valueOf(yield* awaitSecret(pair, "app"), "password"), "s3cret")

        yield* virtual.kube.patch(resource, ref, {
          spec: {
            data: [
              { secretKey: "password", remoteRef: { key: "/database/password" } },
              { secretKey: "again", remoteRef: { key: "/database/password" } },
            ],
          },
        })
        yield* virtual.kube.waitFor(
          secrets,
          { namespace: "default", name: "app" },
          (secret) => valueOf(secret, "again") === "s3cret",
        )

        // ESO notes what it has acted on: generation and a hash of labels and annotations.
        const actedOn = (object: KubeObject) => stringAt(object, "status", "syncedResourceVersion")
        const before = actedOn(yield* host.kube.get(externalSecrets, hostRef("life")))
        yield* virtual.kube.patch(resource, ref, { metadata: { annotations: { "force-sync": "1" } } })
        yield* host.kube.waitFor(externalSecrets, hostRef("life"), (object) => actedOn(object) !== before)

        // The Secret is Kubernetes' to collect.
        yield* virtual.restartControllerManager
        yield* virtual.kube.delete(resource, ref)
        yield* host.kube.waitUntilGone(externalSecrets, hostRef("life"))
        yield* virtual.kube.waitUntilGone(secrets, { namespace: "default", name: "app" })
      }),
    )

    it.effect("nothing is left to do, and status is good", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const apiVersion = `${resource.group}/${resource.version}`
        yield* pair.ground.virtual.kube.create(resource, { ...externalSecret("rest"), apiVersion })
        yield* pair.ground.virtual.kube.waitFor(resource, { namespace: "default", name: "rest" }, isReady)
        yield* awaitSecret(pair, "rest")
        const status = yield* pair.command("status")
        assert.strictEqual(status.code, 0, status.stdout)
        assert.include(status.stdout, "ESO v0.16.2 ✓")
        const plan = yield* pair.command("sync", ["--dry-run"])
        assert.strictEqual(plan.stdout, "✓ in step: nothing would change\n")
      }),
    )
  })

describe("ESO 0.16 in v1", () => {
  lifeIn({ eso }, externalSecrets, [
    { name: "v1", served: true, storage: true },
    { name: "v1beta1", served: true, storage: false },
  ])
})

describe("ESO 0.16 with version: v1beta1", () => {
  const { externalSecrets: settings } = documentedValues.integrations
  const values = { integrations: { externalSecrets: { ...settings, version: "v1beta1" } } }
  lifeIn({ eso, values }, externalSecretsV1beta1, [{ name: "v1beta1", served: true, storage: true }])
})
