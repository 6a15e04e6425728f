/** `status --watch` outlives what happens to the clusters, and keeps its connections. */
import { assert } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { readFile, writeFile } from "node:fs/promises"
import * as net from "node:net"
import { join } from "node:path"
import { plan } from "../../src/plugin/app.ts"
import { Terminal } from "../../src/plugin/output/terminal.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { Ground } from "../clusters/ground.ts"
import { renderKubeconfig } from "../clusters/kubeconfig.ts"
import { onGround } from "../support/on-ground.ts"
import { externalSecrets, secrets } from "../support/resources.ts"
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

/** `status --watch` of the vCluster, and what it says; `until` gives the first text from now on that holds `what`. */
const watchStatus = Effect.fnUntraced(function* (vcluster: string, ...ways: ReadonlyArray<string>) {
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
  const planned = yield* plan(["status", vcluster, "-n", "team-x", "--watch", ...ways], "vcluster-es")
  if (planned._tag !== "Run") return assert.fail("status runs")
  const watching = yield* Effect.forkScoped(Effect.provideService(planned.program.run, Terminal, terminal))
  yield* until(vcluster)
  return { until, isOver: () => watching.pollUnsafe() !== undefined }
})

const installed = Effect.fnUntraced(function* () {
  const { host, virtual } = yield* Ground
  for (const cluster of [host, virtual])
    yield* installEsoCrds(cluster, "0.20", ["externalsecrets", "secretstores", "clustersecretstores"])
})

onGround("status --watch", (it) => {
  it.effect("goes on when a cluster comes back, over one connection to each", () =>
    Effect.gen(function* () {
      const { host, virtual, seedVcluster } = yield* Ground
      yield* installed()
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
      const { until, isOver } = yield* watchStatus(
        "my-vcluster",
        `--kubeconfig=${yield* through(host, proxies.host)}`,
        `--virtual-kubeconfig=${yield* through(virtual, proxies.virtual)}`,
      )
      yield* virtual.kube.create(externalSecrets, externalSecret("first"))
      yield* until("first")
      assert.deepStrictEqual([proxies.host.count(), proxies.virtual.count()], [1, 1])
      yield* host.stopApiServer()
      yield* virtual.kube.create(externalSecrets, externalSecret("second"))
      yield* until("does not answer")
      yield* host.startApiServer()
      yield* until("second")
      assert.isFalse(isOver())
      assert.strictEqual(proxies.virtual.count(), 1)
    }),
  )

  it.effect("finds its way again by the Secret of the vCluster when all certificates are others", () =>
    Effect.gen(function* () {
      const { host, virtual, seedVcluster } = yield* Ground
      yield* installed()
      // No name of this machine's that the program would take for `localhost`; the certificate's name is another anyway.
      const server = virtual.server.replace("127.0.0.1", "[::ffff:127.0.0.1]")
      const vcluster = { name: "rotated", namespace: "team-x", exportedServer: server }
      const seed = (trusts: "usual" | "other") =>
        Effect.gen(function* () {
          yield* seedVcluster(vcluster)
          const admin = { user: "kubernetes-admin", groups: ["system:masters"], trusts }
          const text = renderKubeconfig({
            context: "my-vcluster",
            connection: { ...virtual.connectionAs(admin), server },
          }).replace(/^( *)server: .*$/m, "$&\n$1tls-server-name: kubernetes.default")
          const config = Buffer.from(text).toString("base64")
          yield* host.kube.patch(secrets, { namespace: "team-x", name: "vc-rotated" }, { data: { config } })
        })
      yield* seed("usual")
      const { until, isOver } = yield* watchStatus("rotated", `--kubeconfig=${host.kubeconfig}`)
      yield* virtual.kube.create(externalSecrets, externalSecret("before"))
      yield* until("before")
      yield* virtual.stopApiServer()
      yield* seed("other")
      yield* virtual.startApiServer("other")
      yield* virtual.kube.create(externalSecrets, externalSecret("after"))
      // The watch there went with the server; one on the host tells of something new.
      yield* host.kube.create(externalSecrets, {
        ...externalSecret("elsewhere"),
        metadata: { name: "elsewhere", namespace: "team-x" },
      })
      yield* until("after")
      assert.isFalse(isOver())
    }),
  )
})
