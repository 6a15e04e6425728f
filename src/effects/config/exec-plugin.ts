/**
 * A credential plugin of a kubeconfig (`client.authentication.k8s.io`): a program that prints an ExecCredential. What it gave is kept
 * until it expires or the server refuses it.
 *
 * It is run here and not by the official client library, which neither limits it nor lets go of it: one that hangs (a cloud's
 * endpoint that does not answer) would hold up every request for ever.
 */
import { Clock, Effect, Option, Predicate, Result, Schema } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import type { KubeconfigError } from "./rest-config.ts"
import { cutText } from "../text/cut-text.ts"
import { fail } from "./kubeconfig-file.ts"

export interface ExecCredential {
  readonly token: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

export interface ExecPlugin {
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>
  readonly installHint: string | undefined
  /** For messages: whose kubeconfig, which plugin. */
  readonly who: string
}

const text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Answer = Schema.Struct({
  status: Schema.Struct({
    token: text,
    clientCertificateData: text,
    clientKeyData: text,
    expirationTimestamp: text,
  }),
})

const decodeAnswer = Schema.decodeUnknownOption(Schema.fromJsonString(Answer))

/**
 * client-go has no limit. Plugins that ask a cloud answer within seconds. Where somebody sits at a terminal, a plugin may wait for a
 * login in the browser, which kubelogin gives up after 3 minutes by itself.
 */
export const pluginLimitMs = (atTerminal: boolean): number => (atTerminal ? 200_000 : 30_000)

/** No ExecCredential is as long; a plugin that prints without end must not fill the memory. */
const maxOutput = 1024 * 1024

type Ended =
  | { readonly _tag: "Answered"; readonly output: string }
  | { readonly _tag: "Failed"; readonly code: number | null; readonly complaint: string }
  | { readonly _tag: "NotStarted"; readonly cause: unknown }

/** No longer than a second: a program may hang in the kernel. */
const untilExit = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    child.once("exit", () => resume(Effect.void))
  }).pipe(Effect.timeoutOption("1 second"))

/** Interrupting it kills the program. */
const runProgram = (plugin: ExecPlugin): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const started = Result.try(() =>
      spawn(plugin.command, plugin.args, {
        env: { ...process.env, ...plugin.env },
        // Whoever waits for a line on it gets the end of the file instead.
        stdio: ["ignore", "pipe", "pipe"],
        // A group of its own, so that what a wrapper has started ends with it.
        detached: true,
      }),
    )
    if (Result.isFailure(started)) return resume(Effect.succeed({ _tag: "NotStarted", cause: started.failure }))
    const child = started.success
    let output = ""
    let complaint = ""
    const kill = () => {
      const { pid } = child
      if (pid !== undefined) Result.try(() => process.kill(-pid, "SIGKILL"))
      child.kill("SIGKILL")
      // A program that it started may hold them open.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
      if (output.length > maxOutput) kill()
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-maxOutput)
    })
    child.on("error", (cause) => resume(Effect.succeed({ _tag: "NotStarted", cause })))
    child.on("close", (code) =>
      resume(Effect.succeed(code === 0 ? { _tag: "Answered", output } : { _tag: "Failed", code, complaint })),
    )
    let exited = false
    child.once("exit", () => {
      exited = true
    })
    return Effect.suspend(() => {
      kill()
      return exited ? Effect.void : untilExit(child)
    })
  })

const whyNotStarted = ({ installHint }: ExecPlugin, cause: unknown): string => {
  if (Predicate.hasProperty(cause, "code") && cause.code === "ENOENT")
    return `is not installed${installHint === undefined || installHint === "" ? "" : `; ${installHint.trim()}`}`
  return `cannot be started: ${Predicate.isError(cause) ? cause.message : String(cause)}`
}

const lastLine = (complaint: string): string => {
  const lines = complaint.split("\n").filter((line) => line.trim() !== "")
  return cutText((lines.at(-1) ?? "it said nothing").trim(), 300)
}

/** What a plugin printed on standard output is a secret and never repeated. */
const answerOf = (plugin: ExecPlugin, ended: Ended) => {
  if (ended._tag === "NotStarted") return Effect.fail(fail(`${plugin.who} ${whyNotStarted(plugin, ended.cause)}`))
  if (ended._tag === "Failed") return Effect.fail(fail(`${plugin.who} failed: ${lastLine(ended.complaint)}`))
  return Option.match(decodeAnswer(ended.output), {
    onNone: () => Effect.fail(fail(`${plugin.who} printed no ExecCredential`)),
    onSome: ({ status }) => Effect.succeed(status),
  })
}

const given = (value: string | null | undefined): string | undefined =>
  value === undefined || value === null || value === "" ? undefined : value

/**
 * @param limitMs after which a run is ended
 * @returns an effect whose argument says that what was given before is not good any more
 */
export const makeExecPlugin = (
  plugin: ExecPlugin,
  limitMs: number,
): ((renew: boolean) => Effect.Effect<ExecCredential, KubeconfigError>) => {
  let kept: { readonly credential: ExecCredential; readonly until: number } | undefined
  return Effect.fnUntraced(function* (renew) {
    const now = yield* Clock.currentTimeMillis
    if (kept !== undefined && !renew && now < kept.until) return kept.credential
    kept = undefined
    const ended = yield* Effect.timeoutOrElse(runProgram(plugin), {
      duration: limitMs,
      orElse: () =>
        Effect.fail(
          fail(
            `${plugin.who} gave no answer within ${limitMs / 1000} s and was ended; run it by hand to see what it waits for`,
          ),
        ),
    })
    const status = yield* answerOf(plugin, ended)
    const expires = Date.parse(status.expirationTimestamp ?? "")
    const credential = {
      token: given(status.token),
      cert: given(status.clientCertificateData),
      key: given(status.clientKeyData),
    }
    kept = { credential, until: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires }
    return credential
  })
}
