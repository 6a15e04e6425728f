/**
 * Settings as real charts store them: Helm renders vCluster's charts from values that users write, and what we read out of the Secret
 * is what vCluster's own code reads. Where Helm or the chart refuses, so do we, or we warn.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as fc from "fast-check"
import type { VclusterVersion } from "../clusters/tool-sets.ts"
import { syncedBy } from "../../src/sync/kinds/kinds.ts"
import { checkValues, formatProblem, type Settings } from "../../src/sync/settings/settings.ts"
import { isRecord, recordAt, stringMapAt, valueAt } from "../../src/effects/client/unstructured.ts"
import { parseYaml, plainValue } from "../../src/effects/config/yaml-position.ts"
import { Charts, type Reading, release, type Rendered, versions } from "../support/charts.ts"
import { valuesRows } from "../support/chart-values.ts"
import type { ValuesRow } from "../support/values-row.ts"

const today: ReadonlyArray<VclusterVersion> = ["0.30", "0.36"]
const takenBy = ({ taken = today }: ValuesRow): ReadonlyArray<VclusterVersion> => taken
const rowsFor = (version: VclusterVersion): ReadonlyArray<ValuesRow> =>
  valuesRows.filter((row) => (row.asked ?? takenBy(row)).includes(version))

/** Without what says nothing: an empty list or map. */
const compact = (selector: unknown): unknown =>
  isRecord(selector)
    ? Object.fromEntries(
        Object.entries(selector).filter(
          ([, value]) =>
            value !== undefined &&
            !(Array.isArray(value) && value.length === 0) &&
            !(isRecord(value) && Object.keys(value).length === 0),
        ),
      )
    : {}

const kindOf = (value: unknown) => ({
  enabled: valueAt(value, "enabled") === true,
  selector: compact(valueAt(value, "selector")),
})

/** vCluster's own reading, in our terms. */
const settingsOfVcluster = (version: VclusterVersion, config: unknown) => {
  const integration = recordAt(config, "integrations", "externalSecrets")
  const sync = recordAt(integration, "sync")
  const old = version === "0.26"
  const labels = valueAt(sync, "clusterStores", "selector", "labels")
  return {
    enabled: valueAt(integration, "enabled") === true,
    version: valueAt(integration, "version") || undefined,
    webhook: valueAt(integration, "webhook", "enabled") === true,
    externalSecrets: old
      ? { enabled: valueAt(sync, "externalSecrets", "enabled") === true, selector: {} }
      : { ...kindOf(valueAt(sync, "toHost", "externalSecrets")), enabled: true },
    stores: kindOf(valueAt(sync, ...(old ? ["stores"] : ["toHost", "stores"]))),
    clusterStores: old
      ? { enabled: valueAt(sync, "clusterStores", "enabled") === true, selector: compact({ matchLabels: labels }) }
      : kindOf(valueAt(sync, "fromHost", "clusterStores")),
    namespaces: {
      enabled: valueAt(config, "sync", "toHost", "namespaces", "enabled") === true,
      mappingsOnly: valueAt(config, "sync", "toHost", "namespaces", "mappingsOnly") === true,
      byName: stringMapAt(config, "sync", "toHost", "namespaces", "mappings", "byName"),
    },
    serviceAccounts: valueAt(config, "sync", "toHost", "serviceAccounts", "enabled") === true,
  }
}

const comparable = ({
  origins: _origins,
  warnings: _warnings,
  elsewhere: _elsewhere,
  importedSecrets: _imported,
  ...settings
}: Settings) => ({
  ...settings,
  externalSecrets: { ...settings.externalSecrets, selector: compact(settings.externalSecrets.selector) },
  stores: { ...settings.stores, selector: compact(settings.stores.selector) },
  clusterStores: { ...settings.clusterStores, selector: compact(settings.clusterStores.selector) },
  namespaces: {
    ...settings.namespaces,
    byName: Object.fromEntries(settings.namespaces.byName.map(({ virtual, host }) => [virtual, host])),
  },
})

const look = (text: string, file = "values.yaml") => checkValues(text, file, syncedBy, release)

const settingsIn = (text: string, what: string): Settings => {
  const { settings, problems } = look(text)
  return settings ?? assert.fail(`${what}: ${problems.map(formatProblem).join("; ")}`)
}

interface Case {
  readonly row: ValuesRow
  readonly rendered: Rendered
}

const isTaken = (found: Case): found is Case & { readonly rendered: { readonly config: string } } =>
  "config" in found.rendered

const checkTaken = (
  version: VclusterVersion,
  { row, rendered }: Case & { rendered: { config: string } },
  reading: Reading | undefined,
) => {
  const what = `${row.name}, ${version}`
  assert.strictEqual(reading?.configError, undefined, what)
  const expected = settingsOfVcluster(version, reading?.config)
  assert.deepStrictEqual(comparable(settingsIn(rendered.config, what)), expected, what)
  // The user's own file says the same, before Helm has seen it.
  const [file, ...others] = row.files ?? []
  if (file === undefined || others.length > 0 || (row.flags ?? []).length > 0) return
  assert.deepStrictEqual(comparable(settingsIn(file, what)), expected, what)
  const unknown = look(file).warnings.filter(({ message }) => /refuse|not the values file/.test(message))
  if (version !== "0.26") assert.deepStrictEqual(unknown.map(formatProblem), [], what)
}

