/**
 * The watchdog: a process of its own that starts all others of a test ground and outlives nobody.
 *
 * Its standard input is a pipe from the ground. When that ends, because the ground was closed, crashed or was killed with
 * SIGKILL, it kills what it started and removes the ground's folder. It runs in a session of its own (its parent starts
 * it detached), so a Ctrl-C in the terminal reaches the ground only, which then closes the pipe in its own time.
 *
 * Protocol: JSON lines, `Command` in, `Report` out. Usage: node watchdog-main.ts FOLDER
 */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { rm } from "node:fs/promises"
import { createInterface } from "node:readline"

export type Command =
  | {
      readonly op: "start"
      readonly id: number
      readonly file: string
      readonly args: ReadonlyArray<string>
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string
      readonly stdin: string | undefined
      readonly stdout: string
      readonly stderr: string
    }
  | { readonly op: "signal"; readonly id: number; readonly signal: NodeJS.Signals }

export type Report =
  | { readonly event: "started"; readonly id: number; readonly pid: number }
  | { readonly event: "failed"; readonly id: number; readonly message: string }
  | { readonly event: "exited"; readonly id: number; readonly code: number | null; readonly signal: string | null }

const folder = process.argv[2]
if (folder === undefined) throw new Error("usage: watchdog-main.ts FOLDER")

const children = new Map<number, ChildProcess>()
/** Resolved when the last child is gone. */
let whenEmpty = () => {}

const report = (message: Report) => process.stdout.write(`${JSON.stringify(message)}\n`)

const forget = (id: number) => {
  children.delete(id)
  if (children.size === 0) whenEmpty()
}

const start = (command: Command & { readonly op: "start" }) => {
  const { id } = command
  const files = [
    openSync(command.stdin ?? "/dev/null", "r"),
    openSync(command.stdout, "a", 0o600),
    openSync(command.stderr, "a", 0o600),
  ]
  const child = spawn(command.file, command.args, { env: command.env, cwd: command.cwd, stdio: files })
  for (const file of files) closeSync(file)
  children.set(id, child)
  child.once("spawn", () => report({ event: "started", id, pid: child.pid ?? 0 }))
  child.once("error", (error) => {
    report({ event: "failed", id, message: error.message })
    if (child.pid === undefined) forget(id)
  })
  child.once("exit", (code, signal) => {
    report({ event: "exited", id, code, signal })
    forget(id)
  })
}

const obey = (command: Command) => {
  if (command.op === "signal") {
    children.get(command.id)?.kill(command.signal)
    return
  }
  try {
    start(command)
  } catch (error) {
    report({ event: "failed", id: command.id, message: String(error) })
  }
}

let ending = false
const end = async () => {
  if (ending) return
  ending = true
  for (const child of children.values()) child.kill("SIGKILL")
  if (children.size > 0) {
    await new Promise<void>((resolve) => {
      whenEmpty = resolve
    })
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  // Children of children (go's compilers, a kubeconfig's exec plugin) are still in this process group, and so are we.
  process.kill(-process.pid, "SIGKILL")
}

// The parent may be gone: a report that nobody reads must not stop us from cleaning up.
process.stdout.on("error", () => {})
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end())
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => void end())
