/** `node test/clusters/build-tools.ts [eso-0.20 moto …]`: fills the cache ahead of time, all sets or those named, and prints the paths. */
import { Effect } from "effect"
import { pythonEnvironment } from "./python-env.ts"
import { esoReleases, type EsoVersion, helmTool, motoTool, vclusterConfigs, type VclusterVersion } from "./tool-sets.ts"
import { esoTools, helmProgram, kubernetesTools, vclusterConfigProgram } from "./tools.ts"

const versions = Object.keys(esoReleases).filter((version): version is EsoVersion => version in esoReleases)
const configVersions = Object.keys(vclusterConfigs).filter(
  (version): version is VclusterVersion => version in vclusterConfigs,
)
const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name)

const program = Effect.gen(function* () {
  if (isWanted("kubernetes")) console.log(yield* kubernetesTools)
  for (const version of versions) if (isWanted(`eso-${version}`)) console.log(yield* esoTools(version))
  if (isWanted(helmTool.name)) console.log(yield* helmProgram)
  for (const version of configVersions)
    if (isWanted(vclusterConfigs[version].name)) console.log(yield* vclusterConfigProgram(version))
  if (isWanted(motoTool.name)) console.log(yield* pythonEnvironment(motoTool))
})

const exit = await Effect.runPromiseExit(
  Effect.tapError(program, (error) => Effect.sync(() => console.error(error.message))),
)
process.exitCode = exit._tag === "Success" ? 0 : 1
