/**
 * `node test/clusters/build-tools.ts [eso-0.20 moto …]`: fills the cache ahead of time, all sets that `make test` needs or those named, and prints
 * the paths.
 *
 * Two sets at a time: a compiler uses all cores, but downloads and links do not. A set that fails, or that this machine cannot build because it
 * lacks something, keeps no other from being built; what is missing is told once, at the end.
 */
import { Effect } from "effect"
import type { GroundError } from "./errors.ts"
import { pythonEnvironment } from "./python-env.ts"
import {
  esoReleases,
  type EsoVersion,
  helmTool,
  kineSets,
  type KubernetesMinor,
  kubernetesReleases,
  type KineVariant,
  motoTool,
  vclusterConfigs,
  vclusterTool,
  type VclusterVersion,
} from "./tool-sets.ts"
import {
  esoTools,
  helmProgram,
  kineTool,
  kubernetesOf,
  kubernetesTools,
  vclusterConfigProgram,
  vclusterProgram,
} from "./tools.ts"

const esoVersions = Object.keys(esoReleases).filter((version): version is EsoVersion => version in esoReleases)
const kineVariants = Object.keys(kineSets).filter((variant): variant is KineVariant => variant in kineSets)
const configVersions = Object.keys(vclusterConfigs).filter(
  (version): version is VclusterVersion => version in vclusterConfigs,
)

const minors = Object.keys(kubernetesReleases).filter((minor): minor is KubernetesMinor => minor in kubernetesReleases)

type Builds = ReadonlyArray<readonly [string, Effect.Effect<unknown, GroundError>]>

/** By the name that the command line takes; the largest first, so that none is left over for one core. */
const builds: Builds = [
  ["kubernetes", kubernetesTools],
  [vclusterTool.set.name, vclusterProgram],
  ...esoVersions.map((version) => [`eso-${version}`, esoTools(version)] as const),
  ...kineVariants.map((variant) => [variant, kineTool(variant)] as const),
  [helmTool.name, helmProgram],
  ...configVersions.map((version) => [vclusterConfigs[version].name, vclusterConfigProgram(version)] as const),
  [motoTool.name, pythonEnvironment(motoTool)],
]

/** For `npm run matrix`: built only when named. */
const onDemand: Builds = minors.map((minor) => [kubernetesReleases[minor].set.name, kubernetesOf(minor)])
const all = [...builds, ...onDemand]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !all.some(([known]) => known === name))

const failures: Array<string> = unknown.map(
  (name) => `there is no tool set ${name}; there are ${all.map(([known]) => known).join(", ")}`,
)

const program = Effect.forEach(
  wanted.length === 0 ? builds : all.filter(([name]) => wanted.includes(name)),
  ([name, build]) =>
    Effect.matchEffect(build, {
      onSuccess: (paths) => Effect.sync(() => console.log(name, paths)),
      onFailure: ({ message }) => Effect.sync(() => void failures.push(message)),
    }),
  { concurrency: 2, discard: true },
)

await Effect.runPromise(program)
for (const message of new Set(failures)) console.error(message)
process.exitCode = failures.length === 0 ? 0 : 1
