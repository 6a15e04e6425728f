/** Credential plugins (real programs) and what becomes of what they say. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClock } from "effect/testing"
import type { ConnectionSource } from "../../../../src/effects/config/rest-config.ts"
import { KubeconfigError } from "../../../../src/effects/config/rest-config.ts"
import { makeCredentials } from "../../../../src/effects/config/credentials.ts"
import { loadKubeconfig } from "../../../../src/effects/config/kubeconfig.ts"
import { makeSessions } from "../../../../src/effects/transport/session-pool.ts"
import { answer, sourceFor, startServer, withToken } from "../fault-server.ts"
import { defaultTimes } from "../../../../src/effects/transport/http2-session.ts"

/** A kubeconfig whose user is this shell script, which lies beside it. */
const withPlugin = (script: string, extra: object = {}) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "credentials-test-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true })),
    )
    writeFileSync(join(folder, "plugin"), `#!/bin/sh\ncd "$(dirname "$0")"\necho run >> runs\n${script}\n`)
    chmodSync(join(folder, "plugin"), 0o755)
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin", ...extra }
    writeFileSync(
      join(folder, "config"),
      JSON.stringify({
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { server: "https://c:6443", "certificate-authority-data": "Y2E=" } }],
        users: [{ name: "u", user: { exec } }],
      }),
    )
    const source = yield* loadKubeconfig(join(folder, "config"))
    const runs = () =>
      existsSync(join(folder, "runs")) ? readFileSync(join(folder, "runs"), "utf8").split("\n").length - 1 : 0
    return { folder, source, runs }
  })

const say = (status: object) =>
  `cat <<'END'\n${JSON.stringify({ kind: "ExecCredential", apiVersion: "client.authentication.k8s.io/v1", status })}\nEND`

const messageOf = (source: ConnectionSource) =>
  Effect.map(Effect.flip(source.credentials(false)), (error) => error.message)

it.live("runs a plugin that lies beside the kubeconfig, once, until it is to renew", () =>
  Effect.gen(function* () {
    const { source, runs } = yield* withPlugin(say({ token: "from-plugin" }))
    const first = yield* source.credentials(false)
    assert.deepStrictEqual(first, {
      ca: "ca",
      cert: undefined,
      key: undefined,
      headers: { authorization: "Bearer from-plugin" },
    })
    yield* source.credentials(false)
    assert.strictEqual(runs(), 1)
    yield* source.credentials(true)
    assert.strictEqual(runs(), 2)
  }),
)

it.live("runs a plugin again when what it gave has expired", () =>
  Effect.gen(function* () {
    const { source, runs } = yield* withPlugin(say({ token: "t", expirationTimestamp: "2020-01-01T00:00:00Z" }))
    yield* source.credentials(false)
    yield* source.credentials(false)
    assert.strictEqual(runs(), 2)
  }),
)

it.live("takes a certificate from a plugin", () =>
  Effect.gen(function* () {
    const { source } = yield* withPlugin(say({ clientCertificateData: "cert", clientKeyData: "key" }))
    assert.deepInclude(yield* source.credentials(false), { cert: "cert", key: "key", headers: {} })
  }),
)

it.live("tells a plugin about itself, as client-go does", () =>
  Effect.gen(function* () {
    const { folder, source } = yield* withPlugin(
      `printf %s "$KUBERNETES_EXEC_INFO" > info; printf %s "$EXTRA" > extra\n${say({ token: "t" })}`,
      {
        env: [{ name: "EXTRA", value: "given" }],
        provideClusterInfo: true,
      },
    )
    yield* source.credentials(false)
    assert.deepStrictEqual(JSON.parse(readFileSync(join(folder, "info"), "utf8")), {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec: { interactive: false, cluster: { server: "https://c:6443", "certificate-authority-data": "Y2E=" } },
    })
    assert.strictEqual(readFileSync(join(folder, "extra"), "utf8"), "given")
  }),
)

