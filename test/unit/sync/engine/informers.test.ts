import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Stream } from "effect"
import type { ApiError, ApiErrorReason } from "../../../../src/effects/client/api-error.ts"
import { Forbidden, NotFound, ServerFault, Unreachable } from "../../../../src/effects/client/api-error.ts"
import type { KubeClient, ListOptions, WatchEvent } from "../../../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import type { Resource } from "../../../../src/effects/client/resource.ts"
import { wantedCaches } from "../../../../src/sync/engine/caches.ts"
import { hostEvents } from "../../../../src/sync/external-secrets/event-caches.ts"
import { registryLayer, syncedCaches } from "../../../../src/sync/kinds/kinds.ts"
import { clientsLayer } from "../../../../src/sync/engine/clients.ts"
import { KeptCaches, type Listener } from "../../../../src/sync/engine/informers.ts"
import { reporterLayer } from "../../../../src/sync/engine/reporter.ts"
import { VirtualIdentity } from "../../../../src/sync/engine/virtual-identity.ts"
import { visibleCaches } from "../../../../src/sync/engine/visible-caches.ts"
import { events } from "../../../../src/sync/resources.ts"
import { epochLayer, leadershipLayer } from "../../../support/sync-layers.ts"
import { testContext } from "../../../model/world.ts"
import { added, listEnd, makeScriptedClient, scriptedError } from "../../../support/scripted-client.ts"
import { pass } from "../../../support/scripted-reflector.ts"

const deaf: Listener = { onDelta: () => {}, onVirtualList: () => Effect.void }

type Watches = (resource: Resource) => Stream.Stream<WatchEvent, ApiError>

const allListed: WatchEvent = listEnd("1")

/** Everything is empty and listed at once, except for what `given` says. */
const prepared = Effect.fnUntraced(function* (given: Watches) {
  const { client } = yield* makeScriptedClient
  const asked: Array<string> = []
  const watch: KubeClient["watch"] = (resource) => {
    asked.push(resource.plural)
    return given(resource)
  }
  const list: KubeClient["list"] = (resource) =>
    resource === events ? Effect.never : Effect.succeed({ items: [], resourceVersion: "1" })
  const cluster = { ...client, watch, list }
  const warned: Array<string> = []
  const seen: Array<string> = []
  const identity = {
    uid: "kube-system-uid",
    check: () => Effect.void,
    saw: (version: string) => void seen.push(version),
    highest: () => undefined,
  }
  const services = Layer.mergeAll(
    clientsLayer({ host: cluster, virtual: cluster }),
    registryLayer,
    leadershipLayer,
    epochLayer(testContext()),
    reporterLayer({ onWarning: (message) => void warned.push(message) }),
    Layer.succeed(VirtualIdentity, identity),
  )
  const opened = Context.get(yield* Layer.build(Layer.provide(KeptCaches.layer, services)), KeptCaches)
  const missing = () => warned.filter((message) => message.startsWith("ESO's events are not shown"))
  const refused = () => warned.filter((message) => !missing().includes(message))
  return { opened, missing, seen, asked, refused }
})

const held = Stream.concat(Stream.succeed(allListed), Stream.never)

const withEvents = Effect.fnUntraced(function* (ofEvents: Stream.Stream<WatchEvent, ApiError>) {
  const bench = yield* prepared((resource) => (resource === events ? ofEvents : held))
  return { ...bench, ...(yield* bench.opened.start(deaf)) }
})

describe("the caches", () => {
  it.effect("are waited for, but those of Events only for a moment", () =>
    Effect.gen(function* () {
      const { missing, reflectors, synced: complete } = yield* withEvents(Stream.never)
      const synced = yield* Effect.forkChild(complete)
      yield* pass("4999 millis")
      assert.isUndefined(synced.pollUnsafe())
      yield* pass("1 milli")
      yield* Fiber.join(synced)
      assert.isFalse(reflectors.get(hostEvents)?.isSynced())
      assert.lengthOf(missing(), 0, "they may still come")
    }),
  )

  it.effect("go on without Events that may not be read, and say so", () =>
    Effect.gen(function* () {
      const { missing, synced } = yield* withEvents(Stream.fail(scriptedError(new Forbidden({}))))
      yield* synced
      yield* pass("1 milli")
      assert.isAbove(missing().length, 0)
    }),
  )

  const object = (kind: string, resourceVersion: string): KubeObject => ({
    apiVersion: "v1",
    kind,
    metadata: { name: "a", namespace: "default", uid: "u", resourceVersion },
  })

  it.effect("lose no change: nothing is asked before there is a listener, and it hears of the first object", () =>
    Effect.gen(function* () {
      const one = Stream.concat(Stream.make(added(object("ConfigMap", "1")), allListed), Stream.never)
      const { opened, asked } = yield* prepared((resource) => (resource.plural === "configmaps" ? one : held))
      yield* pass("1 minute")
      assert.deepStrictEqual(asked, [])
      const heard: Array<string> = []
      const { synced } = yield* opened.start({
        ...deaf,
        onDelta: ({ name }, delta) => void heard.push(`${name} ${delta.key}`),
      })
      yield* synced
      assert.include(heard, "virtualConfigMaps default/a")
    }),
  )

  it.effect("let the versions of Events and of CRDs' objects say nothing about the identity", () =>
    Effect.gen(function* () {
      const versions = new Map([
        ["events", "900"],
        ["externalsecrets", "901"],
        ["configmaps", "7"],
      ])
      const { opened, seen } = yield* prepared((resource) => {
        const version = versions.get(resource.plural)
        const first = version === undefined ? [] : [added(object(resource.kind, version))]
        return Stream.concat(Stream.make(...first, allListed), Stream.never)
      })
      const { synced } = yield* opened.start(deaf)
      yield* synced
      assert.deepStrictEqual(new Set(seen), new Set(["1", "7"]))
    }),
  )

  it.effect(
    "count a list that is believed as seen, though it holds nothing: an older store would not be noticed later",
    () =>
      Effect.gen(function* () {
        const versions = new Map([
          ["secrets", "500"],
          ["externalsecrets", "800"],
        ])
        const { opened, seen } = yield* prepared(({ plural }) =>
          Stream.concat(Stream.succeed(listEnd(versions.get(plural) ?? "1")), Stream.never),
        )
        const { synced } = yield* opened.start(deaf)
        yield* synced
        assert.deepStrictEqual(new Set(seen), new Set(["1", "500"]))
      }),
  )
})

