/** Actions on a real API server, when what they were decided about is another object by the time they are carried out. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { carryOut } from "../../src/sync/engine/executor.ts"
import type { Action } from "../../src/sync/engine/actions.ts"
import { writeStatus } from "../../src/sync/engine/status-write.ts"
import { onGround } from "../support/on-ground.ts"
import { secrets } from "../support/resources.ts"
import { serveThings, thing, things } from "../support/things.ts"
import { hostClient, refTo, tagOf } from "./transport-client.ts"

const secret = (name: string, value: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  data: { a: value },
})

/** What may be decided about `seen`, a Secret. */
const aboutSecret = (seen: KubeObject): ReadonlyArray<Action> => {
  const target = { side: "virtual", resource: secrets } as const
  const body = secret(seen.metadata.name, "Mg==")
  return [
    { ...target, _tag: "Create", body },
    { ...target, _tag: "Patch", current: seen, patch: { data: { a: "Mg==" } } },
    { ...target, _tag: "Apply", body, manager: "m", previous: seen },
    { ...target, _tag: "Apply", body, manager: "m", previous: undefined },
    { ...target, _tag: "Copy", source: seen, body, current: seen },
    { ...target, _tag: "Delete", current: seen, becauseAbsent: false },
  ]
}

onGround("actions", (it) => {
  it.effect("onto a Secret made anew: conflicts, and it stays as it is", () =>
    Effect.gen(function* () {
      const client = yield* hostClient()
      const clients = { host: client, virtual: client }
      const seen = yield* client.create(secrets, secret("anew", "MA=="))
      yield* client.delete(secrets, refTo("anew"))
      const successor = yield* client.create(secrets, secret("anew", "MQ=="))
      for (const action of aboutSecret(seen)) {
        const write = carryOut(action, clients)
        if (action._tag === "Copy") assert.isUndefined(yield* write)
        else
          assert.strictEqual(yield* tagOf(write), action._tag === "Create" ? "AlreadyExists" : "Conflict", action._tag)
        assert.deepStrictEqual(yield* client.get(secrets, refTo("anew")), successor)
      }
    }),
  )

  it.effect("a status of a custom resource made anew: a conflict, and it has none", () =>
    Effect.gen(function* () {
      yield* serveThings
      const client = yield* hostClient()
      const clients = { host: client, virtual: client }
      const seen = yield* client.create(things, thing("anew"))
      const [action] = writeStatus(things, seen, { level: 1 })
      assert.isDefined(action)
      yield* client.delete(things, refTo("anew"))
      const successor = yield* client.create(things, thing("anew"))
      assert.strictEqual(yield* tagOf(carryOut(action, clients)), "Conflict")
      assert.deepStrictEqual(yield* client.get(things, refTo("anew")), successor)
      const [fitting] = writeStatus(things, successor, { level: 2 })
      assert.isDefined(fitting)
      assert.deepStrictEqual((yield* carryOut(fitting, clients))?.["status"], { level: 2 })
    }),
  )
})
