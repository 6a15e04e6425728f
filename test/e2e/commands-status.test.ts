/** `sync` and `status` from the first day on: what they say, what they exit with, and that a look changes nothing. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { stringAt } from "../../src/effects/client/unstructured.ts"
import { changingNothing } from "../support/complaint.ts"
import { clusterSecretStores, crds, events, externalSecrets } from "../support/resources.ts"
import type { PairOptions, SyncedPairShape } from "../support/synced-pair.ts"
import {
  awaitSecret,
  binary,
  createReady,
  externalSecret,
  fakeStore,
  onHost,
  SyncedPair,
  vcluster,
} from "../support/synced-pair.ts"

const withPair = <A, E>(name: string, options: PairOptions, test: (pair: SyncedPairShape) => Effect.Effect<A, E>) =>
  it.live(
    name,
    () => Effect.flatMap(SyncedPair, test).pipe(Effect.provide(SyncedPair.layer(options)), Effect.scoped),
    180_000,
  )

/** Everything but line feeds that a terminal could obey. */
const unprintable = /[^\n\P{Cc}]|\p{Cf}/u

withPair("the first day: dry run, pass, status, all in step", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { command, ground } = pair
    const plan = yield* changingNothing(ground, command("sync", ["--dry-run"]))
    assert.strictEqual(plan.code, 1, plan.stderr)
    assert.include(plan.stdout, "+++ virtual/ClusterSecretStore/store (would be)\n@@ -0,0 +1,")
    assert.include(
      plan.stdout,
      [
        "",
        "+ virtual CustomResourceDefinition externalsecrets.external-secrets.io",
        "+ virtual CustomResourceDefinition clustersecretstores.external-secrets.io",
        "+ virtual ClusterSecretStore store",
        "",
        "would change: 3 created, 0 updated, 0 deleted; nothing was written",
        "",
      ].join("\n"),
    )
    assert.isBelow(plan.stdout.length, 10_000, "schemas are left out")
    assert.deepStrictEqual(
      (yield* ground.virtual.kube.list(crds)).map(({ metadata }) => metadata.name),
      [],
    )

    const pass = yield* command("sync")
    assert.strictEqual(pass.code, 0, pass.stderr)
    assert.match(pass.stdout, /^✓ in step: 1 ClusterSecretStore \(1 created, 0 updated, 0 deleted\) in [\d.]+m?s\n$/)

    yield* ground.virtual.kube.create(externalSecrets, externalSecret("first"))
    const second = yield* command("sync")
    assert.strictEqual(second.code, 0, second.stderr)
    assert.match(
      second.stdout,
      /^✓ in step: 1 ExternalSecret, 1 ClusterSecretStore \(2 created, 0 updated, 0 deleted\) in [\d.]+m?s\n$/,
    )
    yield* awaitSecret(pair, "first")

    const nothing = yield* changingNothing(ground, command("sync", ["--dry-run"]))
    assert.deepStrictEqual([nothing.code, nothing.stdout], [0, "✓ in step: nothing would change\n"])

    const status = yield* changingNothing(ground, command("status"))
    assert.deepStrictEqual([status.code, status.stderr], [0, ""])
    assert.strictEqual(
      status.stdout,
      `vCluster my-vcluster  team-x  v0.37.0 · integration on · syncer ! not running
Host     host         ESO v0.20.4 ✓ · CRDs v1 ✓ (v1beta1 bridged)
Settings stores off · cluster stores on, vcluster-accessible=true · policy default

                        synced   waiting   broken   refused
  ExternalSecrets            1         0        0         0
  ClusterSecretStores        1         0        0         0

! no syncer is running: changes are carried over by single passes only
    fix   kubectl vcluster-es sync my-vcluster -n team-x --follow

Everything is in step.
`,
    )
    const json = yield* command("status", ["-o", "json"])
    assert.strictEqual(json.code, 0)
    assert.deepStrictEqual(JSON.parse(json.stdout), {
      apiVersion: "vcluster-es.io/v1alpha1",
      kind: "Status",
      healthy: true,
      vcluster: { name: "my-vcluster", namespace: "team-x", version: "0.37.0", state: "Running" },
      syncer: { running: false },
      host: { server: ground.host.server, context: "host", eso: { version: "0.20.4", healthy: true }, crds: ["v1"] },
      settings: {
        source: "Secret team-x/vc-config-my-vcluster",
        externalSecrets: { selector: "" },
        stores: { enabled: false, selector: "" },
        clusterStores: { enabled: true, selector: "vcluster-accessible=true" },
        policy: "default",
      },
      counts: {
        ExternalSecret: { synced: 1, waiting: 0, broken: 0, refused: 0 },
        ClusterSecretStore: { synced: 1, waiting: 0, broken: 0, refused: 0 },
      },
      problems: [],
      notVisible: [],
    })
  }),
)

