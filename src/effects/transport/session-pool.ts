/**
 * The one session of a cluster and the credentials it was opened with: opened on demand, shared, replaced when it dies or the
 * credentials change.
 */
import { Clock, Deferred, Effect } from "effect"
import type { Exit, Scope } from "effect"
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2"
import type { ConnectionSource, Credentials, KubeconfigError } from "../config/rest-config.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import { openSession } from "./http2-session.ts"
import type { SessionTimes } from "./http2-session.ts"
import type { TransportError } from "./transport-error.ts"

export interface Ready {
  readonly session: ClientHttp2Session
  readonly credentials: Credentials
  /** Of every request with these credentials. */
  readonly headers: OutgoingHttpHeaders
}

export interface Sessions {
  /** Usually at hand without waiting. */
  readonly get: Effect.Effect<Ready, TransportError | KubeconfigError>
  /** No new requests on this one; what runs on it goes on. */
  readonly retire: (session: ClientHttp2Session) => void
  /** After a 401. @returns false: there are no other credentials than those that were refused */
  readonly renew: (refused: Credentials) => Effect.Effect<boolean, KubeconfigError>
}

/** client-go reads token files anew once a minute. */
const credentialsMaxAgeMs = 60_000

const isSame = (left: Credentials, right: Credentials): boolean => JSON.stringify(left) === JSON.stringify(right)

/** What a TLS session was opened with; headers may change under it. */
const isSameTls = (left: Credentials, right: Credentials): boolean =>
  left.ca === right.ca && left.cert === right.cert && left.key === right.key

const headersOf = (credentials: Credentials, userAgent: string): OutgoingHttpHeaders => ({
  "user-agent": userAgent,
  ...Object.fromEntries(
    Object.entries(credentials.headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  ),
})

const isUsable = ({ session }: Ready): boolean => !session.closed && !session.destroyed

/** All who come while `effect` runs get the result of that one run; it goes on when they are interrupted. */
const singleFlight = <A, E>(effect: Effect.Effect<A, E>, scope: Scope.Scope): Effect.Effect<A, E> => {
  let running: Deferred.Deferred<A, E> | undefined
  return Effect.suspend(() => {
    if (running !== undefined) return Deferred.await(running)
    const result = Deferred.makeUnsafe<A, E>()
    running = result
    return effect.pipe(
      Effect.onExit((exit: Exit.Exit<A, E>) =>
        Effect.sync(() => {
          running = undefined
          Deferred.doneUnsafe(result, exit)
        }),
      ),
      Effect.forkIn(scope, { startImmediately: true }),
      Effect.andThen(Deferred.await(result)),
    )
  })
}

export const makeSessions = Effect.fnUntraced(function* (
  source: ConnectionSource,
  userAgent: string,
  times: SessionTimes,
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const scope = yield* Effect.scope
  /** Also those that were replaced and still carry watches. */
  const open = new Set<ClientHttp2Session>()
  let known: { readonly credentials: Credentials; readonly at: number } | undefined
  let live: Ready | undefined

  yield* Effect.addFinalizer(() => Effect.sync(() => open.forEach((session) => session.destroy())))

  const remember = (session: ClientHttp2Session) => {
    open.add(session)
    session.once("close", () => open.delete(session))
  }

  /** When new ones cannot be had (a file is being replaced), those at hand may still be good: the server decides. */
  const credentials = Effect.gen(function* () {
    const at = monotonicMillis(yield* Clock.Clock)
    const before = known
    if (before !== undefined && at - before.at < credentialsMaxAgeMs) return before.credentials
    const found = yield* source
      .credentials(false)
      .pipe(
        Effect.catch((error) =>
          before === undefined
            ? Effect.fail(error)
            : Effect.as(Effect.logWarning(`the old credentials stay in use: ${error.message}`), before.credentials),
        ),
      )
    const kept = before !== undefined && isSame(before.credentials, found) ? before.credentials : found
    known = { credentials: kept, at }
    return kept
  })

  const connect = Effect.gen(function* () {
    const current = yield* credentials
    const before = live
    if (before !== undefined && isUsable(before) && isSameTls(before.credentials, current)) {
      live =
        before.credentials === current
          ? before
          : { ...before, credentials: current, headers: headersOf(current, userAgent) }
      return live
    }
    const session = yield* openSession(source, current, times, remember)
    // Graceful: watches of the old session go on until they end by themselves.
    if (before !== undefined && isUsable(before)) before.session.close()
    live = { session, credentials: current, headers: headersOf(current, userAgent) }
    return live
  })

  const shared = singleFlight(connect, scope)
  const renewed = singleFlight(
    Effect.gen(function* () {
      const fresh = yield* source.credentials(true)
      const at = monotonicMillis(yield* Clock.Clock)
      const changed = known === undefined || !isSame(known.credentials, fresh)
      if (changed) known = { credentials: fresh, at }
      return changed
    }),
    scope,
  )

  return {
    get: Effect.clockWith((clock) =>
      live !== undefined &&
      known !== undefined &&
      live.credentials === known.credentials &&
      isUsable(live) &&
      monotonicMillis(clock) - known.at < credentialsMaxAgeMs
        ? Effect.succeed(live)
        : shared,
    ),
    retire: (session) => {
      if (!session.closed && !session.destroyed) session.close()
    },
    // Many requests are refused together; the first one gets new credentials for all.
    renew: (refused) =>
      Effect.suspend(() => (known !== undefined && known.credentials !== refused ? Effect.succeed(true) : renewed)),
  }
})
