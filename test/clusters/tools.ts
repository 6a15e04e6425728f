/** The programs of the test ground: built once, or named by the environment. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { GroundError } from "./errors.ts"
import { builtToolSet, moduleFolder } from "./go-build.ts"
import {
  type EsoVersion,
  esoReleases,
  helmTool,
  type KineVariant,
  kineSets,
  kubernetes,
  type KubernetesMinor,
  kubernetesReleases,
  type KubernetesRole,
  kubernetesVariables,
  type ToolSet,
  vclusterConfigs,
  vclusterModule,
  vclusterTool,
  type VclusterVersion,
} from "./tool-sets.ts"

export interface KubernetesTools {
  readonly etcd: string
  readonly apiServer: string
  readonly controllerManager: string
  readonly kubectl: string
}

export interface EsoTools {
  readonly version: EsoVersion
  readonly controller: string
  /** The YAML bundle of its CRDs. */
  readonly crds: string
  readonly hasLiveAddress: boolean
}

/**
 * etcd, API server, controller manager and kubectl.
 *
 * `KUBEBUILDER_ASSETS`, the variable of controller-runtime's envtest, names a folder that has them; what is missing there
 * (envtest has no controller manager) is built.
 */
export const kubernetesTools: Effect.Effect<KubernetesTools, GroundError> = Effect.gen(function* () {
  const assets = process.env["KUBEBUILDER_ASSETS"]
  const inAssets = (name: string) => (assets === undefined ? undefined : join(assets, name))
  const missing = kubernetes.programs.filter(({ name }) => !existsSync(inAssets(name) ?? ""))
  const built = missing.length === 0 ? "" : yield* builtToolSet(kubernetes, missing)
  const find = (name: string) =>
    missing.some((program) => program.name === name) ? join(built, name) : (inAssets(name) ?? name)
  return {
    etcd: find("etcd"),
    apiServer: find("kube-apiserver"),
    controllerManager: find("kube-controller-manager"),
    kubectl: find("kubectl"),
  }
})

/** API server and controller manager of another minor than the ground's. */
export const kubernetesOf = (
  minor: KubernetesMinor,
): Effect.Effect<Pick<KubernetesTools, "apiServer" | "controllerManager">, GroundError> =>
  Effect.map(builtToolSet(kubernetesReleases[minor].set), (folder) => ({
    apiServer: join(folder, "kube-apiserver"),
    controllerManager: join(folder, "kube-controller-manager"),
  }))

const isKubernetesMinor = (text: string): text is KubernetesMinor => Object.hasOwn(kubernetesReleases, text)

/** {@link kubernetesTools}, of the minor that the role's variable names, where it names one. */
export const kubernetesToolsFor = Effect.fnUntraced(function* (
  role: KubernetesRole,
): Effect.fn.Return<KubernetesTools, GroundError> {
  const tools = yield* kubernetesTools
  const variable = kubernetesVariables[role]
  const minor = process.env[variable] ?? ""
  if (minor === "") return tools
  if (isKubernetesMinor(minor)) return { ...tools, ...(yield* kubernetesOf(minor)) }
  const known = Object.keys(kubernetesReleases).join(", ")
  return yield* new GroundError({ message: `${variable} names Kubernetes ${minor}; there are ${known}` })
})

/** The program kine. A machine without a C compiler fails with `missing`. */
export const kineTool = (variant: KineVariant): Effect.Effect<string, GroundError> =>
  Effect.map(builtToolSet(kineSets[variant]), (folder) => join(folder, "kine"))

const bundleFor = Effect.fnUntraced(function* (binary: string, set: ToolSet): Effect.fn.Return<string, GroundError> {
  const beside = join(dirname(binary), "crds.yaml")
  const [bundle] = set.files
  if (existsSync(beside) || bundle === undefined) return beside
  return join(yield* moduleFolder(set, bundle.module), bundle.path)
})

/** ESO's controller and CRDs of a version. */
export const esoTools = Effect.fnUntraced(function* (version: EsoVersion): Effect.fn.Return<EsoTools, GroundError> {
  const { set, override, hasLiveAddress } = esoReleases[version]
  const ready = process.env[override]
  if (ready === undefined) {
    const folder = yield* builtToolSet(set)
    return { version, controller: join(folder, "external-secrets"), crds: join(folder, "crds.yaml"), hasLiveAddress }
  }
  if (!existsSync(ready)) return yield* new GroundError({ message: `${override} names ${ready}, which does not exist` })
  return { version, controller: ready, crds: yield* bundleFor(ready, set), hasLiveAddress }
})

/** The path of `helm`. */
export const helmProgram: Effect.Effect<string, GroundError> = Effect.map(builtToolSet(helmTool), (folder) =>
  join(folder, "helm"),
)

/** The path of the program that reads settings as this release does: a JSON list of texts in, a list of readings out. */
export const vclusterConfigProgram = (version: VclusterVersion): Effect.Effect<string, GroundError> =>
  Effect.map(builtToolSet(vclusterConfigs[version]), (folder) => join(folder, "vcluster-config"))

/** The folder of vCluster's chart, in the read-only module cache. Its version there is 0.0.1, whatever the release. */
export const vclusterChart = (version: VclusterVersion): Effect.Effect<string, GroundError> =>
  Effect.map(moduleFolder(vclusterConfigs[version], vclusterModule), (folder) => join(folder, "chart"))

/** The open-source vCluster. */
export const vclusterProgram: Effect.Effect<string, GroundError> = Effect.suspend(() => {
  const { set, override } = vclusterTool
  const ready = process.env[override]
  if (ready === undefined) return Effect.map(builtToolSet(set), (folder) => join(folder, "vcluster"))
  return existsSync(ready)
    ? Effect.succeed(ready)
    : Effect.fail(new GroundError({ message: `${override} names ${ready}, which does not exist` }))
})
