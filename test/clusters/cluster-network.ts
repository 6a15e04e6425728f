/**
 * What stands in for a cluster's network and DNS when an API server calls webhooks: nothing on the ground gives a Service an
 * address or a name. The API server has a hook of its own for that, the egress selector: it asks a proxy (HTTP CONNECT over
 * a Unix socket) for every connection to a webhook, as `CLUSTER-IP:PORT` for a Service and as `HOST:PORT` for a URL. TLS goes
 * through untouched, so names and certificates are checked as in any cluster.
 */
import { createServer, type Server } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import type { Duplex } from "node:stream"
import { Effect, type Scope } from "effect"
import { describeCause, GroundError } from "./errors.ts"

export interface ClusterNetwork {
  /** From now on `address` (`HOST:PORT`) leads to that port on the loopback address. Every other address leads nowhere. */
  readonly route: (address: string, port: number) => void
}

export const networkSocket = (folder: string): string => join(folder, "network.sock")

/** kube-apiserver takes `controlplane` for webhooks with a URL, `cluster` for those with a Service. */
export const egressSelection = (socket: string): string =>
  JSON.stringify({
    apiVersion: "apiserver.k8s.io/v1beta1",
    kind: "EgressSelectorConfiguration",
    egressSelections: ["controlplane", "cluster"].map((name) => ({
      name,
      connection: { proxyProtocol: "HTTPConnect", transport: { uds: { udsName: socket } } },
    })),
  })

const refuse = (client: Duplex): void => {
  client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n")
}

const tunnel = (client: Duplex, port: number, open: Set<Duplex>): void => {
  const target = connect(port, "127.0.0.1")
  for (const end of [client, target]) {
    open.add(end)
    end.on("close", () => {
      open.delete(end)
      client.destroy()
      target.destroy()
    })
  }
  client.on("error", () => target.destroy())
  target.once("error", () => refuse(client))
  target.once("connect", () => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n")
    target.pipe(client)
    client.pipe(target)
  })
}

const listening = (server: Server, socket: string): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: () =>
      new Promise<void>((resolve, reject) => {
        server.once("error", reject)
        server.listen(socket, resolve)
      }),
    catch: (cause) => new GroundError({ message: `cannot listen on ${socket}: ${describeCause(cause)}` }),
  })

/** Serves the network of a control plane that was started with `clusterNetwork`, until the scope closes. */
export const serveClusterNetwork = Effect.fnUntraced(function* (cluster: {
  readonly folder: string
}): Effect.fn.Return<ClusterNetwork, GroundError, Scope.Scope> {
  const routes = new Map<string, number>()
  const open = new Set<Duplex>()
  const server = createServer().on("connect", (request, client: Duplex) => {
    const port = routes.get(request.url ?? "")
    if (port === undefined) refuse(client)
    else tunnel(client, port, open)
  })
  yield* Effect.acquireRelease(listening(server, networkSocket(cluster.folder)), () =>
    Effect.sync(() => {
      for (const end of open) end.destroy()
      server.close()
    }),
  )
  return { route: (address, port) => void routes.set(address, port) }
})
