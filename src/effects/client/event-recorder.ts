/**
 * core/v1 Events about objects, as client-go's recorder writes them: repetitions are counted instead of written anew, and
 * one object that fails all the time does not flood the API server.
 */
import { Clock, Effect, Queue, type Scope } from "effect"
import type { ApiError } from "./api-error.ts"
import { cutText } from "../text/cut-text.ts"
import type { KubeClient } from "./kube-client.ts"
import { monotonicMillis } from "../monotonic-time.ts"
import { retryThrottled } from "./retry-throttled.ts"
import { keyOf, type KubeObject } from "./kube-object.ts"
import { LruMap } from "../controller/lru-cache.ts"
import { forkLoop } from "../controller/supervision.ts"
import type { Resource } from "./resource.ts"

export const eventResource: Resource = { group: "", version: "v1", plural: "events", kind: "Event", namespaced: true }

export interface RecordedEvent {
  readonly regarding: KubeObject
  readonly type: "Normal" | "Warning"
  /** CamelCase, at most 128 characters: for machines. */
  readonly reason: string
  /** Cut at 1024 bytes, which is the API server's limit. */
  readonly message: string
}

export interface EventRecorder {
  /** Never waits and never fails. What exceeds the limits is dropped: an event is a hint, not a state. */
  readonly record: (event: RecordedEvent) => void
}

export interface EventRecorderOptions {
  readonly client: KubeClient
  /** Who reports: `source.component` and `reportingComponent`. */
  readonly component: string
  /** Which process of it: `reportingInstance`. */
  readonly instance: string
}

/** The limits of client-go's EventCorrelator (tools/record/events_cache.go). */
const REMEMBERED = 1024
const BURST = 25
const REFILL_MS = 300_000
/** Waiting to be written; more than that means an API server that does not keep up. */
const QUEUED = 1000
const MESSAGE_BYTES = 1024
/** `reportingInstance` of the API. */
const INSTANCE_LENGTH = 128
const WRITE_LIMIT_MS = 10_000

/** A prefix of at most `limit` bytes of UTF-8 that ends with a whole character. */
const cutBytes = (text: string, limit: number): string => {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= limit) return text
  const ellipsis = "..."
  let end = limit - ellipsis.length
  // A continuation byte (10xxxxxx) at the cut: go back to the start of its character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return new TextDecoder().decode(bytes.subarray(0, end)) + ellipsis
}

/** An event's message within the API server's limit. */
export const cutMessage = (message: string): string => cutBytes(message, MESSAGE_BYTES)

/** One bucket an object: 25 at once, then one every 5 minutes, by a clock that nobody sets. */
const makeSpamFilter = () => {
  const buckets = new LruMap<string, { readonly tokens: number; readonly at: number }>(REMEMBERED)
  return (object: string, now: number): boolean => {
    const before = buckets.get(object) ?? { tokens: BURST, at: now }
    const tokens = Math.min(BURST, before.tokens + Math.max(0, now - before.at) / REFILL_MS)
    buckets.set(object, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now })
    return tokens >= 1
  }
}

interface Written {
  readonly name: string
  readonly uid: string | undefined
  readonly count: number
}

interface Pending {
  readonly event: RecordedEvent
  readonly at: number
}

/** Second precision, as `metav1.Time` has it. */
const timestamp = (millis: number): string => new Date(millis).toISOString().replace(/\.\d{3}Z$/u, "Z")

/** Object references cannot carry the secret's content, only its address. */
const referenceTo = ({ apiVersion, kind, metadata }: KubeObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
})

const identityOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  metadata.uid ?? `${apiVersion} ${kind} ${keyOf(metadata.namespace, metadata.name)}`

/** Names are unique by time, as in client-go: `OBJECT.HEX`; the object's name is cut to keep within 253 characters. */
const eventName = (object: string, at: number, serial: number): string => {
  const suffix = (BigInt(Math.floor(at)) * 1_000_000n + BigInt(serial % 1_000_000)).toString(16)
  const prefix = object.slice(0, 253 - suffix.length - 1).replace(/[^a-z0-9]+$/u, "")
  return `${prefix}.${suffix}`
}

const makeWriter = ({ client, component, instance }: EventRecorderOptions) => {
  const written = new LruMap<string, Written>(REMEMBERED)
  let serial = 0

  const create = (key: string, namespace: string, { event, at }: Pending): Effect.Effect<void, ApiError> => {
    const name = eventName(event.regarding.metadata.name, at, serial++)
    const body = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: referenceTo(event.regarding),
      type: event.type,
      reason: event.reason,
      message: event.message,
      source: { component },
      firstTimestamp: timestamp(at),
      lastTimestamp: timestamp(at),
      count: 1,
      reportingComponent: component,
      reportingInstance: cutText(instance, INSTANCE_LENGTH),
    }
    return Effect.map(client.create(eventResource, body), ({ metadata }) =>
      written.set(key, { name, uid: metadata.uid, count: 1 }),
    )
  }

  return (pending: Pending): Effect.Effect<void, ApiError> => {
    const { regarding, type, reason, message } = pending.event
    const key = JSON.stringify([identityOf(regarding), type, reason, message])
    const namespace = regarding.metadata.namespace ?? "default"
    const before = written.get(key)
    if (before === undefined) return create(key, namespace, pending)
    const { name, uid } = before
    const patch = { count: before.count + 1, lastTimestamp: timestamp(pending.at) }
    const anew = () => create(key, namespace, pending)
    return client.mergePatch(eventResource, { namespace, name }, patch, { uid }).pipe(
      Effect.tap(Effect.sync(() => written.set(key, { name, uid, count: patch.count }))),
      Effect.asVoid,
      // Events expire, by default after an hour; and one that somebody made anew under its name is not ours.
      Effect.catchReasons("ApiError", { NotFound: anew, Conflict: anew }),
    )
  }
}

/** Writes in the background until the scope closes; what is still waiting then is dropped. */
export const makeEventRecorder = Effect.fnUntraced(function* (
  options: EventRecorderOptions,
): Effect.fn.Return<EventRecorder, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const queue = yield* Queue.dropping<Pending>(QUEUED)
  const passes = makeSpamFilter()
  const write = makeWriter(options)
  const writing = Queue.take(queue).pipe(
    Effect.flatMap((pending) => Effect.timeout(retryThrottled(write(pending)), WRITE_LIMIT_MS)),
    Effect.catchCause((cause) => Effect.logDebug("event not written", cause)),
    Effect.forever,
  )
  yield* forkLoop("the event recorder", writing)
  return {
    record: (event) => {
      if (!passes(identityOf(event.regarding), monotonicMillis(clock))) return
      const at = clock.currentTimeMillisUnsafe()
      Queue.offerUnsafe(queue, { event: { ...event, message: cutMessage(event.message) }, at })
    },
  }
})
