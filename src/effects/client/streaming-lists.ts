/**
 * Whether an API server streams lists, as far as we know: one knowledge for all reflectors of a client.
 *
 * A streaming list (KEP-3157: a watch with `sendInitialEvents`) may fail although everything else is well: the feature gate WatchList
 * is off; the storage cannot report its progress (kine, where SQLite lacks `dbstat`: 200, then an ERROR event with code
 * 500), or reports none (the bookmark that closes the list never comes); a proxy cuts or keeps back what is streamed. The causes cannot be
 * told apart for sure, so a plain list that succeeds right after is the proof.
 *
 * client-go keeps no such knowledge: it streams first at each list, and falls back each time. Ours is kept for ten minutes, so that
 * many caches do not pay for the same attempt; a server that was upgraded meanwhile streams again after that.
 */
import { Effect } from "effect"
import type { ApiError } from "./api-error.ts"
import { monotonicMillis } from "../monotonic-time.ts"

export interface StreamingLists {
  readonly areWorthTrying: Effect.Effect<boolean>
  /** A streaming list failed with this, and a plain one then did not. Told once for each time that it comes to be known. */
  readonly haveFailed: (cause: ApiError) => Effect.Effect<void>
}

const knownForMs = 600_000

/** @param cluster for the log */
export const makeStreamingLists = (cluster: string): StreamingLists => {
  let knownUntil = 0
  return {
    areWorthTrying: Effect.clockWith((clock) => Effect.sync(() => monotonicMillis(clock) >= knownUntil)),
    haveFailed: (cause) =>
      Effect.clockWith((clock) => {
        const now = monotonicMillis(clock)
        const isNews = now >= knownUntil
        knownUntil = now + knownForMs
        if (!isNews) return Effect.void
        // The server's own word that it does not stream is a setting, and no trouble.
        const log = cause.reason._tag === "Invalid" ? Effect.logDebug : Effect.logInfo
        return log(`${cluster}: lists are not streamed but read page by page from here on, because of ${cause.message}`)
      }),
  }
}

/** No connection came about, or the server on its other end is dead. */
const withoutServer: ReadonlySet<string> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
])

/**
 * Whether a list by other means may succeed where a streaming one failed with this. What would meet it as well, or the watch after it,
 * is met by waiting: refused rights and credentials, an unknown resource, a server that asks for a moment or is not there.
 */
export const mayListOtherwise = ({ reason }: ApiError): boolean => {
  switch (reason._tag) {
    case "Forbidden":
    case "NoCredentials":
    case "NotFound":
    case "Throttled":
    case "Unauthorized":
    case "Untrusted":
      return false
    case "Unreachable":
      return reason.code === undefined || !withoutServer.has(reason.code)
    default:
      return true
  }
}
