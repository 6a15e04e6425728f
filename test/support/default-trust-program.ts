/** One request over a connection that names no authority: what a process trusts by itself is settled when it starts. */
import { Effect } from "effect"
import { makeTransport } from "../../src/effects/transport/transport.ts"

const [server = "", proxyUrl] = process.argv.slice(2)

const credentials = { ca: undefined, cert: undefined, key: undefined, headers: {} }

const request = Effect.gen(function* () {
  const transport = yield* makeTransport({
    source: {
      context: undefined,
      namespace: undefined,
      server,
      serverName: undefined,
      insecure: false,
      proxyUrl,
      credentials: () => Effect.succeed(credentials),
    },
    userAgent: "test",
    requestTimeoutMs: 30_000,
  })
  const { status } = yield* transport.exchange({ method: "GET", path: "/", headers: {} })
  return String(status)
})

const said = await Effect.runPromise(
  Effect.scoped(request.pipe(Effect.catch(({ message }) => Effect.succeed(message)))),
)
process.stdout.write(said)
