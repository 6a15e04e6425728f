/**
 * `make demo`: the documented example on two real control planes with the real ESO.
 *
 * VCLUSTER=1: the virtual cluster is a real open-source vCluster, installed by Helm, and a pod there names the Secret at the end. KEEP=1 leaves it all
 * running until Ctrl-C and prints the two kubeconfigs. The binary must have been built.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { KubeObject } from "../src/effects/client/kube-object.ts"
import { isEstablished } from "../test/clusters/eso.ts"
import type { ControlPlane } from "../test/clusters/control-plane.ts"
import { type HostGround, makeGround, makeHostGround } from "../test/clusters/ground.ts"
import { GroundError } from "../test/clusters/errors.ts"
import type { Running } from "../test/clusters/programs.ts"
import { documentedValues } from "../test/clusters/vcluster.ts"
import { documented } from "../test/support/documented.ts"
import type { KubeError } from "../test/support/kube-error.ts"
import { clusterSecretStores, crds, externalSecretsV1beta1, pods, secrets } from "../test/support/resources.ts"
import { runScript } from "./run-script.ts"

const binary = join(process.cwd(), "dist/kubectl-vcluster-es")
const keep = (process.env["KEEP"] ?? "") !== ""
const real = (process.env["VCLUSTER"] ?? "") !== ""
const vcluster = { name: "my-vcluster", namespace: "team-x" }

/** "Using a ClusterSecretStore from the Host". */
const documentedExample = documented.clusterStoreExample

const store = (password: string): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "ClusterSecretStore",
  metadata: { name: "aws-parameter-store", labels: { "vcluster-accessible": "true" } },
  // ESO's own stand-in for a backend: no account at Amazon is needed for a demo.
  spec: { provider: { fake: { data: [{ key: "/production/database/password", value: password }] } } },
})

const startedAt = performance.now()
const say = (text: string) =>
  Effect.sync(() => console.log(`[${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s] ${text}`))

const showBlock = (text: string) => Effect.sync(() => console.log(text.trimEnd().replaceAll(/^/gm, "          ")))

const textOf = (secret: KubeObject, key: string): string | undefined => {
  const { data } = secret
  const value: unknown = typeof data === "object" && data !== null ? Reflect.get(data, key) : undefined
  return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : undefined
}

const theSecret = { namespace: "default", name: "my-app-secret" }

interface Stage {
  readonly ground: HostGround
  readonly virtual: Pick<ControlPlane, "kube" | "kubeconfig" | "server">
}

const waitForPassword = ({ virtual }: Stage, password: string) =>
  virtual.kube.waitFor(secrets, theSecret, (secret) => textOf(secret, "password") === password, {
    what: "the Secret in the virtual cluster",
  })

const clusterFlags = ({ ground, virtual }: Stage): ReadonlyArray<string> => [
  vcluster.name,
  "-n",
  vcluster.namespace,
  "--kubeconfig",
  ground.host.kubeconfig,
  "--virtual-kubeconfig",
  virtual.kubeconfig,
]

const logs = { logsTo: "test-results/demo" }

const bareApiServer = Effect.gen(function* () {
  yield* say("starting two control planes (host and virtual) …")
  const ground = yield* makeGround(logs)
  yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
  return { ground, virtual: ground.virtual }
})

const realVcluster = Effect.gen(function* () {
  yield* say("starting a host; installing the open-source vCluster from its chart with Helm …")
  const ground = yield* makeHostGround(logs)
  const virtual = yield* ground.startRealVcluster({ ...vcluster, values: documentedValues })
  yield* say(
    "vCluster is ready: its own kine and kube-apiserver, its own syncer; only kubelets are missing, so pods stay Pending",
  )
  return { ground, virtual }
})

const startClusters: Effect.Effect<Stage, GroundError | KubeError, Scope.Scope> = Effect.gen(function* () {
  const stage = yield* real ? realVcluster : bareApiServer
  const { host } = stage.ground
  yield* say(`host ${host.server}, virtual ${stage.virtual.server}; starting External Secrets Operator on the host …`)
  const eso = yield* stage.ground.startEso()
  yield* host.kube.apply(clusterSecretStores, store("correct horse battery staple"))
  yield* say(
    `ESO ${eso.version} reconciles; the host has vCluster ${vcluster.name} and ClusterSecretStore aws-parameter-store`,
  )
  return stage
})

/** The syncer ending by itself would leave the demo waiting for a Secret that never comes. */
const failWhenEnded = (sync: Running) =>
  Effect.flatMap(sync.finished, ({ code, stderr }) =>
    Effect.fail(new GroundError({ message: `sync --follow ended with exit code ${code}:\n${stderr}` })),
  )

const applyExample = Effect.fnUntraced(function* (stage: Stage) {
  const { kube } = stage.virtual
  const served = { name: "externalsecrets.external-secrets.io" }
  yield* kube.waitFor(crds, served, isEstablished, { what: "the ExternalSecret CRD in the virtual cluster" })
  yield* kube.waitFor(clusterSecretStores, { name: "aws-parameter-store" })
  yield* say("the virtual cluster has ESO's CRDs and the store; applying the documented example there:")
  yield* showBlock(documentedExample)
  const since = performance.now()
  const applied = yield* stage.ground.kubectl(stage.virtual, ["apply", "-f", "-"], documentedExample)
  if (applied.code !== 0) return yield* new GroundError({ message: `kubectl apply: ${applied.stderr}` })
  const secret = yield* waitForPassword(stage, "correct horse battery staple")
  const took = Math.round(performance.now() - since)
  return yield* say(
    `Secret default/my-app-secret is in the virtual cluster, ${took} ms after kubectl apply: password=${textOf(secret, "password")}`,
  )
})

