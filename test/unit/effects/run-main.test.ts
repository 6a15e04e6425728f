import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const program = fileURLToPath(new URL("../../support/run-main-program.ts", import.meta.url))
const runtimeArguments = "Deno" in globalThis ? ["run", "-A"] : []

interface Outcome {
  readonly code: number | null
  readonly out: number
  readonly err: string
  /** Since the first signal. */
  readonly millis: number
}

const start = (mode: string, command = process.execPath, given: ReadonlyArray<string> = runtimeArguments) =>
  spawn(command, [...given, program, mode], { stdio: ["ignore", "pipe", "pipe"] })

/** The program in a process of its own; `signals` are sent one by one, each after the next line on stderr. */
const run = (mode: string, ...signals: ReadonlyArray<NodeJS.Signals>) =>
  Effect.callback<Outcome>((resume) => {
    const child = start(mode)
    const waiting = [...signals]
    let out = 0
    let err = ""
    let since = 0
    child.stdout.on("data", (chunk: Uint8Array) => (out += chunk.length))
    child.stderr.on("data", (chunk: Uint8Array) => {
      err += new TextDecoder().decode(chunk)
      const signal = waiting.shift()
      if (signal === undefined || child.pid === undefined) return
      since ||= Date.now()
      // After `child.kill` Deno reports the signal that was sent in place of the exit code.
      process.kill(child.pid, signal)
    })
    child.on("close", (code) => resume(Effect.succeed({ code, out, err, millis: Date.now() - since })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

/** Deno writes into a pipe as long as that takes, and does nothing else meanwhile. */
const whereWritesReturn: readonly [command: string, given: ReadonlyArray<string>] =
  "Deno" in globalThis
    ? [fileURLToPath(new URL("../../../node_modules/.bin/node", import.meta.url)), []]
    : [process.execPath, runtimeArguments]

/** Its standard output is read only by who asks for it. */
const started = (mode: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = start(mode, ...whereWritesReturn)
      child.stderr.resume()
      return child
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  )

/** @param event `exit`: it is gone; `close`: and all that it wrote was read */
const ended = (child: ReturnType<typeof start>, event: "exit" | "close") =>
  Effect.callback<number | null>((resume) => {
    child.once(event, (code) => resume(Effect.succeed(code)))
  })

// Starting a process takes seconds on a busy machine.
describe("runMain", { timeout: 60_000 }, () => {
  const codes = { number: 3, text: 0, failure: 7, defect: 1, leak: 5 }
  for (const [mode, code] of Object.entries(codes)) {
    it.live(`ends with ${code}, and without a word: ${mode}`, () =>
      Effect.gen(function* () {
        const outcome = yield* run(mode)
        assert.deepStrictEqual([outcome.code, outcome.out, outcome.err], [code, 0, "ready\n"])
      }),
    )
  }

  it.live("lets the whole answer out into a pipe", () =>
    Effect.gen(function* () {
      const outcome = yield* run("answer")
      assert.deepStrictEqual([outcome.code, outcome.out], [4, 3_000_000])
    }),
  )

  it.live("ends although nobody reads, where it must, and waits for a reader where not", () =>
    Effect.gen(function* () {
      const waiting = yield* started("answer")
      const unread = yield* started("unread")
      assert.strictEqual(yield* ended(unread, "exit"), 4)
      let out = 0
      waiting.stdout.on("data", (chunk: Uint8Array) => (out += chunk.length))
      assert.deepStrictEqual([yield* ended(waiting, "close"), out], [4, 3_000_000])
    }),
  )

  it.live("interrupts at the first signal, and runs the finalizers", () =>
    Effect.gen(function* () {
      const outcome = yield* run("forever", "SIGTERM")
      assert.deepStrictEqual([outcome.code, outcome.err], [42, "ready\nfinalized\n"])
    }),
  )

  it.live("ends 2 s after the signal, whatever finalizers do", () =>
    Effect.gen(function* () {
      const outcome = yield* run("hang", "SIGINT")
      assert.strictEqual(outcome.code, 42)
      assert.isAtLeast(outcome.millis, 1_800)
      assert.isAtMost(outcome.millis, 5_000)
    }),
  )

  it.live("leaves at once at the second signal", () =>
    Effect.gen(function* () {
      const outcome = yield* run("hang", "SIGINT", "SIGTERM")
      assert.strictEqual(outcome.code, 130)
      assert.isBelow(outcome.millis, 1_800)
    }),
  )
})
