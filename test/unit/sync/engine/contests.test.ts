/** Fights over a write: what is told of one, and when it is over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { KubeClient } from "../../../../src/effects/client/kube-client.ts"
import type { Action } from "../../../../src/sync/engine/actions.ts"
import { contestOver, makeContests } from "../../../../src/sync/engine/contests.ts"
import {
  hostExternalSecrets,
  virtualExternalSecrets,
} from "../../../../src/sync/external-secrets/external-secret-caches.ts"
import { summarizeAppliedFields } from "../../../../src/sync/external-secrets/managed-fields.ts"
import { hostSecrets, virtualSecrets } from "../../../../src/sync/external-secrets/secret-caches.ts"
import { externalSecretKind } from "../../../../src/sync/kinds/kinds.ts"
import { externalSecrets, secrets } from "../../../../src/sync/resources.ts"
import { readyCondition } from "../../../../src/sync/tenancy/conditions.ts"
import { messages } from "../../../../src/sync/tenancy/eso-messages.ts"
import { hostSecretName } from "../../../../src/sync/tenancy/names.ts"
import { externalSecret, makeEngineBench } from "../../../support/engine-bench.ts"
import type { MemoryClient } from "../../../support/memory-client.ts"

const id = "ExternalSecret|default/web"
const resource = externalSecrets("v1")
const ref = { namespace: "default", name: "web" }

const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db", namespace: "default" } }
const toSecret: Action = {
  _tag: "Apply",
  side: "virtual",
  resource: secrets,
  body: secret,
  manager: "m",
  previous: undefined,
}

describe("a fight over a write", () => {
  it("is told of the tenant's Secret, and of nothing on the host", () => {
    const contest = contestOver(externalSecretKind, toSecret)
    assert.deepInclude(contest?.told, { reason: "TargetSecretContested" })
    assert.match(contest?.told.message ?? "", /keeps changing Secret default\/db/)
    assert.isUndefined(contestOver(externalSecretKind, { ...toSecret, side: "host" }))
    assert.isUndefined(contestOver(externalSecretKind, { ...toSecret, resource: externalSecrets("v1") }))
  })

  it("lasts until nothing was to be put right for a minute", () => {
    let now = 0
    const contests = makeContests(() => now)
    const contest = contestOver(externalSecretKind, toSecret) ?? assert.fail("no contest")
    contests.fought("id", contest)
    now = 50_000
    contests.fought("id", contest)
    now = 109_999
    assert.strictEqual(contests.of("id")?.told, contest.told)
    assert.strictEqual(contests.remaining("id"), 1)
    now = 110_000
    assert.isUndefined(contests.of("id"))
    assert.strictEqual(contests.remaining("id"), 0)
  })
})

describe("a Secret that somebody else keeps overwriting", () => {
  const target = { namespace: "default", name: "web" }
  const right = { a: "MQ==" }

  /** Server-side apply with the account that the API server keeps of it, as a cache holds that. */
  const applying = (client: MemoryClient): KubeClient => ({
    ...client,
    apply: (kind, body, given) =>
      Effect.sync(() => {
        client.calls.push({ verb: "apply", resource: kind.plural, key: body.metadata.name })
        const fieldsV1 = {
          "f:data": { "f:a": {} },
          "f:metadata": {
            "f:labels": { "f:vcluster-es.io/managed": {} },
            "f:annotations": { "f:vcluster-es.io/external-secret": {} },
          },
        }
        const managedFields = [{ manager: given?.manager, operation: "Apply", fieldsV1 }]
        const metadata = { ...body.metadata, uid: "secret", managedFields }
        return client.put(kind, summarizeAppliedFields({ ...body, metadata }))
      }),
  })

  it.effect("is never told as Ready while that lasts, and is again afterwards", () =>
    Effect.gen(function* () {
      const bench = yield* makeEngineBench({}, applying)
      bench.see(virtualExternalSecrets, bench.clients.virtual.put(resource, externalSecret("web")))
      yield* TestClock.adjust("1 second")
      const copy = bench.clients.host.stored(resource, { namespace: "team-x", name: "web-x-default-x-vc" })
      assert.isDefined(copy)
      const name = hostSecretName("web", "default", "vc")
      const ownerReferences = [{ ...copy, name: copy.metadata.name, uid: copy.metadata.uid ?? "", controller: true }]
      const made = { name, namespace: "team-x", resourceVersion: "1", uid: "made", ownerReferences }
      bench.see(hostSecrets, { apiVersion: "v1", kind: "Secret", metadata: made, type: "Opaque", data: right })
      const conditions = [{ type: "Ready", status: "True", reason: "SecretSynced", message: messages.synced }]
      const status = { refreshTime: "1", binding: { name }, conditions }
      bench.see(hostExternalSecrets, bench.clients.host.put(resource, { ...copy, status }))
      const ready = () => readyCondition(bench.clients.virtual.stored(resource, ref))
      const writes = () => bench.clients.virtual.calls.filter(({ verb }) => verb === "apply").length
      const overwrite = Effect.gen(function* () {
        yield* TestClock.adjust("1 second")
        const standing = bench.clients.virtual.stored(secrets, target)
        assert.isDefined(standing)
        bench.see(virtualSecrets, bench.clients.virtual.put(secrets, { ...standing, data: { a: "eA==" } }))
      })
      yield* Effect.forEach(Array.from({ length: 12 }), () => overwrite)
      yield* TestClock.adjust("1 second")
      assert.deepInclude(ready(), { status: "False", reason: "TargetSecretContested" })
      assert.deepInclude(bench.engine.reports.get(id), { health: "refused", reason: "TargetSecretContested" })
      const before = writes()
      yield* Effect.forEach(Array.from({ length: 120 }), () =>
        Effect.andThen(
          overwrite,
          Effect.sync(() => assert.strictEqual(ready()?.status, "False")),
        ),
      )
      assert.isBelow(writes() - before, 6)
      assert.lengthOf(bench.told.notices, 1)
      yield* TestClock.adjust("3 minutes")
      assert.deepEqual(bench.clients.virtual.stored(secrets, target)?.["data"], right)
      assert.deepInclude(ready(), { status: "True", reason: "SecretSynced" })
      assert.deepInclude(bench.engine.reports.get(id), { health: "synced" })
    }),
  )
})
