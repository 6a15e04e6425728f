/** The ground's side of the watchdog (`watchdog-main.ts`): a folder and processes that cannot outlive this process. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { openSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { describeCause, GroundError } from "./errors.ts"
import type { Command, Report } from "./watchdog-main.ts"

export interface ExitStatus {
  readonly code: number | null
  readonly signal: string | null
}

export interface ProcessSpec {
  /** Names the log files: `NAME.log`, or `NAME.out` and `NAME.err` with `separate`. */
  readonly name: string
  readonly file: string
  readonly args: ReadonlyArray<string>
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly input?: string
  /** Standard output and standard error into a file each. */
  readonly separate?: boolean
}

export interface Process {
  readonly name: string
  readonly pid: number
  /** Files that hold what it wrote; the same one twice unless `separate`. */
  readonly stdout: string
  readonly stderr: string
  /** Waits for its end. */
  readonly exit: Effect.Effect<ExitStatus>
  readonly hasExited: () => boolean
  /** Nothing happens when it has ended already. */
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Signals and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Effect.Effect<ExitStatus>
}

export interface Watchdog {
  /** Removed at the end, with everything in it. */
  readonly folder: string
  readonly pid: number
  /** Of the processes that are alive. */
  readonly children: () => ReadonlyArray<number>
  readonly start: (spec: ProcessSpec) => Effect.Effect<Process, GroundError>
}

const script = fileURLToPath(new URL("watchdog-main.ts", import.meta.url))

const environment = (extra: ProcessSpec["env"] = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...process.env, ...extra }).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )

/** What is known of one child; the promises are made before the command goes out, so that no report is missed. */
class Child {
  readonly started = Promise.withResolvers<number>()
  readonly exited = Promise.withResolvers<ExitStatus>()
  pid = 0
  gone = false
}

/** Turns the watchdog's reports into promises, and cleans up in its place should it die before us. */
class Kennel {
  readonly children = new Map<number, Child>()
  readonly #watchdog: ChildProcess
  readonly #folder: string
  #closing = false

  constructor(watchdog: ChildProcess, folder: string) {
    this.#watchdog = watchdog
    this.#folder = folder
    if (watchdog.stdout !== null) {
      createInterface({ input: watchdog.stdout }).on("line", (line) => this.#hear(JSON.parse(line)))
    }
    // A command to a dead watchdog: its exit is handled below.
    watchdog.stdin?.on("error", () => {})
    watchdog.once("exit", () => this.#bereaved())
  }

  send(command: Command): void {
    this.#watchdog.stdin?.write(`${JSON.stringify(command)}\n`)
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#watchdog.exitCode !== null || this.#watchdog.signalCode !== null) return
    const exited = once(this.#watchdog, "exit")
    this.#watchdog.stdin?.end()
    await exited
  }

  #hear(report: Report): void {
    const child = this.children.get(report.id)
    if (child === undefined) return
    switch (report.event) {
      case "started":
        child.pid = report.pid
        return child.started.resolve(report.pid)
      case "failed":
        child.gone = true
        child.exited.resolve({ code: null, signal: null })
        return child.started.reject(new Error(report.message))
      case "exited":
        child.gone = true
        return child.exited.resolve({ code: report.code, signal: report.signal })
    }
  }

  #bereaved(): void {
    for (const child of this.children.values()) {
      if (child.gone) continue
      child.gone = true
      if (!this.#closing && child.pid !== 0) process.kill(child.pid, "SIGKILL")
      child.started.reject(new Error("the watchdog is gone"))
      child.exited.resolve({ code: null, signal: "SIGKILL" })
    }
    if (!this.#closing) void rm(this.#folder, { recursive: true, force: true })
  }
}

const handle = (
  kennel: Kennel,
  id: number,
  child: Child,
  names: Pick<Process, "name" | "stdout" | "stderr">,
): Process => {
  const exit = Effect.promise(() => child.exited.promise)
  const signal = (name: NodeJS.Signals) => Effect.sync(() => kennel.send({ op: "signal", id, signal: name }))
  return {
    ...names,
    pid: child.pid,
    exit,
    hasExited: () => child.gone,
    signal,
    stop: (name = "SIGKILL") => Effect.andThen(signal(name), exit),
  }
}

const startChild = async (kennel: Kennel, folder: string, id: number, spec: ProcessSpec): Promise<Process> => {
  const stdout = join(folder, `${spec.name}.${spec.separate === true ? "out" : "log"}`)
  const stderr = spec.separate === true ? join(folder, `${spec.name}.err`) : stdout
  const stdin = spec.input === undefined ? undefined : join(folder, `${spec.name}.in`)
  if (stdin !== undefined) await writeFile(stdin, spec.input ?? "", { mode: 0o600 })
  const child = new Child()
  kennel.children.set(id, child)
  const { file, args, cwd = process.cwd() } = spec
  kennel.send({ op: "start", id, file, args, env: environment(spec.env), cwd, stdin, stdout, stderr })
  await child.started.promise
  return handle(kennel, id, child, { name: spec.name, stdout, stderr })
}

const open = async (folder: string) => {
  const errors = openSync(join(folder, "watchdog.log"), "a", 0o600)
  const child = spawn(process.execPath, [script, folder], {
    detached: true,
    stdio: ["pipe", "pipe", errors],
    // Nothing that this process was started with (a test runner's loaders, a debugger's port) is meant for it.
    env: { ...process.env, NODE_OPTIONS: "" },
  })
  await once(child, "spawn")
  return { folder, child, kennel: new Kennel(child, folder) }
}

/**
 * Starts a watchdog with an empty folder (mode 700) of its own.
 *
 * The folder is made in the system's temporary folder, or in `parent`. When the scope closes, all processes are killed and
 * the folder is gone before the finalizer returns; when this process dies in any way, the watchdog does the same.
 */
export const makeWatchdog = Effect.fnUntraced(function* (options: {
  readonly prefix: string
  readonly parent?: string
}): Effect.fn.Return<Watchdog, GroundError, Scope.Scope> {
  const opened = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => open(await mkdtemp(join(options.parent ?? tmpdir(), options.prefix))),
      catch: (cause) => new GroundError({ message: `cannot start the watchdog: ${describeCause(cause)}` }),
    }),
    ({ kennel }) => Effect.promise(() => kennel.close()),
  )
  const { folder, kennel } = opened
  let lastId = 0
  return {
    folder,
    pid: opened.child.pid ?? 0,
    children: () =>
      [...kennel.children.values()].filter((child) => !child.gone && child.pid !== 0).map(({ pid }) => pid),
    start: (spec) =>
      Effect.tryPromise({
        try: () => startChild(kennel, folder, ++lastId, spec),
        catch: (cause) => new GroundError({ message: `cannot start ${spec.file}: ${describeCause(cause)}` }),
      }),
  }
})

/** The last lines of a log, for messages; empty when there is none. */
export const tailOf = (file: string, lines = 15): Effect.Effect<string> =>
  Effect.promise(async () => {
    const text = await readFile(file, "utf8").catch(() => "")
    return text.trimEnd().split("\n").slice(-lines).join("\n")
  })
