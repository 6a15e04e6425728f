/** What the attack tests share: try it, look at the host, look at what the tenant is told, and that others are still served. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Resource } from "../../src/effects/client/resource.ts"
import { hostName, hostSecretName } from "../../src/sync/tenancy/names.ts"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { events, externalSecrets, namespaces, secrets, secretStores } from "./resources.ts"
import { awaitSecret, createReady, externalSecret, isRefused, readyOf, valueOf, vcluster } from "./synced-pair.ts"
import type { SyncedPairShape } from "./synced-pair.ts"

export const inVirtual = (name: string, namespace = "default") => ({ namespace, name })

/** Where the host copy of a virtual object stands, short name or long. */
export const copyOf = (name: string, namespace = "default") => ({
  namespace: vcluster.namespace,
  name: hostName(name, namespace, vcluster.name),
})

/** Where the Secret of a target stands on the host. */
export const hiddenSecretOf = (target: string, namespace = "default") => ({
  namespace: vcluster.namespace,
  name: hostSecretName(target, namespace, vcluster.name),
})

export const createNamespace = (pair: SyncedPairShape, name: string, labels: Readonly<Record<string, string>> = {}) =>
  pair.ground.virtual.kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } })

/** Waits until the tenant reads the refusal on the object, and in a Warning event about it. */
export const awaitRefusal = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  object: KubeObject,
  reason: string,
  message: string | RegExp,
) {
  const { kube } = pair.ground.virtual
  const refused = yield* kube.waitFor(externalSecrets, object.metadata, isRefused(reason), {
    what: `${object.metadata.name} refused as ${reason}`,
  })
  const told = readyOf(refused)?.message ?? ""
  if (typeof message === "string") assert.include(told, message)
  else assert.match(told, message)
  yield* kube.waitForList(
    events,
    { namespace: object.metadata.namespace, fieldSelector: `involvedObject.uid=${object.metadata.uid}` },
    (found) => found.some((event) => stringAt(event, "type") === "Warning" && stringAt(event, "reason") === reason),
    { what: `a Warning event ${reason} on ${object.metadata.name}` },
  )
  return refused
})

/** Nothing of the object is on the host: no copy, and no Secret under the names that ESO could have been given. */
export const assertNothingOnHost = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  name: string,
  options: { readonly namespace?: string; readonly target?: string } = {},
) {
  const { kube } = pair.ground.host
  assert.isUndefined(yield* kube.find(externalSecrets, copyOf(name, options.namespace)), `host copy of ${name}`)
  for (const target of [name, ...(options.target === undefined ? [] : [options.target])])
    assert.isUndefined(yield* kube.find(secrets, hiddenSecretOf(target, options.namespace)), `host Secret of ${target}`)
})

/** Another tenant's ordinary ExternalSecret goes through. Its name says after what. */
export const assertServesOthers = Effect.fnUntraced(function* (pair: SyncedPairShape, after: string) {
  const name = `others-${after}`
  yield* createReady(pair, externalSecret(name))
  assert.strictEqual(valueOf(yield* awaitSecret(pair, name), "password"), "s3cret")
})

/** The whole of an attack that a rule refuses: tried, told, nothing on the host, others served. */
export const assertRefused = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  body: KubeObject,
  reason: string,
  message: string | RegExp,
) {
  const object = yield* pair.ground.virtual.kube.create(externalSecrets, body)
  const refused = yield* awaitRefusal(pair, object, reason, message)
  yield* assertServesOthers(pair, body.metadata.name)
  const namespace = body.metadata.namespace ?? "default"
  const target = stringAt(body, "spec", "target", "name")
  yield* assertNothingOnHost(pair, body.metadata.name, { namespace, ...(target === undefined ? {} : { target }) })
  return refused
})

/** The object is byte for byte what it was, its version and managed fields included. */
export const assertUntouched = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  side: "host" | "virtual",
  resource: Resource,
  before: KubeObject,
) {
  const after = yield* pair.ground[side].kube.get(resource, before.metadata)
  assert.deepStrictEqual(after, before)
})

/** Tried, told on the object and in an event, nothing on the host, others served. */
export const assertStoreRefused = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  body: KubeObject,
  reason: string,
  message: string,
) {
  const { host, virtual } = pair.ground
  const made = yield* virtual.kube.create(secretStores, body)
  const refused = yield* virtual.kube.waitFor(secretStores, body.metadata, isRefused(reason), {
    what: `${body.metadata.name} refused as ${reason}`,
  })
  assert.include(readyOf(refused)?.message, message)
  yield* virtual.kube.waitForList(
    events,
    { namespace: body.metadata.namespace, fieldSelector: `involvedObject.uid=${made.metadata.uid},reason=${reason}` },
    (found) => found.some((event) => stringAt(event, "type") === "Warning"),
  )
  yield* assertServesOthers(pair, `store-${body.metadata.name}`)
  assert.isUndefined(yield* host.kube.find(secretStores, copyOf(body.metadata.name, body.metadata.namespace)))
  const spec = { secretStoreRef: { name: body.metadata.name, kind: "SecretStore" } }
  const user = `uses-${body.metadata.name}`
  yield* virtual.kube.create(
    externalSecrets,
    externalSecret(user, { spec, namespace: body.metadata.namespace ?? "default" }),
  )
  yield* virtual.kube.waitFor(
    externalSecrets,
    inVirtual(user, body.metadata.namespace),
    isRefused("SecretStoreNotReady"),
  )
  assert.isUndefined(yield* host.kube.find(externalSecrets, copyOf(user, body.metadata.namespace)))
})
