/** Lists in pages, and answers that are no lists. */
import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { answer, sourceFor, startServer, status } from "../fault-server.ts"
import { clientFor, configMaps, failure, ref } from "../test-client.ts"

const page = (names: ReadonlyArray<string>, token: string) => ({
  apiVersion: "v1",
  kind: "ConfigMapList",
  metadata: { resourceVersion: "9", ...(token === "" ? {} : { continue: token }) },
  items: names.map((name) => ({ metadata: { name } })),
})

it.live("follows pages, and lists without pages when their snapshot is gone", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream, { path }) => {
      const query = new URL(path, "https://x").searchParams
      if (query.get("continue") === "two=") return answer(stream, 200, page(["b"], "three"))
      if (query.get("continue") === "three") return answer(stream, 410, status(410, "Expired", "too old"))
      return answer(stream, 200, query.has("limit") ? page(["a"], "two=") : page(["a", "b", "c"], ""))
    })
    const client = yield* clientFor(sourceFor(server.url))
    const listed = yield* client.list(configMaps, { labelSelector: "a in (b,c)", metadataOnly: true })
    assert.deepStrictEqual(listed.resourceVersion, "9")
    assert.deepStrictEqual(listed.items, [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } },
    ])
    assert.deepStrictEqual(
      server.received.map(({ path }) => path),
      [
        "/api/v1/configmaps?labelSelector=a%20in%20(b%2Cc)&limit=500",
        "/api/v1/configmaps?labelSelector=a%20in%20(b%2Cc)&limit=500&continue=two%3D",
        "/api/v1/configmaps?labelSelector=a%20in%20(b%2Cc)&limit=500&continue=three",
        "/api/v1/configmaps?labelSelector=a%20in%20(b%2Cc)",
      ],
    )
    assert.include(server.received[0]?.headers.accept, "as=PartialObjectMetadataList")
  }),
)

it.live("takes no answer for a list that is none", () =>
  Effect.gen(function* () {
    const server = yield* startServer((stream) =>
      answer(stream, 200, "<html>log in</html>", { "content-type": "text/html" }),
    )
    const client = yield* clientFor(sourceFor(server.url))
    for (const call of [client.list(configMaps), client.get(configMaps, ref), client.getPath("/version")]) {
      assert.strictEqual((yield* failure<unknown>(call)).reason._tag, "NotKubernetes")
    }
    server.handle((stream) => answer(stream, 200, { metadata: {}, items: [{ no: "name" }] }))
    assert.strictEqual((yield* failure(client.list(configMaps))).reason._tag, "NotKubernetes")
    server.handle((stream) => answer(stream, 200, "ok", { "content-type": "text/plain; charset=utf-8" }))
    assert.strictEqual(yield* client.getPath("/readyz"), "ok")
  }),
)

it.live("leaves out what has no name, and says of how many; the others come", () =>
  Effect.gen(function* () {
    const pages = {
      "": { token: "two", items: [{ metadata: { name: "a" } }, { no: "name" }, 5] },
      two: { token: "", items: [{}] },
    }
    const server = yield* startServer((stream, { path }) => {
      const { items, token } = new URL(path, "https://x").searchParams.has("continue") ? pages.two : pages[""]
      answer(stream, 200, { metadata: { resourceVersion: "9", continue: token }, items })
    })
    const client = yield* clientFor(sourceFor(server.url))
    assert.deepStrictEqual(yield* client.list(configMaps), {
      items: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } }],
      resourceVersion: "9",
      nameless: 3,
    })
  }),
)

it.live("watches on over events of objects without metadata", () =>
  Effect.gen(function* () {
    const events = [
      { type: "ADDED", object: { kind: "ConfigMap" } },
      { type: "ADDED", object: { metadata: { name: "a" } } },
    ]
    const server = yield* startServer((stream) =>
      answer(stream, 200, events.map((event) => `${JSON.stringify(event)}\n`).join("")),
    )
    const client = yield* clientFor(sourceFor(server.url))
    const seen = yield* Stream.runCollect(client.watch(configMaps, { resourceVersion: "1" }))
    assert.deepStrictEqual(
      [...seen].map(({ type }) => type),
      ["MALFORMED", "ADDED"],
    )
  }),
)
