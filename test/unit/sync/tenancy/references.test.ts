import { assert, describe, it } from "@effect/vitest"
import {
  credentialsMissing,
  findReferences,
  referenceSites,
  renameReferences,
} from "../../../../src/sync/tenancy/references.ts"

const text = { type: "string" }
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more })
const secretRef = object({ name: text, namespace: text, key: text })
const serviceAccount = object({ name: text, namespace: text, audiences: { type: "array", items: text } })
const authority = object({ name: text, namespace: text, key: text, type: text })

/** The shapes of ESO's API, in a provider that does not exist: no name may matter. */
const schema = object({
  provider: object({
    acme: object({
      server: text,
      caProvider: authority,
      login: object({ token: secretRef, identity: serviceAccount, literal: object({ value: text, secretRef }) }),
      kubernetes: object({ role: text, identity: serviceAccount, token: secretRef }),
      config: object({ name: text, namespace: text, key: text }, { description: "holds the configmap reference" }),
      headers: { type: "array", items: object({ name: text, secretRef }) },
      byName: { type: "object", additionalProperties: secretRef },
      awsCredentialsSecretRef: object({ name: text, namespace: text }),
      rule: object({ name: text, namespace: text, properties: text }),
      vault: object({ name: text }),
      integration: object({ name: text, version: text }),
    }),
    fake: object({ data: { type: "array", items: object({ key: text, value: text }) } }),
  }),
})

const store = (acme: object) => ({ provider: { acme } })
const found = (acme: object) =>
  findReferences(schema, store(acme)).references.map(({ path, kind, name }) => `${path} ${kind} ${name}`)

describe("references are found by their shape", () => {
  it("at any depth, in lists and in maps, whatever the property is called", () => {
    assert.deepStrictEqual(
      found({
        server: "https://acme",
        login: { token: { name: "t", key: "k" }, identity: { name: "robot", audiences: ["acme"] } },
        headers: [{ name: "plain" }, { name: "x", secretRef: { name: "h", key: "k" } }],
        byName: { first: { name: "b", key: "k" } },
        awsCredentialsSecretRef: { name: "aws" },
      }),
      [
        "spec.provider.acme.login.token Secret t",
        "spec.provider.acme.login.identity ServiceAccount robot",
        "spec.provider.acme.headers[1].secretRef Secret h",
        "spec.provider.acme.byName.first Secret b",
        "spec.provider.acme.awsCredentialsSecretRef Secret aws",
      ],
    )
  })

  it("of an authority by its type; of a ConfigMap by the schema's description", () => {
    assert.deepStrictEqual(
      found({ caProvider: { type: "ConfigMap", name: "ca", key: "k" }, config: { name: "c", key: "k" } }),
      ["spec.provider.acme.caProvider ConfigMap ca", "spec.provider.acme.config ConfigMap c"],
    )
  })

  it("what only looks like one is strange, or is none", () => {
    const strange = (acme: object) => findReferences(schema, store(acme)).strange
    assert.deepStrictEqual(strange({ rule: { name: "x" } }), ["spec.provider.acme.rule"])
    assert.deepStrictEqual(strange({ caProvider: { type: "Pod", name: "x" } }), ["spec.provider.acme.caProvider"])
    assert.deepStrictEqual(strange({ vault: { name: "v" }, integration: { name: "i", version: "1" } }), [])
    assert.deepStrictEqual(found({ vault: { name: "v" }, integration: { name: "i", version: "1" } }), [])
  })

  it("values that are no objects break nothing", () => {
    for (const odd of [null, 7, "x", [], [[]], { token: 1 }, { token: null }, { token: [{ name: "t" }] }])
      assert.doesNotThrow(() => findReferences(schema, store({ login: odd, headers: odd })))
  })

  it("every place of a schema is known", () => {
    assert.deepStrictEqual(
      referenceSites(schema).map(({ path, shape }) => `${path.replace("spec.provider.acme.", "")} ${shape}`),
      [
        "caProvider ByType",
        "login.token Secret",
        "login.identity ServiceAccount",
        "login.literal.secretRef Secret",
        "kubernetes.identity ServiceAccount",
        "kubernetes.token Secret",
        "config ConfigMap",
        "headers[].secretRef Secret",
        "byName.* Secret",
        "awsCredentialsSecretRef Secret",
        "rule Strange",
      ],
    )
  })
})

describe("renaming", () => {
  it("every name changes, every namespace goes, all else stays", () => {
    const spec = store({
      server: "https://acme",
      login: { token: { name: "t", namespace: "default", key: "k" }, identity: { name: "robot" } },
      headers: [{ name: "x", secretRef: { name: "h", namespace: "default" } }],
    })
    const renamed = renameReferences(schema, spec, ({ kind, name }) => `${kind}-${name}`)
    assert.deepStrictEqual(
      renamed,
      store({
        server: "https://acme",
        login: { token: { name: "Secret-t", key: "k" }, identity: { name: "ServiceAccount-robot" } },
        headers: [{ name: "x", secretRef: { name: "Secret-h" } }],
      }),
    )
  })

  it("an empty name is no reference", () => {
    const spec = store({ login: { token: { name: "", key: "k" } } })
    assert.deepStrictEqual(
      renameReferences(schema, spec, () => "renamed"),
      spec,
    )
  })
})

describe("credentials", () => {
  const missing = (acme: object) => credentialsMissing(schema, store(acme))

  it("a provider that is given some has some", () => {
    assert.isUndefined(missing({ login: { token: { name: "t", key: "k" } } }))
    assert.isUndefined(missing({ kubernetes: { role: "r", identity: { name: "robot" } } }))
    assert.isUndefined(missing({ login: { literal: { value: "v" }, token: { name: "t" } } }))
  })

  it("none at all: the provider is named", () => {
    assert.strictEqual(missing({ server: "https://acme" }), "spec.provider.acme")
    assert.strictEqual(missing({ login: { token: { name: "", key: "k" } } }), "spec.provider.acme")
  })

  it("the certificate of an authority is no credential", () => {
    assert.strictEqual(missing({ caProvider: { type: "Secret", name: "ca", key: "k" } }), "spec.provider.acme")
  })

  it("one way to log in that has some does not cover for another that has none", () => {
    assert.strictEqual(
      missing({ login: { token: { name: "t", key: "k" } }, kubernetes: { role: "r" } }),
      "spec.provider.acme.kubernetes",
    )
  })

  it("a provider that takes none needs none", () => {
    assert.isUndefined(credentialsMissing(schema, { provider: { fake: { data: [{ key: "k", value: "v" }] } } }))
  })
})
