/** Who a real API server takes us for, and whom we take it for. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import { parseKubeconfig } from "../../src/effects/config/kubeconfig.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { externalSecrets, secrets, serviceAccounts } from "../support/resources.ts"
import { connect, failure, tagOf, userAgent } from "./transport-client.ts"

onGround("identity on a real API server", (it) => {
  it.effect("is who the kubeconfig, the token, the plugin and the flags say", () =>
    Effect.gen(function* () {
      const { host, kubectl } = yield* Ground
      const nobody = yield* host.kubeconfigAs("jane.kubeconfig", { user: "jane", groups: ["dev"] })
      const jane = yield* connect(nobody)
      const denied = yield* failure(jane.list(externalSecrets, { namespace: "default" }))
      assert.deepInclude(denied.reason, { _tag: "Forbidden", user: "jane" })
      assert.include(denied.message, "list externalsecrets.external-secrets.io in namespace default")
      assert.deepInclude((yield* failure(Stream.runDrain(jane.watch(secrets, {})))).reason, {
        _tag: "Forbidden",
        user: "jane",
      })

      const boss = yield* connect(host.kubeconfig, { impersonate: { user: "joe", groups: ["dev", "ops"] } })
      assert.deepInclude((yield* failure(boss.list(secrets))).reason, { _tag: "Forbidden", user: "joe" })
      const groups = yield* connect(host.kubeconfig, {
        impersonate: { user: "joe", groups: ["dev", "system:masters"] },
      })
      yield* groups.list(secrets)

      yield* host.kube.create(serviceAccounts, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "robot", namespace: "default" },
      })
      const token = (yield* kubectl(host, ["create", "token", "robot"])).stdout.trim()
      const config = join(host.folder, "token.kubeconfig")
      const ca = join(host.folder, "token-ca.crt")
      const plugin = join(host.folder, "plugin")
      const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } }
      yield* Effect.promise(async () => {
        await writeFile(ca, host.authorities.usual.cert)
        await writeFile(plugin, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`)
        await chmod(plugin, 0o755)
        await writeFile(
          config,
          JSON.stringify({
            contexts: ["token", "exec"].map((name) => ({ name, context: { cluster: "c", user: name } })),
            clusters: [{ name: "c", cluster: { server: host.server, "certificate-authority": "token-ca.crt" } }],
            users: [
              { name: "token", user: { token } },
              { name: "exec", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin" } } },
            ],
          }),
        )
      })
      for (const context of ["token", "exec"]) {
        const robot = yield* connect(config, { context })
        const error = yield* failure(robot.list(secrets))
        assert.deepInclude(error.reason, { _tag: "Forbidden", user: "system:serviceaccount:default:robot" }, context)
      }
      const wrong = yield* connect(config, { context: "token", token: "wrong" })
      assert.strictEqual(yield* tagOf(wrong.list(secrets)), "Unauthorized")
    }),
  )

  it.effect("connects by a kubeconfig that is text, to another address under the old name", () =>
    Effect.gen(function* () {
      const { host } = yield* Ground
      const text = yield* Effect.promise(() => readFile(host.kubeconfig, "utf8"))
      const server = host.server.replace("127.0.0.1", "localhost")
      const options = { cluster: "virtual", userAgent, fieldManager: "vcluster-es" }
      const renamed = yield* parseKubeconfig(text, "Secret a/b", { server, tlsServerName: "kubernetes.default" })
      yield* Effect.flatMap(makeKubeClient({ ...options, source: renamed }), (client) => client.getPath("/version"))
      const misnamed = yield* parseKubeconfig(text, "Secret a/b", { server, tlsServerName: "wrong" })
      const client = yield* makeKubeClient({ ...options, source: misnamed })
      const error = yield* failure(client.getPath("/version"))
      assert.strictEqual(error.reason._tag, "Untrusted", error.message)
    }),
  )
})
