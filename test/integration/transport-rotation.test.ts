/** The way into a cluster changes while a client lives: a new authority, new client certificates, as after `vcluster certs rotate`. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import { parseKubeconfigAgain } from "../../src/effects/config/kubeconfig.ts"
import { KubeconfigError } from "../../src/effects/config/rest-config.ts"
import { readConnectionSecret } from "../../src/sync/discovery/virtual-connection.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { namespaces, secrets } from "../support/resources.ts"
import { connect, failure, hostClient, tagOf, userAgent } from "./transport-client.ts"

const place = { namespace: "default", name: "vc-rotated" }

onGround("rotation", (it) => {
  it.effect("follows the Secret of the vCluster, and asks for it only after a failure", () =>
    Effect.gen(function* () {
      const { host, virtual } = yield* Ground
      const admin = { user: "admin", groups: ["system:masters"] }
      const write = (trusts: "usual" | "other") =>
        Effect.gen(function* () {
          const file = yield* virtual.kubeconfigAs(`${trusts}.kubeconfig`, { ...admin, trusts })
          const text = yield* Effect.promise(() => readFile(file, "utf8"))
          yield* host.kube.apply(secrets, {
            apiVersion: "v1",
            kind: "Secret",
            metadata: place,
            data: { config: Buffer.from(text).toString("base64") },
          })
        })
      yield* write("usual")
      const hostSide = yield* hostClient()
      // The Service's name resolves only in a pod, so its server stands in for it.
      const read = Effect.map(
        readConnectionSecret(hostSide, { name: "rotated", namespace: "default", state: "Running" }, true),
        ({ text, source }) => ({ text, origin: source, overrides: { server: virtual.server } }),
      )
      const source = yield* parseKubeconfigAgain(
        yield* read,
        Effect.mapError(read, ({ message }) => new KubeconfigError({ message })),
      )
      const client = yield* makeKubeClient({ cluster: "virtual", source, userAgent, fieldManager: "vcluster-es" })
      const mark = yield* host.audit.mark
      const readings = Effect.map(
        host.audit.since(mark),
        (entries) => entries.filter(({ verb, objectRef }) => verb === "get" && objectRef?.name === place.name).length,
      )
      yield* client.list(namespaces)
      yield* client.list(namespaces)
      assert.strictEqual(yield* readings, 0)
      yield* virtual.stopApiServer()
      yield* write("other")
      yield* virtual.startApiServer("other")
      yield* client.list(namespaces)
      assert.strictEqual(yield* readings, 1)
    }),
  )

  it.effect("reads a kubeconfig again that was written anew", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const file = "rotated.kubeconfig"
      const jane = { user: "jane", groups: ["system:masters"] }
      const client = yield* connect(yield* host.kubeconfigAs(file, { ...jane, trusts: "usual" }))
      yield* client.list(namespaces)
      yield* host.stopApiServer()
      yield* host.startApiServer("other")
      yield* host.kubeconfigAs(file, { ...jane, trusts: "other" })
      yield* client.list(namespaces)
      const lost = yield* connect(yield* host.kubeconfigAs(file, { ...jane, trusts: "usual" }))
      assert.strictEqual(yield* tagOf(lost.list(namespaces)), "Untrusted")
      assert.include((yield* failure(lost.list(namespaces))).message, "certificate is not trusted")
    }),
  )
})
