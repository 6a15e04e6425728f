/**
 * The first process in a pod's namespaces: puts the root folder together, opens the ways in and out, runs the program there, and ends with it.
 *
 * Usage, by pod-main.ts: node pod-inside.ts SPEC.json, with names of signals as lines on file descriptor 3.
 */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { Socket } from "node:net"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { type PodSpec, socketOf } from "./pod-spec.ts"
import { freshSocket, relay } from "./relay.ts"

const [file = ""] = process.argv.slice(2)
const spec: PodSpec = JSON.parse(readFileSync(file, "utf8"))

/** A mount needs something to lie on. */
const makeMountPoint = (from: string, at: string): void => {
  if (existsSync(at)) return
  if (statSync(from).isDirectory()) {
    mkdirSync(at, { recursive: true })
  } else {
    mkdirSync(dirname(at), { recursive: true })
    writeFileSync(at, "")
  }
}

const bind = (from: string, at: string, ...more: ReadonlyArray<string>): void => {
  const target = join(spec.root, at)
  makeMountPoint(from, target)
  execFileSync("mount", ["--bind", from, target])
  if (more.length > 0) execFileSync("mount", ["-o", ["remount", "bind", ...more].join(","), target])
}

const putTogether = (): void => {
  execFileSync("ip", ["link", "set", "lo", "up"])
  for (const device of ["/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"]) bind(device, device)
  for (const { from, at } of spec.mounts) bind(from, at, "ro")
  mkdirSync(join(spec.root, "proc"), { recursive: true })
  execFileSync("mount", ["-t", "proc", "proc", join(spec.root, "proc")])
  mkdirSync(join(spec.root, "tmp"), { recursive: true })
}

const openWays = (): Promise<unknown> =>
  Promise.all([
    ...spec.reaches.map(({ inside }) => relay(inside, socketOf(spec, "out", inside))),
    ...spec.serves.map(({ inside }) => relay(freshSocket(spec, "in", inside), inside)),
  ])

putTogether()
await openWays()

/** Not looked up in PATH: the one given here is the pod's. */
const chroot = ["/usr/sbin/chroot", "/usr/bin/chroot", "/sbin/chroot"].find(existsSync) ?? "chroot"

const program = spawn(chroot, [spec.root, ...spec.command], { env: spec.env, stdio: ["ignore", "inherit", "inherit"] })
// Not a file stream: its blocking read would keep the process from ending.
createInterface({ input: new Socket({ fd: 3, readable: true, writable: false }) })
  .on("line", (signal) => {
    if (signal === "SIGTERM" || signal === "SIGINT") program.kill(signal)
  })
  // Whoever started us is gone.
  .on("close", () => process.exit(1))
program.once("error", (error) => {
  console.error(`a pod needs chroot: ${error.message}`)
  process.exit(127)
})
program.once("exit", (code, signal) => {
  if (signal !== null) console.error(`${spec.command[0]} was ended by ${signal}`)
  process.exit(code ?? 1)
})
