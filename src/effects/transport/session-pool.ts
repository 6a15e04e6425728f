/**
 * The one session of a cluster and the credentials it was opened with: opened on demand, shared, replaced when it dies or the
 * credentials change.
 *
 * A session that works is never given up for one that may not: while new credentials cannot be read, do not fit together (a
 * certificate and its key are replaced one after the other) or keep us waiting, requests go on over the old one.
 */
import { Clock, Deferred, Effect, Result } from "effect"
import type { Exit, Scope } from "effect"
import type { ClientHttp2Session, OutgoingHttpHeaders } from "node:http2"
import type { ConnectionSource, Credentials, KubeconfigError } from "../config/rest-config.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import { openSession } from "./http2-session.ts"
import type { SessionTimes } from "./http2-session.ts"
import type { TransportError } from "./transport-error.ts"

export interface Ready {
  readonly session: ClientHttp2Session
  readonly source: ConnectionSource
  readonly credentials: Credentials
  /** Of every path on that server. */
  readonly prefix: string
  /** Of every request with these credentials. */
  readonly headers: OutgoingHttpHeaders
}

export interface Sessions {
  /** Where the server is, as far as it was last read: `https://host:port[/prefix]`. */
  readonly server: () => string
  /** Usually at hand without waiting. */
  readonly get: Effect.Effect<Ready, TransportError | KubeconfigError>
  /** No new requests on this one; what runs on it goes on. */
  readonly retire: (session: ClientHttp2Session) => void
  /** After a 401. @returns false: there are no other credentials than those that were refused */
  readonly renew: (refused: Credentials) => Effect.Effect<boolean, KubeconfigError>
}

/** client-go reads token files anew once a minute. */
const credentialsMaxAgeMs = 60_000
/** After new ones could not be had or used: who replaces two files is done with both in a moment. */
const retryCredentialsMs = 5_000
/** A kubeconfig or a Secret is read again at most this often, however often a session cannot be opened. */
const reloadPauseMs = 10_000
/** So long a request waits for newer credentials while those at hand may still be good. */
const refreshPatience = "1 second"

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

const prefixOf = ({ server }: ConnectionSource): string => {
  const { pathname } = new URL(server)
  return pathname === "/" ? "" : pathname
}

const isUsable = ({ session }: Ready): boolean => !session.closed && !session.destroyed

/** All who come while `effect` runs get the result of that one run; it goes on when they are interrupted. */
const singleFlight = <A, E>(effect: Effect.Effect<A, E>, scope: Scope.Scope): Effect.Effect<A, E> => {
  let running: Deferred.Deferred<A, E> | undefined
  // Nobody may be interrupted between the note that it runs and its start: all later ones would wait for what never began.
  return Effect.uninterruptibleMask((restore) => {
    if (running !== undefined) return restore(Deferred.await(running))
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
      Effect.andThen(restore(Deferred.await(result))),
    )
  })
}