describe("an object that is not what its kind should be", () => {
  const externalSecret = (metadata: object): WatchEvent =>
    added(JSON.parse(JSON.stringify({ ...externalSecretOf, metadata: { ...externalSecretOf.metadata, ...metadata } })))
  const externalSecretOf = {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: "bad", namespace: "default", uid: "u", resourceVersion: "1" },
  }

  it.effect("is refused at the door with one report, and disturbs no other", () =>
    Effect.gen(function* () {
      const bad = [
        { finalizers: 5 },
        { namespace: "made up;true" },
        { namespace: undefined },
        { name: "Bad_Name" },
        { labels: { a: 5 } },
        { name: undefined },
      ]
      const all = [...bad, { name: "good", resourceVersion: "2" }].map(externalSecret)
      const one = Stream.concat(Stream.make(...all, allListed), Stream.never)
      const { opened, refused } = yield* prepared((resource) => (resource.plural === "externalsecrets" ? one : held))
      const heard: Array<string> = []
      const { synced } = yield* opened.start({
        ...deaf,
        onDelta: ({ name }, { key }) => void heard.push(`${name} ${key}`),
      })
      yield* synced
      assert.deepStrictEqual(heard.toSorted(), [
        "hostExternalSecrets default/good",
        "virtualExternalSecrets default/good",
      ])
      for (const side of ["host", "virtual"])
        assert.deepStrictEqual(
          refused()
            .filter((message) => message.startsWith(side))
            .map((message) => message.replace(/^.*?: .*: /u, "")),
          [
            "metadata.finalizers is not a list of texts",
            "metadata.namespace is no namespace",
            "it has no metadata.namespace",
            "metadata.name is no DNS subdomain",
            "metadata.labels is not a map of texts",
            "metadata.name is no name",
          ],
        )
    }),
  )
})

describe("what other settings may have left behind", () => {
  const shown = (reason: ApiErrorReason | undefined) =>
    Effect.gen(function* () {
      const { client } = yield* makeScriptedClient
      const limits: Array<number | undefined> = []
      const list = (_resource: Resource, selection?: ListOptions) => {
        limits.push(selection?.limit)
        return reason === undefined
          ? Effect.succeed({ items: [], resourceVersion: "1" })
          : Effect.fail(scriptedError(reason, "list"))
      }
      const cluster = { ...client, list }
      const wanted = yield* visibleCaches(wantedCaches(syncedCaches, testContext()), {
        host: cluster,
        virtual: cluster,
      })
      return { names: wanted.map(({ cache }) => cache.name), limits }
    })

  it.effect("is looked for, and one object is enough to know that we may", () =>
    Effect.gen(function* () {
      const { names, limits } = yield* shown(undefined)
      assert.includeMembers(names, ["virtualSecretStores", "hostSecretStores"])
      assert.deepStrictEqual(limits, [1, 1])
    }),
  )

  for (const reason of [new NotFound({ resourceMissing: true }), new Forbidden({})])
    it.effect(`is nothing where the API server answers ${reason._tag}`, () =>
      Effect.gen(function* () {
        const { names } = yield* shown(reason)
        assert.notInclude(names, "virtualSecretStores")
        assert.notInclude(names, "hostSecretStores")
      }),
    )

  for (const reason of [new ServerFault({ status: 500, resourceVersionTooLarge: false }), new Unreachable({})])
    it.effect(`is not nothing for an answer of ${reason._tag}`, () =>
      Effect.gen(function* () {
        assert.includeMembers((yield* shown(reason)).names, ["virtualSecretStores", "hostSecretStores"])
      }),
    )
})
