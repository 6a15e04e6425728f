/**
 * docs/moving-in.md: from vCluster's own integration, beside the real open-source vCluster, which deletes the tenant's Secret when the host Secret
 * of the old name goes under a pod. The closed integration is played: its copy on the host, and what it brought to the tenant.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { stringAt, stringMapAt } from "../../src/effects/client/unstructured.ts"
import { commandsOf, problemsIn, shell, watchSecret } from "../support/moving-in-page.ts"
import { clusterSecretStores, externalSecrets, pods, secrets } from "../support/resources.ts"
import { externalSecret, fakeStore, isReady, valueOf } from "../support/synced-pair.ts"
import { besideVcluster, VclusterPair } from "../support/vcluster-pair.ts"

const ref = { namespace: "default", name: "app" }
/** The page names this vCluster. */
const hostRef = { namespace: "team-x", name: "app-x-default-x-my-vcluster" }

/** As vCluster marks what it syncs, and as the closed integration translated the target. */
const leftover = (): KubeObject => {
  const copy = externalSecret("app", { target: { name: hostRef.name } })
  return {
    ...copy,
    metadata: {
      ...hostRef,
      labels: { "vcluster.loft.sh/managed-by": "my-vcluster", "vcluster.loft.sh/namespace": "default" },
      annotations: {
        "vcluster.loft.sh/object-name": "app",
        "vcluster.loft.sh/object-namespace": "default",
        "vcluster.loft.sh/object-host-name": hostRef.name,
      },
    },
  }
}

const pod: KubeObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "app", namespace: "default" },
  spec: {
    automountServiceAccountToken: false,
    containers: [{ name: "app", image: "app", envFrom: [{ secretRef: { name: "app" } }] }],
  },
}

besideVcluster("moving in from vCluster's own integration", (it) => {
  it.effect("named and left alone until it is handed over, and then no Secret that a pod uses is ever gone", () =>
    Effect.gen(function* () {
      const { command, ground, vcluster } = yield* VclusterPair
      const { kube } = vcluster
      const { kube: host } = ground.host
      yield* host.create(externalSecrets, leftover())
      yield* host.waitFor(externalSecrets, hostRef, isReady)
      const former = yield* host.get(secrets, hostRef)
      yield* kube.create(secrets, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { ...ref, labels: former.metadata.labels ?? {} },
        type: "Opaque",
        data: stringMapAt(former, "data"),
      })
      yield* kube.create(pods, pod)
      // From here on the two are a pair to vCluster, which took the Secret of that name for a stray before.
      const paired = yield* host.waitFor(secrets, hostRef, (secret) =>
        Object.hasOwn(secret.metadata.annotations ?? {}, "vcluster.loft.sh/object-name"),
      )
      const before = yield* kube.get(secrets, ref)
      const inVirtual = yield* watchSecret(ground, vcluster.kubeconfig, ref)
      const onHost = yield* watchSecret(ground, ground.host.kubeconfig, hostRef)

      yield* kube.create(externalSecrets, externalSecret("app"))
      const status = yield* Effect.flatMap(command(["status", vcluster.name, "-o", "json"]), ({ finished }) => finished)
      const problem = problemsIn(status.stdout).find(({ name }) => name === "app")
      assert.strictEqual(problem?.reason, "HostObjectOfVcluster", status.stdout)
      const standing = yield* host.get(externalSecrets, hostRef)
      assert.strictEqual(
        problem?.command,
        `kubectl annotate externalsecret ${hostRef.name} -n team-x vcluster-es.io/adopt=${standing.metadata.uid}`,
      )
      assert.strictEqual(stringAt(standing, "spec", "target", "name"), hostRef.name)

      const path = `${ground.tools.kubectl.slice(0, ground.tools.kubectl.lastIndexOf("/"))}:/usr/bin:/bin`
      const done = yield* shell(
        ground,
        path,
        ground.host.kubeconfig,
        commandsOf("hand over all of my-vcluster, on the host"),
      )
      assert.strictEqual(done.code, 0, done.stderr)
      yield* kube.waitFor(externalSecrets, ref, isReady)
      yield* kube.waitFor(secrets, ref, ({ metadata }) => metadata.labels?.["vcluster-es.io/managed"] === "true")
      const ours = yield* host.get(externalSecrets, hostRef)
      assert.strictEqual(ours.metadata.uid, standing.metadata.uid)
      assert.match(stringAt(ours, "spec", "target", "name") ?? "", /\.es$/)

      // What comes now reaches the tenant by us, and the pod by vCluster.
      yield* host.apply(clusterSecretStores, fakeStore("store", { "/database/password": "two" }))
      yield* kube.patch(externalSecrets, ref, { metadata: { annotations: { "force-sync": "1" } } })
      const has = (secret: KubeObject) => valueOf(secret, "password") === "two"
      const after = yield* kube.waitFor(secrets, ref, has)
      const copy = yield* host.waitFor(secrets, hostRef, has)
      assert.deepStrictEqual([after.metadata.uid, copy.metadata.uid], [before.metadata.uid, paired.metadata.uid])
      for (const [lines, uid] of [
        [inVirtual(), before.metadata.uid],
        [onHost(), paired.metadata.uid],
      ] as const)
        for (const line of lines)
          assert.match(line, new RegExp(`^(ADDED|MODIFIED) ${uid} (${btoa("s3cret")}|${btoa("two")})$`))
    }),
  )
})
