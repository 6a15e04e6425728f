/** A way into an API server that counts what is read of it: bytes on the wire, TLS and all, the same for everybody. */
import { writeFile } from "node:fs/promises"
import * as net from "node:net"
import { Effect } from "effect"
import { renderKubeconfig } from "../test/clusters/kubeconfig.ts"
import type { Connection } from "../test/support/kube-http.ts"

export interface CountingProxy {
  /** Path of a kubeconfig whose server is the proxy. */
  readonly kubeconfig: string
  /** Bytes that came from the server up to then. @param until ms since 1970 */
  readonly received: (until: number) => number
}

interface Chunk {
  readonly at: number
  readonly bytes: number
}

const listen = (target: { readonly host: string; readonly port: number }, chunks: Array<Chunk>): Promise<net.Server> =>
  new Promise((resolve, reject) => {
    const server = net.createServer((client) => {
      const upstream = net.connect(target)
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.setNoDelay(true)
        one.on("error", () => other.destroy())
        one.on("close", () => other.destroy())
        one.pipe(other)
      }
      upstream.on("data", ({ length }: Buffer) => void chunks.push({ at: Date.now(), bytes: length }))
      sockets.add(client)
      client.on("close", () => sockets.delete(client))
    })
    const sockets = new Set<net.Socket>()
    server.once("error", reject)
    server.once("close", () => sockets.forEach((socket) => socket.destroy()))
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

const portOf = (server: net.Server): number => {
  const address = server.address()
  return address === null || typeof address === "string" ? 0 : address.port
}

/** Listens until the scope closes. @param file where the kubeconfig is written */
export const makeCountingProxy = Effect.fnUntraced(function* (context: string, connection: Connection, file: string) {
  const { hostname, port } = new URL(connection.server)
  const chunks: Array<Chunk> = []
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => listen({ host: hostname, port: Number(port) }, chunks)),
    (open) => Effect.sync(() => void open.close()),
  )
  const through = { ...connection, server: `https://127.0.0.1:${portOf(server)}` }
  yield* Effect.promise(() => writeFile(file, renderKubeconfig({ context, connection: through }), { mode: 0o600 }))
  return {
    kubeconfig: file,
    received: (until) => chunks.reduce((sum, { at, bytes }) => (at <= until ? sum + bytes : sum), 0),
  } satisfies CountingProxy
})
