/** The reflector against API servers that crash, hang, forget, go back in time and become another cluster, on every storage. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Queue, Result, Schema, type Scope } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import type { KubeClient, WatchOptions } from "../../src/effects/client/kube-client.ts"
import type { SessionTimes } from "../../src/effects/transport/http2-session.ts"
import { keyOf, type KubeObject } from "../../src/effects/client/kube-object.ts"
import { loadKubeconfig } from "../../src/effects/config/kubeconfig.ts"
import { type CachedReflectorOptions, makeCachedReflector } from "../support/cached-reflector.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import type { Delta } from "../../src/effects/informer/store.ts"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { Ground } from "../clusters/ground.ts"
import { failureOf, firstReading, listing, observed, streaming } from "../support/observed-client.ts"
import { onGround } from "../support/on-ground.ts"
import { type StorageCase, storages } from "../support/storages.ts"
import { clusterRoleBindings, clusterRoles, configMaps, crds, namespaces } from "../support/resources.ts"

const configMap = (name: string, data: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", labels: { test: "reflector" } },
  data,
})
const ref = (name: string) => ({ namespace: "default", name })
const ours = { namespace: "default", labelSelector: "test=reflector" }

/** How soon a silent server is noticed has nothing to do with its storage: one ground waits as long as users do. */
const impatient: SessionTimes = { connectMs: 30_000, pingEveryMs: 2_000, pingTimeoutMs: 2_000 }

const connect = Effect.fnUntraced(function* (
  cluster: ControlPlane,
  { kubeconfig = cluster.kubeconfig, times }: { readonly kubeconfig?: string; readonly times?: SessionTimes } = {},
) {
  const source = yield* loadKubeconfig(kubeconfig)
  const names = { cluster: cluster.name, userAgent: "reflector-test/1", fieldManager: "test" }
  return yield* makeKubeClient({ ...names, source, times })
})

/** `SIGN KEY`: `+` for a change, `-` for a seen deletion, `?` for one that was inferred. */
const describeDelta = (delta: Delta): string =>
  `${delta._tag === "Upserted" ? "+" : delta.seen ? "-" : "?"} ${delta.key.replace("default/", "")}`

const reflect = Effect.fnUntraced(function* <E = never>(
  client: KubeClient,
  options: Partial<CachedReflectorOptions<E>> & { readonly resource?: Resource } = {},
) {
  const deltas = yield* Queue.unbounded<Delta>()
  const reflector = yield* makeCachedReflector<E>({
    name: "test",
    client,
    resource: configMaps,
    selection: ours,
    onDelta: (delta) => void Queue.offerUnsafe(deltas, delta),
    ...options,
  })
  return {
    reflector,
    next: (count: number) => Effect.map(Queue.takeN(deltas, count), (taken) => taken.map(describeDelta).toSorted()),
    names: () => [...reflector.store.values()].map((object) => object.metadata.name).toSorted(),
  }
})

const within = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.timeout(Effect.scoped(effect), "100 seconds")

const removeAll = Effect.fnUntraced(function* ({ kube }: ControlPlane) {
  const left = yield* kube.list(configMaps, ours)
  yield* Effect.forEach(left, (object) => kube.delete(configMaps, ref(object.metadata.name)))
})

const uidOf = (client: KubeClient) =>
  Effect.map(client.get(namespaces, { name: "kube-system" }), (found) => found.metadata.uid)

class AnotherCluster extends Schema.TaggedError<AnotherCluster>()("AnotherCluster", {}) {
  override get message() {
    return "another cluster"
  }
}

/** Refuses when `kube-system` is another one than at the start; every answer is told. */
const makeGuard = Effect.fnUntraced(function* (client: KubeClient) {
  const known = yield* uidOf(client)
  const verdicts = yield* Queue.unbounded<boolean>()
  const guard = (): Effect.Effect<void, ApiError | AnotherCluster> =>
    Effect.gen(function* () {
      const same = (yield* uidOf(client)) === known
      yield* Queue.offer(verdicts, same)
      return yield* same ? Effect.void : new AnotherCluster()
    })
  return { guard, verdicts }
})

const widget: Resource = { group: "test.dev", version: "v1", plural: "widgets", kind: "Widget", namespaced: true }

