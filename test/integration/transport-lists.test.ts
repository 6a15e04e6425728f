/** Lists and watches of a real API server. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import { byAgent } from "../clusters/audit-log.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { configMaps, namespaces } from "../support/resources.ts"
import { configMap, failure, hostClient, refTo, userAgent } from "./transport-client.ts"

onGround("lists and watches of a real API server", (it) => {
  it.effect("lists in pages that are one snapshot, and finds its way when the snapshot is gone", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient()
      yield* client.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "many" } })
      const names = Array.from({ length: 1_203 }, (_, index) => `m-${String(index).padStart(4, "0")}`)
      yield* Effect.forEach(names, (name) => client.create(configMaps, configMap(name, {}, { namespace: "many" })), {
        concurrency: 64,
        discard: true,
      })
      const mark = yield* host.audit.mark
      const listed = yield* client.list(configMaps, {
        namespace: "many",
        fieldSelector: "metadata.name!=kube-root-ca.crt",
      })
      assert.deepStrictEqual(
        listed.items.map(({ metadata }) => metadata.name),
        names,
      )
      assert.isTrue(listed.items.every(({ kind, apiVersion }) => kind === "ConfigMap" && apiVersion === "v1"))
      const pages = (yield* host.audit.since(mark)).filter(byAgent(userAgent))
      assert.strictEqual(pages.length, 3)
      const bare = yield* client.list(configMaps, { namespace: "many", metadataOnly: true })
      assert.isTrue(bare.items.every((item) => item["data"] === undefined && item.kind === "ConfigMap"))
    }),
  )

  it.effect("watches from the state of now, up to the bookmark, and on", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const labels = { watched: "yes" }
      const one = yield* client.create(configMaps, configMap("w1", { data: { a: "1" } }, { labels }))
      const selection = { namespace: "default", labelSelector: "watched=yes" }
      const seen = yield* client.watch(configMaps, { ...selection, sendInitialEvents: true, metadataOnly: true }).pipe(
        Stream.tap((event) =>
          event.type === "BOOKMARK" && event.initialEventsEnd
            ? Effect.andThen(
                client.mergePatch(configMaps, refTo("w1"), { data: { a: "2" } }),
                client.delete(configMaps, refTo("w1")),
              )
            : Effect.void,
        ),
        Stream.takeUntil(({ type }) => type === "DELETED"),
        Stream.runCollect,
      )
      assert.deepStrictEqual(
        seen.map((event) => (event.type === "BOOKMARK" ? `BOOKMARK ${event.initialEventsEnd}` : event.type)),
        ["ADDED", "BOOKMARK true", "MODIFIED", "DELETED"],
      )
      assert.isTrue(
        seen.every(
          (event) =>
            event.type === "BOOKMARK" ||
            (event.type !== "MALFORMED" && event.object.kind === "ConfigMap" && event.object["data"] === undefined),
        ),
      )
      const later = yield* client
        .watch(configMaps, { ...selection, resourceVersion: one.metadata.resourceVersion })
        .pipe(
          Stream.takeUntil(({ type }) => type === "DELETED"),
          Stream.runCollect,
        )
      assert.deepStrictEqual(
        later.map(({ type }) => type),
        ["MODIFIED", "DELETED"],
      )
    }),
  )

  it.effect("ends a watch when the server's time is up", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const { resourceVersion } = yield* client.list(configMaps, { namespace: "default" })
      const events = yield* Stream.runCollect(
        client
          .watch(configMaps, { namespace: "default", resourceVersion, timeoutSeconds: 1 })
          .pipe(Stream.filter(({ type }) => type !== "BOOKMARK")),
      )
      assert.deepStrictEqual(events, [])
    }),
  )

  it.effect("reads large objects and long lists whole", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const data = { big: "x".repeat(900_000) }
      yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (index) =>
        client.create(configMaps, configMap(`big-${index}`, { data }, { labels: { big: "yes" } })),
      )
      const lists: ReadonlyArray<Effect.Effect<unknown, ApiError>> = Array.from({ length: 4 }, () =>
        client.list(configMaps, { labelSelector: "big=yes" }),
      )
      yield* Effect.all(lists, { concurrency: 4 })
      const watched = yield* client.watch(configMaps, { labelSelector: "big=yes", sendInitialEvents: true }).pipe(
        Stream.takeUntil(({ type }) => type === "BOOKMARK"),
        Stream.runCollect,
      )
      assert.strictEqual(watched.length, 9)
      const tooBig = yield* failure(
        client.create(configMaps, configMap("huge", { data: { big: "x".repeat(4_000_000) } })),
      )
      assert.strictEqual(tooBig.reason._tag, "Invalid", tooBig.message)
    }),
  )
})
