import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  hostName,
  hostReferenceName,
  hostSecretName,
  isCopysPlace,
  isReferencesPlace,
  mappedMergeSecretName,
  mappedReferenceName,
  mappedSecretName,
  mergeSecretName,
  safeConcatName,
} from "../../../../src/sync/tenancy/names.ts"

const bytes = (text: string): number => new TextEncoder().encode(text).length
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const label = (maxLength: number) =>
  fc
    .stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
    .filter((text) => text.length <= maxLength && subdomain.test(text))
const namespaces = label(63)
/** The vCluster's Service bears its name, so it is a DNS label; Helm allows 53 characters. */
const vclusters = label(53)
/** Up to 253 characters, with dots and dashes anywhere, also around the place where the scheme cuts. */
const objectNames = fc
  .array(fc.stringMatching(/^[a-z0-9](-{0,3}[a-z0-9]){0,40}$/), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join("."))
  .filter((name) => name.length <= 253)

const runs = { numRuns: 300 }

/** vCluster's documented and computed examples. */
const examples: ReadonlyArray<readonly [name: string, namespace: string, vcluster: string, expected: string]> = [
  ["my-app", "default", "my-vc", "my-app-x-default-x-my-vc"],
  [
    "nginx-from-other-namespace",
    "some-other-namespace",
    "default-namespace-sync",
    "nginx-from-other-namespace-x-some-other-namespace-x--4b96e8f948",
  ],
  [
    "database-credentials",
    "production",
    "team-x-virtual-cluster-eu-west-1",
    "database-credentials-x-production-x-team-x-virtual-c-7ee3973bbf",
  ],
  [
    "sh.helm.release.v1.my-application.v12",
    "platform-engineering",
    "vcluster-production",
    "sh.helm.release.v1.my-application.v12-x-platform-eng-0970febe9e",
  ],
  [`${"a".repeat(51)}.tls`, "default", "vc1", `${"a".repeat(51)}-7f2b4e21d4`],
  ["a".repeat(52), "ns", "vc1", `${"a".repeat(52)}-x-ns-x-vc1`],
  ["a".repeat(53), "ns", "vc1", `${"a".repeat(52)}-3ad2a11593`],
  [
    "0123456789".repeat(4),
    "namespace1",
    "vcluster-x",
    "0123456789012345678901234567890123456789-x-namespace-9a4d853d9d",
  ],
]

describe("hostName", () => {
  for (const [name, namespace, vcluster, expected] of examples)
    it(`${namespace}/${name} of ${vcluster}`, () => {
      assert.strictEqual(hostName(name, namespace, vcluster), expected)
    })

  it("keeps 63 bytes, cuts 64 and 253", () => {
    assert.strictEqual(bytes(hostName("a".repeat(52), "ns", "vc1")), 63)
    assert.strictEqual(hostName("a".repeat(253), "ns", "vc1"), `${"a".repeat(52)}-be50072a73`)
    assert.strictEqual(hostName("a".repeat(63), "ns", "vc1"), `${"a".repeat(52)}-99a4e507fb`)
  })

  it("counts bytes, not characters", () => {
    const twoBytesEach = "é".repeat(32)
    assert.isAtMost(bytes(safeConcatName(twoBytesEach)), 63)
    assert.notStrictEqual(safeConcatName(twoBytesEach), twoBytesEach)
  })

  it("leaves an empty name empty", () => {
    assert.strictEqual(hostName("", "default", "my-vc"), "")
    assert.strictEqual(hostSecretName("", "default", "my-vc"), "")
    assert.strictEqual(hostReferenceName("", "default", "my-vc"), "")
  })

  it("is not injective, which is why annotations decide", () => {
    assert.strictEqual(hostName("a-x-b", "c", "vc"), hostName("a", "b-x-c", "vc"))
  })

  it("names cluster-scoped objects as vCluster does", () => {
    assert.strictEqual(
      safeConcatName("vcluster", "fast", "x", "team-x", "x", "my-vc"),
      "vcluster-fast-x-team-x-x-my-vc",
    )
    assert.strictEqual(safeConcatName("team-x", "x", "my-vc"), "team-x-x-my-vc")
  })

  it("fits a label value and is a valid name, whatever the names", () => {
    fc.assert(
      fc.property(objectNames, namespaces, vclusters, (name, namespace, vcluster) => {
        const host = hostName(name, namespace, vcluster)
        assert.isAtMost(bytes(host), 63)
        assert.match(host, subdomain)
        assert.strictEqual(host, hostName(name, namespace, vcluster))
      }),
      runs,
    )
  })

  it("tells names apart that share their first 52 bytes", () => {
    fc.assert(
      fc.property(label(20), label(20), (left, right) => {
        fc.pre(left !== right)
        const long = "n".repeat(60)
        assert.notStrictEqual(hostName(long + left, "ns", "vc"), hostName(long + right, "ns", "vc"))
      }),
      runs,
    )
  })
})

