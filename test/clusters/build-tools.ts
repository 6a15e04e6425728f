/** `node test/clusters/build-tools.ts [eso-0.20 moto …]`: fills the cache ahead of time, all sets or those named, and prints the paths. */
import { Effect } from "effect"
import type { GroundError } from "./errors.ts"
import { pythonEnvironment } from "./python-env.ts"
import { esoReleases, type EsoVersion, kineSets, type KineVariant, motoTool } from "./tool-sets.ts"
import { esoTools, kineTool, kubernetesTools } from "./tools.ts"

const versions = Object.keys(esoReleases).filter((version): version is EsoVersion => version in esoReleases)
const kineVariants = Object.keys(kineSets).filter((variant): variant is KineVariant => variant in kineSets)
const wanted = process.argv.slice(2)
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name)

/** A set that this machine cannot build, because it lacks something, keeps no other from being built. */
const lacking: Array<string> = []
const printUnlessLacking = (build: Effect.Effect<string, GroundError>) =>
  Effect.matchEffect(build, {
    onSuccess: (path) => Effect.sync(() => console.log(path)),
    onFailure: (error) =>
      error.missing === undefined ? Effect.fail(error) : Effect.sync(() => void lacking.push(error.message)),
  })

const program = Effect.gen(function* () {
  if (isWanted("kubernetes")) console.log(yield* kubernetesTools)
  for (const version of versions) if (isWanted(`eso-${version}`)) console.log(yield* esoTools(version))
  if (isWanted(motoTool.name)) console.log(yield* pythonEnvironment(motoTool))
  for (const variant of kineVariants) if (isWanted(variant)) yield* printUnlessLacking(kineTool(variant))
})

const exit = await Effect.runPromiseExit(
  Effect.tapError(program, (error) => Effect.sync(() => console.error(error.message))),
)
for (const message of new Set(lacking)) console.error(message)
process.exitCode = exit._tag === "Success" && lacking.length === 0 ? 0 : 1
