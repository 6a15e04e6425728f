/** What is said of an ExternalSecret that bears the finalizer of an ESO inside the virtual cluster. */
import { assert, describe, it } from "@effect/vitest"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { otherOperator } from "../../../../src/sync/external-secrets/other-operator.ts"
import type { OperatorSearch, OperatorTrace } from "../../../../src/sync/tenancy/operator-search.ts"

const finalizer = "externalsecrets.external-secrets.io/externalsecret-cleanup"
const now = Date.parse("2026-11-27T12:00:00Z")
const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString()

interface Given {
  readonly refreshed?: number
  readonly spec?: object
  readonly ready?: "True" | "False"
  readonly metadata?: object
}

const object = ({ refreshed, spec = {}, ready = "True", metadata = {} }: Given = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "app", namespace: "default", finalizers: [finalizer], ...metadata },
  spec: { refreshInterval: "1h", ...spec },
  status: {
    ...(refreshed === undefined ? {} : { refreshTime: ago(refreshed) }),
    conditions: [{ type: "Ready", status: ready, reason: "", message: "" }],
  },
})

const found = (...traces: ReadonlyArray<OperatorTrace>): OperatorSearch => ({ traces, hidden: [] })
const deployment = (isAlive: boolean): OperatorTrace => ({ name: "Deployment eso/external-secrets", isAlive })
const lease = (isAlive: boolean): OperatorTrace => ({ name: "Lease eso/external-secrets-controller", isAlive })

const reasonOf = (given: Given, search?: OperatorSearch) => otherOperator(object(given), now, search)?.reason

describe("an operator inside the virtual cluster", () => {
  it("is nobody's without the finalizer", () => {
    assert.isUndefined(otherOperator(object({ refreshed: 9999, metadata: { finalizers: ["other.io/f"] } }), now))
  })

  const answers: Readonly<Record<string, readonly [Given, OperatorSearch?]>> = {
    "a refresh within the interval": [{ refreshed: 59 }],
    "one that is late by less than an interval more": [{ refreshed: 119 }],
    "a short interval, late by less than ten minutes": [{ refreshed: 9, spec: { refreshInterval: "10s" } }],
    "ESO's default interval": [{ refreshed: 119, spec: { refreshInterval: undefined } }],
    "no refresh yet": [{}],
    "interval 0": [{ refreshed: 99_999, spec: { refreshInterval: "0" } }],
    CreatedOnce: [{ refreshed: 99_999, spec: { refreshPolicy: "CreatedOnce" } }],
    OnChange: [{ refreshed: 99_999, spec: { refreshPolicy: "OnChange" } }],
    "a failure, which it tries again without a word": [{ refreshed: 99_999, ready: "False" }],
    "an interval beyond all dates": [{ refreshed: 99_999, spec: { refreshInterval: "2540400h" } }],
    "no trace, but a refresh in time": [{ refreshed: 5 }, found()],
    "its Deployment has a ready pod": [{ refreshed: 99_999 }, found(deployment(true))],
    "its Lease is renewed": [{ refreshed: 99_999 }, found(deployment(false), lease(true))],
  }
  for (const [name, [given, search]] of Object.entries(answers))
    it(`is left alone: ${name}`, () => assert.strictEqual(reasonOf(given, search), "ManagedByOtherOperator"))

  const silent: Readonly<Record<string, readonly [Given, OperatorSearch?]>> = {
    "two intervals without a refresh": [{ refreshed: 121 }],
    "a short interval, and more than ten minutes": [{ refreshed: 11, spec: { refreshInterval: "10s" } }],
    "the same, and no trace of it": [{ refreshed: 121 }, found()],
    "a Deployment without a ready pod": [{ refreshed: 5 }, found(deployment(false))],
    "a Lease that nobody renews": [{ refreshed: 5 }, found(lease(false))],
    "a deletion that hangs": [{ metadata: { deletionTimestamp: ago(2) } }],
  }
  for (const [name, [given, search]] of Object.entries(silent))
    it(`does not answer: ${name}`, () => assert.strictEqual(reasonOf(given, search), "OtherOperatorSilent"))

  it("is given a minute to let go of what is deleted, unless it is known to be down", () => {
    const begun = { metadata: { deletionTimestamp: ago(0.5) } }
    assert.strictEqual(reasonOf(begun), "ManagedByOtherOperator")
    assert.strictEqual(reasonOf(begun, found()), "ManagedByOtherOperator")
    assert.strictEqual(reasonOf(begun, found(deployment(false))), "OtherOperatorSilent")
  })

  it("says what was looked at", () => {
    assert.strictEqual(
      otherOperator(object({ refreshed: 180 }), now, { traces: [deployment(false)], hidden: ["Lease"] })?.message,
      "an External Secrets Operator inside the virtual cluster reconciled this ExternalSecret, and does not answer any more: it refreshed it last at 2026-11-27T09:00:00Z, and the next refresh was due at 2026-11-27T10:00:00Z; Deployment eso/external-secrets is not alive, whether there is a Lease of one is not visible to you",
    )
    assert.include(
      otherOperator(object({ refreshed: 5 }), now, found())?.message,
      "no Deployment of one is there, no Lease",
    )
  })
})

describe("the command that hands over", () => {
  const commandOf = (finalizers: ReadonlyArray<string>) =>
    otherOperator(object({ refreshed: 121, metadata: { finalizers } }), now)?.fix?.command

  it("takes the only finalizer off", () => {
    assert.strictEqual(
      commandOf([finalizer]),
      `kubectl patch externalsecret app -n default --type=merge -p '{"metadata":{"finalizers":null}}'`,
    )
  })

  it("leaves those of others, and puts none of them into the command", () => {
    assert.strictEqual(
      commandOf(["a.io/b", finalizer]),
      `kubectl patch externalsecret app -n default --type=json -p '[{"op":"test","path":"/metadata/finalizers/1","value":"${finalizer}"},{"op":"remove","path":"/metadata/finalizers/1"}]'`,
    )
  })
})
