/** `version`, help, and the ways to call the program: answers that need no synced object. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { commands } from "../../src/plugin/commands.ts"
import { changingNothing, runBinary } from "../support/complaint.ts"
import { makePath } from "../support/on-path.ts"
import { SyncedPair, vcluster } from "../support/synced-pair.ts"
import packageJson from "../../package.json" with { type: "json" }

const { version } = packageJson

layer(SyncedPair.layer({ follow: false }), { excludeTestServices: true, timeout: "10 minutes" })(
  "the program",
  (it) => {
    it.effect("version --client asks no cluster and needs no kubeconfig", () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        const text = yield* runBinary(ground, ["version", "--client"])
        assert.deepStrictEqual([text.code, text.stdout, text.stderr], [0, `kubectl-vcluster-es:  v${version}\n`, ""])
        const json = yield* runBinary(ground, ["version", "--client", "-o", "json"])
        const expected = { apiVersion: "vcluster-es.io/v1alpha1", kind: "Version", client: version }
        assert.deepStrictEqual(JSON.parse(json.stdout), expected)
        const yaml = yield* runBinary(ground, ["version", "--client", "-o", "yaml"])
        assert.deepStrictEqual(parse(yaml.stdout), expected)
        const flag = yield* runBinary(ground, ["--version"])
        assert.strictEqual(flag.stdout, `kubectl-vcluster-es ${version}\n`)
      }),
    )

    it.effect("version tells of all that take part, and changes nothing", () =>
      Effect.gen(function* () {
        const { command, ground } = yield* SyncedPair
        const finished = yield* changingNothing(ground, command("version", ["-o", "json"]))
        assert.strictEqual(finished.code, 0, finished.stderr)
        const data = JSON.parse(finished.stdout)
        const { body } = yield* ground.host.kube.request({ method: "GET", path: "/version" })
        const kubernetes = Reflect.get(Object(body), "gitVersion")
        assert.deepStrictEqual(data, {
          apiVersion: "vcluster-es.io/v1alpha1",
          kind: "Version",
          client: version,
          host: { context: "host", kubernetes, eso: "0.20.4", esoApi: ["v1"] },
          vcluster: { ...vcluster, version: "0.37.0" },
        })
      }),
    )

    it.effect("version answers without a cluster, and says why it is left out", () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        const finished = yield* runBinary(ground, [
          "version",
          `--kubeconfig=${ground.host.kubeconfig}`,
          "--server=https://127.0.0.1:1",
        ])
        assert.strictEqual(finished.code, 0, finished.stderr)
        assert.strictEqual(finished.stdout, `kubectl-vcluster-es:  v${version}\n`)
        assert.strictEqual(
          finished.stderr,
          "Warning: the clusters are left out: host API server https://127.0.0.1:1 does not answer: connection refused\n",
        )
      }),
    )

    it.effect("every command has a page of help with all its flags, on standard output", () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        const overview = yield* runBinary(ground, ["--help"])
        assert.deepStrictEqual([overview.code, overview.stderr], [0, ""])
        assert.strictEqual((yield* runBinary(ground, [])).stdout, overview.stdout)
        for (const { doc, specs } of commands) {
          assert.include(overview.stdout, doc.summary.slice(0, 40))
          const words = doc.name.split(" ")
          const page = yield* runBinary(ground, [...words, "--help"])
          assert.deepStrictEqual([page.code, page.stderr], [0, ""], doc.name)
          assert.strictEqual((yield* runBinary(ground, ["help", ...words])).stdout, page.stdout)
          assert.strictEqual((yield* runBinary(ground, [...words, "-h"])).stdout, page.stdout)
          for (const spec of specs)
            assert.match(page.stdout, new RegExp(`--?${spec.long}\\b`), `${doc.name} ${spec.long}`)
          for (const example of doc.examples) assert.include(page.stdout, example.line)
          assert.isTrue(
            page.stdout.split("\n").every((line) => line.length <= 110),
            "fits a terminal",
          )
        }
      }),
    )

    it.effect("is a plugin of kubectl: found, called with its flags, its exit code kept", () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        const env = { PATH: yield* makePath(ground), HOME: ground.folder, KUBECONFIG: ground.host.kubeconfig }
        const kubectl = (args: ReadonlyArray<string>) => ground.run({ file: "kubectl", args, env, cwd: ground.folder })
        const list = yield* kubectl(["plugin", "list"])
        assert.strictEqual(list.code, 0, list.stderr)
        assert.include(list.stdout, "/kubectl-vcluster_es")
        const client = yield* kubectl(["vcluster-es", "version", "--client"])
        assert.deepStrictEqual([client.code, client.stdout], [0, `kubectl-vcluster-es:  v${version}\n`])
        const where = ["-n", vcluster.namespace, `--virtual-kubeconfig=${ground.virtual.kubeconfig}`]
        // The kubeconfig comes from the environment, as kubectl's does; the only vCluster need not be named.
        const pass = yield* kubectl(["vcluster-es", "sync", ...where])
        assert.strictEqual(pass.code, 0, pass.stderr)
        const status = yield* kubectl(["vcluster-es", "status", ...where])
        assert.strictEqual(status.code, 0, status.stdout)
        const mistake = yield* kubectl(["vcluster-es", "status", "--nonsense"])
        assert.strictEqual(mistake.code, 2)
        assert.strictEqual(mistake.stderr, "Error: unknown flag --nonsense\n")
      }),
    )

    it.effect("colours for a terminal only; NO_COLOR, TERM=dumb and --color rule", () =>
      Effect.gen(function* () {
        const { command, ground } = yield* SyncedPair
        const escape = "\u001b["
        assert.notInclude((yield* command("status")).stdout, escape)
        assert.include((yield* command("status", ["--color"])).stdout, escape)
        const line = [
          "status",
          "-n",
          vcluster.namespace,
          `--kubeconfig=${ground.host.kubeconfig}`,
          `--virtual-kubeconfig=${ground.virtual.kubeconfig}`,
        ].join(" ")
        const path = yield* makePath(ground)
        /** `script` gives it a terminal. */
        const onTerminal = (env: Readonly<Record<string, string | undefined>>, flags = "") =>
          Effect.map(
            ground.run({
              file: "script",
              args: ["-qec", `kubectl-vcluster_es ${line} ${flags}`, "/dev/null"],
              env: { PATH: path, TERM: "xterm", LANG: "C.UTF-8", LC_ALL: undefined, NO_COLOR: undefined, ...env },
            }),
            ({ stdout }) => stdout,
          )
        const colour = `${escape}32m✓${escape}0m`
        assert.include(yield* onTerminal({}), colour)
        for (const plain of [
          yield* onTerminal({ NO_COLOR: "1" }),
          yield* onTerminal({ TERM: "dumb" }),
          yield* onTerminal({}, "--color=never"),
        ]) {
          assert.include(plain, "✓")
          assert.notInclude(plain, escape)
        }
        const ascii = yield* onTerminal({ NO_COLOR: "1", LANG: "C" })
        assert.match(ascii, /^[\r\n -~]+$/)
      }),
    )

    it.effect("-v=6 shows each request, -v=8 bodies too, and never a secret", () =>
      Effect.gen(function* () {
        const { command, ground } = yield* SyncedPair
        const six = yield* command("status", ["-v=6"])
        assert.match(
          six.stderr,
          /^\S+ debug host GET \/api\/v1\/namespaces\/team-x\/secrets\/vc-config-my-vcluster 200 \d+ ms$/m,
        )
        assert.match(six.stderr, /^\S+ debug virtual GET \/api\/v1\/namespaces\/kube-system 200 \d+ ms$/m)
        assert.notInclude(six.stderr, " got ")
        assert.strictEqual(six.stdout, (yield* command("status")).stdout, "the answer is the same")
        const eight = yield* command("status", ["-v=8"])
        assert.match(eight.stderr, /^\S+ trace host GET \S+vc-config-my-vcluster got \{.*"config\.yaml":"\*\*\*"/m)
        const { key = "" } = ground.host.connectionAs({ user: "x" })
        for (const secret of ["s3cret", btoa("s3cret"), key.slice(40, 80), "PRIVATE KEY"])
          assert.notInclude(eight.stderr, secret)
      }),
    )
  },
)