const rotate = Effect.fnUntraced(function* (stage: Stage) {
  yield* stage.ground.host.kube.apply(clusterSecretStores, store("tr0ub4dor&3"))
  const example = { namespace: "default", name: "aws-secret" }
  const annotations = { "force-sync": String(Math.floor(Date.now() / 1000)) }
  const since = performance.now()
  yield* stage.virtual.kube.patch(externalSecretsV1beta1, example, { metadata: { annotations } })
  const secret = yield* waitForPassword(stage, "tr0ub4dor&3")
  const took = Math.round(performance.now() - since)
  yield* say(`rotated in the store, force-sync annotated: password=${textOf(secret, "password")} after ${took} ms`)
})

/** What a kubelet would mount: vCluster's own copy of the tenant's Secret. */
const runPod = Effect.fnUntraced(function* ({ ground, virtual }: Stage) {
  const since = performance.now()
  yield* virtual.kube.create(pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "my-app", namespace: theSecret.namespace },
    spec: { containers: [{ name: "app", image: "app", envFrom: [{ secretRef: { name: theSecret.name } }] }] },
  })
  const copy = {
    namespace: vcluster.namespace,
    name: `${theSecret.name}-x-${theSecret.namespace}-x-${vcluster.name}`,
  }
  const secret = yield* ground.host.kube.waitFor(
    secrets,
    copy,
    (found) => textOf(found, "password") === "tr0ub4dor&3",
    { what: "the pod's copy of the Secret on the host" },
  )
  const took = Math.round(performance.now() - since)
  yield* say(
    `pod default/my-app names it: vCluster made the pod's copy ${copy.namespace}/${copy.name} ${took} ms later: password=${textOf(secret, "password")}`,
  )
})

const showStatus = Effect.fnUntraced(function* (stage: Stage) {
  const status = yield* stage.ground.run({ file: binary, args: ["status", ...clusterFlags(stage)] })
  yield* say(`kubectl vcluster-es status ${vcluster.name} -n ${vcluster.namespace} (exit code ${status.code})`)
  yield* showBlock(status.stdout + status.stderr)
  if (status.code !== 0) return yield* new GroundError({ message: "status is not good" })
  return undefined
})

const invitation = ({ ground, virtual }: Stage): string => `
all of it runs until Ctrl-C. To play with it:

  export PATH="${ground.tools.kubectl.replace(/\/kubectl$/, "")}:$PATH"      # a kubectl, if there is none
  export HOST=${ground.host.kubeconfig}
  export VIRTUAL=${virtual.kubeconfig}

  kubectl --kubeconfig $VIRTUAL get externalsecrets,secrets
  kubectl --kubeconfig $HOST -n ${vcluster.namespace} get externalsecrets,secrets
  kubectl --kubeconfig $VIRTUAL delete secret my-app-secret    # it comes back
  kubectl --kubeconfig $HOST label clustersecretstore aws-parameter-store vcluster-accessible-
  ${binary} status ${vcluster.name} -n ${vcluster.namespace} --kubeconfig $HOST --virtual-kubeconfig $VIRTUAL

logs: ${ground.folder}/*.log, of the syncer ${ground.folder}/program-*-syncer.*
`

/** Told whether it went well or not: the watchdog ends what does not end by itself. */
const stopSync = (sync: Running) =>
  Effect.gen(function* () {
    if (sync.process.hasExited()) return
    const since = performance.now()
    yield* sync.signal("SIGTERM")
    const { code } = yield* sync.finished
    yield* say(`sync --follow ended ${Math.round(performance.now() - since)} ms after SIGTERM with exit code ${code}`)
  }).pipe(Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => say("sync --follow did not end within 5 s") }))

/** From here on, Ctrl-C is how the demo is meant to end. */
let left = false

const demo = Effect.gen(function* () {
  if (!existsSync(binary)) return yield* new GroundError({ message: `${binary} is missing: make build` })
  const stage = yield* startClusters
  const { ground } = stage
  yield* say(`kubectl vcluster-es sync ${vcluster.name} -n ${vcluster.namespace} --follow …`)
  const command = { file: binary, label: "syncer", args: ["sync", ...clusterFlags(stage), "--follow"] }
  const sync = yield* Effect.acquireRelease(ground.start(command), stopSync)
  const scenes = Effect.gen(function* () {
    yield* applyExample(stage)
    yield* rotate(stage)
    yield* showStatus(stage)
    if (real) yield* runPod(stage)
  })
  yield* Effect.raceFirst(scenes, failWhenEnded(sync))
  if (keep) {
    yield* Effect.sync(() => console.log(invitation(stage)))
    left = true
    return yield* failWhenEnded(sync)
  }
  return 0
})

runScript(Effect.scoped(demo).pipe(Effect.ensuring(say("everything is stopped and removed"))), () => (left ? 0 : 130))
