/**
 * The same manifests and the same edits in a plain cluster with ESO alone, and in a virtual cluster with ours: Secrets and
 * statuses must be equal field by field, but for what `accepted.ts` or the row itself gives a reason for.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readyCondition } from "../../src/sync/tenancy/conditions.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { externalSecrets } from "../support/resources.ts"
import { ComparedClusters, prepare } from "./clusters.ts"
import { accepts, carryOutRow, type StepResult, unexpected } from "./compare.ts"
import { besideOthers } from "./entries/beside-others.ts"
import { creation } from "./entries/creation.ts"
import { deletion } from "./entries/deletion.ts"
import { refresh } from "./entries/refresh.ts"
import { rejected } from "./entries/rejected.ts"
import { sources } from "./entries/sources.ts"
import { templateReferences } from "./entries/template-references.ts"
import { templates } from "./entries/templates.ts"
import { isNotReady, type Row } from "./entry.ts"
import { describeDifference } from "./snapshot.ts"
import { create } from "./steps.ts"

const tables: Readonly<Record<string, ReadonlyArray<Row>>> = {
  creation,
  deletion,
  templates,
  sources,
  refresh,
  templateReferences,
  besideOthers,
}

const problems = (row: Row, results: ReadonlyArray<StepResult>): ReadonlyArray<string> => [
  ...results.flatMap((result) => [
    ...result.stuck.map((what) => `after «${result.step.what}» ${what}`),
    ...unexpected(row, result.step, result.differences).map(
      (difference) => `after «${result.step.what}»: ${describeDifference(difference)}`,
    ),
  ]),
  ...(row.accepts ?? [])
    .filter(
      (accepted) =>
        !results.some(({ step, differences }) => differences.some((found) => accepts(accepted, step, found))),
    )
    .map(({ path }) => `the accepted difference ${path.source} was not there`),
]

layer(ComparedClusters.layer, { excludeTestServices: true, timeout: "10 minutes" })("as in one cluster", (it) => {
  keepLogsOnFailure("comparison")
  Object.entries(tables).forEach(([table, rows], tableIndex) => {
    rows.forEach((row, index) => {
      it.effect(`${table}: ${row.name}`, () =>
        Effect.gen(function* () {
          const clusters = yield* ComparedClusters
          const sides = yield* prepare(clusters, row, tableIndex * 1000 + index)
          const results = yield* carryOutRow(sides, row)
          const found = problems(row, results)
          assert.strictEqual(found.length, 0, `\n${found.join("\n")}\n`)
        }),
      )
    })
  })

  rejected.forEach(({ name, spec }, index) => {
    it.effect(`rejected: ${name}`, () =>
      Effect.gen(function* () {
        const clusters = yield* ComparedClusters
        const [plain, virtual] = yield* prepare(clusters, { name }, 9000 + index)
        const wish = create({ spec }, isNotReady())
        const error = yield* Effect.flip(wish.act(plain))
        const [, words = "no word of the webhook"] = /denied the request: ([^]*)$/.exec(error.message) ?? []
        yield* wish.act(virtual)
        const told = yield* virtual.kube.waitFor(
          externalSecrets,
          { namespace: virtual.namespace, name: "app" },
          (object) => wish.until({ externalSecrets: [object], secrets: [], events: [] }),
        )
        const { reason, message } = readyCondition(told) ?? {}
        assert.deepStrictEqual({ reason, message }, { reason: "InvalidSpec", message: words.split("\n").join("; ") })
      }),
    )
  })
})
