/** What a user can get wrong: one clear line, the way out, the right exit code, and nothing changed (issue 4, DESIGN §8). */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { stringify } from "yaml"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { type GroundShape, makeGround } from "../clusters/ground.ts"
import { renderKubeconfig } from "../clusters/kubeconfig.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { changingNothing, complain, type Complaint } from "../support/complaint.ts"
import { statefulSets } from "../support/resources.ts"
import { vcluster } from "../support/synced-pair.ts"

/** ESO's CRDs are there, ESO is not: nothing here gets as far as to need it. */
class Setup extends Context.Service<Setup, GroundShape>()("vcluster-es/test/BadInput") {
  static readonly layer = Layer.effect(
    Setup,
    Effect.gen(function* () {
      const ground = yield* makeGround()
      yield* installEsoCrds(ground.host, "0.20", ["externalsecrets", "clustersecretstores"])
      yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
      return ground
    }),
  )
}

const hostFlags = (ground: GroundShape, name: string = vcluster.name, namespace: string = vcluster.namespace) => [
  name,
  "-n",
  namespace,
  `--kubeconfig=${ground.host.kubeconfig}`,
]
const virtualFlag = (path: string) => `--virtual-kubeconfig=${path}`
const allFlags = (ground: GroundShape, name?: string, namespace?: string) => [
  ...hostFlags(ground, name, namespace),
  virtualFlag(ground.virtual.kubeconfig),
]

const every = [["sync"], ["sync", "--follow"], ["sync", "--dry-run"], ["status"]]

/** Whatever the command, the complaint is the same, and nothing is changed. */
const refused = (
  ground: GroundShape,
  args: ReadonlyArray<string>,
  expected: Complaint,
  options: { readonly commands?: typeof every; readonly input?: string } = {},
) =>
  changingNothing(
    ground,
    Effect.forEach(options.commands ?? every, (command) =>
      Effect.map(
        complain(ground, [...command, ...args], options.input === undefined ? {} : { input: options.input }),
        (complaint) => assert.deepStrictEqual(complaint, expected, command.join(" ")),
      ),
    ),
  )

const withValues = (ground: GroundShape, text: string, expected: Complaint, commands = every) =>
  Effect.andThen(
    Effect.promise(() => writeFile(join(ground.folder, "vcluster.yaml"), text)),
    refused(ground, [...allFlags(ground), "-f", "vcluster.yaml"], expected, { commands }),
  )

const enabled = "integrations:\n  externalSecrets:\n    enabled: true\n"

/** While its API server is down, or another one. */
const whileChanged = <A, E, R>(
  cluster: ControlPlane,
  change: "down" | "other",
  effect: Effect.Effect<A, E, R>,
) =>
  Effect.gen(function* () {
    yield* cluster.stopApiServer("SIGTERM")
    if (change === "other") yield* cluster.startApiServer("other")
    const result = yield* Effect.exit(effect)
    yield* cluster.stopApiServer("SIGTERM")
    yield* cluster.startApiServer("usual")
    return yield* result
  })

const said = (ground: GroundShape, args: ReadonlyArray<string>, expected: Complaint, commands = every) =>
  Effect.forEach(commands, (command) =>
    Effect.map(complain(ground, [...command, ...args]), (complaint) =>
      assert.deepStrictEqual(complaint, expected, command.join(" ")),
    ),
  )

const test = (run: (ground: GroundShape) => Effect.Effect<unknown, unknown>) => () => Effect.flatMap(Setup, run)

