/** Clusters that cannot be reached or refuse: one clear line, the way out, the right exit code, and nothing changed (DESIGN §8). */
import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ControlPlane } from "../clusters/control-plane.ts"
import { renderKubeconfig } from "../clusters/kubeconfig.ts"
import { untilGranted } from "../support/access-review.ts"
import {
  allFlags,
  BadInput,
  complains,
  everySync,
  exceptFollow,
  hostFlags,
  onBadInput,
  refused,
  virtualFlag,
} from "../support/bad-input.ts"
import { changingNothing, complaintOf, runBinary } from "../support/complaint.ts"
import { makePath } from "../support/on-path.ts"
import { vcluster } from "../support/synced-pair.ts"

/** While its API server is down, or has a certificate of another authority. */
const whileIt = <A, E, R>(is: "down" | "other", cluster: ControlPlane, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    yield* cluster.stopApiServer("SIGTERM")
    if (is === "other") yield* cluster.startApiServer("other")
    const result = yield* Effect.exit(effect)
    if (is === "other") yield* cluster.stopApiServer("SIGTERM")
    yield* cluster.startApiServer("usual")
    return yield* result
  })

layer(BadInput.layer, { excludeTestServices: true, timeout: "10 minutes" })("the way to the clusters", (it) => {
  it.effect(
    "no kubeconfig",
    onBadInput((ground) =>
      refused(ground, [vcluster.name], {
        code: 2,
        error: "no kubeconfig: neither --kubeconfig, KUBECONFIG nor ~/.kube/config names a readable file",
      }),
    ),
  )

  it.effect(
    "a kubeconfig that does not exist",
    onBadInput((ground) =>
      refused(ground, [vcluster.name, "--kubeconfig=absent.yaml"], {
        code: 2,
        error: "kubeconfig absent.yaml does not exist",
      }),
    ),
  )

  it.effect(
    "a context that does not exist, with the nearest one that does",
    onBadInput((ground) =>
      refused(ground, [...allFlags(ground), "--context=hots"], {
        code: 2,
        error: 'context "hots" does not exist in ~/host.kubeconfig (did you mean "host"?)',
      }),
    ),
  )

  it.effect(
    "a virtual kubeconfig, or a context in it, that does not exist",
    onBadInput((ground) =>
      Effect.andThen(
        refused(ground, [...hostFlags(ground), virtualFlag("absent.yaml")], {
          code: 2,
          error: "kubeconfig absent.yaml does not exist",
        }),
        refused(ground, [...allFlags(ground), "--virtual-context=virtul"], {
          code: 2,
          error: 'context "virtul" does not exist in ~/virtual.kubeconfig (did you mean "virtual"?)',
        }),
      ),
    ),
  )

  it.effect(
    "no way into the virtual cluster: the name in its Secret resolves in the host cluster only",
    onBadInput((ground) =>
      refused(ground, hostFlags(ground), {
        code: 2,
        error:
          "no way into the virtual cluster my-vcluster: Secret vc-my-vcluster leads to my-vcluster.team-x, a name that resolves only inside the host cluster",
        fix: "vcluster connect my-vcluster -n team-x --update-current=false, then --virtual-kubeconfig ./kubeconfig.yaml",
      }),
    ),
  )

  it.effect(
    "the host's API server is down",
    onBadInput((ground) =>
      changingNothing(
        ground,
        whileIt(
          "down",
          ground.host,
          complains(ground, allFlags(ground), {
            code: 3,
            error: `host API server ${ground.host.server} does not answer: connection refused`,
          }),
        ),
      ),
    ),
  )

  it.effect(
    "the virtual API server is down (sync --follow waits for it)",
    onBadInput((ground) =>
      changingNothing(
        ground,
        whileIt(
          "down",
          ground.virtual,
          complains(
            ground,
            allFlags(ground),
            { code: 3, error: `virtual API server ${ground.virtual.server} does not answer: connection refused` },
            exceptFollow,
          ),
        ),
      ),
    ),
  )

  it.effect(
    "the host's API server hangs: --request-timeout is kept",
    onBadInput((ground) =>
      changingNothing(
        ground,
        Effect.ensuring(
          Effect.andThen(
            ground.host.freezeApiServer,
            complains(ground, [...allFlags(ground), "--request-timeout=1s"], {
              code: 3,
              error: `host API server ${ground.host.server} does not answer: timed out: no connection within 1 s`,
            }),
          ),
          ground.host.thawApiServer,
        ),
      ),
    ),
  )

  it.effect(
    "the host's API server has a certificate of another authority",
    onBadInput((ground) =>
      changingNothing(
        ground,
        whileIt(
          "other",
          ground.host,
          complains(ground, allFlags(ground), {
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
    onBadInput((ground) =>
      changingNothing(
        ground,
        whileIt(
          "other",
          ground.virtual,
          complains(ground, allFlags(ground), {
            code: 3,
            error: `virtual API server ${ground.virtual.server}: the server's certificate is not trusted: unable to verify the first certificate`,
            fix: "use a kubeconfig whose certificate-authority-data belongs to that server: --virtual-kubeconfig FILE",
          }),
        ),
      ),
    ),
  )

  it.effect(
    "401: a token that the API server does not know",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const withBadToken = Effect.fnUntraced(function* (cluster: ControlPlane) {
          const { ca, server } = cluster.connectionAs({ user: "nobody" })
          const path = join(ground.folder, `${cluster.name}-bad-token.kubeconfig`)
          const text = renderKubeconfig({ context: cluster.name, connection: { ca, server, token: "stale" } })
          yield* Effect.promise(() => writeFile(path, text))
          return path
        })
        const host = yield* withBadToken(ground.host)
        yield* refused(ground, [vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${host}`], {
          code: 3,
          error: `host API server ${ground.host.server} does not accept the credentials: Unauthorized`,
          fix: "log in anew, then check with: kubectl auth whoami",
        })
        yield* refused(ground, [...hostFlags(ground), virtualFlag(yield* withBadToken(ground.virtual))], {
          code: 3,
          error: `virtual API server ${ground.virtual.server} does not accept the credentials: Unauthorized`,
          fix: "vcluster connect, or --virtual-kubeconfig FILE",
        })
      }),
    ),
  )

  it.effect(
    "403 on the host: verb, resource, namespace, and the rule that would grant it",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const jane = yield* ground.host.kubeconfigAs("jane.kubeconfig", { user: "jane" })
        const args = [vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${jane}`]
        yield* refused(ground, [...args, virtualFlag(ground.virtual.kubeconfig)], {
          code: 3,
          error: "not allowed: get secrets vc-config-my-vcluster in namespace team-x (as user jane)",
          fix: "kubectl create role vcluster-es-get-secrets-jane --verb=get --resource=secrets -n team-x && kubectl create rolebinding vcluster-es-get-secrets-jane --role=vcluster-es-get-secrets-jane --user=jane -n team-x",
        })
      }),
    ),
  )

  it.effect(
    "403 in the virtual cluster (status shows what can be seen)",
    onBadInput((ground) =>
      Effect.gen(function* () {
        const jane = yield* ground.virtual.kubeconfigAs("jane.kubeconfig", { user: "jane" })
        // The other thing that is asked at the same time, so that there is one error to expect.
        const role = ["anchor", "-n", "kube-system"]
        yield* ground.kubectl(ground.virtual, ["create", "role", ...role, "--verb=list", "--resource=configmaps"])
        yield* ground.kubectl(ground.virtual, ["create", "rolebinding", ...role, "--role=anchor", "--user=jane"])
        yield* untilGranted(ground.virtual.kube, {
          user: "jane",
          verb: "list",
          resource: "configmaps",
          namespace: "kube-system",
        })
        const args = [...hostFlags(ground), virtualFlag(jane)]
        yield* refused(
          ground,
          args,
          {
            code: 3,
            error: "not allowed: get namespaces kube-system of the virtual cluster (as user jane)",
            fix: "in the virtual cluster:\nkubectl create role vcluster-es-get-namespaces-jane --verb=get --resource=namespaces -n kube-system && kubectl create rolebinding vcluster-es-get-namespaces-jane --role=vcluster-es-get-namespaces-jane --user=jane -n kube-system",
          },
          everySync,
        )
        const status = yield* changingNothing(ground, runBinary(ground, ["status", ...args]))
        assert.strictEqual(status.code, 1, status.stderr)
        assert.include(status.stdout, "– not visible to you (get namespaces of the virtual cluster)")
      }),
    ),
  )

  it.effect(
    "403: whoever follows the fixes, one after the other, gets an answer",
    onBadInput((ground) =>
      Effect.gen(function* () {
        // kubectl grants nothing on kinds that are not there, so the operator has synced once.
        const first = yield* runBinary(ground, ["sync", ...allFlags(ground)])
        assert.strictEqual(first.code, 0, first.stderr)
        const env = { PATH: yield* makePath(ground), HOME: ground.folder }
        const host = yield* ground.host.kubeconfigAs("ann.kubeconfig", { user: "ann" })
        const virtual = yield* ground.virtual.kubeconfigAs("ann.kubeconfig", { user: "ann" })
        const flags = [vcluster.name, "-n", vcluster.namespace, `--kubeconfig=${host}`, virtualFlag(virtual)]
        const dryRun = runBinary(ground, ["sync", "--dry-run", ...flags])
        const granted: Array<string> = []
        /** The API server takes a moment to heed what was granted last. */
        const next = dryRun.pipe(
          Effect.repeat({
            until: ({ stderr }) => !stderr.includes(granted.at(-1) ?? "nothing yet"),
            schedule: Schedule.spaced("100 millis"),
            times: 20,
          }),
        )
        for (let finished = yield* dryRun; finished.code !== 0; finished = yield* next) {
          const { code, error, fix = "" } = complaintOf(finished)
          assert.strictEqual(code, 3, error)
          assert.notInclude(granted, error, "what was granted is not missed again")
          granted.push(error)
          const [, where = "", command = ""] = /^(in the virtual cluster:\n)?(.*)$/s.exec(fix) ?? []
          const { kubeconfig } = where === "" ? ground.host : ground.virtual
          const done = yield* ground.run({
            file: "/bin/sh",
            args: ["-c", command],
            env: { ...env, KUBECONFIG: kubeconfig },
          })
          assert.strictEqual(done.code, 0, `${fix}\n${done.stderr}`)
        }
        const last = yield* dryRun
        assert.strictEqual(last.stdout, "✓ in step: nothing would change\n")
        assert.include(granted, "not allowed: get namespaces team-x (as user ann)")
        assert.isAbove(granted.length, 5)
      }),
    ),
  )
})
