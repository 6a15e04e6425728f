/** The ground of the tests of bad input, and what each of them asserts. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { installEsoCrds } from "../clusters/eso.ts"
import { type GroundShape, makeGround } from "../clusters/ground.ts"
import { documentedValues } from "../clusters/vcluster.ts"
import { changingNothing, complain, type Complaint } from "./complaint.ts"
import { vcluster } from "./synced-pair.ts"

/** ESO's CRDs are there, ESO is not: nothing here gets as far as to need it. */
export class BadInput extends Context.Service<BadInput, GroundShape>()("vcluster-es/test/BadInput") {
  static readonly layer = Layer.effect(
    BadInput,
    Effect.gen(function* () {
      const ground = yield* makeGround()
      yield* installEsoCrds(ground.host, "0.20", ["externalsecrets", "clustersecretstores"])
      yield* ground.seedVcluster({ ...vcluster, values: documentedValues })
      return ground
    }),
  )
}

/** The body of a test. */
export const onBadInput =
  <A, E>(run: (ground: GroundShape) => Effect.Effect<A, E>) =>
  (): Effect.Effect<A, E, BadInput> =>
    Effect.flatMap(BadInput, run)

export const hostFlags = (ground: GroundShape, of: { readonly name?: string; readonly namespace?: string } = {}) => [
  of.name ?? vcluster.name,
  "-n",
  of.namespace ?? vcluster.namespace,
  `--kubeconfig=${ground.host.kubeconfig}`,
]

export const virtualFlag = (path: string) => `--virtual-kubeconfig=${path}`

export const allFlags = (ground: GroundShape, of?: Parameters<typeof hostFlags>[1]) => [
  ...hostFlags(ground, of),
  virtualFlag(ground.virtual.kubeconfig),
]

type Commands = ReadonlyArray<ReadonlyArray<string>>

export const everyCommand: Commands = [["status"], ["sync", "--dry-run"], ["sync"], ["sync", "--follow"]]
export const exceptFollow: Commands = everyCommand.slice(0, -1)
export const everySync: Commands = everyCommand.slice(1)

/** Whatever the command, the complaint is the same. */
export const complains = (
  ground: GroundShape,
  args: ReadonlyArray<string>,
  expected: Complaint,
  commands: Commands = everyCommand,
) =>
  Effect.forEach(commands, (command) =>
    Effect.map(complain(ground, [...command, ...args]), (complaint) =>
      assert.deepStrictEqual(complaint, expected, command.join(" ")),
    ),
  )

/** As {@link complains}, and nothing is changed on any cluster. */
export const refused = (...args: Parameters<typeof complains>) => changingNothing(args[0], complains(...args))

/** @param text a `vcluster.yaml` */
export const refusedValues = (ground: GroundShape, text: string, expected: Complaint, commands?: Commands) =>
  Effect.andThen(
    Effect.promise(() => writeFile(join(ground.folder, "vcluster.yaml"), text)),
    refused(ground, [...allFlags(ground), "-f", "vcluster.yaml"], expected, commands),
  )
