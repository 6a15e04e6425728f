/** The client against a real API server: what each call does there, and what each refusal becomes. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ApiError } from "../../src/effects/api-error.ts"
import { named } from "../../src/effects/field-selector.ts"
import { makeKubeClient } from "../../src/effects/http-kube-client.ts"
import type { KubeObject } from "../../src/effects/kube-object.ts"
import { loadKubeconfig, type Overrides, parseKubeconfig } from "../../src/effects/kubeconfig.ts"
import { byAgent } from "../clusters/audit-log.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { configMaps, crds, externalSecrets, namespaces, secrets, serviceAccounts } from "../support/resources.ts"

const userAgent = "kubectl-vcluster-es/0.0.0 (test)"

const connect = Effect.fnUntraced(function* (kubeconfig: string, overrides: Overrides = {}) {
  const source = yield* loadKubeconfig(kubeconfig, overrides)
  return yield* makeKubeClient({ cluster: "host", source, userAgent, fieldManager: "vcluster-es" })
})

const hostClient = Effect.flatMap(Ground, ({ host }) => connect(host.kubeconfig))

const configMap = (name: string, extra: object = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", ...metadata },
  ...extra,
})

const refTo = (name: string) => ({ namespace: "default", name })
const failure = <A>(effect: Effect.Effect<A, ApiError>) => Effect.flip(effect)
const tagOf = <A>(effect: Effect.Effect<A, ApiError>) => Effect.map(failure(effect), ({ reason }) => reason._tag)

onGround("the client on a real API server", (it) => {
  it.effect("creates, reads, changes and deletes", () =>
    Effect.gen(function* () {
      const client = yield* hostClient
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
      assert.deepStrictEqual(Object.keys(bare).sort(), ["apiVersion", "kind", "metadata"])
      assert.strictEqual(bare.kind, "ConfigMap")
      yield* client.delete(configMaps, refTo("life"), { dryRun: true })
      yield* client.delete(configMaps, refTo("life"), { uid: created.metadata.uid })
      assert.strictEqual(yield* tagOf(client.get(configMaps, refTo("life"))), "NotFound")
    }),
  )

  it.effect("keeps odd keys and values as they are", () =>
    Effect.gen(function* () {
      const client = yield* hostClient
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
      const client = yield* hostClient
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
      const client = yield* hostClient
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
      const client = yield* hostClient
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
      const client = yield* hostClient
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

  it.effect("lists in pages that are one snapshot, and finds its way when the snapshot is gone", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient
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
      const client = yield* hostClient
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
            event.type === "BOOKMARK" || (event.object.kind === "ConfigMap" && event.object["data"] === undefined),
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
      const client = yield* hostClient
      const { resourceVersion } = yield* client.list(configMaps, { namespace: "default" })
      const events = yield* Stream.runCollect(
        client
          .watch(configMaps, { namespace: "default", resourceVersion, timeoutSeconds: 1 })
          .pipe(Stream.filter(({ type }) => type !== "BOOKMARK")),
      )
      assert.deepStrictEqual(events, [])
    }),
  )

  it.effect("answers outside the resources", () =>
    Effect.gen(function* () {
      const client = yield* hostClient
      assert.property(yield* client.getPath("/version"), "gitVersion")
      assert.strictEqual(yield* client.getPath("/readyz"), "ok")
      const none = yield* failure(client.getPath("/apis/nothing.example.com"))
      assert.deepInclude(none.reason, { _tag: "NotFound", resourceMissing: true })
    }),
  )

  it.effect("is who the kubeconfig, the token, the plugin and the flags say", () =>
    Effect.gen(function* () {
      const { host, kubectl } = yield* Ground
      const nobody = yield* host.kubeconfigAs("jane.kubeconfig", { user: "jane", groups: ["dev"] })
      const jane = yield* connect(nobody)
      const denied = yield* failure(jane.list(externalSecrets, { namespace: "default" }))
      assert.deepInclude(denied.reason, { _tag: "Forbidden", user: "jane" })
      assert.include(denied.message, "list externalsecrets.external-secrets.io in namespace default")
      assert.deepInclude((yield* failure(Stream.runDrain(jane.watch(secrets, {})))).reason, {
        _tag: "Forbidden",
        user: "jane",
      })

      const boss = yield* connect(host.kubeconfig, { impersonate: { user: "joe", groups: ["dev", "ops"] } })
      assert.deepInclude((yield* failure(boss.list(secrets))).reason, { _tag: "Forbidden", user: "joe" })
      const groups = yield* connect(host.kubeconfig, {
        impersonate: { user: "joe", groups: ["dev", "system:masters"] },
      })
      yield* groups.list(secrets)

      yield* host.kube.create(serviceAccounts, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "robot", namespace: "default" },
      })
      const token = (yield* kubectl(host, ["create", "token", "robot"])).stdout.trim()
      const config = join(host.folder, "token.kubeconfig")
      const ca = join(host.folder, "token-ca.crt")
      const plugin = join(host.folder, "plugin")
      const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } }
      yield* Effect.promise(async () => {
        await writeFile(ca, host.authorities.usual.cert)
        await writeFile(plugin, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`)
        await chmod(plugin, 0o755)
        await writeFile(
          config,
          JSON.stringify({
            contexts: ["token", "exec"].map((name) => ({ name, context: { cluster: "c", user: name } })),
            clusters: [{ name: "c", cluster: { server: host.server, "certificate-authority": "token-ca.crt" } }],
            users: [
              { name: "token", user: { token } },
              { name: "exec", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin" } } },
            ],
          }),
        )
      })
      for (const context of ["token", "exec"]) {
        const robot = yield* connect(config, { context })
        const error = yield* failure(robot.list(secrets))
        assert.deepInclude(error.reason, { _tag: "Forbidden", user: "system:serviceaccount:default:robot" }, context)
      }
      const wrong = yield* connect(config, { context: "token", token: "wrong" })
      assert.strictEqual(yield* tagOf(wrong.list(secrets)), "Unauthorized")
    }),
  )

  it.effect("connects by a kubeconfig that is text, to another address under the old name", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const text = yield* Effect.promise(() => readFile(host.kubeconfig, "utf8"))
      const server = host.server.replace("127.0.0.1", "localhost")
      const options = { cluster: "virtual", userAgent, fieldManager: "vcluster-es" }
      const renamed = yield* parseKubeconfig(text, "Secret a/b", { server, tlsServerName: "kubernetes.default" })
      yield* Effect.flatMap(makeKubeClient({ ...options, source: renamed }), (client) => client.getPath("/version"))
      const misnamed = yield* parseKubeconfig(text, "Secret a/b", { server, tlsServerName: "wrong" })
      const client = yield* makeKubeClient({ ...options, source: misnamed })
      const error = yield* failure(client.getPath("/version"))
      assert.strictEqual(error.reason._tag, "Untrusted", error.message)
    }),
  )

  it.effect("reads large objects and long lists whole", () =>
    Effect.gen(function* () {
      const client = yield* hostClient
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

  it.effect("works on custom resources as on built-in kinds", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const client = yield* hostClient
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
      yield* host.kube.waitFor(
        crds,
        { name: "things.test.example.com" },
        (crd) =>
          JSON.stringify(crd["status"]).includes('"Established","status":"True"') ||
          /"status":"True","type":"Established"/.test(JSON.stringify(crd["status"])),
      )
      const thing: KubeObject = {
        apiVersion: "test.example.com/v1",
        kind: "Thing",
        metadata: { name: "a", namespace: "default" },
        spec: { deep: { unknown: [1] } },
      }
      yield* host.kube.waitForList(things, { namespace: "default" }, () => true)
      const created = yield* client.create(things, thing)
      yield* client.mergePatch(things, refTo("a"), { status: { ok: true } }, { subresource: "status" })
      const other = { uid: "00000000-0000-0000-0000-000000000000" }
      assert.strictEqual(yield* tagOf(client.mergePatch(things, refTo("a"), { spec: {} }, other)), "Conflict")
      const listed = yield* client.list(things)
      assert.deepInclude(listed.items[0], { kind: "Thing", spec: { deep: { unknown: [1] } }, status: { ok: true } })
      yield* client.delete(things, refTo("a"), { uid: created.metadata.uid, propagationPolicy: "Foreground" })
    }),
  )
})
