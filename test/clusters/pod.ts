/** Programs as pods run them, without a kubelet: `pod-main.ts` has the namespaces, this has the files, the environment and the ports. */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Effect } from "effect"
import { describeCause, GroundError } from "./errors.ts"
import { namespaceFlags, type PodSpec, type PortPair } from "./pod-spec.ts"
import { type Running, startProgram } from "./programs.ts"
import type { Watchdog } from "./watchdog.ts"

export interface PodOptions {
  /** Of its folder, which stays with what was written there when another pod of this name is started. */
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** Written before each start: path in the pod → text. */
  readonly files?: Readonly<Record<string, string>>
  readonly mounts?: PodSpec["mounts"]
  readonly reaches?: ReadonlyArray<PortPair>
  readonly serves?: ReadonlyArray<PortPair>
}

/** Names come from the pod's `/etc/hosts` alone: there is no DNS. */
const resolver = { "/etc/hosts": "127.0.0.1 localhost\n", "/etc/nsswitch.conf": "hosts: files\n" }

const main = fileURLToPath(new URL("pod-main.ts", import.meta.url))

/** For programs that are not linked statically. */
export const systemLibraries: PodSpec["mounts"] = ["/lib", "/lib64", "/usr/lib"]
  .filter((folder) => existsSync(folder))
  .map((folder) => ({ from: folder, at: folder }))

export const podFolder = (watchdog: Watchdog, name: string): string => join(watchdog.folder, "pods", name)

const writeWithFolder = async (file: string, text: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

const write = (options: PodOptions, spec: PodSpec, specFile: string): Effect.Effect<void, GroundError> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(spec.sockets, { recursive: true })
      const texts = Object.entries({ ...resolver, ...options.files })
      await Promise.all(texts.map(([path, text]) => writeWithFolder(join(spec.root, path), text)))
      await writeFile(specFile, JSON.stringify(spec), { mode: 0o600 })
    },
    catch: (cause) =>
      new GroundError({ message: `cannot write the files of pod ${options.name}: ${describeCause(cause)}` }),
  })

const firstLine = (text: string): string => text.split("\n").find((line) => line.trim() !== "") ?? ""

/** Whether this machine lets us make the namespaces of a pod; fails with what is missing. */
export const canRunPods: Effect.Effect<void, GroundError> = Effect.tryPromise({
  try: () => promisify(execFile)("unshare", [...namespaceFlags, "ip", "link", "set", "lo", "up"]),
  catch: (cause) =>
    new GroundError({
      message: `a real vCluster needs Linux with unshare (util-linux) and ip (iproute2), and root or user namespaces: ${firstLine(describeCause(cause))}`,
      missing: "namespaces",
    }),
}).pipe(Effect.asVoid)

/** Starts it; its output is that of the program. A SIGTERM to it reaches the program, and what the program leaves behind ends with it. */
export const startPod = Effect.fnUntraced(function* (
  watchdog: Watchdog,
  options: PodOptions,
): Effect.fn.Return<Running, GroundError> {
  yield* canRunPods
  const folder = podFolder(watchdog, options.name)
  const spec: PodSpec = {
    root: join(folder, "root"),
    sockets: join(folder, "s"),
    mounts: options.mounts ?? [],
    command: options.command,
    env: options.env ?? {},
    reaches: options.reaches ?? [],
    serves: options.serves ?? [],
  }
  const specFile = join(folder, "spec.json")
  yield* write(options, spec, specFile)
  return yield* startProgram(watchdog, { file: process.execPath, args: [main, specFile], label: options.name })
})
