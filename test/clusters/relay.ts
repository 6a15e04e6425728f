/** Passes connections on, byte for byte: a TCP port of this network namespace and a socket in the file system, which all namespaces share. */
import { once } from "node:events"
import { rmSync } from "node:fs"
import { connect, createServer, type NetConnectOpts } from "node:net"
import { type PodSpec, socketOf } from "./pod-spec.ts"

/** A port of `127.0.0.1`, or the path of a socket. */
export type Place = number | string

const options = (place: Place): NetConnectOpts =>
  typeof place === "number" ? { host: "127.0.0.1", port: place } : { path: place }

/** The relay's socket of a port, without the one that a pod before this left there. */
export const freshSocket = (spec: PodSpec, way: "in" | "out", port: number): string => {
  const socket = socketOf(spec, way, port)
  rmSync(socket, { force: true })
  return socket
}

/** Resolves when it listens. An end that breaks breaks the other one. */
export const relay = async (from: Place, to: Place): Promise<void> => {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...options(to), allowHalfOpen: true, noDelay: true })
    near.on("error", () => far.destroy())
    far.on("error", () => near.destroy())
    near.on("close", () => far.destroy())
    far.on("close", () => near.destroy())
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(options(from))
  await once(server, "listening")
}
