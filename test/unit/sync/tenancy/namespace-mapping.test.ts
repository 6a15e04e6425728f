import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { mappingError } from "../../../../src/sync/tenancy/namespace-mapping-check.ts"
import { namespaceMap } from "../../../../src/sync/tenancy/namespace-mapping.ts"
import {
  hostReferenceName,
  hostSecretName,
  mappedReferenceName,
  mappedSecretName,
} from "../../../../src/sync/tenancy/names.ts"
import type { NamespaceMapping, NamespaceSettings } from "../../../../src/sync/tenancy/namespace-mapping.ts"

const place = { name: "my-vc", namespace: "team-x" }

const settings = (byName: Readonly<Record<string, string>>, mappingsOnly = false): NamespaceSettings => ({
  enabled: true,
  mappingsOnly,
  byName: Object.entries(byName).map(([virtual, host]) => ({ virtual, host })),
})

const off: NamespaceSettings = {
  enabled: false,
  mappingsOnly: true,
  byName: [{ virtual: "default", host: "elsewhere" }],
}

const documented = settings({
  "frontend-prod": "acme-prod",
  "team-a-*": "h-team-a-*",
  "datasets-*": "${name}-data-*",
})

const mapped = (given: NamespaceSettings, namespace: string): string | undefined => {
  const result = namespaceMap(given, place).toHost(namespace)
  return result._tag === "Mapped" ? result.namespace : undefined
}

