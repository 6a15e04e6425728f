/** Somebody else in a cluster, played: looks at objects as a watch tells of them, and acts. */
import { Effect, Queue, type Scope } from "effect"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import type { Selection } from "../../../src/effects/client/kube-client.ts"
import type { Resource } from "../../../src/effects/client/resource.ts"
import { follow } from "../follow.ts"
import { type Kube, makeKube, type Patch } from "../kube.ts"
import type { KubeError } from "../kube-error.ts"

export interface Player {
  /** What it has done, each as `NAMESPACE/NAME`. Fails where it could not go on: one that has stopped proves nothing. */
  readonly moves: Effect.Effect<ReadonlyArray<string>, KubeError>
}

/** What is to be done about an object; undefined: it is as it should be. */
export type Judgement = (object: KubeObject) => "delete" | Patch | undefined

const isPassing = ({ status }: KubeError): boolean => status === 404 || status === 409

/**
 * Acts on every object of the selection, as often as `judge` finds something to do, until the scope closes. What went or changed meanwhile is
 * looked at again when the watch tells of it.
 *
 * @param name as the API server's audit log is to call it
 */
export const play = Effect.fnUntraced(function* (
  name: string,
  { connection }: Kube,
  resource: Resource,
  selection: Selection,
  judge: Judgement,
): Effect.fn.Return<Player, KubeError, Scope.Scope> {
  const kube = makeKube({ ...connection, userAgent: name })
  const moves: Array<string> = []
  const seen = yield* Queue.unbounded<KubeObject>()
  const act = Effect.fnUntraced(function* (object: KubeObject): Effect.fn.Return<void, KubeError> {
    const what = judge(object)
    if (what === undefined) return
    const { namespace, name: called } = object.metadata
    const ref = { namespace, name: called }
    yield* what === "delete" ? kube.delete(resource, ref) : Effect.asVoid(kube.patch(resource, ref, what))
    moves.push(`${namespace ?? ""}/${called}`)
  })
  const acting = yield* Queue.take(seen).pipe(
    Effect.flatMap((object) => Effect.catchIf(act(object), isPassing, () => Effect.void)),
    Effect.forever,
    Effect.forkScoped({ startImmediately: true }),
  )
  yield* follow(kube, resource, selection, ({ type, object }) => {
    if (type !== "DELETED") Queue.offerUnsafe(seen, object)
  })
  return {
    moves: Effect.suspend(() => {
      const ended = acting.pollUnsafe()
      return ended === undefined ? Effect.succeed([...moves]) : Effect.as(ended, moves)
    }),
  }
})
