import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import type { Decision } from "../../../../src/sync/engine/actions.ts"
import { tellOverruled, type Telling } from "../../../../src/sync/external-secrets/overruled.ts"
import { readyCondition } from "../../../../src/sync/tenancy/conditions.ts"

const ready = (status: string, message: string) => ({ conditions: [{ type: "Ready", status, reason: "R", message }] })

const virtual = (status: object): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "app", namespace: "default" },
  status,
})

const told = (): Omit<Decision, "actions"> => ({ verdict: undefined })
const note = "the host's admission overrules spec.refreshInterval"

describe("what the host's admission overrules", () => {
  it("is told in the condition, and by an event until it stands there", () => {
    const telling: Telling = { status: ready("True", "secret synced"), told }
    const first = tellOverruled(telling, virtual({}), ["spec.refreshInterval"])
    assert.strictEqual(readyCondition(virtual(first.status ?? {}))?.message, `secret synced; ${note}`)
    assert.deepInclude(first.told(0), {
      notice: { regarding: virtual({}), type: "Warning", reason: "OverruledByHost", message: note },
    })
    const again = tellOverruled(telling, virtual(first.status ?? {}), ["spec.refreshInterval"])
    assert.deepStrictEqual(again.status, first.status)
    assert.deepStrictEqual(again.told(0), told())
  })

  it("is nothing beside what is wrong, before ESO has answered, and where nothing is overruled", () => {
    const wrong = { status: ready("False", "could not get the value"), told }
    assert.strictEqual(tellOverruled(wrong, virtual({}), ["spec.data"]), wrong)
    const unanswered = { status: undefined, told }
    assert.strictEqual(tellOverruled(unanswered, virtual({}), ["spec.data"]), unanswered)
    const plain = { status: ready("True", "secret synced"), told }
    assert.strictEqual(tellOverruled(plain, virtual({}), []), plain)
  })

  it("names ten fields, however many there are", () => {
    const fields = Array.from({ length: 12 }, (_, index) => `spec.f${index}`)
    const { status } = tellOverruled({ status: ready("True", ""), told }, virtual({}), fields)
    assert.match(readyCondition(virtual(status ?? {}))?.message ?? "", /spec\.f9 and 2 more$/)
  })
})