const widgetCrd: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.test.dev" },
  spec: {
    group: "test.dev",
    scope: "Namespaced",
    names: { kind: "Widget", plural: "widgets", singular: "widget", listKind: "WidgetList" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
}

type Faulty = Effect.Effect<void, unknown, Ground | Scope.Scope>

const itKeepsTrue = (it: Vitest.MethodsNonLive<Ground>, { isUsual, streams }: StorageCase) => {
  it.effect("outlives kill -9, and opens with a list again", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        yield* host.kube.create(configMaps, configMap("a"))
        const { client, begun, failures } = yield* observed(yield* connect(host))
        const { reflector, next, names } = yield* reflect(client)
        yield* reflector.syncedOrFailed
        assert.deepStrictEqual(yield* next(1), ["+ a"])
        assert.deepStrictEqual(yield* Queue.takeN(begun, streams ? 1 : 3), firstReading(streams, reflector))

        yield* host.stopApiServer("SIGKILL")
        yield* failureOf(failures, "Unreachable")
        yield* Queue.takeAll(begun)
        assert.deepStrictEqual(names(), ["a"])
        yield* host.startApiServer()
        yield* host.kube.create(configMaps, configMap("b"))
        yield* host.kube.delete(configMaps, ref("a"))
        assert.sameMembers(
          (yield* next(2)).map((delta) => delta.slice(2)),
          ["a", "b"],
        )
        assert.deepStrictEqual(names(), ["b"])
        const again = yield* Queue.takeAll(begun)
        assert.isNotEmpty(again)
        const resumed = again.filter(
          (how, index) => how !== streaming && how !== listing && again[index - 1] !== listing,
        )
        assert.isEmpty(resumed)
      }),
    ),
  )

  it.effect("goes on from its version after normal ends, and tells nothing twice", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        const { client, begun } = yield* observed(yield* connect(host), (options) =>
          Effect.succeed({ ...options, timeoutSeconds: 1 }),
        )
        const { reflector, next } = yield* reflect(client)
        yield* reflector.synced
        assert.deepStrictEqual(yield* Queue.takeN(begun, streams ? 1 : 3), firstReading(streams, reflector))
        for (const round of ["1", "2", "3"]) {
          assert.strictEqual(yield* Queue.take(begun), reflector.resourceVersion())
          yield* host.kube.apply(configMaps, configMap("steady", { round }))
          assert.deepStrictEqual(yield* next(1), ["+ steady"])
          assert.deepStrictEqual(reflector.store.get(keyOf("default", "steady"))?.["data"], { round })
        }
      }),
    ),
  )

  it.effect("finds with a list what was deleted while its version expired", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        yield* host.kube.create(configMaps, configMap("gone"))
        yield* host.kube.create(configMaps, configMap("stays"))
        let expire = true
        // The server's watch cache begins where the server started: version 1 is older.
        const tamper = (options: WatchOptions) =>
          Effect.gen(function* () {
            if (options.resourceVersion === undefined || !expire) return { ...options, timeoutSeconds: 1 }
            expire = false
            yield* Effect.orDie(host.kube.delete(configMaps, ref("gone")))
            return { ...options, resourceVersion: "1" }
          })
        const { client, failures } = yield* observed(yield* connect(host), tamper)
        const { next, names } = yield* reflect(client)
        assert.deepStrictEqual(yield* next(2), ["+ gone", "+ stays"])
        yield* failureOf(failures, "Expired")
        assert.deepStrictEqual(yield* next(1), ["? gone"])
        assert.deepStrictEqual(names(), ["stays"])
      }),
    ),
  )

  it.effect("finds a connection dead behind which the server hangs", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        const times = isUsual ? {} : { times: impatient }
        const { client, failures } = yield* observed(yield* connect(host, times))
        const { reflector, next } = yield* reflect(client)
        yield* reflector.synced
        yield* host.freezeApiServer
        yield* Effect.ensuring(failureOf(failures, "Unreachable"), host.thawApiServer)
        yield* host.kube.create(configMaps, configMap("thawed"))
        assert.deepStrictEqual(yield* next(1), ["+ thawed"])
        assert.isTrue(reflector.state().connected)
      }),
    ),
  )

  it.effect("waits for a resource that the server does not know yet", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        const { reflector } = yield* reflect(yield* connect(host), { resource: widget, selection: {} })
        const first = yield* Effect.result(reflector.syncedOrFailed)
        assert.isTrue(Result.isFailure(first) && first.failure.reason._tag === "NotFound")
        assert.isTrue(reflector.state().resourceMissing)
        yield* host.kube.create(crds, widgetCrd)
        yield* reflector.synced
        assert.isFalse(reflector.state().resourceMissing)
      }),
    ),
  )

  it.effect("waits for the right to read, and says what is missing", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        const nobody = yield* host.kubeconfigAs("nobody.kubeconfig", { user: "nobody" })
        const { reflector } = yield* reflect(yield* connect(host, { kubeconfig: nobody }))
        const first = yield* Effect.result(reflector.syncedOrFailed)
        assert.isTrue(Result.isFailure(first) && first.failure.reason._tag === "Forbidden")
        const meta = { name: "reflector-nobody" }
        const rbac = "rbac.authorization.k8s.io"
        yield* host.kube.create(clusterRoles, {
          apiVersion: `${rbac}/v1`,
          kind: "ClusterRole",
          metadata: meta,
          rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list", "watch"] }],
        })
        yield* host.kube.create(clusterRoleBindings, {
          apiVersion: `${rbac}/v1`,
          kind: "ClusterRoleBinding",
          metadata: meta,
          roleRef: { apiGroup: rbac, kind: "ClusterRole", name: meta.name },
          subjects: [{ apiGroup: rbac, kind: "User", name: "nobody" }],
        })
        yield* reflector.synced
        assert.isTrue(reflector.state().connected)
      }),
    ),
  )

  it.effect("follows a server whose storage went back to a backup", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { virtual } = yield* Ground
        yield* virtual.kube.create(configMaps, configMap("old"))
        yield* virtual.backup("before")
        const client = yield* connect(virtual)
        const { guard, verdicts } = yield* makeGuard(client)
        const { next, names } = yield* reflect(client, { guard })
        assert.deepStrictEqual(yield* next(1), ["+ old"])
        yield* Effect.forEach(["new-1", "new-2"], (name) => virtual.kube.create(configMaps, configMap(name)))
        yield* virtual.kube.delete(configMaps, ref("old"))
        assert.deepStrictEqual(yield* next(3), ["+ new-1", "+ new-2", "- old"])

        yield* virtual.restore("before")
        assert.deepStrictEqual(yield* next(3), ["+ old", "? new-1", "? new-2"])
        assert.deepStrictEqual(names(), ["old"])
        // From here on live again, at versions lower than those it had seen.
        yield* virtual.kube.create(configMaps, configMap("after"))
        assert.deepStrictEqual(yield* next(1), ["+ after"])
        assert.notInclude(yield* Queue.takeAll(verdicts), false)
      }),
    ),
  )

  it.effect("believes no list of another cluster under the same address", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { virtual } = yield* Ground
        yield* virtual.kube.apply(configMaps, configMap("kept"))
        const client = yield* connect(virtual)
        const { guard, verdicts } = yield* makeGuard(client)
        const { reflector, names } = yield* reflect(client, { guard })
        yield* reflector.synced
        const before = names()
        assert.include(before, "kept")

        yield* virtual.wipe
        let refusals = 0
        while (refusals < 2) if (!(yield* Queue.take(verdicts))) refusals++
        assert.deepStrictEqual(names(), before)
        assert.isFalse(reflector.state().connected)
        assert.isTrue(reflector.isSynced())
      }),
    ),
  )
}

