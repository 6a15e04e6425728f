/** vCluster's charts of several releases, rendered by real Helm, and its own reading of what they store. */
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import { parseAllDocuments } from "yaml"
import type { GroundError } from "../clusters/errors.ts"
import type { VclusterVersion } from "../clusters/tool-sets.ts"
import { helmProgram, vclusterChart, vclusterConfigProgram } from "../clusters/tools.ts"

export const versions: ReadonlyArray<VclusterVersion> = ["0.26", "0.30", "0.36"]

export const release = { name: "my-vcluster", namespace: "team-x" }

/** A user's values: files, and `--set` flags. */
export interface UserValues {
  readonly files?: ReadonlyArray<string>
  readonly flags?: ReadonlyArray<string>
}

/** The key config.yaml of `vc-config-NAME`, or what Helm says. */
export type Rendered = { readonly config: string } | { readonly refusal: string }

/** What vCluster's YAML library and its `config` package make of a text. */
export const Reading = Schema.Struct({
  value: Schema.optionalKey(Schema.Unknown),
  valueError: Schema.optionalKey(Schema.String),
  config: Schema.optionalKey(Schema.Unknown),
  configError: Schema.optionalKey(Schema.String),
})
export type Reading = typeof Reading.Type

const decodeReadings = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Reading)))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (file: string, args: ReadonlyArray<string>, input: string, env: Readonly<Record<string, string>>) =>
  Effect.callback<Ended>((resume, signal) => {
    const child = execFile(file, args, { env, signal, maxBuffer: 1e9 }, (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error === null ? 0 : 1, stdout, stderr })),
    )
    child.stdin?.end(input)
  })

const configOf = (manifests: string): string => {
  const [secret]: ReadonlyArray<unknown> = parseAllDocuments(manifests).map((document): unknown => document.toJS())
  const encoded: unknown =
    typeof secret === "object" && secret !== null ? Reflect.get(Reflect.get(secret, "data"), "config.yaml") : undefined
  return Effect.runSync(Effect.fromResult(Base64.decodeString(String(encoded))))
}

export interface ChartsShape {
  readonly render: (version: VclusterVersion, values: UserValues) => Effect.Effect<Rendered>
  /** All texts at once: one process. */
  readonly read: (version: VclusterVersion, texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Reading>>
  /** The chart's values.yaml. */
  readonly values: (version: VclusterVersion) => Effect.Effect<string>
}

/** Everything that is built or downloaded is there when it stands; Helm finds a folder of its own in place of the user's. */
const makeCharts = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "vcluster-es-charts-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
  )
  const env = { HOME: folder, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder }
  const helm = yield* helmProgram
  const readers: Record<VclusterVersion, string> = { "0.26": "", "0.30": "", "0.36": "" }
  const chart: Record<VclusterVersion, string> = { "0.26": "", "0.30": "", "0.36": "" }
  for (const version of versions) {
    readers[version] = yield* vclusterConfigProgram(version)
    chart[version] = yield* vclusterChart(version)
  }
  let count = 0

  const render = Effect.fnUntraced(function* (version: VclusterVersion, { files = [], flags = [] }: UserValues) {
    const paths = yield* Effect.forEach(files, (text) => {
      const path = join(folder, `values-${(count += 1)}.yaml`)
      return Effect.as(
        Effect.promise(() => writeFile(path, text)),
        path,
      )
    })
    const values = [...paths.map((path) => `--values=${path}`), ...flags]
    const shown = ["--show-only=templates/config-secret.yaml", `--namespace=${release.namespace}`]
    const ended = yield* run(helm, ["template", release.name, chart[version], ...shown, ...values], "", env)
    return ended.code === 0 ? { config: configOf(ended.stdout) } : { refusal: ended.stderr }
  })

  const read = Effect.fnUntraced(function* (version: VclusterVersion, texts: ReadonlyArray<string>) {
    const { stdout } = yield* run(readers[version], [], JSON.stringify(texts), env)
    return decodeReadings(stdout)
  })
  const values = (version: VclusterVersion) =>
    Effect.promise(() => readFile(join(chart[version], "values.yaml"), "utf8"))
  return { render, read, values } satisfies ChartsShape
})

export class Charts extends Context.Service<Charts, ChartsShape>()("vcluster-es/test/Charts") {
  static readonly layer: Layer.Layer<Charts, GroundError> = Layer.effect(Charts, makeCharts)
}
