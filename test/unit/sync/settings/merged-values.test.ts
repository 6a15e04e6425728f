/** What is told of merged Helm values, although their shape is not judged. */
import { assert, describe, it } from "@effect/vitest"
import { newerShape, problemsOf, sections, settingsOf } from "./config-texts.ts"

describe("a wrong value hides no conflict", () => {
  const merged = sections + newerShape({ stores: true })
  const told = (from: string, to: string) => {
    assert.include(merged, from)
    return problemsOf(merged.replace(from, to)).map((problem) => problem.replace(/^\S+ /, ""))
  }

  it("beside it in a list", () => {
    const list = "[{kind: 2}, 5, {apiVersion: external-secrets.io/v1, kind: SecretStore}]"
    const problems = problemsOf(merged.replace("syncSettings:", `genericSync: {export: ${list}}, syncSettings:`))
    assert.lengthOf(problems, 1)
    // The place of the third.
    assert.match(problems[0] ?? "", /^vcluster\.yaml:9:53: .*set in experimental\.genericSync\.export \(SecretStore\)/)
  })

  it("in place of a map of custom resources", () => {
    const message = (where: string) => [`${where}.customResources: expected a map, found a list`]
    const list = "customResources: [externalsecrets.external-secrets.io]"
    assert.deepStrictEqual(told("toHost: {customResources: {}", `toHost: {${list}`), message("sync.toHost"))
    assert.deepStrictEqual(told("fromHost: {customResources: {}", `fromHost: {${list}`), message("sync.fromHost"))
    assert.deepStrictEqual(told("syncSettings:", `proxy: {${list}}, syncSettings:`), message("experimental.proxy"))
  })

  it("in the mappings of Secrets from the host", () => {
    const off = "secrets: {enabled: false, mappings: {byName: {}}}"
    assert.deepStrictEqual(told(off, 'secrets: {enabled: true, mappings: {byName: ["/*"]}}'), [
      "sync.fromHost.secrets.mappings.byName: expected a map, found a list",
    ])
    assert.deepStrictEqual(told(off, 'secrets: {enabled: false, mappings: {byName: ["/*"]}}'), [])
    const { warnings } = settingsOf(merged.replace(off, 'secrets: {enabled: true, mappings: {byName: {"/*": 5}}}'))
    assert.lengthOf(warnings, 1)
    assert.match(warnings[0] ?? "", /hands Secrets of the vCluster's own host namespace to the tenant/)
  })
})

describe("merged Helm values", () => {
  it("our settings below a mistyped integrations are told", () => {
    const mistyped = `${sections}${newerShape({})}\nintegration: {externalSecrets: {enabled: true}}\n`
    assert.deepStrictEqual(
      problemsOf(mistyped).map((problem) => problem.replace(/^\S+ /, "")),
      ['unknown key "integration" (did you mean "integrations"?)'],
    )
    assert.deepStrictEqual(problemsOf(mistyped.replace("integration: {externalSecrets", "integration: {other")), [])
  })
})