withPair("trouble: what is broken, refused or waiting is told with its reason and its fix", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { command, eso, ground } = pair
    const { host, virtual } = ground
    yield* command("sync")
    yield* host.kube.create(clusterSecretStores, fakeStore("private", {}, {}))
    yield* virtual.kube.create(externalSecrets, externalSecret("good"))
    yield* virtual.kube.create(externalSecrets, externalSecret("no-key", { key: "/absent" }))
    yield* virtual.kube.create(externalSecrets, externalSecret("foreign", { store: "private" }))
    const pass = yield* command("sync")
    assert.strictEqual(pass.code, 1, pass.stderr)
    assert.match(
      pass.stdout,
      /^✗ not in step: 1 of 3 ExternalSecrets, 1 ClusterSecretStore \(.*\) in .*; 1 broken, 1 refused\n✗ default\/no-key +could not get secret data from provider(: .*)?\n/,
    )

    // ESO writes its events in the background; `status` tells the cause from there.
    yield* host.kube.waitForList(
      events,
      { namespace: vcluster.namespace, fieldSelector: "reason=UpdateFailed" },
      (told) => told.some((event) => stringAt(event, "involvedObject", "name") === onHost("no-key")),
    )
    // With ESO stopped, a new one waits for its answer.
    yield* eso?.stop() ?? Effect.void
    yield* virtual.kube.create(externalSecrets, externalSecret("late"))
    const late = yield* command("sync", ["--once-timeout=5s"])
    assert.strictEqual(late.code, 1, late.stderr)
    assert.include(late.stdout, "; 1 broken, 1 refused, 1 waiting\n")

    const text = yield* changingNothing(ground, command("status"))
    assert.deepStrictEqual([text.code, text.stderr], [1, ""])
    const plain = text.stdout.replaceAll(/since \d+s/g, "since 0s").replaceAll(/ +\n/g, "\n")
    assert.include(plain, "ESO v0.20.4 ✗ not ready")
    assert.include(plain, "  ExternalSecrets            1         1        1         1\n")
    assert.include(plain, "1 on the host does not match the selector")
    assert.include(
      plain,
      `✗ default/no-key    could not get secret data from provider: error processing spec.data[0] (key: /absent), err: Secret does not exist
    since 0s
    fix   see the store and the provider's answer; then fetch again
          kubectl annotate externalsecret no-key -n default force-sync=$(date +%s) --overwrite
! default/foreign   refused: ClusterSecretStore private (spec.secretStoreRef) is not imported into this vCluster; usable are those that kubectl get clustersecretstores -l vcluster-es.io/managed=true lists
    fix   the operator lets the store match the selector vcluster-accessible=true on the host
          kubectl --context host label clustersecretstore private vcluster-accessible=true
… default/late      waiting: External Secrets Operator on the host has not answered yet
`,
    )
    assert.notInclude(plain, "Everything is in step")

    const json = yield* command("status", ["-o", "json"])
    assert.strictEqual(json.code, 1)
    const data = JSON.parse(json.stdout)
    assert.isFalse(data.healthy)
    assert.isFalse(data.host.eso.healthy)
    assert.deepStrictEqual(data.counts.ExternalSecret, { synced: 1, waiting: 1, broken: 1, refused: 1 })
    assert.deepStrictEqual(
      data.problems.map(({ severity, health, object, reason }: Record<string, unknown>) => ({
        severity,
        health,
        object,
        reason,
      })),
      [
        ["error", "broken", "no-key", "SecretSyncedError"],
        ["warning", "refused", "foreign", "StoreNotImported"],
        ["info", "waiting", "late", "WaitingForOperator"],
      ].map(([severity, health, name, reason]) => ({
        severity,
        health,
        object: { kind: "ExternalSecret", namespace: "default", name },
        reason,
      })),
    )
    assert.match(data.problems[0].since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepStrictEqual(data.problems[1].fix, {
      text: "the operator lets the store match the selector vcluster-accessible=true on the host",
      command: "kubectl --context host label clustersecretstore private vcluster-accessible=true",
      cluster: "host",
    })
    const yaml = yield* command("status", ["-o", "yaml"])
    assert.deepStrictEqual(parse(yaml.stdout), data)
    const wide = yield* command("status", ["-o", "wide"])
    assert.include(wide.stdout, "from Secret team-x/vc-config-my-vcluster")
  }),
)