layer(Setup.layer, { excludeTestServices: true, timeout: "10 minutes" })("the way to the host", (it) => {
  it.effect(
    "no kubeconfig",
    test((ground) =>
      refused(ground, [vcluster.name], {
        code: 2,
        error: "no kubeconfig: neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a readable file",
      }),
    ),
  )

  it.effect(
    "a kubeconfig that does not exist",
    test((ground) =>
      refused(ground, [vcluster.name, "--kubeconfig=absent.yaml"], {
        code: 2,
        error: "kubeconfig absent.yaml does not exist",
      }),
    ),
  )

  it.effect(
    "a context that does not exist, with the nearest one that does",
    test((ground) =>
      refused(ground, [...allFlags(ground), "--context=hots"], {
        code: 2,
        error: `context "hots" does not exist in ${ground.host.kubeconfig} (did you mean "host"?)`,
      }),
    ),
  )

  it.effect(
    "a virtual kubeconfig, or a context in it, that does not exist",
    test((ground) =>
      Effect.andThen(
        refused(ground, [...hostFlags(ground), virtualFlag("absent.yaml")], {
          code: 2,
          error: "kubeconfig absent.yaml does not exist",
        }),
        refused(ground, [...allFlags(ground), "--virtual-context=virtul"], {
          code: 2,
          error: `context "virtul" does not exist in ${ground.virtual.kubeconfig} (did you mean "virtual"?)`,
        }),
      ),
    ),
  )

  it.effect(
    "no way into the virtual cluster: what its Secret names resolves in the host cluster only",
    test((ground) =>
      refused(ground, hostFlags(ground), {
        code: 2,
        error: `no way into the virtual cluster my-vcluster: Secret vc-my-vcluster leads to my-vcluster.team-x, a name that resolves only inside the host cluster`,
        fix: "vcluster connect my-vcluster -n team-x --update-current=false, then --virtual-kubeconfig ./kubeconfig.yaml",
      }),
    ),
  )

  it.effect(
    "the host's API server is down",
    test((ground) =>
      changingNothing(
        ground,
        whileChanged(
          ground.host,
          "down",
          said(ground, allFlags(ground), {
            code: 3,
            error: `host API server ${ground.host.server} does not answer: connection refused`,
          }),
        ),
      ),
    ),
  )

  it.effect(
    "the virtual API server is down",
    test((ground) =>
      changingNothing(
        ground,
        whileChanged(
          ground.virtual,
          "down",
          said(
            ground,
            allFlags(ground),
            { code: 3, error: `virtual API server ${ground.virtual.server} does not answer: connection refused` },
            // `sync --follow` waits for it.
            [["sync"], ["sync", "--dry-run"], ["status"]],
          ),
        ),
      ),
    ),
  )

  it.effect(
    "the host's API server has a certificate of another authority",
    test((ground) =>
      changingNothing(
        ground,
        whileChanged(
          ground.host,
          "other",
          said(ground, allFlags(ground), {
            code: 3,
            error: `host API server ${ground.host.server}: the server's certificate is not trusted: unable to verify the first certificate`,
            fix: "give the authority that signed its certificate: --certificate-authority FILE",
          }),
        ),
      ),
    ),
  )

  it.effect(
    "the virtual API server has a certificate of another authority",
    test((ground) =>
      changingNothing(
        ground,
        whileChanged(
          ground.virtual,
          "other",
          said(ground, allFlags(ground), {
            code: 3,
            error: `virtual API server ${ground.virtual.server}: the server's certificate is not trusted: unable to verify the first certificate`,
            fix: "use a kubeconfig whose certificate-authority-data belongs to that server: --virtual-kubeconfig FILE",
          }),
        ),
      ),
    ),
  )

  it.effect(
    "401: a token that the host does not know",
    test((ground) =>
      Effect.gen(function* () {
        const { ca, server } = ground.host.connectionAs({ user: "nobody" })
        const kubeconfig = join(ground.folder, "bad-token.kubeconfig")
        const text = renderKubeconfig({ context: "host", connection: { ca, server, token: "stale" } })
        yield* Effect.promise(() => writeFile(kubeconfig, text))
        yield* refused(ground, [vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${kubeconfig}`], {
          code: 3,
          error: `host API server ${server} does not accept the credentials: Unauthorized`,
          fix: "log in anew, then check with: kubectl auth whoami",
        })
      }),
    ),
  )

  it.effect(
    "403 on the host: verb, resource, namespace, and the rule that would grant it",
    test((ground) =>
      Effect.gen(function* () {
        const kubeconfig = yield* ground.host.kubeconfigAs("jane.kubeconfig", { user: "jane" })
        const args = [vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${kubeconfig}`]
        yield* refused(ground, [...args, virtualFlag(ground.virtual.kubeconfig)], {
          code: 3,
          error: "not allowed: get secrets vc-config-my-vcluster in namespace team-x (as user jane)",
          fix: "kubectl create role vcluster-es-get-secrets --verb=get --resource=secrets -n team-x && kubectl create rolebinding vcluster-es-get-secrets --role=vcluster-es-get-secrets --user=jane -n team-x",
        })
      }),
    ),
  )

  it.effect(
    "403 in the virtual cluster",
    test((ground) =>
      Effect.gen(function* () {
        const kubeconfig = yield* ground.virtual.kubeconfigAs("jane.kubeconfig", { user: "jane" })
        yield* refused(
          ground,
          [...hostFlags(ground), virtualFlag(kubeconfig)],
          {
            code: 3,
            error: "not allowed: get namespaces kube-system of the virtual cluster (as user jane)",
            fix: "in the virtual cluster:\nkubectl create role vcluster-es-get-namespaces --verb=get --resource=namespaces -n kube-system && kubectl create rolebinding vcluster-es-get-namespaces --role=vcluster-es-get-namespaces --user=jane -n kube-system",
          },
          // `status` shows what can be seen.
          { commands: [["sync"], ["sync", "--follow"], ["sync", "--dry-run"]] },
        )
      }),
    ),
  )

  it.effect(
    "403: whoever follows the fixes one by one gets to an answer",
    test((ground) =>
      Effect.gen(function* () {
        const { tools, folder } = ground
        const bin = join(folder, "bin")
        yield* Effect.promise(async () => {
          const script = `#!/bin/sh\nexec ${tools.kubectl} "$@"\n`
          await import("node:fs/promises").then(({ mkdir }) => mkdir(bin, { recursive: true }))
          await writeFile(join(bin, "kubectl"), script)
          await chmod(join(bin, "kubectl"), 0o755)
        })
        const host = yield* ground.host.kubeconfigAs("ann.kubeconfig", { user: "ann" })
        const virtual = yield* ground.virtual.kubeconfigAs("ann.kubeconfig", { user: "ann" })
        const args = ["sync", "--dry-run", vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${host}`, virtualFlag(virtual)]
        const granted: Array<string> = []
        for (;;) {
          const finished = yield* ground.run({ file: binaryPath, args, env: { KUBERNETES_SERVICE_HOST: undefined } })
          if (finished.code !== 3) {
            assert.strictEqual(finished.code, 1, finished.stderr)
            assert.include(finished.stdout, "nothing was written")
            break
          }
          const { error, fix = "" } = complaintOf(finished)
          assert.notInclude(granted, error, "what was granted is not missed again")
          granted.push(error)
          const kubeconfig = fix.startsWith("in the virtual cluster:\n") ? ground.virtual.kubeconfig : ground.host.kubeconfig
          const done = yield* ground.run({
            file: "/bin/sh",
            args: ["-c", fix.replace("in the virtual cluster:\n", "")],
            env: { PATH: `${bin}:/usr/bin:/bin`, KUBECONFIG: kubeconfig, HOME: folder },
          })
          assert.strictEqual(done.code, 0, `${fix}\n${done.stderr}`)
        }
        assert.include(granted, "not allowed: get namespaces team-x (as user ann)")
        assert.isAbove(granted.length, 5)
      }),
    ),
  )
})
