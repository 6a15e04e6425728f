import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import type { ExternalSecretSpec } from "../../../../src/sync/external-secrets/external-secret-spec.ts"
import { decodeSpec } from "../../../../src/sync/external-secrets/external-secret-spec.ts"
import {
  hostTemplateMetadata,
  isOfMetadata,
  renderedNames,
  targetMetadata,
  targetMetadataHash,
} from "../../../../src/sync/external-secrets/target-metadata.ts"

const virtual = (metadata: object = {}): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod", ...metadata },
})

const specOf = (template?: object): ExternalSecretSpec =>
  Result.match(decodeSpec(template === undefined ? {} : { target: { template } }), {
    onSuccess: (value) => value,
    onFailure: ({ message }) => assert.fail(message),
  })

const hashKey = "vcluster-es.io/metadata-hash"

/** As ESO would make it of the template on the host. @param render what becomes of a text */
const made = (spec: ExternalSecretSpec, render: (text: string) => string, owner = virtual()): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: "db.es",
    annotations: Object.fromEntries(
      Object.entries(hostTemplateMetadata(owner, spec).annotations ?? {}).map(([key, text]) => [key, render(text)]),
    ),
  },
})

const upper = (text: string) => (text.includes("{{") ? text.replaceAll(/\W/g, "").toUpperCase() : text)

describe("the template's labels and annotations", () => {
  const metadata = {
    labels: { grafana_datasource: "1", owner: "{{ .owner }}", "vcluster.loft.sh/managed-by": "vc" },
    annotations: { "replicator.example.com/from": "made-up/source", owner: "{{ .note }}" },
  }
  const spec = specOf({ metadata })

  it("go to the host as far as they may be templates, under keys of ours (cases 3, 18)", () => {
    const { annotations = {} } = hostTemplateMetadata(virtual(), spec)
    const keys = Object.keys(annotations).filter((key) => key !== hashKey)
    assert.lengthOf(keys, 2)
    for (const key of keys) assert.match(key, /^rendered\.vcluster-es\.io\/(labels|annotations)-[0-9a-f]{16}$/)
    assert.sameMembers(
      keys.map((key) => annotations[key]),
      ["{{ .owner }}", "{{ .note }}"],
    )
  })

  it("come back under their own keys, each in its place", () => {
    assert.deepStrictEqual(targetMetadata(made(spec, upper), virtual(), spec), {
      labels: { grafana_datasource: "1", owner: "OWNER" },
      annotations: { "replicator.example.com/from": "made-up/source", owner: "NOTE" },
    })
  })

  it("what ESO has not rendered is not there", () => {
    const { labels } = targetMetadata(made(specOf({}), upper), virtual(), spec)
    assert.deepStrictEqual(labels, { grafana_datasource: "1" })
  })

  it("with other delimiters than Go's", () => {
    const odd = specOf({ metadata: { labels: { a: "[[ .x ]]", b: "<< .x >>" } } })
    assert.lengthOf(renderedNames(virtual(), odd), 2)
    assert.deepStrictEqual(
      targetMetadata(
        made(odd, () => "x"),
        virtual(),
        odd,
      ).labels,
      { a: "x", b: "x" },
    )
  })

  it("in the words of messages they are the tenant's", () => {
    assert.sameMembers(
      renderedNames(virtual(), spec).map(([, key]) => key),
      ["owner", "owner"],
    )
  })

  it("ESO's former engine renders none: they stay as they are", () => {
    const former = specOf({ engineVersion: "v1", metadata })
    assert.deepStrictEqual(hostTemplateMetadata(virtual(), former), {})
    assert.strictEqual(targetMetadata(made(former, upper), virtual(), former).labels["owner"], "{{ .owner }}")
  })

  it("a key that is called __proto__ is a key", () => {
    const labels: Record<string, string> = JSON.parse('{"__proto__": "{{ .x }}"}')
    const odd = specOf({ metadata: { labels } })
    assert.deepStrictEqual(Object.entries(targetMetadata(made(odd, upper), virtual(), odd).labels), [
      ["__proto__", "X"],
    ])
  })
})

describe("without a template", () => {
  const owner = virtual({
    labels: { team: "a", app: "web" },
    annotations: { note: "{{ x }}", "vcluster-es.io/x": "y" },
  })

  it("the Secret bears the ExternalSecret's own, which nothing renders", () => {
    assert.deepStrictEqual(targetMetadata(made(specOf(), upper), owner, specOf()), {
      labels: { team: "a", app: "web" },
      annotations: { note: "{{ x }}" },
    })
  })
})

describe("isOfMetadata", () => {
  const of = (spec: ExternalSecretSpec, owner: KubeObject, now: ExternalSecretSpec, current: KubeObject) =>
    isOfMetadata(made(spec, upper, owner), current, now)

  it("tells whether ESO has made the Secret of what is asked for now", () => {
    const [before, after] = [specOf({ metadata: { labels: { a: "1" } } }), specOf({ metadata: { labels: { a: "2" } } })]
    assert.isTrue(of(before, virtual(), before, virtual()))
    assert.isFalse(of(before, virtual(), after, virtual()))
    assert.isFalse(of(before, virtual(), before, virtual({ annotations: { "force-sync": "1" } })))
    assert.notStrictEqual(targetMetadataHash(virtual(), before), targetMetadataHash(virtual(), after))
  })

  it("of one that does not tell, it counts as true", () => {
    assert.isTrue(isOfMetadata(virtual(), virtual(), specOf()))
  })
})