withPair("what a tenant wrote never reaches the terminal as it is", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const { command, ground } = pair
    const evil = "\u001b[2J\u001b]0;owned\u0007\u202egnp\u200b.\r\nError: trust me"
    yield* command("sync")
    yield* ground.virtual.kube.create(
      externalSecrets,
      externalSecret("evil", { key: evil, annotations: { "acme.io/note": evil } }),
    )
    yield* ground.virtual.kube.create(
      externalSecrets,
      externalSecret("evil-template", {
        spec: { target: { template: { data: { text: `{{ ${evil}` }, type: evil } } },
      }),
    )
    const runs = [
      yield* command("sync", ["--dry-run"]),
      yield* command("sync", ["--dry-run", "--color=never", "-v=8"]),
      yield* command("sync"),
      yield* command("status"),
      yield* command("status", ["-o", "json"]),
      yield* command("status", ["-o", "yaml"]),
      yield* command("status", ["-o", "wide"]),
    ]
    for (const { code, stdout, stderr } of runs) {
      assert.strictEqual(code, 1)
      assert.notMatch(stdout, unprintable)
      assert.notMatch(stderr, unprintable)
      assert.notMatch(`${stdout}\n${stderr}`, /^Error: trust me/m)
    }
    assert.include(runs[0]?.stdout, "u202e", "it is shown, escaped")
  }),
)

withPair("sync --follow tells each change, as text or as lines of JSON", { follow: false }, (pair) =>
  Effect.gen(function* () {
    const text = yield* pair.startFollow()
    yield* createReady(pair, externalSecret("one"))
    yield* text.waitForOutput(/^\d\d:\d\d:\d\d created {2}virtual Secret default\/one$/m)
    yield* text.signal("SIGTERM")
    assert.strictEqual((yield* text.finished).code, 0)
    const { host } = pair.ground
    const json = yield* pair.ground.start({
      file: binary,
      args: [
        "sync",
        "--follow",
        "--log-format=json",
        vcluster.name,
        `--namespace=${vcluster.namespace}`,
        `--kubeconfig=${host.kubeconfig}`,
        `--virtual-kubeconfig=${pair.ground.virtual.kubeconfig}`,
      ],
    })
    yield* json.waitForOutput(/"kind":"Pass"/)
    yield* createReady(pair, externalSecret("two"))
    yield* json.waitForOutput(/"kind":"Secret","name":"two"/)
    yield* json.signal("SIGTERM")
    const finished = yield* json.finished
    assert.strictEqual(finished.code, 0)
    const [pass, ...changes] = finished.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    assert.deepInclude(pass, { kind: "Pass", inStep: true, changes: 0, problems: [] })
    assert.deepStrictEqual(pass.counts, {
      ExternalSecret: { synced: 1, waiting: 0, broken: 0, refused: 0 },
      ClusterSecretStore: { synced: 1, waiting: 0, broken: 0, refused: 0 },
    })
    for (const line of [pass, ...changes]) assert.match(line.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepInclude(
      changes.map(({ change }) => change),
      { side: "virtual", kind: "Secret", name: "two", namespace: "default", verb: "created" },
    )
  }),
)
