/** `status --watch` outlives what happens to the clusters, and keeps its connections. */
import { assert } from "@effect/vitest"
import { Effect, Fiber, Queue } from "effect"
import { readFile, writeFile } from "node:fs/promises"
import * as net from "node:net"
import { join } from "node:path"
import { plan } from "../../src/plugin/app.ts"
import { Terminal } from "../../src/plugin/output/terminal.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { externalSecrets } from "../support/resources.ts"
import { serve } from "../unit/effects/fault-server.ts"

/** A TCP proxy that counts the connections made through it. */
const countingProxy = Effect.fnUntraced(function* (target: URL) {
  let connections = 0
  const port = yield* serve(
    net.createServer((near) => {
      connections += 1
      const far = net.connect(Number(target.port), target.hostname)
      near.on("error", () => far.destroy()).pipe(far)
      far.on("error", () => near.destroy()).pipe(near)
    }),
  )
  return { url: `https://127.0.0.1:${port}`, count: () => connections }
})

const externalSecret = (name: string) => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name, namespace: "default" },
  spec: {
    secretStoreRef: { name: "store", kind: "ClusterSecretStore" },
    data: [{ secretKey: "a", remoteRef: { key: "a" } }],
  },
})

onGround("status --watch", (it) => {
  it.effect("goes on when a cluster comes back, over one connection to each", () =>
    Effect.gen(function* () {
      const { host, virtual, seedVcluster } = yield* Ground
      for (const cluster of [host, virtual])
        yield* installEsoCrds(cluster, "0.20", ["externalsecrets", "secretstores", "clustersecretstores"])
      yield* seedVcluster({ name: "my-vcluster", namespace: "team-x" })
      const proxies = {
        host: yield* countingProxy(new URL(host.server)),
        virtual: yield* countingProxy(new URL(virtual.server)),
      }
      const through = (cluster: typeof host, proxy: { readonly url: string }) =>
        Effect.promise(async () => {
          const file = join(cluster.folder, "counted.kubeconfig")
          await writeFile(file, (await readFile(cluster.kubeconfig, "utf8")).replaceAll(cluster.server, proxy.url))
          return file
        })
      const seen = yield* Queue.unbounded<string>()
      const take = (text: string) => Effect.asVoid(Queue.offer(seen, text))
      const style = { color: false, unicode: true }
      const terminal = Terminal.of({
        out: take,
        err: take,
        outStyle: style,
        errStyle: style,
        outColumns: undefined,
        errColumns: undefined,
      })
      const until = (what: string): Effect.Effect<string> =>
        Effect.flatMap(Queue.take(seen), (text) => (text.includes(what) ? Effect.succeed(text) : until(what)))
      const ways = [
        `--kubeconfig=${yield* through(host, proxies.host)}`,
        `--virtual-kubeconfig=${yield* through(virtual, proxies.virtual)}`,
      ]
      const planned = yield* plan(["status", "my-vcluster", "-n", "team-x", "--watch", ...ways], "vcluster-es")
      if (planned._tag !== "Run") return assert.fail("status runs")
      const watching = yield* Effect.forkScoped(Effect.provideService(planned.program.run, Terminal, terminal))
      yield* until("my-vcluster")
      yield* virtual.kube.create(externalSecrets, externalSecret("first"))
      yield* until("first")
      assert.deepStrictEqual([proxies.host.count(), proxies.virtual.count()], [1, 1])
      yield* host.stopApiServer()
      yield* virtual.kube.create(externalSecrets, externalSecret("second"))
      yield* until("does not answer")
      yield* host.startApiServer()
      yield* until("second")
      assert.isUndefined(watching.pollUnsafe())
      assert.strictEqual(proxies.virtual.count(), 1)
      yield* Fiber.interrupt(watching)
    }),
  )
})
