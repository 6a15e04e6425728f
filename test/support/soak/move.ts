/** A move of a soak: what somebody does to the clusters. */
import type { Effect } from "effect"
import type { GroundError } from "../../clusters/errors.ts"
import type { KubeError } from "../kube-error.ts"
import type { World } from "./world.ts"

export interface Move {
  readonly name: string
  /** How often, against the others. */
  readonly weight: number
  /** What it would be done to; empty: there is nothing to do it to now. */
  readonly among: (world: World) => ReadonlyArray<string>
  /** @param what one of `among` */
  readonly act: (world: World, what: string) => Effect.Effect<unknown, GroundError | KubeError>
}

/** For a move that is done to all, or to one thing that there is one of. */
export const itself: ReadonlyArray<string> = [""]
export const when = (condition: boolean): ReadonlyArray<string> => (condition ? itself : [])
