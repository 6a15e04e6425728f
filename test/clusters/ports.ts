/**
 * Free ports on the loopback address.
 *
 * They are taken from below the range that systems give to outgoing connections (Linux: 32768 and up), so that a server which
 * is stopped finds its port still free when it comes back. Between the look and the use another process can still take
 * one: who starts a server must be ready to try again.
 */
import { createServer } from "node:net"
import { randomInt } from "node:crypto"
import { Effect } from "effect"

const lowest = 20_000
const beyond = 32_000
/** Handed out by this process, whether in use already or not. */
const given = new Set<number>()

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

export const freePort: Effect.Effect<number> = Effect.gen(function* () {
  for (;;) {
    const port = randomInt(lowest, beyond)
    if (given.has(port)) continue
    given.add(port)
    if (yield* Effect.promise(() => isFree(port))) return port
  }
})
