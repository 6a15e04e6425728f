import { assert, describe, it } from "@effect/vitest"
import { redactBody } from "../../../../src/plugin/connect/request-log.ts"

const redacted = (body: unknown, path = "/x"): unknown => JSON.parse(redactBody(JSON.stringify(body), path))

describe("bodies in the log", () => {
  it("of a Secret show its keys only, wherever it says that it is one", () => {
    const secret = { kind: "Secret", metadata: { name: "a" }, data: { key: "dmFsdWU=" }, stringData: { key: "value" } }
    const without = { kind: "Secret", metadata: { name: "a" }, data: { key: "***" }, stringData: { key: "***" } }
    assert.deepStrictEqual(redacted(secret), without)
    assert.deepStrictEqual(redacted({ kind: "List", items: [secret] }), { kind: "List", items: [without] })
  })

  it("of requests about Secrets show their keys only, also where they do not say so", () => {
    const list = { kind: "SecretList", items: [{ metadata: { name: "a" }, data: { key: "dmFsdWU=" } }] }
    for (const path of ["/api/v1/secrets?limit=500", "/api/v1/namespaces/team-x/secrets"])
      assert.deepStrictEqual(redacted(list, path), {
        kind: "SecretList",
        items: [{ metadata: { name: "a" }, data: { key: "***" } }],
      })
    assert.deepStrictEqual(redacted({ data: { key: "dmFsdWU=", gone: null } }, "/api/v1/namespaces/a/secrets/b"), {
      data: { key: "***", gone: "***" },
    })
  })

  it("of a JSON patch show the status that it writes, and no other value", () => {
    const test = { op: "test", path: "/metadata/uid", value: "u" }
    const status = { op: "add", path: "/status", value: { conditions: [], token: "ey.." } }
    const data = { op: "add", path: "/data/key", value: "dmFsdWU=" }
    assert.deepStrictEqual(redacted([test, status, data, { op: "remove", path: "/spec" }]), [
      test,
      { ...status, value: { conditions: [], token: "***" } },
      { ...data, value: "***" },
      { op: "remove", path: "/spec" },
    ])
  })

  it("show what is no secret", () => {
    const map = { kind: "ConfigMap", data: { key: "value" } }
    assert.deepStrictEqual(redacted(map, "/api/v1/namespaces/secrets/configmaps/b"), map)
  })

  it("hide kubectl's copy of an object, tokens, and what a store's provider is told", () => {
    assert.deepStrictEqual(
      redacted({
        metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}", note: "kept" } },
        status: { token: "ey.." },
        spec: { provider: { fake: { data: [{ key: "k", value: "v", version: 1 }] } } },
      }),
      {
        metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "***", note: "kept" } },
        status: { token: "***" },
        spec: { provider: { fake: { data: [{ key: "***", value: "***", version: 1 }] } } },
      },
    )
  })

  it("a key __proto__ is a key like any other, and what is no JSON is not shown", () => {
    assert.strictEqual(
      redactBody('{"kind":"Secret","data":{"__proto__":"dg=="}}', "/x"),
      '{"kind":"Secret","data":{"__proto__":"***"}}',
    )
    assert.strictEqual(redactBody("password", "/x"), "(8 characters that are no JSON)")
  })
})
