import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { stringMapAt } from "../../../../src/effects/client/unstructured.ts"
import { copyOf, isTrueCopy } from "../../../../src/sync/engine/copy.ts"
import type { ExternalSecretSpec } from "../../../../src/sync/external-secrets/external-secret-spec.ts"
import { decodeSpec, templateReferences } from "../../../../src/sync/external-secrets/external-secret-spec.ts"
import {
  metadataTexts,
  renderedTexts,
  textsIntoData,
  unreadableText,
} from "../../../../src/sync/external-secrets/metadata-texts.ts"
import { targetMetadata, targetMetadataHash } from "../../../../src/sync/external-secrets/target-metadata.ts"
import { copyWithoutData } from "../../../../src/sync/kinds/referenced-object/to-host.ts"
import { isRenderedDataKey } from "../../../../src/sync/tenancy/rendered-keys.ts"

const specOf = (template: object): ExternalSecretSpec =>
  Result.match(decodeSpec({ target: { template } }), {
    onSuccess: (value) => value,
    onFailure: ({ message }) => assert.fail(message),
  })

const virtual: KubeObject = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "db", namespace: "prod" },
}

/** As ESO would have rendered the texts of the spec, in their order. */
const made = (spec: ExternalSecretSpec, ...texts: ReadonlyArray<string>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "db.es" },
  data: Object.fromEntries(metadataTexts(spec).map(({ dataKey }, index) => [dataKey, btoa(texts[index] ?? "")])),
})

const literal = specOf({ templateFrom: [{ target: "Labels", literal: "{{ .x }}" }] })

describe("a text for labels or annotations", () => {
  it("goes to the host as data, under a key of ours, and leaves data as it is", () => {
    const template = textsIntoData({
      data: { a: "b" },
      templateFrom: [
        { target: "Annotations", literal: "owner: {{ .x }}" },
        { target: "labels", configMap: { name: "texts", items: [{ key: "app.yaml", templateAs: "KeysAndValues" }] } },
        { target: "data", literal: "c: d" },
        { literal: "e: f" },
      ],
    })
    const { data = {}, templateFrom = [] } = template
    const [a, ours, ...more] = Object.entries(data)
    assert.deepStrictEqual([a, more], [["a", "b"], []])
    assert.isTrue(isRenderedDataKey(ours?.[0] ?? ""))
    assert.strictEqual(ours?.[1], "owner: {{ .x }}")
    const [item] = templateFrom[0]?.configMap?.items ?? []
    assert.isTrue(isRenderedDataKey(item?.key ?? ""))
    assert.strictEqual(item?.templateAs, "Values")
    assert.deepStrictEqual(
      templateFrom.map(({ target }) => target),
      ["Data", "Data", undefined],
    )
    assert.deepStrictEqual(templateFrom.slice(1), [{ target: "Data", literal: "c: d" }, { literal: "e: f" }])
  })

  it("a template that has no other text has data, so that ESO keeps its rules about what it holds", () => {
    const { data, templateFrom } = textsIntoData({ templateFrom: [{ target: "Labels", literal: "a: b" }] })
    assert.lengthOf(Object.keys(data ?? {}), 1)
    assert.isUndefined(templateFrom)
  })

  const texts: ReadonlyArray<readonly [text: string, entries: Record<string, string> | undefined]> = [
    ["a: one\nb: 'two'", { a: "one", b: "two" }],
    [
      "a: 1\nb: true\nc: yes\nd: 010\ne: 1.50\nf: 1234567.5\ng: 12345678901234567\nh: ~",
      { a: "1", b: "true", c: "true", d: "8", e: "1.5", f: "1.2345675e+06", g: "12345678901234567", h: "" },
    ],
    ["__proto__: x", JSON.parse('{"__proto__": "x"}')],
    ["", {}],
    ["{}", {}],
    ["a: [b]", undefined],
    ["a: {b: c}", undefined],
    ["- a", undefined],
    ["just a text", undefined],
    ["a: b: c", undefined],
    [`a: ${"x".repeat(262_144)}`, undefined],
  ]
  for (const [text, entries] of texts)
    it(`${JSON.stringify(text.slice(0, 60))} is read as ESO reads it`, () => {
      const source = made(literal, text)
      assert.strictEqual(
        unreadableText(source, literal),
        entries === undefined ? "spec.target.template.templateFrom[0].literal" : undefined,
      )
      assert.deepStrictEqual(renderedTexts(source, literal, "labels"), entries ?? {})
    })

  it("one of values is taken whole, under the key that it has in its source", () => {
    const spec = specOf({
      templateFrom: [{ target: "Annotations", secret: { name: "texts", items: [{ key: "note" }] } }],
    })
    assert.deepStrictEqual(renderedTexts(made(spec, "- any\n: text"), spec, "annotations"), { note: "- any\n: text" })
  })

  it("those below are over those above, and the template's own labels over all; ours stay ours", () => {
    const spec = specOf({
      metadata: { labels: { c: "own" } },
      templateFrom: [
        { target: "Labels", literal: "1" },
        { target: "Labels", literal: "2" },
      ],
    })
    const source = made(spec, "a: one\nb: one", "b: two\nc: two\nvcluster-es.io/managed: x")
    assert.deepStrictEqual(targetMetadata(source, virtual, spec).labels, { a: "one", b: "two", c: "own" })
  })

  it("is of what the host has rendered: until then nothing changes", () => {
    const other = specOf({ templateFrom: [{ target: "Annotations", literal: "{{ .x }}" }] })
    assert.notStrictEqual(targetMetadataHash(virtual, literal), targetMetadataHash(virtual, other))
    assert.deepStrictEqual(renderedTexts(made(specOf({})), literal, "labels"), {})
  })
})

describe("the copy of what holds such texts", () => {
  const template = {
    templateFrom: [{ target: "Labels", configMap: { name: "texts", items: [{ key: "a" }, { key: "gone" }] } }],
  }
  const spec = specOf(template)
  const source: KubeObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "texts", namespace: "prod", uid: "u", resourceVersion: "7" },
    data: { a: "{{ .x }}", b: "other" },
  }
  const tenancy = { vcluster: "vc", hostNamespace: "team-x", virtualCluster: "u" }
  const rendered = templateReferences(spec).flatMap((reference) => reference.rendered)
  const body = copyWithoutData(
    source,
    { namespace: "team-x", name: "texts.ref" },
    "ConfigMap",
    tenancy,
    undefined,
    rendered,
  )

  it("has them once more, where the host's template looks for them", () => {
    const copy = copyOf(body, source)
    const wanted = textsIntoData(spec.target?.template ?? {}).templateFrom?.[0]?.configMap?.items?.[0]?.key ?? ""
    assert.deepStrictEqual(stringMapAt(copy, "data"), { a: "{{ .x }}", b: "other", [wanted]: "{{ .x }}" })
    assert.isTrue(isTrueCopy(copy, source, body))
    assert.isFalse(isTrueCopy({ ...copy, data: { a: "{{ .x }}", b: "other" } }, source, body))
  })

  it("without them it is none that serves", () => {
    const plain = copyWithoutData(
      source,
      { namespace: "team-x", name: "texts.ref" },
      "ConfigMap",
      tenancy,
      undefined,
      [],
    )
    assert.isFalse(isTrueCopy(copyOf(plain, source), source, body))
    assert.isTrue(isTrueCopy(copyOf(plain, source), source, plain))
  })
})
