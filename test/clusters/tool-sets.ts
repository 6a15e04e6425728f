/**
 * What the test ground is made of: upstream's own programs, each set pinned by a `go.mod` and `go.sum` in `tools/NAME`.
 *
 * A new version of ESO = a new folder in `tools/` and one more entry here.
 */
export interface ToolSet {
  readonly name: string
  /** In `test/clusters/tools`; default: the name. */
  readonly folder?: string
  readonly programs: ReadonlyArray<Program>
  /** Other files of a module that the ground needs: path in the module → name in the cache. */
  readonly files: ReadonlyArray<{ readonly module: string; readonly path: string; readonly as: string }>
  readonly env: Readonly<Record<string, string>>
  readonly linkerFlags?: ReadonlyArray<string>
  /** For programs that are partly C; default: none is. */
  readonly c?: CBuild
}

export interface CBuild {
  /** `CGO_CFLAGS`. */
  readonly flags: string
  /** Go's build tags. */
  readonly tags: ReadonlyArray<string>
}

export interface Program {
  readonly name: string
  readonly package: string
  /** What `go build` calls it, where that is another name. */
  readonly builtAs?: string
}

export const kubernetes: ToolSet = {
  name: "kubernetes",
  programs: [
    { name: "etcd", package: "go.etcd.io/etcd/server/v3", builtAs: "server" },
    { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
    { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
    { name: "kubectl", package: "k8s.io/kubernetes/cmd/kubectl" },
  ],
  files: [],
  env: {},
}

/** Minors beside the ground's own, for `npm run matrix`: the oldest that vCluster still runs, the next, and the newest release. */
export type KubernetesMinor = "1.30" | "1.31" | "1.37"

export interface KubernetesRelease {
  readonly set: ToolSet
  /** The whole version, as `tools/NAME/go.mod` pins it. */
  readonly version: string
}

/** What comes with the API server's version; etcd and kubectl are the ground's. */
const perMinor = new Set(["kube-apiserver", "kube-controller-manager"])

const kubernetesRelease = (minor: KubernetesMinor, version: string): KubernetesRelease => ({
  set: {
    ...kubernetes,
    name: `kubernetes-${minor}`,
    programs: kubernetes.programs.filter(({ name }) => perMinor.has(name)),
  },
  version,
})

export const kubernetesReleases: Readonly<Record<KubernetesMinor, KubernetesRelease>> = {
  /** The last one that drops `selectableFields` of CRDs, and does not stream lists. */
  "1.30": kubernetesRelease("1.30", "1.30.14"),
  "1.31": kubernetesRelease("1.31", "1.31.13"),
  "1.37": kubernetesRelease("1.37", "1.37.2"),
}

/** Names a minor of {@link kubernetesReleases} for the control plane `host`, or for all others (virtual ones, plain ones). */
export const kubernetesVariables = {
  host: "VCLUSTER_ES_KUBERNETES_HOST",
  others: "VCLUSTER_ES_KUBERNETES",
} as const

export type KubernetesRole = keyof typeof kubernetesVariables

const esoModule = "github.com/external-secrets/external-secrets"

const esoSet = (name: string): ToolSet => ({
  name,
  programs: [{ name: "external-secrets", package: esoModule }],
  files: [{ module: esoModule, path: "deploy/crds/bundle.yaml", as: "crds.yaml" }],
  // Some of ESO's dependencies are unknown to the checksum database; the committed go.sum still pins every one of them.
  env: { GONOSUMDB: "github.com/*" },
})

export type EsoVersion = "0.20" | "0.16"

export interface EsoRelease {
  readonly set: ToolSet
  /** The whole version, as `tools/NAME/go.mod` pins it. */
  readonly version: string
  /** A ready-made binary in place of building. Its CRDs are taken from `crds.yaml` beside it, else from the pinned module. */
  readonly override: string
  /** 0.16 does not know `--live-addr`. */
  readonly hasLiveAddress: boolean
}

export const esoReleases: Readonly<Record<EsoVersion, EsoRelease>> = {
  /** Serves `v1` only. */
  "0.20": { set: esoSet("eso-0.20"), version: "0.20.4", override: "VCLUSTER_ES_ESO", hasLiveAddress: true },
  /** Serves `v1beta1` too. */
  "0.16": { set: esoSet("eso-0.16"), version: "0.16.2", override: "VCLUSTER_ES_ESO_0_16", hasLiveAddress: false },
}

/** Helm renders vCluster's charts as its users do. */
export const helmTool: ToolSet = {
  name: "helm",
  programs: [{ name: "helm", package: "helm.sh/helm/v3/cmd/helm" }],
  files: [],
  env: {},
}

export type VclusterVersion = "0.26" | "0.30" | "0.36"

export const vclusterModule = "github.com/loft-sh/vcluster"

/** The one program of ours: vCluster's own `config` package, of several releases, reads settings (`tools/vcluster-config`). */
const configSet = (version: VclusterVersion): ToolSet => ({
  name: `vcluster-config-${version}`,
  programs: [{ name: "vcluster-config", package: "../vcluster-config/vcluster-config.go" }],
  files: [],
  env: {},
})

/** Each module also has the chart of its release. */
export const vclusterConfigs: Readonly<Record<VclusterVersion, ToolSet>> = {
  /** The shapes of v0.21 to v0.26. */
  "0.26": configSet("0.26"),
  "0.30": configSet("0.30"),
  "0.36": configSet("0.36"),
}

/** The open-source vCluster, the program; a version's chart is in the module of its {@link vclusterConfigs}. */
export const vclusterTool = {
  set: {
    name: "vcluster-0.36",
    programs: [{ name: "vcluster", package: `${vclusterModule}/cmd/vcluster` }],
    files: [],
    env: {},
    // As its own release does: it tells its version.
    linkerFlags: [`-X ${vclusterModule}/pkg/telemetry.SyncerVersion=0.36.1`],
  },
  /** The whole version, as `tools/vcluster-0.36/go.mod` pins it. */
  version: "0.36.1",
  /** A ready-made binary in place of building. */
  override: "VCLUSTER_ES_VCLUSTER",
} as const satisfies { readonly set: ToolSet; readonly version: string; readonly override: string }

/** Which SQLite is in it: `dbstat` is a table that only some builds of SQLite have. */
export type KineVariant = "kine" | "kine-without-dbstat"

const kineSet = (name: KineVariant, flags: string): ToolSet => ({
  name,
  folder: "kine",
  programs: [{ name: "kine", package: "github.com/k3s-io/kine" }],
  files: [],
  env: {},
  // Without what a static binary can't do: the system's resolver of names and users, extensions of SQLite.
  c: { flags, tags: ["netgo", "osusergo", "sqlite_omit_load_extension"] },
})

export const kineSets: Readonly<Record<KineVariant, ToolSet>> = {
  /** The flags of kine's own `scripts/build`, so what k3s and vCluster run. */
  kine: kineSet("kine", "-DSQLITE_ENABLE_DBSTAT_VTAB=1 -DSQLITE_USE_ALLOCA=1"),
  /** What `go build` alone makes: kine's status call fails, and with it everything that asks for the storage's progress. */
  "kine-without-dbstat": kineSet("kine-without-dbstat", ""),
}

/** A program in Python; `tools/NAME/requirements.txt` pins every package. */
export interface PythonTool {
  readonly name: string
  /** For who has no Python. */
  readonly purpose: string
}

/** moto 5.2: Amazon's APIs without Amazon. */
export const motoTool: PythonTool = {
  name: "moto",
  purpose: "moto, which stands in for AWS Secrets Manager and Parameter Store",
}
