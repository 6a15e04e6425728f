/** From answers to reasons; and no value of a request comes back in a message. */
import { assert, it } from "@effect/vitest"
import { outcomeOf, outcomeOfStatus } from "../../../../src/effects/client/status-error.ts"
import { status } from "../fault-server.ts"

const reasonOf = (...given: Parameters<typeof outcomeOf>) => {
  const { reason } = outcomeOf(...given)
  return Object.fromEntries(Object.entries(reason))
}

it("tells the reasons of the API apart", () => {
  const named = { name: "a", kind: "configmaps" }
  const denied =
    'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" at the cluster scope'
  // A JSON patch whose test fails; no other answer has just these words.
  const misfit = "the server rejected our request due to an error in our request"
  const invalid = { _tag: "Invalid", fields: [] }
  const invalidStatus = { _tag: "Invalid", fields: ["status"] }
  const terminating = 'x.y "a" is forbidden: create not allowed while custom resource definition is terminating'
  const tooNew = "Timeout: Too large resource version: 999, current: 12"
  const cases: ReadonlyArray<readonly [Parameters<typeof outcomeOf>, object]> = [
    [
      [404, {}, status(404, "NotFound", 'configmaps "a" not found', named)],
      { _tag: "NotFound", resourceMissing: false },
    ],
    [
      [404, {}, status(404, "NotFound", "the server could not find the requested resource")],
      { _tag: "NotFound", resourceMissing: true },
    ],
    [[404, {}, "404 page not found\n"], { _tag: "NotFound", resourceMissing: true }],
    [[404, {}, "<html>nginx</html>"], { _tag: "NotKubernetes", status: 404 }],
    [[409, {}, status(409, "AlreadyExists", "x", named)], { _tag: "AlreadyExists" }],
    [[409, {}, status(409, "Conflict", "x", named)], { _tag: "Conflict" }],
    [[422, {}, status(422, "Invalid", misfit, {})], { _tag: "Conflict" }],
    [[422, {}, status(422, "Invalid", `admission webhook "w" denied the request: ${misfit}`)], invalid],
    [[422, {}, status(422, "Invalid", misfit, { causes: [{ field: "status", message: "x" }] })], invalidStatus],
    [[401, {}, status(401, "Unauthorized", "Unauthorized")], { _tag: "Unauthorized" }],
    [[401, {}, "<html>log in</html>"], { _tag: "NotKubernetes", status: 401 }],
    [[403, {}, status(403, "Forbidden", denied)], { _tag: "Forbidden", user: "jane" }],
    [[403, {}, status(403, "Forbidden", "exceeded quota")], { _tag: "Forbidden" }],
    [[403, {}, status(403, "Forbidden", terminating)], { _tag: "NotFound", resourceMissing: true }],
    [[405, {}, status(405, "MethodNotAllowed", terminating)], { _tag: "NotFound", resourceMissing: true }],
    [[410, {}, status(410, "Expired", "too old resource version")], { _tag: "Expired" }],
    [
      [429, { "retry-after": "2" }, "Too many requests, please try again later."],
      { _tag: "Throttled", retryAfterMs: 2000 },
    ],
    [
      [429, {}, status(429, "TooManyRequests", "x", { retryAfterSeconds: 3 })],
      { _tag: "Throttled", retryAfterMs: 3000 },
    ],
    [[503, { "retry-after": "5" }, "apiserver is shutting down."], { _tag: "Throttled", retryAfterMs: 5000 }],
    [
      [500, {}, "This request caused apiserver to panic."],
      { _tag: "ServerFault", status: 500, resourceVersionTooLarge: false },
    ],
    [[502, {}, "<html>bad gateway</html>"], { _tag: "ServerFault", status: 502, resourceVersionTooLarge: false }],
    [
      [504, { "retry-after": "1" }, status(504, "Timeout", tooNew, { retryAfterSeconds: 1 })],
      { _tag: "ServerFault", status: 504, resourceVersionTooLarge: true },
    ],
    [[307, { location: "/x" }, ""], { _tag: "NotKubernetes", status: 307 }],
    [[413, {}, status(413, "RequestEntityTooLarge", "x")], { _tag: "Invalid", fields: [] }],
  ]
  for (const [given, expected] of cases) assert.deepStrictEqual(reasonOf(...given), expected, JSON.stringify(given))
})

it("reads the code of a watch's error out of its Status", () => {
  assert.strictEqual(outcomeOfStatus(status(410, "Expired", "too old resource version: 1 (9)")).reason._tag, "Expired")
  assert.strictEqual(outcomeOfStatus({ odd: true }).reason._tag, "ServerFault")
})

const cause = (field: string, message: string, reason = "FieldValueInvalid") => ({ reason, field, message })

const invalid = (kind: string, ...causes: ReadonlyArray<object>) =>
  outcomeOf(422, {}, status(422, "Invalid", `${kind} "a" is invalid: hunter2`, { kind, name: "a", causes }))

it("keeps what is wrong and drops the values", () => {
  const { detail, reason } = invalid(
    "ExternalSecret",
    cause("spec.a", 'Invalid value: "hunter2: \\"x\\"": must be a DNS name: not this'),
    cause("spec.b", "Invalid value: 7: must be less"),
    cause("spec.c", 'Invalid value: {"password": "hunter2", "b": [": hunter2"]}: wrong: hunter2'),
    cause("spec.d", 'Unsupported value: "hunter2": supported values: "a", "b"', "FieldValueNotSupported"),
    cause("spec.e", "Required value", "FieldValueRequired"),
    cause("spec.f", 'Duplicate value: map[string]interface {}{"a":"hunter2"}', "FieldValueDuplicate"),
  )
  assert.deepStrictEqual(reason._tag === "Invalid" ? reason.fields : [], [
    "spec.a",
    "spec.b",
    "spec.c",
    "spec.d",
    "spec.e",
    "spec.f",
  ])
  assert.strictEqual(
    detail,
    'ExternalSecret "a" is invalid: spec.a: Invalid value: must be a DNS name: not this; spec.b: Invalid value: must be less; ' +
      'spec.c: Invalid value; spec.d: Unsupported value: supported values: "a", "b"; spec.e: Required value; spec.f: Duplicate value',
  )
})

it("says nothing about a Secret but fields and reasons", () => {
  const { detail } = invalid(
    "Secret",
    cause("data[a]", "hunter2"),
    cause("type", 'Invalid value: "hunter2": field is immutable'),
  )
  assert.strictEqual(detail, 'Secret "a" is invalid: data[a]: FieldValueInvalid; type: FieldValueInvalid')
  assert.notInclude(invalid("Secret").detail, "hunter2")
  assert.notInclude(invalid("ExternalSecret").detail, "hunter2")
})

it("drops what a decoder quotes", () => {
  const message =
    "illegal base64 data at input byte 0, error found in #10 byte of ...|hunter2|..., bigger context ...|hunter2|..."
  assert.strictEqual(
    outcomeOf(400, {}, status(400, "BadRequest", message)).detail,
    "illegal base64 data at input byte 0",
  )
})

it("does not repeat pages, and no endless text", () => {
  assert.strictEqual(
    outcomeOf(502, {}, "<html>hello</html>").detail,
    "HTTP 502 from something in front of the API server",
  )
  assert.isAtMost(outcomeOf(500, {}, status(500, "InternalError", "x".repeat(10_000))).detail.length, 1000)
  assert.isAtMost(outcomeOf(500, {}, "x".repeat(10_000)).detail.length, 1000)
})
