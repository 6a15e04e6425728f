/** A client that lets a test see how a reflector reads. */
import { Effect, Queue, Stream } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import type { KubeClient, WatchOptions } from "../../src/effects/client/kube-client.ts"
import type { Reflector } from "../../src/effects/informer/reflector.ts"

export const streaming = "a streaming list"
export const listing = "a plain list"

/**
 * A client that tells how reading began, each time: {@link streaming}, {@link listing}, or the version from which a watch goes on;
 * and how watches failed. `tamper` may change how they are opened.
 */
export const observed = Effect.fnUntraced(function* (
  client: KubeClient,
  tamper: (options: WatchOptions) => Effect.Effect<WatchOptions> = Effect.succeed,
) {
  const begun = yield* Queue.unbounded<string>()
  const failures = yield* Queue.unbounded<ApiError>()
  const watch: KubeClient["watch"] = (resource, options) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const changed = yield* tamper(options)
        yield* Queue.offer(begun, options.sendInitialEvents === true ? streaming : (options.resourceVersion ?? "now"))
        return client
          .watch(resource, changed)
          .pipe(Stream.tapError((error) => Effect.asVoid(Queue.offer(failures, error))))
      }),
    )
  const list: KubeClient["list"] = (resource, selection) =>
    Effect.andThen(Queue.offer(begun, listing), client.list(resource, selection))
  return { client: { ...client, watch, list }, begun, failures }
})

/** How reading begins where nothing is known of the server yet. */
export const firstReading = (streams: boolean, reflector: Pick<Reflector, "resourceVersion">): ReadonlyArray<string> =>
  streams ? [streaming] : [streaming, listing, reflector.resourceVersion()]

/** Waits for a failure for this reason; others, as of a list that is not streamed, are passed over. */
export const failureOf = (failures: Queue.Queue<ApiError>, reason: ApiError["reason"]["_tag"]) =>
  Effect.repeat(Queue.take(failures), { until: (failure) => failure.reason._tag === reason })
