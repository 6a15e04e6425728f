/** Carries a row out on both sides and says where they differ. Everything is awaited by watching. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { events, externalSecrets, secrets } from "../support/resources.ts"
import type { KubeError } from "../support/kube-error.ts"
import { isAcceptedEverywhere } from "./accepted.ts"
import { answered, named, type Row, type RowDifference, type Side, type State, type Step } from "./entry.ts"
import { type Difference, differencesOf, snapshotOf } from "./snapshot.ts"
import { create } from "./steps.ts"

/** How long a side may take to get where a step leads, and the virtual cluster then to be like the plain one. */
const patience = "40 seconds"

const canaryName = "canary"
const isNoCanary = (object: KubeObject): boolean => object.metadata.name !== canaryName

const read = Effect.fnUntraced(function* (side: Side): Effect.fn.Return<State, KubeError> {
  const selection = { namespace: side.namespace }
  return yield* Effect.all({
    externalSecrets: side.kube.list(externalSecrets, selection),
    secrets: side.kube.list(secrets, selection),
    events: side.kube.list(events, selection),
  })
})

const versions = (objects: ReadonlyArray<KubeObject>): string =>
  objects.map(({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`).join("\n")

/** Ends with the first change after `state`. */
const nextChange = (side: Side, state: State) => {
  const selection = { namespace: side.namespace }
  const differs = (before: ReadonlyArray<KubeObject>) => (now: ReadonlyArray<KubeObject>) =>
    versions(now) !== versions(before)
  const wait = { timeout: "1 hour" } as const
  return Effect.raceAllFirst([
    side.kube.waitForList(externalSecrets, selection, differs(state.externalSecrets), wait),
    side.kube.waitForList(secrets, selection, differs(state.secrets), wait),
    side.kube.waitForList(events, selection, differs(state.events), wait),
  ])
}

/** Waits until `accept` of what is in the namespaces; gives the last state in any case. */
const settle = Effect.fnUntraced(function* (
  sides: ReadonlyArray<Side>,
  accept: (states: ReadonlyArray<State>) => boolean,
): Effect.fn.Return<boolean, KubeError> {
  const wait = Effect.gen(function* () {
    for (;;) {
      const states = yield* Effect.forEach(sides, read, { concurrency: 2 })
      if (accept(states)) return true
      yield* Effect.raceAllFirst(
        sides.flatMap((side, index) => {
          const state = states[index]
          return state === undefined ? [] : [nextChange(side, state)]
        }),
      )
    }
  })
  return yield* wait.pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(false) }))
})

const withoutCanary = (state: State): State => ({
  externalSecrets: state.externalSecrets.filter(isNoCanary),
  secrets: state.secrets.filter(isNoCanary),
  events: state.events,
})

const differences = ([plain, virtual]: ReadonlyArray<State>): ReadonlyArray<Difference> =>
  plain === undefined || virtual === undefined
    ? []
    : differencesOf(snapshotOf(withoutCanary(plain)), snapshotOf(withoutCanary(virtual))).filter(
        (difference) => !isAcceptedEverywhere(difference),
      )

const canary = create({ name: canaryName }, (state) =>
  answered({
    ...state,
    externalSecrets: [named(state.externalSecrets, canaryName)].filter((found) => found !== undefined),
  }),
)

/** What was done before it has been seen by then, as far as anything can show it. */
const carryCanary = Effect.fnUntraced(function* (side: Side) {
  yield* canary.act(side)
  yield* side.kube.waitFor(externalSecrets, { namespace: side.namespace, name: canaryName }, (object) =>
    canary.until({ externalSecrets: [object], secrets: [], events: [] }),
  )
  yield* side.kube.delete(externalSecrets, { namespace: side.namespace, name: canaryName })
  yield* side.kube.waitUntilGone(externalSecrets, { namespace: side.namespace, name: canaryName })
  yield* side.kube.waitUntilGone(secrets, { namespace: side.namespace, name: canaryName })
})

export interface StepResult {
  readonly step: Step
  /** Sides that did not get where the step leads. */
  readonly stuck: ReadonlyArray<string>
  readonly differences: ReadonlyArray<Difference>
}

const carryOut = Effect.fnUntraced(function* (
  sides: readonly [Side, Side],
  step: Step,
  row: Row,
): Effect.fn.Return<StepResult, KubeError> {
  const arrived = yield* Effect.forEach(
    sides,
    (side) =>
      Effect.gen(function* () {
        yield* step.act(side)
        if (step.quiet === true) yield* carryCanary(side)
        return yield* settle([side], ([state]) => state !== undefined && step.until(state))
      }),
    { concurrency: 2 },
  )
  yield* settle(sides, (states) => unexpected(row, step, differences(states)).length === 0)
  const states = yield* Effect.forEach(sides, read)
  return {
    step,
    stuck: sides.flatMap(({ name }, index) => {
      const state = states[index]
      return arrived[index] === true || state === undefined
        ? []
        : [`the ${name} cluster does not get where the step leads: ${JSON.stringify(snapshotOf(withoutCanary(state)))}`]
    }),
    differences: differences(states),
  }
})

/** All steps, up to the first that differs where it must not. */
export const carryOutRow = Effect.fnUntraced(function* (sides: readonly [Side, Side], row: Row) {
  const results: Array<StepResult> = []
  for (const step of row.steps) {
    const result = yield* carryOut(sides, step, row)
    results.push(result)
    if (result.stuck.length > 0 || unexpected(row, step, result.differences).length > 0) break
  }
  return results
})

export const accepts = (accepted: RowDifference, step: Step, { path }: Difference): boolean =>
  accepted.path.test(path) && (accepted.after ?? step.what) === step.what

export const unexpected = (row: Row, step: Step, found: ReadonlyArray<Difference>): ReadonlyArray<Difference> =>
  step.mayBeSeen === true
    ? []
    : found.filter((difference) => !(row.accepts ?? []).some((accepted) => accepts(accepted, step, difference)))
