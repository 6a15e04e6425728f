/** The client against a real API server: what each call does there, and what each refusal becomes. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import { named } from "../../src/effects/client/field-selector.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { configMaps, crds, externalSecrets, secrets } from "../support/resources.ts"
import { configMap, failure, hostClient, refTo, tagOf } from "./transport-client.ts"

onGround("the client on a real API server", (it) => {
  it.effect("creates, reads, changes and deletes", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const created = yield* client.create(configMaps, configMap("life", { data: { a: "1" } }))
      assert.deepInclude(created, { apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } })
      assert.deepStrictEqual(yield* client.get(configMaps, refTo("life")), created)
      const patched = yield* client.mergePatch(
        configMaps,
        refTo("life"),
        { data: { a: null, b: "2" } },
        { uid: created.metadata.uid },
      )
      assert.deepStrictEqual(patched["data"], { b: "2" })
      const updated = yield* client.update(configMaps, { ...patched, data: { c: "3" } })
      assert.deepStrictEqual(updated["data"], { c: "3" })
      const dry = yield* client.update(configMaps, { ...updated, data: {} }, { dryRun: true })
      assert.isUndefined(dry["data"])
      assert.deepStrictEqual((yield* client.get(configMaps, refTo("life")))["data"], { c: "3" })
      const bare = yield* client.get(configMaps, refTo("life"), { metadataOnly: true })
      assert.deepStrictEqual(Object.keys(bare).toSorted(), ["apiVersion", "kind", "metadata"])
      assert.strictEqual(bare.kind, "ConfigMap")
      yield* client.delete(configMaps, refTo("life"), { dryRun: true })
      yield* client.delete(configMaps, refTo("life"), { uid: created.metadata.uid })
      assert.strictEqual(yield* tagOf(client.get(configMaps, refTo("life"))), "NotFound")
    }),
  )

  it.effect("keeps odd keys and values as they are", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const data = Object.fromEntries([
        ["__proto__", "YQ=="],
        ["constructor", "Yg=="],
      ])
      yield* client.create(secrets, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "odd", namespace: "default" },
        data,
      })
      const read = yield* client.get(secrets, refTo("odd"))
      assert.strictEqual(JSON.stringify(read["data"]), JSON.stringify(data))
      const listed = yield* client.list(secrets, { namespace: "default", fieldSelector: named("odd") })
      assert.strictEqual(JSON.stringify(listed.items[0]?.["data"]), JSON.stringify(data))
      const text = "ünï\u2028cöde \ud83d\ude00\r\n"
      const created = yield* client.create(configMaps, configMap("unicode", { data: { a: text } }))
      const watched = client.watch(configMaps, {
        namespace: "default",
        sendInitialEvents: true,
        fieldSelector: named("unicode"),
      })
      const [event] = yield* Stream.runCollect(Stream.take(watched, 1))
      assert.deepStrictEqual(event, { type: "ADDED", object: created })
    }),
  )

  it.effect("refuses by UID and resourceVersion, on the server", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const first = yield* client.create(configMaps, configMap("guarded"))
      const second = yield* client.mergePatch(configMaps, refTo("guarded"), { data: { a: "1" } })
      const stale = { resourceVersion: first.metadata.resourceVersion }
      const foreign = { uid: "00000000-0000-0000-0000-000000000000" }
      const patch = { data: { a: "2" } }
      for (const preconditions of [stale, foreign, { ...stale, ...foreign }]) {
        assert.strictEqual(
          yield* tagOf(client.mergePatch(configMaps, refTo("guarded"), patch, preconditions)),
          "Conflict",
        )
        assert.strictEqual(yield* tagOf(client.delete(configMaps, refTo("guarded"), preconditions)), "Conflict")
      }
      assert.strictEqual(yield* tagOf(client.update(configMaps, { ...first, data: {} })), "Conflict")
      assert.deepStrictEqual((yield* client.get(configMaps, refTo("guarded")))["data"], { a: "1" })
      const fresh = { uid: second.metadata.uid, resourceVersion: second.metadata.resourceVersion }
      yield* client.mergePatch(configMaps, refTo("guarded"), patch, fresh)
    }),
  )

  it.effect("applies under its own field manager, and takes over only by force", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      yield* client.create(configMaps, configMap("applied", { data: { mine: "0", theirs: "0" } }))
      const wanted = configMap("applied", { data: { mine: "1" } })
      const refused = yield* failure(client.apply(configMaps, wanted))
      assert.strictEqual(refused.reason._tag, "Conflict")
      const forced = yield* client.apply(configMaps, wanted, { force: true })
      assert.deepStrictEqual(forced["data"], { mine: "1", theirs: "0" })
      const managers = JSON.stringify(forced.metadata["managedFields"])
      assert.include(managers, '"manager":"vcluster-es","operation":"Apply"')
      const again = yield* client.apply(configMaps, wanted, { force: true })
      assert.strictEqual(again.metadata.resourceVersion, forced.metadata.resourceVersion)
    }),
  )

  it.effect("tells what is missing: the object, the kind, the namespace", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const absent = yield* failure(client.get(configMaps, refTo("absent")))
      assert.deepInclude(absent.reason, { _tag: "NotFound", resourceMissing: false })
      assert.match(
        absent.message,
        /^get configmaps absent in namespace default \(host https:\/\/127\.0\.0\.1:\d+\): configmaps "absent" not found$/,
      )
      const calls: ReadonlyArray<Effect.Effect<unknown, ApiError>> = [
        client.get(externalSecrets, refTo("a")),
        client.list(externalSecrets),
        Stream.runDrain(client.watch(externalSecrets, {})),
        client.delete(externalSecrets, refTo("a")),
        client.list({ ...configMaps, version: "v9" }),
      ]
      for (const call of calls)
        assert.deepInclude((yield* failure(call)).reason, { _tag: "NotFound", resourceMissing: true })
      const nowhere = yield* failure(client.create(configMaps, configMap("a", {}, { namespace: "nowhere" })))
      assert.deepInclude(nowhere.reason, { _tag: "NotFound", resourceMissing: false })
    }),
  )

  it.effect("tells conflicts from mistakes, and repeats no value", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      yield* client.create(configMaps, configMap("twice"))
      assert.strictEqual(yield* tagOf(client.create(configMaps, configMap("twice"))), "AlreadyExists")
      const secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "bad", namespace: "default" },
        type: "kubernetes.io/dockerconfigjson",
        data: { ".dockerconfigjson": Buffer.from("hunter2hunter2").toString("base64") },
      }
      const bodies: ReadonlyArray<KubeObject> = [
        secret,
        { ...secret, type: "Opaque", data: { "no key!": "aHVudGVyMg==" } },
        { ...secret, type: "Opaque", data: { a: "hunter2!" } },
        { ...secret, type: "Opaque", stringData: { a: { nested: "hunter2" } } },
      ]
      for (const body of bodies) {
        const error = yield* failure(client.create(secrets, body))
        assert.strictEqual(error.reason._tag, "Invalid", error.message)
        assert.notMatch(error.message, /hunter2|aHVudGVyM|aHVudGVyMm/)
      }
      const typed = yield* client.create(secrets, { ...secret, type: "Opaque", data: { a: "aHVudGVyMg==" } })
      const changed = yield* failure(client.update(secrets, { ...typed, type: "hunter2/x" }))
      assert.deepInclude(changed.reason, { _tag: "Invalid", fields: ["type"] })
      assert.notInclude(changed.message, "hunter2")
      const label = yield* failure(client.create(configMaps, configMap("a", {}, { labels: { a: "not a label" } })))
      assert.include(label.message, "metadata.labels: Invalid value: a valid label must be")
      assert.notInclude(label.message, "not a label")
      const selector = yield* failure(client.list(configMaps, { labelSelector: "a in (" }))
      assert.strictEqual(selector.reason._tag, "Invalid", selector.message)
    }),
  )

  it.effect("answers outside the resources", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      assert.property(yield* client.getPath("/version"), "gitVersion")
      assert.strictEqual(yield* client.getPath("/readyz"), "ok")
      const none = yield* failure(client.getPath("/apis/nothing.example.com"))
      assert.deepInclude(none.reason, { _tag: "NotFound", resourceMissing: true })
    }),
  )

  it.effect("works on custom resources as on built-in kinds", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient()
      const things = { group: "test.example.com", version: "v1", plural: "things", kind: "Thing", namespaced: true }
      const schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
      yield* client.create(crds, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.test.example.com" },
        spec: {
          group: things.group,
          scope: "Namespaced",
          names: { plural: "things", kind: "Thing" },
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              schema: { openAPIV3Schema: schema },
              subresources: { status: {} },
            },
          ],
        },
      })
      const thing: KubeObject = {
        apiVersion: "test.example.com/v1",
        kind: "Thing",
        metadata: { name: "a", namespace: "default" },
        spec: { deep: { unknown: [1] } },
      }
      yield* host.kube.waitForList(things, { namespace: "default" }, () => true)
      const created = yield* client.create(things, thing)
      yield* client.jsonPatch(things, refTo("a"), [{ op: "add", path: "/status", value: { ok: true } }], {
        subresource: "status",
      })
      const other = { uid: "00000000-0000-0000-0000-000000000000" }
      assert.strictEqual(yield* tagOf(client.mergePatch(things, refTo("a"), { spec: {} }, other)), "Conflict")
      const listed = yield* client.list(things)
      assert.deepInclude(listed.items[0], { kind: "Thing", spec: { deep: { unknown: [1] } }, status: { ok: true } })
      yield* client.delete(things, refTo("a"), { uid: created.metadata.uid, propagationPolicy: "Foreground" })
    }),
  )
})
