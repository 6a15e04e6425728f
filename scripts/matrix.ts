/**
 * `npm run matrix [-- MINOR …]`: the same tests on API servers of other Kubernetes minors than the ground's own, which are built from upstream's
 * modules as those are (`test/clusters/tool-sets.ts`). Outside of `make test`: each minor takes some minutes to build, once, and some to run.
 *
 * Each minor is first the virtual cluster's (and, in the comparison, the plain one's) with the ground's own on the host, then the host's. The table at
 * the end is also in `test-results/matrix.md`, for `docs/kubernetes-versions.md`. The exit code is 1 when anything failed.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import {
  type KubernetesMinor,
  kubernetesReleases,
  type KubernetesRole,
  kubernetesVariables,
} from "../test/clusters/tool-sets.ts"
import { renderTable, rowPattern, type Cell, type TableRow } from "./matrix-table.ts"
import { runScript } from "./run-script.ts"
import { command, failed, type Outcome, passed, results, vitest } from "./stage.ts"

/** Rows of the comparison (`test/comparison/entries`): at least one of each table. */
const rows = [
  "creation: no target at all",
  "creation: Owner takes an existing Secret over",
  "creation: Orphan, the Secret is edited, then deleted",
  "creation: Merge into an existing Secret",
  "deletion: Owner Delete, the ExternalSecret goes",
  "refresh: Periodic, force-sync",
  "refresh: immutable, then a rotation",
  "templates: labels and annotations of the ExternalSecret",
  "templateReferences: templateFrom configMap",
  "rejected: neither data nor dataFrom",
]

interface Part {
  readonly title: string
  readonly project: string
  readonly files: ReadonlyArray<string>
  /** Only these, and every one of them. */
  readonly tests?: ReadonlyArray<string>
}

const parts = {
  mainPath: { title: "main path", project: "e2e", files: ["test/e2e/external-secret.test.ts"] },
  crds: { title: "CRDs at rest", project: "e2e", files: ["test/e2e/crds-at-rest.test.ts"] },
  rest: { title: "no write at rest", project: "e2e-patient", files: ["test/e2e/signals-at-rest.test.ts"] },
  comparison: {
    title: "comparison",
    project: "comparison",
    files: ["test/comparison/comparison.test.ts"],
    tests: rows,
  },
} as const satisfies Readonly<Record<string, Part>>

const columns: ReadonlyArray<Part> = Object.values(parts)

const partsFor: Readonly<Record<KubernetesRole, ReadonlyArray<Part>>> = {
  others: columns,
  host: [parts.mainPath, parts.crds],
}

const titles: Readonly<Record<KubernetesRole, string>> = { others: "virtual", host: "host" }

const minors = Object.keys(kubernetesReleases).filter((minor): minor is KubernetesMinor => minor in kubernetesReleases)

/** Every one of the named tests must have run; that the others were skipped is what was asked for. */
const ofNamed = (outcome: Outcome, tests: ReadonlyArray<string>): Outcome => {
  const { passed: good, failed: bad } = outcome
  return good + bad === tests.length
    ? { passed: good, failed: bad, skipped: 0 }
    : { ...outcome, failed: Math.max(1, bad), skipped: 0, note: `${good + bad} of ${tests.length} named tests ran` }
}

const runPart = Effect.fnUntraced(function* (minor: KubernetesMinor, role: KubernetesRole, part: Part) {
  console.log(`\n=== Kubernetes ${kubernetesReleases[minor].version}, ${titles[role]}: ${part.title}`)
  const { project, files, tests } = part
  const outcome = yield* vitest({
    project,
    files,
    ...(tests === undefined ? {} : { pattern: rowPattern(tests) }),
    report: `matrix-${minor}-${titles[role]}-${part.title.replaceAll(" ", "-")}`,
    env: { [kubernetesVariables[role]]: minor },
  })
  return tests === undefined ? outcome : ofNamed(outcome, tests)
})

const build = (minor: KubernetesMinor): Effect.Effect<Outcome> =>
  Effect.map(command("node", ["test/clusters/build-tools.ts", kubernetesReleases[minor].set.name]), ({ code }) =>
    code === 0 ? passed : failed("not built"),
  )

const runRole = Effect.fnUntraced(function* (minor: KubernetesMinor, role: KubernetesRole, built: Outcome) {
  const cells: Array<Cell> = []
  for (const column of columns) {
    if (!partsFor[role].includes(column)) cells.push(undefined)
    else cells.push(built.failed > 0 ? built : yield* runPart(minor, role, column))
  }
  return { version: kubernetesReleases[minor].version, role: titles[role], cells } satisfies TableRow
})

const isGood = (cell: Cell): boolean => cell === undefined || (cell.failed === 0 && cell.skipped === 0)

const named = process.argv.slice(2)
const unknown = named.filter((name) => !minors.some((minor) => minor === name))

runScript(
  Effect.gen(function* () {
    if (unknown.length > 0) {
      console.error(`there is no Kubernetes ${unknown.join(", ")} here; there are ${minors.join(", ")}`)
      return 2
    }
    mkdirSync(results, { recursive: true })
    const binary = yield* command("npm", ["run", "--silent", "build"])
    if (binary.code !== 0) return 1
    const table: Array<TableRow> = []
    for (const minor of minors.filter((each) => named.length === 0 || named.includes(each))) {
      const built = yield* build(minor)
      for (const role of ["others", "host"] as const) table.push(yield* runRole(minor, role, built))
    }
    const text = renderTable(
      columns.map(({ title }) => title),
      table,
    )
    writeFileSync(join(results, "matrix.md"), text)
    console.log(`\n${text}`)
    return table.every(({ cells }) => cells.every(isGood)) ? 0 : 1
  }),
)
