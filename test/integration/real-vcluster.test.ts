/** The ground's real vClusters: several side by side, each in a world of its own, and nothing of them is left. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeHostGround } from "../clusters/ground.ts"
import { startPod } from "../clusters/pod.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { makeWatchdog } from "../clusters/watchdog.ts"
import { configMaps, namespaces } from "../support/resources.ts"
import { whyNoVcluster } from "../support/vcluster-pair.ts"

/** Folders that vCluster's image has, and that a machine may have of its own. */
const foldersOfThePod = ["/data", "/pki", "/binaries", "/var/lib/vcluster"]

/** What the machine has under these names; absent ones count too. */
const machineFolders = (): ReadonlyArray<readonly [string, ReadonlyArray<string> | undefined]> =>
  foldersOfThePod.map((folder) => [folder, existsSync(folder) ? readdirSync(folder) : undefined] as const)

/** Programs of this machine whose command line names the ground's folder, or that run in one of its pods. */
const processesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    const file = `/proc/${pid}/cmdline`
    const line = existsSync(file) ? readFileSync(file, "utf8").replaceAll("\0", " ") : ""
    return line.includes(folder) ? [line] : []
  })

const withVclusters = whyNoVcluster === undefined ? it.live : it.live.skip
const why = whyNoVcluster === undefined ? "" : ` (skipped, because ${whyNoVcluster})`

describe("real vClusters", () => {
  withVclusters(
    `two side by side do not see each other, and touch nothing of the machine's own folders${why}`,
    () =>
      Effect.gen(function* () {
        const before = machineFolders()
        const folder = yield* Effect.scoped(
          Effect.gen(function* () {
            const ground = yield* makeHostGround()
            const start = (namespace: string) =>
              ground.startRealVcluster({ name: "same-name", namespace, values: documentedValues })
            const [one, other] = yield* Effect.all([start("team-one"), start("team-other")], { concurrency: 2 })
            const uidOf = (vcluster: typeof one) =>
              Effect.map(vcluster.kube.get(namespaces, { name: "kube-system" }), ({ metadata }) => metadata.uid)
            assert.notStrictEqual(yield* uidOf(one), yield* uidOf(other))
            const mark = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mark", namespace: "default" } }
            yield* one.kube.create(configMaps, mark)
            assert.isUndefined(yield* other.kube.find(configMaps, mark.metadata))
            // One's end is not the other's.
            yield* one.stop()
            assert.isDefined(yield* other.kube.get(namespaces, { name: "default" }))
            assert.isNotEmpty(processesOf(ground.folder))
            return ground.folder
          }),
        )
        assert.deepStrictEqual(machineFolders(), before)
        assert.isFalse(existsSync(folder))
        assert.deepStrictEqual(processesOf(folder), [])
      }),
    180_000,
  )

  withVclusters(`a port that is taken is named in one sentence${why}`, () =>
    Effect.scoped(
      Effect.gen(function* () {
        const server = createServer()
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
          () => Effect.sync(() => server.close()),
        )
        const address = server.address()
        const taken = typeof address === "object" && address !== null ? address.port : 0
        const watchdog = yield* makeWatchdog({ prefix: "vcluster-es-pod-" })
        const pod = yield* startPod(watchdog, {
          name: "pod",
          command: ["/nothing"],
          serves: [{ inside: 8443, outside: taken }],
        })
        const { code, stderr } = yield* pod.finished
        assert.strictEqual(code, 1)
        assert.match(stderr, new RegExp(`^the way into or out of the pod: .*EADDRINUSE.*127\\.0\\.0\\.1:${taken}\\n$`))
      }),
    ),
  )
})
