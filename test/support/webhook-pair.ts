/** A synced pair with ESO's real webhook on the host, which both API servers can reach, and `webhook.enabled`. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { stringify } from "yaml"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { serveClusterNetwork } from "../clusters/cluster-network.ts"
import { startEsoWebhook, type EsoWebhook } from "../clusters/eso-webhook.ts"
import type { Running } from "../clusters/programs.ts"
import { documentedValues, type Vcluster } from "../clusters/vcluster.ts"
import type { SyncedPairShape } from "./synced-pair.ts"
import { SyncedPair, vcluster } from "./synced-pair.ts"

const { externalSecrets } = documentedValues.integrations

export const withWebhook = (enabled: boolean, sync: Readonly<Record<string, unknown>> = {}) => ({
  integrations: {
    externalSecrets: { ...externalSecrets, webhook: { enabled }, sync: { ...externalSecrets.sync, ...sync } },
  },
})

const clusterNetwork = { clusterNetwork: true }

const pairLayer = SyncedPair.layer({
  ground: { host: clusterNetwork, virtual: clusterNetwork },
  values: withWebhook(true),
  follow: false,
})

export interface WebhookPairShape extends SyncedPairShape {
  readonly webhook: EsoWebhook
  /** The one that runs now. */
  readonly syncing: { running: Running }
}

export class WebhookPair extends Context.Service<WebhookPair, WebhookPairShape>()("vcluster-es/test/WebhookPair") {
  static readonly layer = Layer.effect(
    WebhookPair,
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual, watchdog } = pair.ground
      const ofHost = yield* serveClusterNetwork(host)
      const ofVirtual = yield* serveClusterNetwork(virtual)
      const webhook = yield* startEsoWebhook(watchdog, host, ofHost, [ofVirtual])
      const running = yield* pair.startFollow()
      return { ...pair, webhook, syncing: { running } }
    }),
  ).pipe(Layer.provide(pairLayer))
}

/** The syncer ends, and another one starts with other settings. */
export const restartFollow = Effect.fnUntraced(function* (
  pair: WebhookPairShape,
  values: NonNullable<Vcluster["values"]>,
) {
  yield* pair.syncing.running.signal("SIGTERM")
  yield* pair.syncing.running.finished
  yield* pair.ground.seedVcluster({ ...vcluster, values })
  pair.syncing.running = yield* pair.startFollow()
})

/** As a tenant does it. */
export const apply = (pair: WebhookPairShape, object: KubeObject) =>
  pair.ground.kubectl(pair.ground.virtual, ["apply", "-f", "-"], stringify(object))

/** Until the webhook answers, and takes it. */
export const untilAllowed = (pair: WebhookPairShape, object: KubeObject) =>
  Effect.gen(function* () {
    for (;;) {
      const applied = yield* apply(pair, object)
      if (applied.code === 0) return
      assert.include(applied.stderr, "failed calling webhook")
    }
  }).pipe(Effect.timeout("60 seconds"))
