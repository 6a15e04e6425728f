/**
 * `make demo`: the documented example on two real control planes with the real ESO.
 *
 * KEEP=1 leaves it all running until Ctrl-C and prints the two kubeconfigs. The binary must have been built.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import type { KubeObject } from "../src/effects/kube-object.ts"
import { isEstablished } from "../test/clusters/eso.ts"
import { type GroundShape, makeGround } from "../test/clusters/ground.ts"
import { GroundError } from "../test/clusters/errors.ts"
import type { Running } from "../test/clusters/programs.ts"
import { documentedValues } from "../test/clusters/vcluster.ts"
import { documented } from "../test/support/documented.ts"
import { clusterSecretStores, crds, externalSecretsV1beta1, secrets } from "../test/support/resources.ts"
import { runScript } from "./run-script.ts"

const binary = join(process.cwd(), "dist/kubectl-vcluster-es")
const keep = (process.env["KEEP"] ?? "") !== ""
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

const waitForPassword = (ground: GroundShape, password: string) =>
  ground.virtual.kube.waitFor(secrets, theSecret, (secret) => textOf(secret, "password") === password, {
    what: "the Secret in the virtual cluster",
  })

const clusterFlags = (ground: GroundShape): ReadonlyArray<string> => [
  vcluster.name,
  "-n",
  vcluster.namespace,
  "--kubeconfig",
  ground.host.kubeconfig,
  "--virtual-kubeconfig",
  ground.virtual.kubeconfig,
]

const startClusters = Effect.gen(function* () {
  yield* say("starting two control planes (host and virtual) …")
  const ground = yield* makeGround({ logsTo: "test-results/demo" })
  yield* say(
    `host ${ground.host.server}, virtual ${ground.virtual.server}; starting External Secrets Operator on the host …`,
  )
  const eso = yield* ground.startEso()
  yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
  yield* ground.host.kube.apply(clusterSecretStores, store("correct horse battery staple"))
  yield* say(
    `ESO ${eso.version} reconciles; the host has vCluster ${vcluster.name} and ClusterSecretStore aws-parameter-store`,
  )
  return ground
})

/** The syncer ending by itself would leave the demo waiting for a Secret that never comes. */
const failWhenEnded = (sync: Running) =>
  Effect.flatMap(sync.finished, ({ code, stderr }) =>
    Effect.fail(new GroundError({ message: `sync --follow ended with exit code ${code}:\n${stderr}` })),
  )

const applyExample = Effect.fnUntraced(function* (ground: GroundShape) {
  const { kube } = ground.virtual
  const served = { name: "externalsecrets.external-secrets.io" }
  yield* kube.waitFor(crds, served, isEstablished, { what: "the ExternalSecret CRD in the virtual cluster" })
  yield* kube.waitFor(clusterSecretStores, { name: "aws-parameter-store" })
  yield* say("the virtual cluster has ESO's CRDs and the store; applying the documented example there:")
  yield* showBlock(documentedExample)
  const since = performance.now()
  const applied = yield* ground.kubectl(ground.virtual, ["apply", "-f", "-"], documentedExample)
  if (applied.code !== 0) return yield* new GroundError({ message: `kubectl apply: ${applied.stderr}` })
  const secret = yield* waitForPassword(ground, "correct horse battery staple")
  const took = Math.round(performance.now() - since)
  return yield* say(
    `Secret default/my-app-secret is in the virtual cluster, ${took} ms after kubectl apply: password=${textOf(secret, "password")}`,
  )
})

const rotate = Effect.fnUntraced(function* (ground: GroundShape) {
  yield* ground.host.kube.apply(clusterSecretStores, store("tr0ub4dor&3"))
  const example = { namespace: "default", name: "aws-secret" }
  const annotations = { "force-sync": String(Math.floor(Date.now() / 1000)) }
  const since = performance.now()
  yield* ground.virtual.kube.patch(externalSecretsV1beta1, example, { metadata: { annotations } })
  const secret = yield* waitForPassword(ground, "tr0ub4dor&3")
  const took = Math.round(performance.now() - since)
  yield* say(`rotated in the store, force-sync annotated: password=${textOf(secret, "password")} after ${took} ms`)
})

const showStatus = Effect.fnUntraced(function* (ground: GroundShape) {
  const status = yield* ground.run({ file: binary, args: ["status", ...clusterFlags(ground)] })
  yield* say(`kubectl vcluster-es status ${vcluster.name} -n ${vcluster.namespace} (exit code ${status.code})`)
  yield* showBlock(status.stdout + status.stderr)
  if (status.code !== 0) return yield* new GroundError({ message: "status is not good" })
  return undefined
})

const invitation = (ground: GroundShape): string => `
all of it runs until Ctrl-C. To play with it:

  export PATH="${ground.tools.kubectl.replace(/\/kubectl$/, "")}:$PATH"      # a kubectl, if there is none
  export HOST=${ground.host.kubeconfig}
  export VIRTUAL=${ground.virtual.kubeconfig}

  kubectl --kubeconfig $VIRTUAL get externalsecrets,secrets
  kubectl --kubeconfig $HOST -n ${vcluster.namespace} get externalsecrets,secrets
  kubectl --kubeconfig $VIRTUAL delete secret my-app-secret    # it comes back
  kubectl --kubeconfig $HOST label clustersecretstore aws-parameter-store vcluster-accessible-
  ${binary} status ${vcluster.name} -n ${vcluster.namespace} --kubeconfig $HOST --virtual-kubeconfig $VIRTUAL

logs: ${ground.folder}/*.log, of the syncer ${ground.folder}/program-1-*
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
  const ground = yield* startClusters
  yield* say(`kubectl vcluster-es sync ${vcluster.name} -n ${vcluster.namespace} --follow …`)
  const command = { file: binary, args: ["sync", ...clusterFlags(ground), "--follow"] }
  const sync = yield* Effect.acquireRelease(ground.start(command), stopSync)
  const scenes = Effect.gen(function* () {
    yield* applyExample(ground)
    yield* rotate(ground)
    yield* showStatus(ground)
  })
  yield* Effect.raceFirst(scenes, failWhenEnded(sync))
  if (keep) {
    yield* Effect.sync(() => console.log(invitation(ground)))
    left = true
    return yield* failWhenEnded(sync)
  }
  return 0
})

runScript(Effect.scoped(demo).pipe(Effect.ensuring(say("everything is stopped and removed"))), () => (left ? 0 : 130))
