/** Every storage that virtual clusters have, and what is not to be had on this machine. */
import { Effect, Result } from "effect"
import type { ControlPlaneOptions } from "../clusters/control-plane.ts"
import type { KineVariant } from "../clusters/tool-sets.ts"
import { kineTool } from "../clusters/tools.ts"

export interface StorageCase {
  readonly name: string
  /** Of a control plane with it. */
  readonly options: Pick<ControlPlaneOptions, "storage" | "apiServerFlags">
  /** Whether its API server streams lists. */
  readonly streams: boolean
  /** What all other tests run on. */
  readonly isUsual: boolean
  /** Why it cannot be had: its tests are skipped, which `make test` counts as a failure. */
  readonly missing?: string
}

/** A kine that cannot be built for another reason than a compiler that is missing lets its tests fail. */
const kine = (name: KineVariant, streams: boolean) =>
  Effect.map(Effect.result(kineTool(name)), (built): StorageCase => {
    const lacks = Result.isFailure(built) && built.failure.missing !== undefined
    return {
      name,
      options: { storage: name },
      streams,
      isUsual: false,
      ...(lacks ? { missing: built.failure.message } : {}),
    }
  })

const etcd: StorageCase = { name: "etcd", options: {}, streams: true, isUsual: true }

const withoutWatchList: StorageCase = {
  name: "etcd, feature gate WatchList off",
  options: { apiServerFlags: ["--feature-gates=WatchList=false"] },
  streams: false,
  isUsual: false,
}

/** Builds what is not in the cache yet. */
export const storages: ReadonlyArray<StorageCase> = await Effect.runPromise(
  Effect.all([
    Effect.succeed(etcd),
    kine("kine", true),
    // Its status call fails, and so does every streaming list, with an ERROR event.
    kine("kine-without-dbstat", false),
    Effect.succeed(withoutWatchList),
  ]),
)