const checkRefused = ({ row }: Case): void => {
  if (row.says === undefined) return
  const { problems, warnings } = look(row.files?.[0] ?? "")
  const lines = [...problems, ...warnings].map(formatProblem)
  assert.isTrue(
    lines.some((line) => row.says?.test(line)),
    `${row.name}: ${lines.join("\n") || "nothing is said"}`,
  )
}

/** As JSON has it; the order of keys is nobody's. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  return isRecord(value)
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, item]) => [key, sorted(item)]),
      )
    : value
}

/** Ours may refuse what Go takes (a key twice, brackets that are not indented), but never the reverse. */
const agree = (text: string, { value, valueError }: Reading, strictly: boolean): void => {
  const parsed = parseYaml(text)
  if (Result.isFailure(parsed)) {
    if (strictly) assert.isDefined(valueError, `ours refuses ${JSON.stringify(text)}: ${parsed.failure[0]?.message}`)
    return
  }
  // Settings are a map: a text that is a single value is refused as such, however it is read.
  if (parsed.success.kind === "scalar" && !strictly) return
  assert.isUndefined(valueError, `${JSON.stringify(text)}: ours takes it, Go says ${valueError}`)
  assert.deepStrictEqual(sorted(plainValue(parsed.success)), sorted(value ?? null), JSON.stringify(text))
}

const word = (letters: string, longest: number) =>
  fc.array(fc.constantFrom(...letters.split("")), { minLength: 1, maxLength: longest }).map((parts) => parts.join(""))

/** Plain scalars of the kinds that YAML 1.1 and 1.2 read differently. */
const scalar = fc
  .oneof(
    word("0123456789_+-.eE", 12),
    word("01_+-.ebxoBXO", 8),
    word("0123456789abcdefx_", 22),
    fc.nat(9).chain((digit) => word("0123456789", 30).map((digits) => `${digit}e${digits}`)),
    word("0123456789-:. TtZ", 20),
    word("yYnNoOfFtrue~ls.iaNIA", 5),
    fc.constantFrom(
      "!!int 5",
      "!!str 5",
      "!!float 5",
      "!!bool yes",
      "!!int x",
      "! 5",
      "!own 5",
      "!!binary aGk=",
      "!!null ''",
    ),
  )
  .map((text) => text.trim())
  .filter((text) => !/^$|^[-?:]( |$)|: |:$| #|^---|^\.\.\./.test(text))

/** Whole texts, mostly nonsense. */
const fragment = fc.constantFrom(
  ..."a: b: - ? & * &x *x [ ] { } , : # ! !!str | > ' \" % <<: 1_0 0x1 yes a?b :c \\/ \\u0041"
    .split(" ")
    .map((part) => `${part} `),
  ..."a:,[,],{,},',\",\n,\n  ,\n    ,\t,\n\t\n".split(","),
)
const text = fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join(""))

const seed = 20_261_127

layer(Charts.layer, { excludeTestServices: true, timeout: "30 minutes" })("charts", (it) => {
  for (const version of versions)
    it.effect(
      `${version}: what Helm stores is read as vCluster reads it, what it refuses is told`,
      () =>
        Effect.gen(function* () {
          const charts = yield* Charts
          const cases = yield* Effect.forEach(
            rowsFor(version),
            (row) => Effect.map(charts.render(version, row), (rendered): Case => ({ row, rendered })),
            { concurrency: 4 },
          )
          for (const { row, rendered } of cases)
            assert.strictEqual(
              "config" in rendered,
              takenBy(row).includes(version),
              `${row.name}, ${version}: ${"refusal" in rendered ? rendered.refusal : "Helm takes it"}`,
            )
          const taken = cases.filter(isTaken)
          const readings = yield* charts.read(
            version,
            taken.map(({ rendered }) => rendered.config),
          )
          for (const [index, found] of taken.entries()) checkTaken(version, found, readings[index])
          for (const found of cases) if (!isTaken(found)) checkRefused(found)
        }),
      300_000,
    )

  it.effect("words without quotes are to us what they are to Go, as values and as keys", () =>
    Effect.gen(function* () {
      const charts = yield* Charts
      const words = fc.sample(scalar, { numRuns: 3000, seed })
      const texts = words.flatMap((found) => [`a: ${found}\n`, `? ${found}\n: b\n`])
      const readings = yield* charts.read("0.36", texts)
      for (const [index, found] of texts.entries()) agree(found, readings[index] ?? {}, true)
    }),
  )

  it.effect("no text is read as something else than Go reads, or read where Go refuses", () =>
    Effect.gen(function* () {
      const charts = yield* Charts
      const texts = fc.sample(text, { numRuns: 5000, seed })
      const readings = yield* charts.read("0.36", texts)
      for (const [index, found] of texts.entries()) agree(found, readings[index] ?? {}, false)
    }),
  )

  it.effect("the charts' own values are worth no warning", () =>
    Effect.gen(function* () {
      const charts = yield* Charts
      for (const version of versions) {
        const values = yield* charts.values(version)
        // Without one section they are a user's, not what Helm has merged.
        const { problems, warnings } = look(values.replace(/^rbac:\n(?: .*\n|\n)*/m, ""))
        assert.deepStrictEqual(
          [...problems, ...warnings].filter(({ message }) => !message.includes("before v0.29")).map(formatProblem),
          [],
          version,
        )
      }
    }),
  )
})
