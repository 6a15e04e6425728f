/** Other settings between two runs take effect, and nothing of the former ones is left (issue: selectors, settings). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { copyOf, inVirtual } from "../support/attack.ts"
import { clusterSecretStores, externalSecrets, secrets, secretStores } from "../support/resources.ts"
import { fakeProvider, referenceOf, secretStore, tokenRef } from "../support/secret-stores.ts"
import { externalSecret, isReady, isRefused, readyOf, SyncedPair } from "../support/synced-pair.ts"

const settings = (sync: string) => `integrations:\n  externalSecrets:\n    enabled: true\n    sync: ${sync}\n`

const both =
  "{ toHost: { stores: { enabled: true } }, fromHost: { clusterStores: { enabled: true, selector: { matchExpressions: [{ key: vcluster-accessible, operator: Exists }] } } } }"

const token: KubeObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "token", namespace: "default" },
  stringData: { token: "t" },
}

layer(SyncedPair.layer({ follow: false }), { excludeTestServices: true, timeout: "10 minutes" })("settings", (it) => {
  const passWith = Effect.fnUntraced(function* (sync: string) {
    const pair = yield* SyncedPair
    const file = join(pair.ground.folder, "vcluster.yaml")
    yield* Effect.promise(() => writeFile(file, settings(sync)))
    return yield* pair.command("sync", ["-f", file, "--once-timeout", "20s"])
  })

  /** Everything that the settings bring about is there. */
  const everything = Effect.gen(function* () {
    const pair = yield* SyncedPair
    const { host, virtual } = pair.ground
    const first = yield* passWith(both)
    // 1: nobody answers at the address of the store that refers to a Secret.
    assert.include([0, 1], first.code, first.stdout + first.stderr)
    for (const [resource, body] of [
      [secrets, token],
      [secretStores, secretStore("own", fakeProvider)],
      [secretStores, secretStore("vault", tokenRef({ name: "token" }))],
      [externalSecrets, externalSecret("by-host-store", { labels: { stage: "live" } })],
      [
        externalSecrets,
        externalSecret("by-own-store", {
          labels: { stage: "live" },
          spec: {
            secretStoreRef: { name: "own", kind: "SecretStore" },
            data: [{ secretKey: "k", remoteRef: { key: "/k" } }],
          },
        }),
      ],
    ] as const)
      if ((yield* virtual.kube.find(resource, body.metadata)) === undefined) yield* virtual.kube.create(resource, body)
    yield* passWith(both)
    // ESO may have met the ExternalSecret before its store: one pass tells that, and the next one what became of it.
    for (const name of ["by-host-store", "by-own-store"])
      yield* host.kube.waitFor(externalSecrets, copyOf(name), isReady)
    yield* passWith(both)
    for (const name of ["by-host-store", "by-own-store"])
      assert.isTrue(isReady(yield* virtual.kube.get(externalSecrets, inVirtual(name))), name)
    assert.isDefined(yield* host.kube.find(secretStores, copyOf("vault")))
    assert.isDefined(yield* host.kube.find(secrets, referenceOf("token")))
    assert.isDefined(yield* virtual.kube.find(clusterSecretStores, { name: "store" }))
    return pair
  })

  it.effect("stores switched off: nothing of them is left on either side, but for the tenant's Secrets", () =>
    Effect.gen(function* () {
      const { host, virtual } = (yield* everything).ground
      yield* passWith("{}")
      assert.isEmpty(yield* host.kube.list(secretStores))
      assert.isUndefined(yield* host.kube.find(secrets, referenceOf("token")))
      assert.isEmpty(yield* virtual.kube.list(clusterSecretStores))
      for (const name of ["by-host-store", "by-own-store"]) {
        const refused = yield* virtual.kube.get(externalSecrets, inVirtual(name))
        assert.isTrue(isRefused("StoreKindDisabled")(refused), JSON.stringify(readyOf(refused)))
        yield* host.kube.waitUntilGone(externalSecrets, copyOf(name))
        // What the tenant has stays: it is the operator who changed their mind.
        assert.isDefined(yield* virtual.kube.find(secrets, inVirtual(name)))
        assert.include(readyOf(refused)?.message, `Secret ${name} stays as it is, without a new value since`)
      }
      const own = yield* virtual.kube.get(secretStores, inVirtual("own"))
      assert.isTrue(isRefused("NotSelected")(own), JSON.stringify(readyOf(own)))
    }),
  )

  it.effect("and on again: all is back", () => everything)

  it.effect("a selector that leaves some out: they go, the others stay", () =>
    Effect.gen(function* () {
      const pair = yield* everything
      const { host, virtual } = pair.ground
      yield* virtual.kube.patch(externalSecrets, inVirtual("by-own-store"), {
        metadata: { labels: { stage: "draft" } },
      })
      const kept = yield* host.kube.get(externalSecrets, copyOf("by-host-store"))
      yield* passWith(
        both.replace(
          "toHost: {",
          "toHost: { externalSecrets: { selector: { matchExpressions: [{ key: stage, operator: In, values: [live] }] } },",
        ),
      )
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("by-own-store"))
      // The tenant's own change of labels took it out: with those of before it would be selected still.
      assert.isUndefined(yield* virtual.kube.find(secrets, inVirtual("by-own-store")))
      assert.strictEqual(
        (yield* host.kube.get(externalSecrets, copyOf("by-host-store"))).metadata.uid,
        kept.metadata.uid,
      )
      yield* virtual.kube.patch(externalSecrets, inVirtual("by-own-store"), { metadata: { labels: { stage: "live" } } })
      yield* passWith(
        both
          .replace("clusterStores: { enabled: true,", "clusterStores: { enabled: true, ")
          .replace("operator: Exists", "operator: DoesNotExist"),
      )
      assert.isEmpty(yield* virtual.kube.list(clusterSecretStores))
      assert.isTrue(isRefused("StoreNotImported")(yield* virtual.kube.get(externalSecrets, inVirtual("by-host-store"))))
      // ESO's finalizer is on it.
      yield* host.kube.waitUntilGone(externalSecrets, copyOf("by-host-store"))
      assert.isDefined(yield* virtual.kube.find(secrets, inVirtual("by-host-store")))
      yield* host.kube.waitFor(externalSecrets, copyOf("by-own-store"), isReady)
    }),
  )
})