describe("the host namespace of a virtual one", () => {
  const table: ReadonlyArray<readonly [string, string | undefined]> = [
    ["frontend-prod", "acme-prod"],
    ["frontend-prod-2", undefined],
    ["team-a-dev", "h-team-a-dev"],
    ["team-b-dev", undefined],
    ["datasets-raw", "my-vc-data-raw"],
    ["other", undefined],
  ]
  for (const [virtual, host] of table)
    it(`${virtual} → ${host ?? "unmapped"}`, () => {
      assert.strictEqual(mapped(documented, virtual), host)
      if (host !== undefined) assert.strictEqual(namespaceMap(documented, place).toVirtual(host), virtual)
      else assert.deepStrictEqual(namespaceMap(documented, place).toHost(virtual), { _tag: "Unmapped" })
    })

  it("maps everything with a bare star, and names with a placeholder on both sides", () => {
    assert.strictEqual(mapped(settings({ "*": "${name}-*" }), "default"), "my-vc-default")
    assert.strictEqual(mapped(settings({ "${name}-a": "x-${name}" }), "my-vc-a"), "x-my-vc")
    assert.isUndefined(mapped(settings({ "${name}-a": "x-${name}" }), "${name}-a"))
  })

  it("prefers exact names, then the longest prefix, whatever the order", () => {
    const overlapping = { "*": "all-*", "team-*": "teams-*", "team-a-*": "a-*", "team-a-1": "first" }
    const reversed = Object.fromEntries(Object.entries(overlapping).toReversed())
    for (const given of [settings(overlapping), settings(reversed)]) {
      assert.strictEqual(mapped(given, "team-a-1"), "first")
      assert.strictEqual(mapped(given, "team-a-2"), "a-2")
      assert.strictEqual(mapped(given, "team-b"), "teams-b")
      assert.strictEqual(mapped(given, "web"), "all-web")
    }
  })

  it("lets the wildcard stand for nothing", () => {
    assert.strictEqual(mapped(settings({ "team*": "h-team*" }), "team"), "h-team")
  })

  it("never lets two virtual namespaces share a host namespace", () => {
    const colliding = settings({ prod: "h-web", "*": "h-*" })
    assert.strictEqual(mapped(colliding, "prod"), "h-web")
    assert.deepStrictEqual(namespaceMap(colliding, place).toHost("web"), {
      _tag: "Taken",
      namespace: "h-web",
      by: "prod",
    })
    assert.isUndefined(namespaceMap(colliding, place).object("web", "db"))
  })

  it("refuses what cannot be the name of a namespace", () => {
    const long = "a".repeat(60)
    const result = namespaceMap(settings({ "*": "prefix-*" }), place).toHost(long)
    assert.deepStrictEqual(result, { _tag: "Impossible", namespace: `prefix-${long}` })
    assert.deepStrictEqual(namespaceMap(settings({ "team*": "team-*" }), place).toHost("team")._tag, "Impossible")
  })

  it("does not take a replacement pattern in the vCluster's name for one", () => {
    assert.strictEqual(namespaceMap(settings({ a: "${name}-b" }), { ...place, name: "$&" }).toVirtual("$&-b"), "a")
  })

  it("is injective and reversible for any mappings", () => {
    const word = fc.stringMatching(/^[ab]{1,3}$/)
    const side = fc.tuple(word, fc.boolean())
    const byName = fc.uniqueArray(
      fc.tuple(side, word).map(([[virtual, pattern], host]): NamespaceMapping => {
        const star = pattern ? "*" : ""
        return { virtual: `${virtual}${star}`, host: `${host}${star}` }
      }),
      { selector: (mapping) => mapping.virtual, maxLength: 5 },
    )
    fc.assert(
      fc.property(
        byName,
        fc.uniqueArray(fc.stringMatching(/^[ab]{1,5}$/), { maxLength: 20 }),
        (mappings, namespaces) => {
          const given: NamespaceSettings = { enabled: true, mappingsOnly: false, byName: mappings }
          const owners = new Map<string, string>()
          for (const namespace of namespaces) {
            const host = mapped(given, namespace)
            if (host === undefined) continue
            assert.isUndefined(owners.get(host), `${owners.get(host)} and ${namespace} share ${host}`)
            owners.set(host, namespace)
            assert.strictEqual(namespaceMap(given, place).toVirtual(host), namespace)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe("the place of an object", () => {
  it("is the vCluster's namespace and scheme without namespace sync", () => {
    assert.deepStrictEqual(namespaceMap(off, place).object("default", "db"), {
      namespace: "team-x",
      name: "db-x-default-x-my-vc",
    })
    assert.deepStrictEqual(namespaceMap(off, place).secret("default", "db"), {
      namespace: "team-x",
      name: hostSecretName("db", "default", "my-vc"),
    })
    assert.deepStrictEqual(namespaceMap(off, place).reference("default", "db"), {
      namespace: "team-x",
      name: hostReferenceName("db", "default", "my-vc"),
    })
    assert.isUndefined(namespaceMap(off, place).toVirtual("elsewhere"))
  })

  it("keeps names in a mapped namespace, but for the suffix", () => {
    assert.deepStrictEqual(namespaceMap(documented, place).object("team-a-dev", "db"), {
      namespace: "h-team-a-dev",
      name: "db",
    })
    assert.deepStrictEqual(namespaceMap(documented, place).secret("team-a-dev", "db"), {
      namespace: "h-team-a-dev",
      name: mappedSecretName("db", "team-a-dev", "my-vc"),
    })
    assert.deepStrictEqual(namespaceMap(documented, place).reference("team-a-dev", "db"), {
      namespace: "h-team-a-dev",
      name: mappedReferenceName("db", "team-a-dev", "my-vc"),
    })
  })

  it("puts unmapped namespaces into the vCluster's, or nowhere", () => {
    assert.deepStrictEqual(namespaceMap(documented, place).object("other", "s"), {
      namespace: "team-x",
      name: "s-x-other-x-my-vc",
    })
    const only = settings({ a: "b" }, true)
    assert.isUndefined(namespaceMap(only, place).object("other", "s"))
    assert.isUndefined(namespaceMap(only, place).secret("other", "s"))
    assert.deepStrictEqual(namespaceMap(only, place).object("a", "s"), { namespace: "b", name: "s" })
  })

  it("never puts plain names into the vCluster's own namespace", () => {
    const onto = settings({ a: "team-x", "b-*": "team-*" })
    for (const namespace of ["a", "b-x"]) {
      assert.isUndefined(namespaceMap(onto, place).object(namespace, "s"))
      assert.isUndefined(namespaceMap(onto, place).secret(namespace, "s"))
    }
  })
})

const error = (virtual: string, host: string, others: ReadonlyArray<NamespaceMapping> = []): string | undefined =>
  mappingError({ virtual, host }, others, place)

describe("mappingError", () => {
  const at = "namespace sync: config.sync.toHost.namespaces.mappings.byName"
  it("accepts vCluster's documented mappings", () => {
    for (const [index, mapping] of documented.byName.entries())
      assert.isUndefined(mappingError(mapping, documented.byName.slice(0, index), place))
    assert.isUndefined(error("*", "${name}-*"))
    assert.isUndefined(error(`${"a".repeat(32)}*`, `${"b".repeat(32)}*`))
  })

  const table: ReadonlyArray<readonly [virtual: string, host: string, text: string]> = [
    ["a", "b-*", "'a':'b-*' has mismatched wildcard '*' usage - pattern must always map to another pattern"],
    ["a-*-*", "b-*", "virtual namespace pattern 'a-*-*' must contain exactly one '*'"],
    ["a-*", "*-b", "host namespace pattern '*-b' must have the wildcard '*' at the end"],
    ["*", "*", "host pattern mappings must use a prefix before wildcard: *"],
    ["", "b", "virtual namespace cannot be empty"],
    ["a", "", "host namespace cannot be empty"],
    ["a", "team-x", "host namespace mapping 'team-x' conflicts with control plane namespace 'team-x'"],
    ["a-*", "team-*", "host namespace pattern 'team-*' conflicts with control plane namespace 'team-x'"],
    ["a", "${nam}", "host namespace '${nam}' contains an unsupported placeholder; only '${name}' is allowed"],
    ["a", "${name}-${name}", "host namespace '${name}-${name}' contains placeholder '${name}' multiple times"],
    [
      "a",
      "${name}-${x}",
      "host namespace '${name}-${x}' contains an unsupported placeholder; only a single '${name}' is allowed",
    ],
    [
      "a-*",
      "${name}-${name}-*",
      "host namespace pattern prefix '${name}-${name}-' contains placeholder '${name}' multiple times (from pattern '${name}-${name}-*')",
    ],
    [
      `${"a".repeat(33)}*`,
      "b-*",
      `literal parts of virtual namespace pattern prefix '${"a".repeat(33)}' (from '${"a".repeat(33)}*') cannot be longer than 32 characters (literal length: 33)`,
    ],
    ["a", "b.c", "invalid host namespace name 'b.c': must not contain dots"],
    ["a", "b".repeat(64), `invalid host namespace name '${"b".repeat(64)}': must be no more than 63 characters`],
  ]
  for (const [virtual, host, text] of table)
    it(`'${virtual}': '${host}'`, () => {
      assert.strictEqual(error(virtual, host), `${at}: ${text}`)
    })

  it("quotes apimachinery about names that are none", () => {
    assert.strictEqual(
      error("A", "b"),
      `${at}: invalid virtual namespace name 'A': a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    )
    assert.include(error("-a*", "b-*"), "invalid virtual namespace pattern '-a*': a lowercase RFC 1123 label")
  })

  it("refuses the same host namespace twice", () => {
    assert.strictEqual(
      error("b", "x", [{ virtual: "a", host: "x" }]),
      `${at}: duplicate host namespace 'x' found in mappings`,
    )
  })

  it("cannot see the control plane's namespace where the vCluster is not known", () => {
    assert.isUndefined(mappingError({ virtual: "a", host: "team-x" }, [], undefined))
    assert.isDefined(mappingError({ virtual: "a", host: "B" }, [], undefined))
  })
})
