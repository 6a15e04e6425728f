/** How far a long first pass is: one line that redraws on a terminal, a line every ten seconds in a log. */
import { Clock, Effect, type Scope } from "effect"
import { formatElapsed } from "./age.ts"
import { cutEnd } from "./escape.ts"
import { toLocale } from "./style.ts"
import { Terminal } from "./terminal.ts"

export interface Step {
  readonly done: number
  readonly total: number
  /** What is counted: `ExternalSecrets`. */
  readonly what: string
}

export interface Progress {
  /** Only remembers, so it may be called at any rate; the line is drawn by a clock of its own. */
  readonly report: (step: Step) => void
}

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",")

/** `syncing 1,204/5,000 ExternalSecrets  24 %  41 s left`; the estimate appears when 1 % and 2 s are behind us. */
export const progressLine = (step: Step, elapsedMs: number): string => {
  const share = step.total === 0 ? 1 : Math.min(1, step.done / step.total)
  const line = `syncing ${grouped(step.done)}/${grouped(step.total)} ${step.what}  ${Math.floor(share * 100)} %`
  if (share < 0.01 || share === 1 || elapsedMs < 2000) return line
  const left = (elapsedMs / share) * (1 - share)
  return `${line}  ${left < 60_000 ? `${Math.ceil(left / 1000)} s` : formatElapsed(left)} left`
}

const clearLine = "\r\u001b[K"

/** Draws until its scope closes, then leaves no line behind on a terminal. Nothing is drawn for a pass of under half a second. */
export const makeProgress: Effect.Effect<Progress, never, Terminal | Scope.Scope> = Effect.gen(function* () {
  const terminal = yield* Terminal
  let current: Step | undefined
  const started = yield* Clock.currentTimeMillis
  const columns = terminal.errColumns
  const draw = Effect.gen(function* () {
    const step = current
    if (step === undefined) return
    const line = toLocale(terminal.errStyle, progressLine(step, (yield* Clock.currentTimeMillis) - started))
    yield* terminal.err(columns === undefined ? `${line}\n` : clearLine + cutEnd(line, columns - 1))
  })
  if (columns !== undefined) {
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => (current === undefined ? Effect.void : terminal.err(clearLine))),
    )
  }
  const pause = columns === undefined ? "10 seconds" : "200 millis"
  yield* Effect.sleep(columns === undefined ? "10 seconds" : "500 millis").pipe(
    Effect.andThen(Effect.forever(draw.pipe(Effect.andThen(Effect.sleep(pause))))),
    Effect.forkScoped,
  )
  return {
    report: (step) => {
      current = step
    },
  }
})