export const makeSessions = Effect.fnUntraced(function* (
  first: ConnectionSource,
  userAgent: string,
  times: SessionTimes,
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const scope = yield* Effect.scope
  /** Also those that were replaced and still carry watches. */
  const open = new Set<ClientHttp2Session>()
  let source = first
  let mayReloadAt = 0
  let known: { readonly credentials: Credentials; readonly until: number } | undefined
  let live: Ready | undefined
  /** Requests no longer wait for the reading that is going on. */
  let isSlow = false
  let complaint = ""

  yield* Effect.addFinalizer(() => Effect.sync(() => open.forEach((session) => session.destroy())))

  const remember = (session: ClientHttp2Session) => {
    open.add(session)
    session.once("close", () => open.delete(session))
  }

  /** Once, however often it happens. */
  const complain = (message: string) =>
    Effect.suspend(() => {
      if (message === complaint) return Effect.void
      complaint = message
      return Effect.logWarning(message)
    })

  const keep = (credentials: Credentials, forMs: number) =>
    Effect.clockWith((clock) => {
      known = { credentials, until: monotonicMillis(clock) + forMs }
      return Effect.succeed(credentials)
    })

  /** Those that are in use now; where they were kept for want of newer ones, they are soon asked for again all the same. */
  const settle = (credentials: Credentials) =>
    Effect.clockWith((clock) =>
      known?.credentials === credentials && monotonicMillis(clock) < known.until
        ? Effect.void
        : keep(credentials, credentialsMaxAgeMs),
    )

  /** When new ones cannot be had (a file is being replaced), those at hand may still be good: the server decides. */
  const credentials = Effect.gen(function* () {
    const now = monotonicMillis(yield* Clock.Clock)
    const before = known
    if (before !== undefined && now < before.until) return before.credentials
    const found = yield* Effect.result(source.credentials(false))
    // A refusal brought newer ones meanwhile.
    if (known !== undefined && known !== before) return known.credentials
    if (Result.isSuccess(found))
      return before !== undefined && isSame(before.credentials, found.success) ? before.credentials : found.success
    if (before === undefined) return yield* found.failure
    yield* complain(`the old credentials stay in use: ${found.failure.message}`)
    return yield* keep(before.credentials, retryCredentialsMs)
  })

  /** @returns whether there is another way into the cluster than before */
  const reload = Effect.gen(function* () {
    const now = monotonicMillis(yield* Clock.Clock)
    if (source.reload === undefined || now < mayReloadAt) return false
    mayReloadAt = now + reloadPauseMs
    const next = yield* source.reload.pipe(
      Effect.catch((error) =>
        Effect.as(complain(`the way into the cluster cannot be read again: ${error.message}`), source),
      ),
    )
    if (next === source) return false
    source = next
    known = undefined
    yield* Effect.logInfo(`the way into the cluster has changed: ${next.server}`)
    return true
  })

  const openWith = Effect.fnUntraced(function* (current: Credentials) {
    const from = source
    const before = live
    const session = yield* openSession(from, current, times, remember)
    // Graceful: watches of the old session go on until they end by themselves.
    if (before !== undefined && isUsable(before)) before.session.close()
    const ready = {
      session,
      source: from,
      credentials: current,
      prefix: prefixOf(from),
      headers: headersOf(current, userAgent),
    }
    live = ready
    complaint = ""
    yield* settle(current)
    return ready
  })

  const adopt = (before: Ready, current: Credentials): Ready =>
    before.credentials === current
      ? before
      : { ...before, credentials: current, headers: headersOf(current, userAgent) }

  const connect = Effect.gen(function* () {
    const current = yield* credentials
    const before = live !== undefined && isUsable(live) ? live : undefined
    if (before !== undefined && before.source === source && isSameTls(before.credentials, current)) {
      live = adopt(before, current)
      yield* settle(current)
      return live
    }
    return yield* Effect.catchTag(openWith(current), "TransportError", (error) =>
      Effect.gen(function* () {
        if (before !== undefined) {
          source = before.source
          yield* complain(`the old session stays in use: ${error.message}`)
          yield* keep(before.credentials, retryCredentialsMs)
          return before
        }
        // What could not be used is not kept for its minute.
        yield* keep(current, 0)
        return (yield* reload) ? yield* Effect.flatMap(source.credentials(false), openWith) : yield* error
      }),
    )
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        isSlow = false
      }),
    ),
  )

  const shared = singleFlight(connect, scope)
  const renewed = singleFlight(
    Effect.gen(function* () {
      const reloaded = yield* reload
      const fresh = yield* source.credentials(true)
      const changed = reloaded || known === undefined || !isSame(known.credentials, fresh)
      if (changed) yield* keep(fresh, credentialsMaxAgeMs)
      return changed
    }),
    scope,
  )

  /** Waits a moment for newer credentials, where those at hand have only come of age. */
  const refreshed = (ready: Ready) =>
    isSlow
      ? Effect.succeed(ready)
      : Effect.timeoutOrElse(shared, {
          duration: refreshPatience,
          orElse: () =>
            Effect.sync(() => {
              isSlow = true
              return ready
            }),
        })

  return {
    server: () => source.server,
    get: Effect.clockWith((clock) => {
      if (live === undefined || known === undefined || !isUsable(live) || live.source !== source) return shared
      if (!isSameTls(live.credentials, known.credentials)) return shared
      live = adopt(live, known.credentials)
      return monotonicMillis(clock) < known.until ? Effect.succeed(live) : refreshed(live)
    }),
    retire: (session) => {
      if (!session.closed && !session.destroyed) session.close()
    },
    // Many requests are refused together; the first one gets new credentials for all.
    renew: (refused) =>
      Effect.suspend(() => (known !== undefined && known.credentials !== refused ? Effect.succeed(true) : renewed)),
  }
})
