/** vClusters and settings that cannot be used: one clear line, the way out, the right exit code, and nothing changed (DESIGN §8). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { installEsoCrds } from "../clusters/eso.ts"
import { adminOf, documentedValues, seedVcluster } from "../clusters/vcluster.ts"
import { allFlags, BadInput, onBadInput, refused, refusedValues } from "../support/bad-input.ts"
import { changingNothing, runBinary } from "../support/complaint.ts"
import { leases, secrets, statefulSets } from "../support/resources.ts"
import { binary, vcluster } from "../support/synced-pair.ts"

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
    "ESO's CRDs are missing on the host (sync --follow waits for them)",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const bare = yield* ground.addControlPlane({ name: "bare" })
        const other = { ...ground, host: bare }
        yield* seedVcluster(bare, adminOf(ground.virtual), { ...vcluster, values: documentedValues })
        const { namespace } = vcluster
        yield* refused(
          other,
          allFlags(other),
          {
            code: 1,
            error: "External Secrets Operator is not installed on the host: no CRD externalsecrets.external-secrets.io",
            fix: "helm install external-secrets external-secrets --repo https://charts.external-secrets.io -n external-secrets --create-namespace",
          },
          [["sync"], ["sync", "--dry-run"]],
        )
        const status = yield* changingNothing(other, runBinary(other, ["status", ...allFlags(other)]))
        assert.strictEqual(status.code, 1, status.stderr)
        assert.include(status.stdout, "ESO ✗ not installed (no CRD externalsecrets.external-secrets.io)")
        const follow = yield* other.start({ file: binary, args: ["sync", "--follow", ...allFlags(other)] })
        yield* follow.waitForOutput(/no CRD externalsecrets\.external-secrets\.io; waiting for it/, { from: "stderr" })
        assert.isUndefined(
          yield* bare.kube.find(leases, { namespace, name: "vcluster-es-my-vcluster" }),
          "no write yet",
        )
        yield* installEsoCrds(bare, "0.20", ["externalsecrets", "clustersecretstores"])
        yield* follow.waitForOutput(/in step/)
        yield* follow.signal("SIGTERM")
        assert.strictEqual((yield* follow.finished).code, 0)
      }),
    ),
  )
})

layer(BadInput.layer, { excludeTestServices: true, timeout: "10 minutes" })("its settings", (it) => {
  it.effect(
    "the integration is not enabled: the three lines that enable it",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const off = { name: "off", namespace: "team-off" }
        yield* ground.seedVcluster({ ...off, values: { sync: { toHost: { pods: { enabled: true } } } } })
        const expected = {
          code: 2,
          error: "integrations.externalSecrets is not enabled for off",
          fix: "add to vcluster.yaml:\nintegrations:\n  externalSecrets:\n    enabled: true",
        }
        yield* refused(ground, allFlags(ground, off), expected)
      }),
    ),
  )

  it.effect(
    "they are nowhere to be found",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const bare = { name: "no-settings", namespace: "team-bare" }
        yield* ground.seedVcluster(bare)
        yield* ground.host.kube.delete(secrets, { namespace: bare.namespace, name: "vc-config-no-settings" })
        yield* refused(ground, allFlags(ground, bare), {
          code: 2,
          error:
            "the settings of vCluster no-settings are not to be found: there is no Secret vc-config-no-settings with a key config.yaml in namespace team-bare",
          fix: "give them as a file: -f vcluster.yaml",
        })
        yield* refused(ground, [...allFlags(ground, bare), "-f", "absent.yaml"], {
          code: 2,
          error: "--values absent.yaml cannot be read: no such file",
        })
      }),
    ),
  )

  it.effect(
    "YAML that does not parse, in a file and in the Secret: line and column",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const text = "integrations:\n  externalSecrets:\n    enabled: true\n   sync: {}\n"
        const error = "4:1: not valid YAML: All mapping items must start at the same column"
        yield* refusedValues(ground, text, { code: 2, error: `vcluster.yaml:${error}` })
        const broken = { name: "broken", namespace: "team-broken" }
        yield* ground.seedVcluster({ ...broken, values: text })
        yield* refused(ground, allFlags(ground, broken), {
          code: 2,
          error: `Secret team-broken/vc-config-broken:${error}`,
        })
      }),
    ),
  )

  const inSync = (text: string) => `${enabled}    sync:\n${text}`

  it.effect(
    "an invalid selector",
    onBadInput((ground) =>
      Effect.andThen(
        refusedValues(
          ground,
          inSync(
            '      toHost:\n        externalSecrets:\n          selector:\n            matchLabels:\n              "a b": c\n',
          ),
          {
            code: 2,
            error:
              'vcluster.yaml:9:15: "a b" is not a label key; use [PREFIX/]NAME, the name at most 63 letters, digits, - _ . and the prefix a DNS name',
          },
        ),
        refusedValues(
          ground,
          inSync(
            "      fromHost:\n        clusterStores:\n          enabled: true\n          selector:\n            matchExpressions:\n              - { key: a, operator: Within, values: [b] }\n",
          ),
          {
            code: 2,
            error:
              'vcluster.yaml:10:37: integrations.externalSecrets.sync.fromHost.clusterStores.selector.matchExpressions[0].operator: expected one of In, NotIn, Exists, DoesNotExist, found "Within"',
          },
        ),
      ),
    ),
  )

  it.effect(
    "a key that is not known, with the one that was meant",
    onBadInput((ground) =>
      refusedValues(ground, inSync("      fromHost:\n        clusterStore:\n          enabled: true\n"), {
        code: 2,
        error: 'vcluster.yaml:6:9: unknown key "clusterStore" (did you mean "clusterStores"?)',
      }),
    ),
  )

  it.effect(
    "private nodes",
    onBadInput((ground) =>
      refusedValues(ground, `${enabled}privateNodes:\n  enabled: true\n`, {
        code: 2,
        error: "vcluster.yaml:5:3: external-secrets integration is not supported in private nodes mode",
      }),
    ),
  )

  it.effect(
    "the documented conflict with customResources, in the words of vCluster",
    onBadInput((ground) =>
      refusedValues(
        ground,
        `${enabled}sync:\n  toHost:\n    customResources:\n      externalsecrets.external-secrets.io:\n        enabled: true\n`,
        {
          code: 2,
          error:
            "vcluster.yaml:7:7: external-secrets integration is enabled but external-secrets custom resource is also set in sync.toHost.customResources (externalsecrets.external-secrets.io). This is not supported, please remove the entry from sync.toHost.customResources",
        },
      ),
    ),
  )

  it.effect(
    "several mistakes are told together",
    onBadInput((ground) =>
      refusedValues(ground, `${inSync("      toHots: {}\n")}privateNodes:\n  enabled: true\n`, {
        code: 2,
        error:
          'vcluster.yaml:5:7: unknown key "toHots" (did you mean "toHost"?)\nvcluster.yaml:7:3: external-secrets integration is not supported in private nodes mode',
      }),
    ),
  )

  it.effect(
    "a version that the host does not serve",
    onBadInput((ground) =>
      refusedValues(
        ground,
        "integrations:\n  externalSecrets:\n    enabled: true\n    version: v1beta1\n    sync: { fromHost: { clusterStores: { enabled: true } } }\n",
        {
          code: 2,
          error:
            "integrations.externalSecrets.version: the host serves externalsecrets.external-secrets.io as v1, not as v1beta1",
          fix: "take integrations.externalSecrets.version out of vcluster.yaml, or set it to a version that the host serves; nothing is deleted",
        },
      ),
    ),
  )

  it.effect(
    "a mapping onto the vCluster's own namespace, in the words of vCluster",
    onBadInput((ground) =>
      refusedValues(
        ground,
        `${enabled}sync:\n  toHost:\n    namespaces:\n      enabled: true\n      mappings:\n        byName:\n          prod: team-x\n`,
        {
          code: 2,
          error:
            "vcluster.yaml:10:11: namespace sync: config.sync.toHost.namespaces.mappings.byName: host namespace mapping 'team-x' conflicts with control plane namespace 'team-x'",
        },
      ),
    ),
  )
})

layer(BadInput.layer, { excludeTestServices: true, timeout: "10 minutes" })("the command line", (it) => {
  const mistakes: ReadonlyArray<readonly [string, ReadonlyArray<string>, string]> = [
    ["an unknown command", ["snyc"], 'unknown command "snyc" (did you mean sync?)'],
    [
      "an unknown command like no other",
      ["frobnicate"],
      'unknown command "frobnicate" (see kubectl vcluster-es --help)',
    ],
    ["an unknown flag", ["sync", "--folow"], "unknown flag --folow (did you mean --follow?)"],
    ["a flag of another command", ["status", "--follow"], "status has no flag --follow"],
    ["a flag without its value", ["sync", "-n"], "-n needs a value: -n NAMESPACE"],
    [
      "a value that is none",
      ["status", "-o", "jsonn"],
      'invalid value "jsonn" for --output: choose one of json, yaml, wide',
    ],
    [
      "a duration that is none",
      ["sync", "--once-timeout=soon"],
      'invalid value "soon" for --once-timeout: expected a duration such as 90s or 5m',
    ],
    ["too many words", ["sync", "one", "two"], "sync takes one vCluster, got 2: one, two"],
    ["a terminal's escape", ["sync", "--x\u001b[31m"], "unknown flag --x\\x1b[31m"],
  ]
  for (const [name, args, error] of mistakes)
    it.effect(
      name,
      onBadInput((ground) => refused(ground, args, { code: 2, error }, [[]])),
    )
})
