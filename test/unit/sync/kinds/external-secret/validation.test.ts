import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeSpec } from "../../../../../src/sync/external-secrets/external-secret-spec.ts"
import { webhookErrors } from "../../../../../src/sync/kinds/external-secret/validation.ts"

const entry = (secretKey: string) => ({ secretKey, remoteRef: { key: "b" } })
const find = { name: { regexp: ".*" } }
const extract = { key: "b" }

const errorsOf = (spec: unknown): ReadonlyArray<string> =>
  Result.match(decodeSpec(spec), { onSuccess: webhookErrors, onFailure: ({ message }) => assert.fail(message) })

const withTarget = (target: object) => ({ data: [entry("a")], target })

const owned =
  "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner"

describe("webhookErrors", () => {
  const cases: ReadonlyArray<readonly [spec: unknown, errors: ReadonlyArray<string>]> = [
    [withTarget({}), []],
    [withTarget({ creationPolicy: "Owner", deletionPolicy: "Delete" }), []],
    [withTarget({ creationPolicy: "Orphan", deletionPolicy: "Delete" }), []],
    [withTarget({ creationPolicy: "Merge", deletionPolicy: "Delete" }), [owned]],
    [withTarget({ creationPolicy: "None", deletionPolicy: "Delete" }), [owned]],
    [
      withTarget({ creationPolicy: "None", deletionPolicy: "Merge" }),
      ["deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with"],
    ],
    [{ data: [], dataFrom: [] }, ["either data or dataFrom should be specified"]],
    [{}, ["either data or dataFrom should be specified"]],
    [{ data: [entry("a"), entry("b"), entry("a")] }, ["duplicate secretKey found: a"]],
    [{ data: [entry("a"), entry("a")], target: { deletionPolicy: "Delete" } }, []],
    [{ dataFrom: [{ extract }, { find }] }, []],
    [{ dataFrom: [{ extract, find }] }, ["extract, find, or generatorRef cannot be set at the same time"]],
    [
      { dataFrom: [{ extract, sourceRef: { generatorRef: { kind: "Password", name: "a" } } }] },
      ["extract, find, or generatorRef cannot be set at the same time"],
    ],
    [{ dataFrom: [{}] }, ["either extract, find, or sourceRef must be set to dataFrom"]],
    [
      { dataFrom: [{ extract, sourceRef: {} }] },
      ["generatorRef or storeRef must be set when using sourceRef in dataFrom"],
    ],
  ]
  for (const [spec, errors] of cases) it(JSON.stringify(spec), () => assert.deepStrictEqual(errorsOf(spec), errors))
})
