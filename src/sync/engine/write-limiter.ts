/**
 * Two controllers that undo each other's writes would go on for ever, as fast as both API servers answer. We put right what
 * others change (DESIGN §2), but the very same write of one key again and again is slowed down, and said.
 */
import { createHash } from "node:crypto"
import { Effect, Schema } from "effect"
import { arrayAt, isRecord } from "../../effects/client/unstructured.ts"
import { LruMap } from "../../effects/controller/lru-cache.ts"
import type { Action } from "./actions.ts"
import { objectOf } from "./actions.ts"

/** Somebody else takes our write back each time. */
export class Contested extends Schema.TaggedError<Contested>()("Contested", { what: Schema.String }) {
  override get message(): string {
    return `somebody else undoes our write of ${this.what} each time; it is now repeated once in ${refillMs / 1000} seconds`
  }
}

export interface WriteBrake {
  /** Carries the write out and counts it; fails without it when it would be one too many. One that fails does not count. */
  readonly allow: <A, E>(id: string, action: Action, write: Effect.Effect<A, E>) => Effect.Effect<A, E | Contested>
}

/** As many equal writes of one key at once. People who try what we do about their edits need fewer. */
const burst = 10
/** Milliseconds until one more is free. */
export const refillMs = 30_000
/** Writes that are remembered. A fight among more than these is slowed down by their number. */
const remembered = 4096

/**
 * A condition that was taken back and is put right gets a new time each second, and is the same write all the same. ESO's own times
 * (`refreshTime`) tell one refresh from the next and stay.
 */
const withoutTransitionTimes = (status: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const conditions = arrayAt(status, "conditions").map((condition) =>
    isRecord(condition) ? { ...condition, lastTransitionTime: undefined } : condition,
  )
  return { ...status, conditions }
}

const writtenBy = (action: Action): unknown => {
  switch (action._tag) {
    case "Create":
    case "Apply":
      return action.body
    case "Copy":
      return [action.body, action.source.metadata.resourceVersion]
    case "Patch":
      return action.patch
    case "Status":
      return withoutTransitionTimes(action.status)
    case "Delete":
      return action.current.metadata.uid
  }
}

/** What is written, but not onto which version; hashed, since it may hold the values of a Secret. */
const fingerprint = (id: string, action: Action): string => {
  const { _tag, side, resource } = action
  return createHash("sha256")
    .update(JSON.stringify([id, _tag, side, resource.plural, writtenBy(action)]))
    .digest("base64")
}

/** What the writes of a fight are all about; cheap, since nearly every write is the first of its kind, and no fight. */
const targetOf = (id: string, action: Action): string => {
  const { namespace, name } = objectOf(action).metadata
  return `${id} ${action._tag} ${action.side} ${action.resource.plural} ${namespace}/${name}`
}

/** The write in a few words. */
export const describeWrite = (action: Action): string => {
  const { metadata } = objectOf(action)
  const where = metadata.namespace === undefined ? "" : `${metadata.namespace}/`
  return `${action.side} ${action.resource.kind} ${where}${metadata.name}`
}

/** @param now milliseconds of a clock that nobody sets */
export const makeWriteBrake = (now: () => number): WriteBrake => {
  const firstAt = new LruMap<string, number>(remembered)
  const buckets = new LruMap<string, { readonly tokens: number; readonly at: number }>(remembered)
  return {
    allow: <A, E>(id: string, action: Action, write: Effect.Effect<A, E>) =>
      Effect.suspend((): Effect.Effect<A, E | Contested> => {
        const at = now()
        const target = targetOf(id, action)
        const first = firstAt.get(target)
        if (first === undefined)
          return Effect.tap(
            write,
            Effect.sync(() => firstAt.set(target, at)),
          )
        const key = fingerprint(id, action)
        // The first one was not looked at: it counts as equal.
        const before = buckets.get(key) ?? { tokens: burst - 1, at: first }
        const tokens = Math.min(burst, before.tokens + Math.max(0, at - before.at) / refillMs)
        if (tokens < 1) return Effect.fail(new Contested({ what: describeWrite(action) }))
        return Effect.tap(
          write,
          Effect.sync(() => buckets.set(key, { tokens: tokens - 1, at })),
        )
      }),
  }
}
