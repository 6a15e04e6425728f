/** vClusters and settings that cannot be used: one clear line, the way out, the right exit code, and nothing changed (DESIGN §8). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { documentedValues } from "../clusters/vcluster.ts"
import {
  allFlags,
  BadInput,
  everySync,
  exceptFollow,
  hostFlags,
  onBadInput,
  refused,
  refusedValues,
  virtualFlag,
} from "../support/bad-input.ts"
import { changingNothing, complain, runBinary } from "../support/complaint.ts"
import { statefulSets } from "../support/resources.ts"
import { vcluster } from "../support/synced-pair.ts"

const enabled = "integrations:\n  externalSecrets:\n    enabled: true\n"

layer(BadInput.layer, { excludeTestServices: true, timeout: "10 minutes" })("the vCluster", (it) => {
  it.effect(
    "no vCluster of that name: those there are",
    onBadInput((ground) =>
      refused(ground, allFlags(ground, { name: "my-vclster" }), {
        code: 2,
        error: 'no vCluster "my-vclster" in namespace team-x; there are: my-vcluster',
      }),
    ),
  )

  it.effect(
    "no vCluster in the namespace at all",
    onBadInput((ground) =>
      refused(ground, allFlags(ground, { namespace: "default" }), {
        code: 2,
        error: 'no vCluster "my-vcluster" in namespace default; there is none at all',
        fix: "kubectl get statefulsets,deployments -A -l app=vcluster",
      }),
    ),
  )

  it.effect(
    "several vClusters and none named",
    onBadInput((ground) =>
      Effect.gen(function* () {
        yield* ground.seedVcluster({ name: "one", namespace: "crowded" })
        yield* ground.seedVcluster({ name: "two", namespace: "crowded" })
        const args = allFlags(ground, { namespace: "crowded" }).slice(1)
        yield* refused(ground, args, { code: 2, error: "namespace crowded has 2 vClusters: one, two; name one" })
      }),
    ),
  )

  it.effect(
    "names that are none",
    onBadInput((ground) =>
      Effect.andThen(
        refused(ground, allFlags(ground, { name: "../secrets" }), {
          code: 2,
          error: '"../secrets" is no name of a vCluster',
        }),
        refused(ground, allFlags(ground, { namespace: "Team X" }), {
          code: 2,
          error: '"Team X" is no name of a namespace',
        }),
      ),
    ),
  )

  it.effect(
    "a paused vCluster (sync --follow waits for it)",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const paused = { name: "paused", namespace: "sleepy" }
        yield* ground.seedVcluster({ ...paused, values: documentedValues })
        const since = new Date(Date.now() - 7_260_000).toISOString()
        yield* ground.host.kube.patch(statefulSets, paused, {
          metadata: { annotations: { "loft.sh/paused": "true", "loft.sh/paused-date": since } },
          spec: { replicas: 0 },
        })
        yield* refused(
          ground,
          allFlags(ground, paused),
          {
            code: 3,
            error: "vCluster paused is paused (since 121m); nothing was changed",
            fix: "vcluster resume paused -n sleepy",
          },
          [["sync"], ["sync", "--dry-run"]],
        )
        const status = yield* changingNothing(ground, runBinary(ground, ["status", ...allFlags(ground, paused)]))
        assert.strictEqual(status.code, 1, status.stderr)
        assert.include(status.stdout, "paused since 121m")
        assert.include(status.stdout, "vcluster resume paused -n sleepy")
      }),
    ),
  )

  it.effect(
    "ESO's CRDs are missing on the host",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const bare = yield* ground.addControlPlane({ name: "bare" })
        const other = { ...ground, host: bare }
        yield* Effect.scoped(seedOn(other))
        yield* refused(
          other,
          allFlags(other),
          {
            code: 1,
            error:
              "External Secrets Operator is not installed on the host: no CRD externalsecrets.external-secrets.io",
            fix: "helm install external-secrets external-secrets --repo https://charts.external-secrets.io -n external-secrets --create-namespace",
          },
          everySync,
        )
        const status = yield* changingNothing(other, runBinary(other, ["status", ...allFlags(other)]))
        assert.strictEqual(status.code, 1, status.stderr)
        assert.include(status.stdout, "ESO ✗ not installed (no CRD externalsecrets.external-secrets.io)")
      }),
    ),
  )
})
