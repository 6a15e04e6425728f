/**
 * Runs one program as a pod would: a root folder, processes and a network of its own, by Linux namespaces and no container engine.
 * Nothing of the machine's own folders is touched, and any number can run side by side.
 *
 * Usage: node pod-main.ts SPEC.json. It starts `pod-inside.ts` in new namespaces and passes SIGTERM and SIGINT on; ends with the program's exit code.
 * However it ends, the pod ends with it: the pipe between them closes, and with the first process of the namespace all others go.
 */
import { spawn } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { socketOf, type PodSpec } from "./pod-spec.ts"
import { relay } from "./relay.ts"

const [file = ""] = process.argv.slice(2)
const spec: PodSpec = JSON.parse(readFileSync(file, "utf8"))

const inside = fileURLToPath(new URL("pod-inside.ts", import.meta.url))
const isRoot = process.getuid?.() === 0

for (const { outside, inside: port } of spec.serves) await relay(outside, socketOf(spec, "in", port))
for (const { outside, inside: port } of spec.reaches) {
  const socket = socketOf(spec, "out", port)
  rmSync(socket, { force: true })
  await relay(socket, outside)
}

const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child"]
const child = spawn(
  "unshare",
  [...namespaces, ...(isRoot ? [] : ["--map-root-user"]), process.execPath, inside, file],
  { stdio: ["ignore", "inherit", "inherit", "pipe"] },
)
const commands = child.stdio[3]
// Its end is told by the child's.
commands?.on("error", () => {})

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (commands !== undefined && commands !== null && "write" in commands) commands.write(`${signal}\n`)
  })
}
child.once("error", (error) => {
  console.error(`a pod needs unshare (util-linux): ${error.message}`)
  process.exit(127)
})
child.once("exit", (code, signal) => {
  if (signal !== null) console.error(`the pod was ended by ${signal}`)
  process.exit(code ?? 1)
})
