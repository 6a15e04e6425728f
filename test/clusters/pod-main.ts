/**
 * Runs one program as a pod would: a root folder, processes and a network of its own, by Linux namespaces and no container engine.
 * Nothing of the machine's own folders is touched, and any number can run side by side.
 *
 * Usage: node pod-main.ts SPEC.json. It starts `pod-inside.ts` in new namespaces and passes SIGTERM and SIGINT on; ends with the program's exit code.
 * However it ends, the pod ends with it: the pipe between them closes, and with the first process of the namespace all others go.
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { namespaceFlags, type PodSpec, socketOf } from "./pod-spec.ts"
import { freshSocket, relay } from "./relay.ts"

const [file = ""] = process.argv.slice(2)
const spec: PodSpec = JSON.parse(readFileSync(file, "utf8"))

const inside = fileURLToPath(new URL("pod-inside.ts", import.meta.url))
try {
  await Promise.all([
    ...spec.serves.map((ports) => relay(ports.outside, socketOf(spec, "in", ports.inside))),
    ...spec.reaches.map((ports) => relay(freshSocket(spec, "out", ports.inside), ports.outside)),
  ])
} catch (error) {
  console.error(`the way into or out of the pod: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

const child = spawn("unshare", [...namespaceFlags, process.execPath, inside, file], {
  stdio: ["ignore", "inherit", "inherit", "pipe"],
})
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
