import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { jsonEqual } from "../../../../src/effects/client/merge-patch.ts"
import { canonical, isNestedDeeperThan, normalize } from "../../../../src/sync/tenancy/structural-schema.ts"

/** Whether two values come to the same after the API server and ESO have seen them. */
const equalByMeaning = (of: unknown, left: unknown, right: unknown): boolean =>
  jsonEqual(canonical(of, left), canonical(of, right))

/** The shapes that ESO's CRDs are made of, in small. */
const schema = {
  type: "object",
  properties: {
    refreshInterval: { type: "string", default: "1h" },
    refreshPolicy: { type: "string", enum: ["Periodic", "OnChange"] },
    retries: { type: "integer" },
    immutable: { type: "boolean" },
    active: { type: "boolean", default: true },
    port: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    target: {
      type: "object",
      default: { creationPolicy: "Owner", deletionPolicy: "Retain" },
      properties: {
        name: { type: "string" },
        creationPolicy: { type: "string", default: "Owner" },
        deletionPolicy: { type: "string", default: "Retain" },
        template: {
          type: "object",
          properties: {
            data: { type: "object", additionalProperties: { type: "string" } },
            engineVersion: { type: "string", default: "v2" },
          },
        },
      },
    },
    data: {
      type: "array",
      items: {
        type: "object",
        properties: {
          secretKey: { type: "string" },
          remoteRef: {
            type: "object",
            properties: { key: { type: "string" }, conversionStrategy: { type: "string", default: "Default" } },
          },
        },
      },
    },
    keys: { type: "array", items: { type: "string" } },
    matrix: { type: "array", items: { type: "array", items: { type: "integer" } } },
    stores: {
      type: "object",
      additionalProperties: { type: "object", properties: { kind: { type: "string", default: "SecretStore" } } },
    },
    parameters: {
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
      properties: { known: { type: "object" } },
    },
    raw: { "x-kubernetes-preserve-unknown-fields": true },
    manifest: { type: "object", "x-kubernetes-embedded-resource": true, properties: { spec: { type: "object" } } },
    hint: { type: "string", nullable: true },
    anything: {},
  },
}

const filled = { refreshInterval: "1h", active: true, target: { creationPolicy: "Owner", deletionPolicy: "Retain" } }

describe("normalize", () => {
  it("fills in defaults, also inside of defaulted objects, lists and maps, but not inside of absent ones", () => {
    assert.deepStrictEqual(normalize(schema, {}), filled)
    assert.deepStrictEqual(
      normalize(schema, {
        target: { name: "db" },
        data: [{ secretKey: "a", remoteRef: { key: "k" } }, { secretKey: "b" }],
        stores: { one: {}, two: { kind: "ClusterSecretStore" } },
      }),
      {
        ...filled,
        target: { name: "db", creationPolicy: "Owner", deletionPolicy: "Retain" },
        data: [{ secretKey: "a", remoteRef: { key: "k", conversionStrategy: "Default" } }, { secretKey: "b" }],
        stores: { one: { kind: "SecretStore" }, two: { kind: "ClusterSecretStore" } },
      },
    )
  })

  it("prunes what the schema does not name", () => {
    assert.deepStrictEqual(
      normalize(schema, { unknown: 1, target: { unknown: 2 }, data: [{ unknown: 3 }], stores: { a: { unknown: 4 } } }),
      { ...filled, data: [{}], stores: { a: { kind: "SecretStore" } } },
    )
  })

  it("keeps what the schema leaves open", () => {
    const open = {
      port: "http",
      parameters: { a: { b: [1, null, { c: "" }] }, known: {} },
      raw: { x: { y: 0 } },
      manifest: { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, spec: {} },
      anything: "text",
    }
    assert.deepStrictEqual(normalize(schema, open), { ...filled, ...open })
    assert.deepStrictEqual(normalize(schema, { parameters: { known: { pruned: 1 } } }), {
      ...filled,
      parameters: { known: {} },
    })
  })

  it("takes a null that is not allowed for an absent field", () => {
    assert.deepStrictEqual(
      normalize(schema, { refreshInterval: null, retries: null, target: null, hint: null, stores: { a: null } }),
      { ...filled, hint: null, stores: {} },
    )
  })

  it("keeps empty values: it is Go that drops them", () => {
    const empty = { refreshPolicy: "", retries: 0, immutable: false, active: false, keys: [], stores: {} }
    assert.deepStrictEqual(normalize(schema, empty), { ...filled, ...empty })
  })

  it("spells durations out only when told to", () => {
    assert.deepInclude(normalize(schema, { refreshInterval: "90m" }), { refreshInterval: "90m" })
    assert.deepInclude(normalize(schema, { refreshInterval: "90m" }, { durations: new Set(["refreshInterval"]) }), {
      refreshInterval: "1h30m0s",
    })
  })

  it("does nothing without a schema", () => {
    const value = { a: null, b: "", refreshInterval: "1h" }
    for (const none of [undefined, null, 3, [], {}]) assert.deepStrictEqual(normalize(none, value), value)
  })

  it("changes nothing the second time", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const once = normalize(schema, value)
        assert.isTrue(jsonEqual(normalize(schema, once), once))
      }),
    )
  })
})

