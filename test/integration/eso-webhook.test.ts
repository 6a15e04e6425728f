/** ESO's webhook on the ground: the API server really asks it, through a Service and through a URL. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { serveClusterNetwork } from "../clusters/cluster-network.ts"
import { startEsoWebhook } from "../clusters/eso-webhook.ts"
import { Ground } from "../clusters/ground.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { onGround } from "../support/on-ground.ts"
import { externalSecrets } from "../support/resources.ts"

const invalid = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "invalid", namespace: "default" },
  spec: { secretStoreRef: { name: "store", kind: "ClusterSecretStore" } },
}

onGround(
  "ESO's webhook on the ground",
  (it) => {
    it.effect("admission asks it, with the CA of the certcontroller, also after a rotation", () =>
      Effect.gen(function* () {
        const { host, watchdog } = yield* Ground
        yield* installEsoCrds(host)
        const network = yield* serveClusterNetwork(host)
        const webhook = yield* startEsoWebhook(watchdog, host, network)
        const denied = host.kube.create(externalSecrets, invalid).pipe(Effect.flip)
        assert.include((yield* denied).message, "either data or dataFrom should be specified")
        yield* webhook.rotate
        assert.include((yield* denied).message, "either data or dataFrom should be specified")
        yield* webhook.stop
        assert.include((yield* denied).message, "failed calling webhook")
        yield* webhook.start
        assert.include((yield* denied).message, "either data or dataFrom should be specified")
      }).pipe(Effect.scoped),
    )
  },
  { host: { clusterNetwork: true } },
)
