/** A synced pair with ESO's real webhook on the host, which both API servers can reach, and `webhook.enabled`. */
import { Context, Effect, Layer } from "effect"
import { serveClusterNetwork } from "../clusters/cluster-network.ts"
import { startEsoWebhook, type EsoWebhook } from "../clusters/eso-webhook.ts"
import type { Running } from "../clusters/programs.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import type { SyncedPairShape } from "./synced-pair.ts"
import { SyncedPair } from "./synced-pair.ts"

export const withWebhook = (enabled: boolean) => ({
  integrations: { externalSecrets: { ...documentedValues.integrations.externalSecrets, webhook: { enabled } } },
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