describe("canonical", () => {
  const equal: ReadonlyArray<readonly [what: string, left: unknown, right: unknown]> = [
    ["absent and empty", undefined, {}],
    ["durations", { refreshInterval: "60m" }, { refreshInterval: "1h0m0s" }],
    ["a default left out", {}, filled],
    [
      "an empty string where there is a default",
      { target: { creationPolicy: "" } },
      { target: { creationPolicy: "Owner" } },
    ],
    ["zero values", { retries: 0, immutable: false, keys: [], refreshPolicy: "", hint: null }, {}],
    [
      "a structure of zero values",
      { target: { template: { data: {} } } },
      { target: { template: { engineVersion: "v2" } } },
    ],
    ["unknown fields", { unknown: 1 }, {}],
    ["the order of keys", { retries: 1, immutable: true }, { immutable: true, retries: 1 }],
  ]
  for (const [what, left, right] of equal)
    it(`makes equal: ${what}`, () => {
      assert.deepStrictEqual(canonical(schema, left), canonical(schema, right))
      assert.isTrue(equalByMeaning(schema, left, right))
    })

  const different: ReadonlyArray<readonly [what: string, left: unknown, right: unknown]> = [
    ["another interval", { refreshInterval: "1h" }, { refreshInterval: "61m" }],
    ["never refreshed and the default", { refreshInterval: "0" }, {}],
    ["false where the default is true", { active: false }, {}],
    ["an empty entry of a map", { target: { template: { data: { a: "" } } } }, { target: { template: { data: {} } } }],
    ["an empty item of a list", { keys: [""] }, { keys: [] }],
    ["a zero in a list", { matrix: [[0]] }, { matrix: [[]] }],
    ["an empty object in a list", { data: [{}] }, { data: [] }],
    ["the order of a list", { keys: ["a", "b"] }, { keys: ["b", "a"] }],
    ["what an open field holds", { raw: { a: "" } }, { raw: { a: 0 } }],
    [
      "durations that are data",
      { target: { template: { data: { refreshInterval: "1h" } } } },
      { target: { template: { data: { refreshInterval: "60m" } } } },
    ],
  ]
  for (const [what, left, right] of different)
    it(`tells apart: ${what}`, () => {
      assert.isFalse(equalByMeaning(schema, left, right))
    })

  it("reads 0 and 0s as the same: never refresh", () => {
    assert.isTrue(equalByMeaning(schema, { refreshInterval: "0" }, { refreshInterval: "0s" }))
  })

  it("leaves what is no duration as it is", () => {
    assert.deepInclude(canonical(schema, { refreshInterval: "1d" }), { refreshInterval: "1d" })
  })

  it("is what it was after the API server stored it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.isTrue(equalByMeaning(schema, value, normalize(schema, value)))
        const once = canonical(schema, value)
        assert.isTrue(jsonEqual(canonical(schema, once), once))
      }),
    )
  })
})

/** The schema's own field names with values of any type. */
const hostile = fc.dictionary(
  fc.constantFrom(...Object.keys(schema.properties), "__proto__", "constructor", "toString"),
  fc.jsonValue({ maxDepth: 3 }),
)

const deepList = (core: string): unknown => JSON.parse(`${"[".repeat(9000)}${core}${"]".repeat(9000)}`)

describe("hostile values", () => {
  it("do not throw, whatever stands where", () => {
    fc.assert(
      fc.property(hostile, (value) => {
        assert.isTrue(equalByMeaning(schema, value, structuredClone(value)))
        assert.isTrue(equalByMeaning(schema, value, normalize(schema, value)))
      }),
      { numRuns: 500 },
    )
    for (const value of [null, 0, "", "text", true, [], [[[]]], Number.NaN]) canonical(schema, value)
  })

  it("keep a key __proto__ as data and reach no prototype", () => {
    const value: unknown = JSON.parse('{"target": {"template": {"data": {"__proto__": "a", "constructor": ""}}}}')
    const result = JSON.stringify(canonical(schema, value))
    assert.include(result, '"__proto__":"a"')
    assert.include(result, '"constructor":""')
    const other: unknown = JSON.parse('{"target": {"template": {"data": {"__proto__": "b", "constructor": ""}}}}')
    assert.isFalse(equalByMeaning(schema, value, other))
    assert.isFalse(Object.hasOwn(Object.prototype, "a"))
  })

  it("are not walked deeper than any schema is", () => {
    const recursive: { type: string; items?: unknown } = { type: "array" }
    recursive.items = recursive
    assert.strictEqual(JSON.stringify(canonical(recursive, JSON.parse("[[[]]]"))), "[[[]]]")
    assert.isTrue(equalByMeaning(recursive, deepList("1"), deepList("1")))
    assert.isFalse(equalByMeaning(recursive, deepList("1"), deepList("2")))
    assert.isTrue(equalByMeaning(schema, { raw: deepList("1") }, { raw: deepList("1") }))
  })
})

/** @param levels an even number */
const nested = (levels: number): unknown => JSON.parse(`${'{"a":['.repeat(levels / 2)}${"]}".repeat(levels / 2)}`)

describe("isNestedDeeperThan", () => {
  it("counts objects and lists", () => {
    assert.isFalse(isNestedDeeperThan("text", 0))
    assert.isTrue(isNestedDeeperThan({}, 0))
    assert.isFalse(isNestedDeeperThan(nested(100), 100))
    assert.isTrue(isNestedDeeperThan(nested(102), 100))
    assert.isTrue(isNestedDeeperThan(nested(200_000), 100))
  })
})