describe("the names of Secrets", () => {
  it("are the scheme, 128 bits of a digest, and a suffix", () => {
    assert.match(hostSecretName("db", "default", "my-vc"), /^db-x-default-x-my-vc-[0-9a-f]{32}\.es$/)
    assert.match(hostReferenceName("db", "default", "my-vc"), /^db-x-default-x-my-vc-[0-9a-f]{32}\.ref$/)
    assert.match(mergeSecretName("db", "default", "my-vc"), /^db-x-default-x-my-vc-[0-9a-f]{32}\.merge\.es$/)
    assert.strictEqual(bytes(hostSecretName("a".repeat(52), "ns", "vc1")), 63 + 33 + 3)
  })

  it("are of name and namespace taken apart, where vCluster's scheme joins them", () => {
    for (const nameOf of [hostSecretName, mergeSecretName, hostReferenceName])
      assert.notStrictEqual(nameOf("a-x-b", "c", "vc"), nameOf("a", "b-x-c", "vc"))
  })

  it("no two are the same", () => {
    const parts = fc.tuple(objectNames, namespaces)
    const nameOfs = [hostSecretName, mergeSecretName, hostReferenceName, mappedSecretName, mappedReferenceName]
    fc.assert(
      fc.property(parts, parts, vclusters, (left, right, vcluster) => {
        fc.pre(left[0] !== right[0] || left[1] !== right[1])
        const given = [left, right].flatMap(([name, ns]) => nameOfs.map((nameOf) => nameOf(name, ns, vcluster)))
        assert.strictEqual(new Set(given).size, given.length)
      }),
      runs,
    )
  })

  it("are never names that vCluster gives, to whatever object", () => {
    fc.assert(
      fc.property(
        objectNames,
        objectNames,
        namespaces,
        namespaces,
        vclusters,
        (ours, theirs, ns, otherNs, vcluster) => {
          const own = hostName(theirs, otherNs, vcluster)
          assert.notStrictEqual(hostSecretName(ours, ns, vcluster), own)
          assert.notStrictEqual(hostReferenceName(ours, ns, vcluster), own)
          // Whatever the name and its length: vCluster's end in its own name, a DNS label, or in a hash.
          assert.isFalse(own.endsWith(".es") || own.endsWith(".ref"))
        },
      ),
      runs,
    )
  })

  it("are not names of vCluster's even when a tenant writes the suffix into names", () => {
    assert.isFalse(hostName("db.es", "default", "my-vc").endsWith(".es"))
    assert.isFalse(hostName(`${"a".repeat(49)}.es`, "default", "my-vc").endsWith(".es"))
  })

  it("are valid names and never each other's", () => {
    fc.assert(
      fc.property(objectNames, objectNames, namespaces, namespaces, vclusters, (left, right, ns, otherNs, vcluster) => {
        const secret = hostSecretName(left, ns, vcluster)
        assert.match(secret, subdomain)
        assert.isAtMost(bytes(secret), 99)
        assert.notStrictEqual(secret, hostReferenceName(right, otherNs, vcluster))
      }),
      runs,
    )
  })
})

describe("the names of Secrets in mapped namespaces", () => {
  it("begin with the name", () => {
    assert.match(mappedSecretName("db.prod", "ns", "vc"), /^db\.prod-[0-9a-f]{32}\.es$/)
    assert.match(mappedReferenceName("db.prod", "ns", "vc"), /^db\.prod-[0-9a-f]{32}\.ref$/)
    assert.match(mappedMergeSecretName("db.prod", "ns", "vc"), /^db\.prod-[0-9a-f]{32}\.merge\.es$/)
  })

  it("are cut where a Secret's name could not be as long, and not behind a dot", () => {
    const long = mappedSecretName("a".repeat(253), "ns", "vc")
    assert.strictEqual(bytes(long), 253)
    assert.match(long, /^a{217}-[0-9a-f]{32}\.es$/)
    assert.notStrictEqual(long, mappedSecretName("a".repeat(252), "ns", "vc"))
    assert.match(mappedSecretName(`${"a".repeat(216)}.b`, "ns", "vc"), /^a{216}-[0-9a-f]{32}\.es$/)
  })

  it("are valid names", () => {
    const long = fc
      .tuple(fc.stringMatching(/^[a-z0-9.-]{1,20}$/), fc.stringMatching(/^[a-z0-9]$/))
      .map(([tail, end]) => `${"a".repeat(200)}${tail}${end}`)
      .filter((name) => subdomain.test(name))
    fc.assert(
      fc.property(fc.oneof(objectNames, long), (name) => {
        for (const nameOf of [mappedSecretName, mappedMergeSecretName, mappedReferenceName]) {
          const host = nameOf(name, "ns", "vc")
          assert.isAtMost(bytes(host), 253)
          assert.match(host, subdomain)
        }
      }),
      runs,
    )
  })
})

describe("places", () => {
  const own = { vcluster: "vc", hostNamespace: "team-x" }
  const origin = { name: "db", namespace: "prod" }
  const at = (name: string, namespace = "team-x") => ({ name, namespace })

  it("of a copy: vCluster's scheme in its own namespace, the plain name in one that is mapped", () => {
    assert.isTrue(isCopysPlace(origin, at("db-x-prod-x-vc"), own))
    assert.isTrue(isCopysPlace(origin, at("db", "mapped"), own))
    assert.isFalse(isCopysPlace(origin, at("db"), own))
    assert.isFalse(isCopysPlace(origin, at("db-x-prod-x-vc", "mapped"), own))
    assert.isFalse(isCopysPlace(origin, at("other-x-prod-x-vc"), own))
  })

  it("of what specs refer to: our names, those of version 0.1 too, and never one of vCluster's", () => {
    assert.isTrue(isReferencesPlace(origin, at(hostReferenceName("db", "prod", "vc")), own))
    assert.isTrue(isReferencesPlace(origin, at(mappedReferenceName("db", "prod", "vc"), "mapped"), own))
    assert.isTrue(isReferencesPlace(origin, at("db-x-prod-x-vc.ref"), own))
    assert.isTrue(isReferencesPlace(origin, at("db.ref", "mapped"), own))
    assert.isFalse(isReferencesPlace(origin, at("db-x-prod-x-vc"), own))
    assert.isFalse(isReferencesPlace(origin, at("db", "mapped"), own))
    assert.isFalse(isReferencesPlace(origin, at(hostReferenceName("db", "prod", "vc"), "mapped"), own))
    assert.isFalse(isReferencesPlace(origin, at(hostReferenceName("other", "prod", "vc")), own))
  })
})