const itListsInPages = (it: Vitest.MethodsNonLive<Ground>) => {
  it.effect("lists in pages, and follows from there", (): Faulty =>
    within(
      Effect.gen(function* () {
        const { host } = yield* Ground
        yield* removeAll(host)
        const many = Array.from({ length: 1_203 }, (_, index) => configMap(`many-${index}`))
        yield* Effect.forEach(many, (object) => host.kube.create(configMaps, object), {
          concurrency: 16,
          discard: true,
        })
        const { client, failures } = yield* observed(yield* connect(host))
        const { reflector, next } = yield* reflect(client)
        assert.lengthOf(yield* next(many.length), many.length)
        assert.strictEqual(reflector.store.size(), many.length)
        assert.include(["Invalid", "ServerFault"], (yield* Queue.take(failures)).reason._tag)
        yield* host.kube.delete(configMaps, ref("many-7"))
        assert.deepStrictEqual(yield* next(1), ["- many-7"])
      }),
    ),
  )
}

for (const storage of storages) {
  const plane = { ...storage.options, controllerManager: false }
  onGround(
    `the reflector on a real API server (${storage.name})`,
    (it) => {
      itKeepsTrue(it, storage)
      if (!storage.streams) itListsInPages(it)
    },
    { host: plane, virtual: plane },
    storage.missing,
  )
}
