/**
 * What the API server does with a write whose object was made anew since it was looked at: for each kind of write that we
 * have, on a kind of its own and on a custom resource. The table in docs/safety.md says the same.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { ApiError } from "../../src/effects/client/api-error.ts"
import type { KubeClient, ObjectRef } from "../../src/effects/client/kube-client.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { writeAnchor } from "../../src/sync/engine/identity-guard.ts"
import { anchorObject } from "../../src/sync/engine/identity.ts"
import { stringMapAt } from "../../src/effects/client/unstructured.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { configMaps, leases, secrets, services } from "../support/resources.ts"
import { serveThings, thing, things } from "../support/things.ts"
import { connect, failure, hostClient, refTo, tagOf } from "./transport-client.ts"

interface Subject {
  readonly resource: Resource
  readonly body: (name: string) => KubeObject
  /** Undefined: the kind has none. */
  readonly status: Readonly<Record<string, unknown>> | undefined
}

const custom: Subject = {
  resource: things,
  body: thing,
  status: { level: 1 },
}

const secret: Subject = {
  resource: secrets,
  body: (name) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "default" },
    data: { a: "MQ==" },
  }),
  status: undefined,
}

const service: Subject = {
  resource: services,
  body: (name) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  }),
  status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
}

/** One of the kinds that a PUT may create. */
const lease: Subject = {
  resource: leases,
  body: (name) => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "default" },
    spec: { holderIdentity: "a" },
  }),
  status: undefined,
}

const annotations = { "test.example.com/ours": "1" }

/** Each kind of write of ours, as the program makes it for `seen`. */
const writesOf = (
  client: KubeClient,
  { resource, body, status }: Subject,
  seen: KubeObject,
): Readonly<Record<string, Effect.Effect<unknown, ApiError>>> => {
  const { name, uid, resourceVersion } = seen.metadata
  const ref = refTo(name)
  const applied = { ...body(name), metadata: { name, namespace: "default", annotations } }
  return {
    update: client.update(resource, { ...seen, metadata: { ...seen.metadata, annotations } }),
    mergePatch: client.mergePatch(resource, ref, { metadata: { annotations } }, { uid, resourceVersion }),
    "mergePatch by UID": client.mergePatch(resource, ref, { metadata: { annotations } }, { uid }),
    jsonPatch: client.jsonPatch(resource, ref, [{ op: "add", path: "/metadata/annotations", value: annotations }], {
      uid,
    }),
    ...(status === undefined
      ? {}
      : {
          status: client.jsonPatch(resource, ref, [{ op: "add", path: "/status", value: status }], {
            uid,
            subresource: "status",
          }),
        }),
    apply: client.apply(resource, applied, { uid, force: true }),
    "apply by version": client.apply(resource, applied, { uid, resourceVersion, force: true }),
    delete: client.delete(resource, ref, { uid, resourceVersion }),
    "delete by UID": client.delete(resource, ref, { uid }),
  }
}

const isSame = Effect.fnUntraced(function* (client: KubeClient, resource: Resource, expected: KubeObject) {
  assert.deepStrictEqual(yield* client.get(resource, refTo(expected.metadata.name)), expected)
})

const makeAnew = Effect.fnUntraced(function* (client: KubeClient, { resource, body }: Subject, name: string) {
  const seen = yield* client.create(resource, body(name))
  yield* client.delete(resource, refTo(name))
  return { seen, successor: yield* client.create(resource, body(name)) }
})

const subjects = { "a Secret": secret, "a Service": service, "a Lease": lease, "a custom resource": custom }

