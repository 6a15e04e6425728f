/**
 * Lets code that runs in callbacks speak: lines are queued, and written in order by a fiber of their own.
 *
 * Where nobody reads (a pager that waits, a terminal that was stopped), the queue has a bound: who has more to say waits, as kubectl
 * does, and no line is lost. Warnings come from everywhere and cannot wait; those beyond the bound are counted.
 */
import { Clock, type Duration, Effect, Latch, Queue, type Scope } from "effect"
import { escapeText } from "./escape.ts"
import { toJsonLine } from "./print-object.ts"
import { paint, toLocale } from "./style.ts"
import { Terminal } from "./terminal.ts"

export interface Narrator {
  /** A line of the answer. */
  readonly say: (text: string) => void
  readonly warn: (message: string) => void
  /** Completes when all that was said so far is written. */
  readonly flush: Effect.Effect<void>
  /** Completes at once, unless too much is waiting to be read. */
  readonly ready: Effect.Effect<void>
}

/** Lines in the queue from which on nobody is `ready`; and as many warnings may come on top. */
const maxLines = 1000

type Word = { readonly to: "out" | "err"; readonly text: string } | { readonly done: () => void }

export type LogFormat = "text" | "json"

/** JSON where a log collector reads, text where a person does. */
export const logFormatFor = (asked: LogFormat | undefined): LogFormat =>
  asked ?? (process.env["KUBERNETES_SERVICE_HOST"] !== undefined && !process.stderr.isTTY ? "json" : "text")

/** A line that a progress display may have begun is wiped first. */
const wipe = "\r\u001b[K"

/**
 * What was said is written before the scope closes.
 *
 * @param patience for how long the closing waits for a reader; undefined: for as long as it takes, as kubectl waits for a pager
 */
export const makeNarrator = Effect.fnUntraced(function* (
  format: LogFormat,
  patience?: Duration.Input,
): Effect.fn.Return<Narrator, never, Terminal | Scope.Scope> {
  const terminal = yield* Terminal
  const clock = yield* Clock.Clock
  const words = yield* Queue.unbounded<Word>()
  const room = yield* Latch.make(true)
  let waiting = 0
  let leftOut = 0
  const written = Effect.suspend(() => {
    waiting -= 1
    if (waiting > maxLines / 2) return Effect.void
    if (leftOut > 0) {
      const count = leftOut
      leftOut = 0
      warn(`${count} warnings were left out while nobody read`)
    }
    return room.open
  })
  const speak = Queue.take(words).pipe(
    Effect.flatMap((word) =>
      "done" in word ? Effect.sync(word.done) : Effect.andThen(terminal[word.to](word.text), written),
    ),
  )
  const say = (to: "out" | "err", text: string) => {
    waiting += 1
    if (waiting === maxLines) room.closeUnsafe()
    Queue.offerUnsafe(words, { to, text })
  }
  const warn = (message: string) => {
    if (waiting < 2 * maxLines) say("err", warningText(message))
    else leftOut += 1
  }
  const flush = Effect.callback<void>((resume) => {
    Queue.offerUnsafe(words, { done: () => resume(Effect.void) })
  })
  // Finalizers run in reverse: what was said is written before the writer goes.
  yield* Effect.forkScoped(Effect.forever(speak), { startImmediately: true })
  yield* Effect.addFinalizer(() => (patience === undefined ? flush : Effect.timeoutOption(flush, patience)))
  const style = terminal.errStyle
  const warningText = (message: string): string =>
    format === "json"
      ? toJsonLine({ time: new Date(clock.currentTimeMillisUnsafe()).toISOString(), level: "warn", message })
      : `${terminal.errColumns === undefined ? "" : wipe}${paint(style, "warning", "Warning:")} ${toLocale(style, escapeText(message))}\n`
  return { say: (text) => say("out", text), warn, flush, ready: room.await }
})
