import { layer } from "@effect/vitest"
import { Effect } from "effect"
import { externalSecrets } from "../support/resources.ts"
import { externalSecret, isReady, SyncedPair, vcluster } from "../support/synced-pair.ts"
layer(SyncedPair.layer({follow: false}), { excludeTestServices: true, timeout: "10 minutes" })("scratch", (it) => {
  it.effect("x", () => Effect.gen(function* () {
    const { host } = (yield* SyncedPair).ground
    const make = (name: string, refreshInterval: string) => host.kube.create(externalSecrets, { ...externalSecret(name, { namespace: vcluster.namespace, spec: { refreshInterval } }) })
    yield* make("ok", "1h")
    yield* host.kube.waitFor(externalSecrets, { namespace: vcluster.namespace, name: "ok" }, isReady)
    yield* make("bad", "soon")
    yield* Effect.sleep("2 seconds")
    yield* make("ok2", "1h")
    yield* host.kube.waitFor(externalSecrets, { namespace: vcluster.namespace, name: "ok2" }, isReady, { timeout: "15 seconds" })
  }))
})
