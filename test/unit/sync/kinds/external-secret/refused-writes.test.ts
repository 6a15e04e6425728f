/** What an API server does not take: told, and tried again. */
import { assert, describe, it } from "@effect/vitest"
import {
  ApiError,
  AlreadyExists,
  Conflict,
  Forbidden,
  Invalid,
  Unreachable,
} from "../../../../../src/effects/client/api-error.ts"
import type { ApiErrorReason } from "../../../../../src/effects/client/api-error.ts"
import { externalSecretKind } from "../../../../../src/sync/kinds/kinds.ts"
import type { Action } from "../../../../../src/sync/engine/actions.ts"
import { hostName } from "../../../../../src/sync/tenancy/names.ts"
import { Refusal } from "../../../../../src/sync/tenancy/refusals.ts"
import type { RefusalReason } from "../../../../../src/sync/tenancy/refusals.ts"
import { refusedWrite } from "../../../../../src/sync/engine/refused-write.ts"
import { externalSecrets, secrets } from "../../../../../src/sync/resources.ts"
import { World } from "../../../../model/world.ts"
import { tenants, decide, step, settle } from "./refusals-ground.ts"

describe("what an API server does not take", () => {
  const refused = (reason: RefusalReason, message: string) => new Refusal({ reason, message })

  it("RefusedByHost: told in the tenant's names, and tried again", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a"))
    const name = hostName("a", "default", "vc")
    const { verdict, notice, actions } = decide(
      world,
      "default/a",
      refused("RefusedByHost", `"${name}" is invalid: spec.x`),
    )
    assert.deepInclude(verdict, { health: "refused", reason: "RefusedByHost", message: '"a" is invalid: spec.x' })
    assert.strictEqual(notice?.reason, "RefusedByHost")
    assert.deepStrictEqual(
      actions.map(({ _tag, side }) => `${_tag} ${side}`),
      ["Status virtual", "Create host"],
    )
  })

  it("TargetSecretRefused: told, and tried again, while the host goes on", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a"))
    step(world, "default/a")
    world.runOperator()
    const { verdict, actions } = decide(world, "default/a", refused("TargetSecretRefused", "denied"))
    assert.deepInclude(verdict, { health: "refused", reason: "TargetSecretRefused", message: "denied" })
    assert.deepStrictEqual(
      actions.map(({ _tag, side }) => `${_tag} ${side}`),
      ["Status virtual", "Apply virtual"],
    )
  })

  it("what was refused and is in step by now is no refusal any more", () => {
    const world = new World()
    world.put("virtual", "ExternalSecret", tenants("a"))
    settle(world, "default/a")
    for (const reason of ["RefusedByHost", "TargetSecretRefused"] as const)
      assert.strictEqual(decide(world, "default/a", refused(reason, "x")).verdict?.health, "synced")
  })

  const body = tenants("a")
  const toHost: Action = { _tag: "Create", side: "host", resource: externalSecrets("v1"), body }
  const toSecret: Action = {
    _tag: "Apply",
    side: "virtual",
    resource: secrets,
    body,
    manager: "m",
    previous: undefined,
  }
  const toStatus: Action = {
    _tag: "Status",
    side: "virtual",
    resource: externalSecrets("v1"),
    current: body,
    status: {},
  }
  const answered = (reason: ApiErrorReason, detail = "why") =>
    new ApiError({ cluster: "host", server: "https://h", verb: "create", resource: "x", detail, reason })
  const invalid = new Invalid({ fields: ["spec.x"] })

  it("is told in whole characters, however long the server's text is", () => {
    for (const detail of [`${"x".repeat(999)}\u{1f511}`, "\u{1f511}".repeat(600)])
      assert.isTrue(refusedWrite(externalSecretKind, toHost, answered(invalid, detail))?.message.isWellFormed())
  })

  const answers: ReadonlyArray<
    readonly [what: string, action: Action, reason: ApiErrorReason, told: RefusalReason | undefined]
  > = [
    ["host: invalid", toHost, invalid, "RefusedByHost"],
    ["host: denied by admission", toHost, new Forbidden({}), "RefusedByHost"],
    ["host: we lack the right, which is no tenant's business", toHost, new Forbidden({ user: "u" }), undefined],
    ["host: name taken", toHost, new AlreadyExists({}), undefined],
    ["host: a race lost", toHost, new Conflict({}), undefined],
    ["host: away", toHost, new Unreachable({}), undefined],
    ["Secret: invalid", toSecret, invalid, "TargetSecretRefused"],
    ["Secret: denied", toSecret, new Forbidden({}), "TargetSecretRefused"],
    ["Secret: a race lost", toSecret, new Conflict({}), undefined],
    ["status: invalid", toStatus, invalid, undefined],
  ]
  for (const [what, action, reason, told] of answers)
    it(what, () => assert.strictEqual(refusedWrite(externalSecretKind, action, answered(reason))?.reason, told))

  it("the server's text is repeated, but not without end", () => {
    assert.include(refusedWrite(externalSecretKind, toHost, answered(invalid, "spec.x: no"))?.message, "spec.x: no")
    assert.isBelow(
      refusedWrite(externalSecretKind, toHost, answered(invalid, "x".repeat(9_999)))?.message.length ?? 9_999,
      1_100,
    )
  })
})