onGround("an object made anew between read and write", (it) => {
  for (const [what, subject] of Object.entries(subjects))
    it.effect(`${what}: nothing that was meant for the old one reaches it`, () =>
      Effect.gen(function* () {
        yield* serveThings
        const client = yield* hostClient()
        const { seen, successor } = yield* makeAnew(client, subject, "anew")
        const writes = writesOf(client, subject, seen)
        for (const [kind, write] of Object.entries(writes)) {
          assert.strictEqual(yield* tagOf(write), "Conflict", kind)
          yield* isSame(client, subject.resource, successor)
        }
        const create = client.create(subject.resource, subject.body("anew"))
        assert.strictEqual(yield* tagOf(create), "AlreadyExists")
        const onlyNew = client.apply(subject.resource, subject.body("anew"), { force: true, onlyNew: true })
        assert.strictEqual(yield* tagOf(onlyNew), "Conflict")
        yield* isSame(client, subject.resource, successor)
      }),
    )

  for (const [what, subject] of Object.entries(subjects))
    it.effect(`${what}: the same writes go through for the object that they are meant for`, () =>
      Effect.gen(function* () {
        yield* serveThings
        const client = yield* hostClient()
        for (const kind of Object.keys(writesOf(client, subject, subject.body("x")))) {
          const name = `same-${kind.toLowerCase().replaceAll(" ", "-")}`
          const seen = yield* client.create(subject.resource, subject.body(name))
          yield* writesOf(client, subject, seen)[kind] ?? Effect.die(kind)
        }
        const made = yield* client.apply(subject.resource, subject.body("only-new"), { onlyNew: true })
        assert.isDefined(made.metadata.uid)
      }),
    )

  for (const [what, subject] of Object.entries(subjects))
    it.effect(`${what}: one that is gone is not made again`, () =>
      Effect.gen(function* () {
        yield* serveThings
        const client = yield* hostClient()
        const seen = yield* client.create(subject.resource, subject.body("gone"))
        yield* client.delete(subject.resource, refTo("gone"))
        for (const [kind, write] of Object.entries(writesOf(client, subject, seen))) {
          const tag = yield* tagOf(write)
          assert.include(["Conflict", "NotFound"], tag, kind)
          assert.strictEqual(yield* tagOf(client.get(subject.resource, refTo("gone"))), "NotFound", kind)
        }
      }),
    )

  it.effect("a status: absent or there, it is replaced whole, and an edit of the spec in between does not matter", () =>
    Effect.gen(function* () {
      yield* serveThings
      const client = yield* hostClient()
      const seen = yield* client.create(things, custom.body("levels"))
      const { uid } = seen.metadata
      const write = (status: object) =>
        client.jsonPatch(things, refTo("levels"), [{ op: "add", path: "/status", value: status }], {
          uid,
          subresource: "status",
        })
      yield* client.mergePatch(things, refTo("levels"), { data: { b: "Mg==" } }, { uid })
      assert.deepStrictEqual((yield* write({ level: 1 }))["status"], { level: 1 })
      const emptied = yield* write({})
      assert.deepStrictEqual(emptied["status"], {})
      assert.deepStrictEqual(emptied["data"], { a: "MQ==", b: "Mg==" })
      const again = yield* write({})
      assert.strictEqual(again.metadata.resourceVersion, emptied.metadata.resourceVersion)
    }),
  )

  it.effect("a mistake in what is written stays one, but not where the object is another one", () =>
    Effect.gen(function* () {
      yield* serveThings
      const client = yield* hostClient()
      const { seen, successor } = yield* makeAnew(client, custom, "mistake")
      const tooHigh = (uid: string | undefined) =>
        client.jsonPatch(things, refTo("mistake"), [{ op: "add", path: "/status", value: { level: 9 } }], {
          uid,
          subresource: "status",
        })
      const invalid = yield* failure(tooHigh(successor.metadata.uid))
      assert.deepInclude(invalid.reason, { _tag: "Invalid", fields: ["status.level"] })
      assert.strictEqual(yield* tagOf(tooHigh(seen.metadata.uid)), "Conflict")
      const pair = yield* makeAnew(client, secret, "mistake")
      // The type of a Secret cannot be changed.
      const typed = { ...secret.body("mistake"), type: "test.example.com/other" }
      const apply = (uid: string | undefined) => client.apply(secrets, typed, { uid, force: true })
      const refused = yield* failure(apply(pair.successor.metadata.uid))
      assert.deepInclude(refused.reason, { _tag: "Invalid", fields: ["type"] })
      assert.strictEqual(yield* tagOf(apply(pair.seen.metadata.uid)), "Conflict")
      const patch = (uid: string | undefined) => client.mergePatch(secrets, refTo("mistake"), { type: "x" }, { uid })
      assert.strictEqual(yield* tagOf(patch(pair.successor.metadata.uid)), "Invalid")
      assert.strictEqual(yield* tagOf(patch(pair.seen.metadata.uid)), "Conflict")
    }),
  )

  // Why a status has a patch of its own. Should a server come to refuse it, docs/safety.md can say so.
  it.effect("a merge patch of a custom resource's status is taken by an object that it does not name", () =>
    Effect.gen(function* () {
      yield* serveThings
      const { host } = yield* Ground
      const client = yield* hostClient()
      const { seen } = yield* makeAnew(client, custom, "unguarded")
      const { uid } = seen.metadata
      const merged = yield* host.kube.patch(
        things,
        refTo("unguarded"),
        { metadata: { uid }, status: { level: 2 } },
        "status",
      )
      assert.deepStrictEqual(merged["status"], { level: 2 })
      assert.notStrictEqual(merged.metadata.uid, uid)
    }),
  )

  it.effect("the anchor: what somebody else wrote since we looked stays", () =>
    Effect.gen(function* () {
      const { virtual } = yield* Ground
      const client = yield* connect(virtual.kubeconfig)
      const ours = { hostNamespace: "team-x", hostNamespaceUid: "1", vcluster: "a" }
      const theirs = { ...ours, hostNamespaceUid: "2" }
      const { namespace, name } = anchorObject(ours).metadata
      const ref: ObjectRef = { namespace, name }
      const standing = client.get(configMaps, ref)
      yield* client.create(configMaps, anchorObject(theirs))
      assert.strictEqual(yield* tagOf(writeAnchor(client, ours, undefined)), "Conflict")
      assert.strictEqual(stringMapAt(yield* standing, "data")["hostNamespaceUid"], "2")
      const emptied = yield* client.mergePatch(configMaps, ref, { data: null })
      yield* client.mergePatch(configMaps, ref, { data: { ...theirs } })
      assert.strictEqual(yield* tagOf(writeAnchor(client, ours, emptied)), "Conflict")
      const seen = yield* standing
      yield* client.delete(configMaps, ref)
      yield* client.create(configMaps, anchorObject(theirs))
      assert.strictEqual(yield* tagOf(writeAnchor(client, ours, seen)), "Conflict")
      assert.strictEqual(stringMapAt(yield* standing, "data")["hostNamespaceUid"], "2")
      yield* writeAnchor(client, ours, yield* standing)
      assert.strictEqual(stringMapAt(yield* standing, "data")["hostNamespaceUid"], "1")
      yield* client.delete(configMaps, ref)
      yield* writeAnchor(client, ours, undefined)
      assert.strictEqual(stringMapAt(yield* standing, "data")["hostNamespaceUid"], "1")
    }),
  )
})
