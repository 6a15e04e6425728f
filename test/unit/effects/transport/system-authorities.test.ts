/** Whom a connection trusts whose kubeconfig names no authority. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { authority, startConnectProxy, startServer } from "../fault-server.ts"
import { ok } from "../test-client.ts"

const program = fileURLToPath(new URL("../../../support/default-trust-program.ts", import.meta.url))
const runtimeArguments = "Deno" in globalThis ? ["run", "-A"] : []

/** The system's authorities are, by OpenSSL's variables, those in `folder` alone. */
const sayWith = (folder: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const env = { ...process.env, SSL_CERT_FILE: join(folder, "root.pem"), SSL_CERT_DIR: join(folder, "none") }
    const child = execFile(
      process.execPath,
      [...runtimeArguments, program, ...args],
      { env },
      (error, stdout, stderr) => resume(Effect.succeed(error === null ? stdout : stderr)),
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const systemRoots = (pem: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "authorities-test-"))
      writeFileSync(join(folder, "root.pem"), pem)
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
  )

// Starting a process takes seconds on a busy machine.
describe("a kubeconfig without an authority", { timeout: 60_000 }, () => {
  it.live("trusts what the system trusts, the server and the proxy before it", () =>
    Effect.gen(function* () {
      const server = yield* startServer(ok)
      const proxy = yield* startConnectProxy(undefined, true)
      const company = yield* systemRoots(authority.cert)
      assert.strictEqual(yield* sayWith(company, server.url), "200")
      assert.strictEqual(yield* sayWith(company, server.url, `https://127.0.0.1:${proxy.port}`), "200")
    }),
  )

  it.live("trusts nobody else", () =>
    Effect.gen(function* () {
      const server = yield* startServer(ok)
      assert.include(yield* sayWith(yield* systemRoots(""), server.url), "is not trusted")
    }),
  )
})