it.live("says why a plugin gave nothing, and never what it printed", () =>
  Effect.gen(function* () {
    const failed = yield* withPlugin("echo hunter2; echo 'not logged in' >&2; exit 3")
    assert.match(yield* messageOf(failed.source), /credential plugin .*\/plugin failed: not logged in$/)
    const garbage = yield* withPlugin("echo hunter2")
    const silent = yield* withPlugin("true")
    const wrong = yield* withPlugin("echo '{\"hunter2\": 1}'")
    for (const { source } of [garbage, silent, wrong]) {
      const text = yield* messageOf(source)
      assert.match(text, /printed no ExecCredential$/)
      assert.notInclude(text, "hunter2")
    }
    const useless = yield* withPlugin(say({}))
    assert.match(yield* messageOf(useless.source), /gave neither a token nor a certificate; log in again$/)
    const absent = yield* withPlugin("true", { command: "no-such-plugin", installHint: "get it at example.com" })
    assert.match(
      yield* messageOf(absent.source),
      /credential plugin no-such-plugin is not installed; get it at example.com$/,
    )
  }),
)

it.live("ends a plugin that gives no answer, and says so; the next run may give one", () =>
  Effect.gen(function* () {
    const { folder } = yield* withPlugin(
      `if [ -e second ]; then\n${say({ token: "late" })}\nelse echo $$ > pid; touch second; exec sleep 600; fi`,
    )
    const user = { exec: { apiVersion: "client.authentication.k8s.io/v1", command: join(folder, "plugin") } }
    const limitMs = 2000
    const credentials = makeCredentials({ origin: "config", cluster: {}, user, userName: "u" }, limitMs)
    const { message } = yield* Effect.flip(credentials(false))
    assert.match(message, /^config: credential plugin .*\/plugin gave no answer within 2 s and was ended; /)
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"))
    assert.throws(() => process.kill(pid, 0), /ESRCH|No such process/i)
    assert.deepInclude((yield* credentials(false)).headers, { authorization: "Bearer late" })
  }),
)

it.live("gives a plugin that reads its standard input the end of it", () =>
  Effect.gen(function* () {
    const { source } = yield* withPlugin(`read line || true\n${say({ token: "t" })}`)
    assert.deepInclude((yield* source.credentials(false)).headers, { authorization: "Bearer t" })
  }),
)

const sessionsFor = (source: ConnectionSource) => makeSessions(source, "test", defaultTimes)

it.live("does not load the client library for a token", () =>
  Effect.gen(function* () {
    // A library that is loaded would fail on this user: the auth provider does not exist.
    const { folder } = yield* withPlugin("exit 1")
    writeFileSync(
      join(folder, "both"),
      JSON.stringify({
        "current-context": "c",
        contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
        clusters: [{ name: "c", cluster: { server: "https://c:6443" } }],
        users: [{ name: "u", user: { token: "t", "auth-provider": { name: "nonsense" } } }],
      }),
    )
    const source = yield* loadKubeconfig(join(folder, "both"))
    assert.deepInclude((yield* source.credentials(false)).headers, { authorization: "Bearer t" })
  }),
)

it.effect(
  "asks for credentials once a minute, keeps the old ones when there are none, and the session throughout",
  () =>
    Effect.gen(function* () {
      const server = yield* startServer((stream) => answer(stream, 200, {}))
      let asked = 0
      const given = [
        Effect.succeed(withToken("a")),
        Effect.fail(new KubeconfigError({ message: "token file is being replaced" })),
        Effect.succeed(withToken("b")),
      ]
      const source = sourceFor(server.url, () => Effect.suspend(() => given[asked++] ?? Effect.die("asked too often")))
      const sessions = yield* sessionsFor(source)
      const tokenNow = Effect.map(sessions.get, ({ headers }) => headers["authorization"])
      const first = yield* sessions.get
      assert.strictEqual(yield* tokenNow, "Bearer a")
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* tokenNow, "Bearer a")
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* tokenNow, "Bearer a")
      assert.strictEqual(asked, 2)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* tokenNow, "Bearer b")
      assert.strictEqual((yield* sessions.get).session, first.session)
    }),
)
