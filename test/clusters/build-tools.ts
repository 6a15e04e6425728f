/** `node test/clusters/build-tools.ts [eso-0.20 moto …]`: fills the cache ahead of time, all sets or those named, and prints the paths. */
import { Effect } from "effect"
import { pythonEnvironment } from "./python-env.ts"
import { esoReleases, type EsoVersion, motoTool, vclusterReleases, type VclusterVersion } from "./tool-sets.ts"
import { esoTools, kubernetesTools, vclusterBinary } from "./tools.ts"

const versions = Object.keys(esoReleases).filter((version): version is EsoVersion => version in esoReleases)
const vclusterVersions = Object.keys(vclusterReleases).filter(
  (version): version is VclusterVersion => version in vclusterReleases,
)
const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name)

const program = Effect.gen(function* () {
  if (isWanted("kubernetes")) console.log(yield* kubernetesTools)
  for (const version of versions) if (isWanted(`eso-${version}`)) console.log(yield* esoTools(version))
  for (const version of vclusterVersions) if (isWanted(`vcluster-${version}`)) console.log(yield* vclusterBinary(version))
  if (isWanted(motoTool.name)) console.log(yield* pythonEnvironment(motoTool))
})

const exit = await Effect.runPromiseExit(
  Effect.tapError(program, (error) => Effect.sync(() => console.error(error.message))),
)
process.exitCode = exit._tag === "Success" ? 0 : 1
