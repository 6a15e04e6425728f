/** `config show` on a real host, and `config validate` without any. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { stringify } from "yaml"
import type { Finished } from "../clusters/programs.ts"
import type { GroundShape } from "../clusters/ground.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { BadInput, hostFlags, onBadInput } from "../support/bad-input.ts"
import { changingNothing, complaintOf, runBinary } from "../support/complaint.ts"
import { documentedConfigs } from "../support/documented.ts"
import { vcluster } from "../support/synced-pair.ts"

const write = (ground: GroundShape, name: string, text: string) =>
  Effect.promise(() => writeFile(join(ground.folder, name), text))

/** No kubeconfig, no home: whoever asks a cluster here fails. */
const offline = (ground: GroundShape, args: ReadonlyArray<string>, input?: string) =>
  runBinary(ground, args, {
    cwd: ground.folder,
    env: { KUBECONFIG: "/nonexistent", HOME: "/nonexistent" },
    ...(input === undefined ? {} : { input }),
  })

const linesOf = (finished: Finished) => finished.stdout.trimEnd().split("\n")

const source = `Secret ${vcluster.namespace}/vc-config-${vcluster.name}`

layer(BadInput.layer, { excludeTestServices: true, timeout: "10 minutes" })("config", (it) => {
  it.effect(
    "show tells what is in force and the line of the Secret that says so, without the virtual cluster",
    onBadInput((ground) =>
      Effect.gen(function* () {
        yield* ground.virtual.stopApiServer()
        const finished = yield* runBinary(ground, ["config", "show", ...hostFlags(ground)])
        yield* ground.virtual.startApiServer()
        assert.deepStrictEqual([finished.code, finished.stderr], [0, ""])
        const lines = linesOf(finished)
        assert.strictEqual(lines[0], `vCluster ${vcluster.name}  ${vcluster.namespace}`)
        assert.strictEqual(lines[1], `Settings ${source} · integration on · policy default`)
        const cells = lines.slice(4).map((line) => line.split(/ {3,}/))
        assert.deepInclude(cells, ["integrations.externalSecrets.enabled", "true", `${source}:3:14`])
        assert.deepInclude(cells, ["integrations.externalSecrets.webhook.enabled", "false", "default"])
        assert.deepInclude(cells, [
          "integrations.externalSecrets.sync.fromHost.clusterStores.selector",
          "vcluster-accessible=true",
          `${source}:9:13`,
        ])
      }),
    ),
  )

  it.effect(
    "show as JSON and YAML, changing nothing",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const show = (format: string) => runBinary(ground, ["config", "show", ...hostFlags(ground), "-o", format])
        const json = yield* changingNothing(ground, show("json"))
        const data = JSON.parse(json.stdout)
        assert.strictEqual(data.kind, "Config")
        assert.deepStrictEqual(data.vcluster, { ...vcluster })
        assert.deepInclude(data.settings, {
          path: "integrations.externalSecrets.sync.fromHost.clusterStores.enabled",
          value: true,
          from: `${source}:7:20`,
        })
        const yaml = yield* show("yaml")
        assert.strictEqual(yaml.stdout, (yield* show("yaml")).stdout)
        assert.include(yaml.stdout, "kind: Config\n")
      }),
    ),
  )

  it.effect(
    "show of a vCluster with the integration off, with broken settings, without any",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const show = Effect.suspend(() => runBinary(ground, ["config", "show", ...hostFlags(ground)]))
        yield* ground.seedVcluster({ ...vcluster, values: "" })
        assert.include((yield* show).stdout, "! integration off")
        yield* ground.seedVcluster({ ...vcluster, values: "integrations:\n  externalSecrets: 1\n" })
        assert.deepStrictEqual(complaintOf(yield* show), {
          code: 2,
          error: `${source}:2:20: integrations.externalSecrets: expected a map, found 1`,
        })
        yield* ground.kubectl(ground.host, ["delete", "secret", "-n", vcluster.namespace, `vc-config-${vcluster.name}`])
        assert.strictEqual(complaintOf(yield* show).code, 2)
        yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
      }),
    ),
  )

  it.effect(
    "show -f reads a file and asks no cluster",
    onBadInput((ground) =>
      Effect.gen(function* () {
        yield* write(ground, "values.yaml", stringify(documentedValues))
        const finished = yield* offline(ground, ["config", "show", "-f", "values.yaml"])
        assert.deepStrictEqual([finished.code, finished.stderr], [0, ""])
        assert.strictEqual(linesOf(finished)[0], "Settings values.yaml · integration on · policy default")
        assert.include(finished.stdout, "values.yaml:3:14")
        const absent = complaintOf(yield* offline(ground, ["config", "show", "-f", "none.yaml"]))
        assert.deepStrictEqual(absent, { code: 2, error: "--values none.yaml cannot be read: no such file" })
      }),
    ),
  )

  it.effect(
    "validate takes every configuration of the documentation, offline",
    onBadInput((ground) =>
      Effect.gen(function* () {
        for (const [name, text] of Object.entries(documentedConfigs)) {
          const finished = yield* offline(ground, ["config", "validate", "-"], text)
          assert.deepStrictEqual([finished.code, finished.stderr], [0, ""], name)
          assert.match(finished.stdout, /^✓ standard input: valid, integration (on|off)\n$/, name)
        }
      }),
    ),
  )

  it.effect(
    "validate lists what is wrong and doubtful of each file, and exits with 2",
    onBadInput((ground) =>
      Effect.gen(function* () {
        yield* write(ground, "good.yaml", stringify(documentedValues))
        yield* write(
          ground,
          "bad.yaml",
          `sync:
  toHost:
    customResources:
      externalsecrets.external-secrets.io:
        enabled: true
${documentedConfigs.basic}`,
        )
        const finished = yield* offline(ground, ["config", "validate", "good.yaml", "bad.yaml", "none.yaml"])
        assert.strictEqual(finished.code, 2)
        assert.strictEqual(finished.stderr, "")
        assert.deepStrictEqual(linesOf(finished), [
          "✓ good.yaml: valid, integration on",
          "bad.yaml:4:7: error: external-secrets integration is enabled but external-secrets custom resource is also set in sync.toHost.customResources (externalsecrets.external-secrets.io). This is not supported, please remove the entry from sync.toHost.customResources",
          "✗ bad.yaml: 1 problem",
          "none.yaml: error: cannot be read: no such file",
          "✗ none.yaml: 1 problem",
        ])
        const json = yield* offline(ground, ["config", "validate", "-o", "json", "good.yaml", "-f", "bad.yaml"])
        assert.strictEqual(json.code, 2)
        const data = JSON.parse(json.stdout)
        assert.deepInclude(data, { apiVersion: "vcluster-es.io/v1alpha1", kind: "ConfigValidation", valid: false })
        assert.deepStrictEqual(
          data.files.map((file: { file: string; valid: boolean }) => [file.file, file.valid]),
          [
            ["bad.yaml", false],
            ["good.yaml", true],
          ],
        )
        assert.deepInclude(data.files[0].problems[0], { line: 4, column: 7 })
      }),
    ),
  )

  it.effect(
    "validate warns of Secrets handed over from the vCluster's own namespace, which -n names",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const text = `${documentedConfigs.basic}
sync: {fromHost: {secrets: {enabled: true, mappings: {byName: {"team-x/*": "x/*"}}}}}
`
        const without = yield* offline(ground, ["config", "validate", "-"], text)
        assert.strictEqual(without.stdout, "✓ standard input: valid, integration on\n")
        const finished = yield* offline(ground, ["config", "validate", "-n", "team-x", "-"], text)
        assert.strictEqual(finished.code, 0)
        assert.match(finished.stdout, /: warning: sync\.fromHost\.secrets\.mappings\.byName: "team-x\/\*" hands/)
      }),
    ),
  )

  it.effect(
    "validate without a file, or with standard input twice, is a mistake",
    onBadInput((ground) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(complaintOf(yield* offline(ground, ["config", "validate"])), {
          code: 2,
          error: "config validate takes at least one FILE (- is standard input), got none",
        })
        assert.strictEqual(
          complaintOf(yield* offline(ground, ["config", "validate", "-", "-"])).error,
          "standard input (-) can be read only once",
        )
      }),
    ),
  )
})
