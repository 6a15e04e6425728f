/** Whatever a tenant calls an object, a path stays inside its collection. */
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { fieldsEqual, named } from "../../../../src/effects/client/field-selector.ts"
import { isPathSegment, objectPath, queryString } from "../../../../src/effects/client/resource-path.ts"

const secrets = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true }

it.effect.prop(
  "a name that passes is one segment, and comes back as it was",
  [Schema.String, Schema.String],
  ([namespace, name]) =>
    Effect.sync(() => {
      if (!isPathSegment(namespace) || !isPathSegment(name)) return
      const { pathname, search, hash } = new URL(objectPath(secrets, { namespace, name }), "https://x")
      assert.deepStrictEqual(
        pathname.split("/").map((part) => decodeURIComponent(part)),
        ["", "api", "v1", "namespaces", namespace, "secrets", name],
      )
      assert.strictEqual(search + hash, "")
    }),
)

it("builds the paths of both API roots", () => {
  const stores = { ...secrets, group: "external-secrets.io", plural: "clustersecretstores", namespaced: false }
  assert.strictEqual(objectPath(stores, { name: "a" }), "/apis/external-secrets.io/v1/clustersecretstores/a")
  assert.strictEqual(
    objectPath(secrets, { namespace: "n", name: "a" }, "status"),
    "/api/v1/namespaces/n/secrets/a/status",
  )
})

it("writes queries and selectors that say what was meant", () => {
  assert.strictEqual(queryString({ a: "b c", d: undefined, e: "", f: 0, g: true }), "?a=b%20c&f=0&g=true")
  assert.strictEqual(queryString({ a: undefined }), "")
  assert.strictEqual(named("a,b=c\\d"), "metadata.name=a\\,b\\=c\\\\d")
  assert.strictEqual(fieldsEqual({ "metadata.name": "a", type: "b" }), "metadata.name=a,type=b")
})
