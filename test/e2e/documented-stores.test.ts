/** "Creating a SecretStore in the Virtual Cluster", as the documentation writes it, with `sync.toHost.stores`. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { recordAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { applyText, objectsOf } from "../support/backends.ts"
import { documented, documentedConfigs } from "../support/documented.ts"
import { secretStores } from "../support/resources.ts"
import { hostRef, isRefused, onHost, readyOf, SyncedPair } from "../support/synced-pair.ts"

/** The advanced configuration, its stores switched on and not selected by label: the documented store bears none. */
const values = documentedConfigs.advanced
  .replace(/(stores:\n +enabled:) false/, "$1 true")
  .replace(/matchLabels:\n +shared: "true"/, "matchLabels: {}")

const withServiceAccounts = { ...parse(values), sync: { toHost: { serviceAccounts: { enabled: true } } } }

const ref = { namespace: "default", name: "vault-backend" }

layer(SyncedPair.layer({ values }), { excludeTestServices: true, timeout: "10 minutes" })(
  "the documented SecretStore",
  (it) => {
    it.effect("names a ServiceAccount that the host does not have: it is told which setting brings it there", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* applyText(pair, virtual, documented.secretStore)
        const refused = yield* virtual.kube.waitFor(secretStores, ref, isRefused("ServiceAccountNotSynced"))
        assert.include(readyOf(refused)?.message ?? "", "external-secrets-sa")
        assert.isUndefined(yield* host.kube.find(secretStores, hostRef("vault-backend")))
        const status = yield* pair.command("status")
        assert.strictEqual(status.code, 1)
        assert.include(status.stdout, "sync.toHost.serviceAccounts.enabled: true")
      }),
    )
  },
)

layer(SyncedPair.layer({ values: withServiceAccounts }), { excludeTestServices: true, timeout: "10 minutes" })(
  "the documented SecretStore, where vCluster syncs ServiceAccounts",
  (it) => {
    it.effect("stands on the host field by field, with the ServiceAccount's name there", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* applyText(pair, virtual, documented.secretStore)
        const [written] = objectsOf(documented.secretStore)
        const copy = yield* host.kube.waitFor(secretStores, hostRef("vault-backend"))
        const kubernetes = recordAt(written, "spec", "provider", "vault", "auth", "kubernetes")
        assert.deepStrictEqual(valueAt(copy, "spec", "provider"), {
          vault: {
            ...recordAt(written, "spec", "provider", "vault"),
            auth: { kubernetes: { ...kubernetes, serviceAccountRef: { name: onHost("external-secrets-sa") } } },
          },
        })
        // ESO's word about it, Vault being out of reach.
        yield* virtual.kube.waitFor(secretStores, ref, (store) => readyOf(store)?.status === "False")
        const kept = yield* virtual.kube.get(secretStores, ref)
        assert.deepStrictEqual(valueAt(kept, "spec"), valueAt(written, "spec"))
      }),
    )
  },
)
