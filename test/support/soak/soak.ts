/** A soak: rounds of turmoil, in which everybody moves at random, each followed by calm, in which all must come right again. */
import { assert } from "@effect/vitest"
import { Clock, Duration, Effect, type Scope } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import type { GroundError } from "../../clusters/errors.ts"
import { isEstablished } from "../../clusters/eso.ts"
import { inVirtual } from "../attack.ts"
import type { KubeError } from "../kube-error.ts"
import { crds, externalSecrets, secrets } from "../resources.ts"
import { carryThrough } from "../stays.ts"
import { isReady, type SyncedPairShape, valueOf } from "../synced-pair.ts"
import { makeWitness } from "../witness.ts"
import type { Move } from "./move.ts"
import { changeSettings, createStore, operatorMoves, putStore } from "./operator-moves.ts"
import { seeded } from "./random.ts"
import { createAnew, mend, select, tenantMoves } from "./tenant-moves.ts"
import { isFetchedOnce, storeOf, World } from "./world.ts"

const moves: ReadonlyArray<Move> = [...tenantMoves, ...operatorMoves]

const isOfExternalSecrets = (crd: KubeObject) =>
  crd.metadata.name === "externalsecrets.external-secrets.io" && isEstablished(crd)

/** By weight, among those that there is something to do for. */
const choose = (world: World): readonly [Move, string] | undefined => {
  const possible = moves.flatMap((move) => {
    const among = move.among(world)
    return among.length === 0 ? [] : [{ move, among }]
  })
  let left = world.random.next() * possible.reduce((sum, { move }) => sum + move.weight, 0)
  for (const { move, among } of possible) {
    left -= move.weight
    if (left > 0) continue
    const what = world.random.pick(among)
    return what === undefined ? undefined : [move, what]
  }
  return undefined
}

/** Somebody else was quicker, or the kind is not served at the moment: the move was none. */
const isPassing = (error: GroundError | KubeError): boolean =>
  error._tag === "KubeError" && [403, 404, 409, 422, 429].includes(error.status)

const makeMove = Effect.fnUntraced(function* (world: World) {
  world.lookAtSyncer()
  const chosen = choose(world)
  if (chosen === undefined) return
  const [move, what] = chosen
  world.ledger.note(`${move.name} ${what}`)
  yield* move
    .act(world, what)
    .pipe(
      Effect.catchIf(isPassing, (error) =>
        Effect.sync(() => world.ledger.note(`  came to nothing: ${error.message.slice(0, 200)}`)),
      ),
    )
  // How fast one move follows another is a part of what is tried, so it is time and no event that is waited for.
  yield* Effect.sleep(Duration.millis(world.random.below(world.random.happens(0.3) ? 50 : 1500)))
})

const turmoil = Effect.fnUntraced(function* (world: World, length: Duration.Duration) {
  const end = (yield* Clock.currentTimeMillis) + Duration.toMillis(length)
  yield* makeMove(world).pipe(
    Effect.andThen(Clock.currentTimeMillis),
    Effect.repeat({ until: (now) => now >= end || world.ledger.violations.length > 0 }),
  )
})

/** Everything as it should be, whatever it was. */
const mendAll = Effect.fnUntraced(function* (world: World) {
  const { eso, ground } = world.pair
  if (!world.operatorRuns) yield* eso?.start ?? Effect.void
  world.operatorRuns = true
  if (!world.collectorRuns) yield* ground.virtual.restartControllerManager
  world.collectorRuns = true
  if (world.settings !== "usual" || world.syncer === undefined) yield* changeSettings(world, "usual")
  for (const [store, state] of world.stores) {
    world.becomes(() => Object.assign(state, { labelled: true, value: world.newValue() }))
    yield* state.present ? putStore(world, store) : createStore(world, store)
  }
  for (const name of world.those("refused")) yield* mend(world, name)
  for (const name of world.those("unselected")) yield* select(world, name)
  for (const name of world.those("deleted")) {
    yield* ground.virtual.kube.waitUntilGone(externalSecrets, inVirtual(name))
    yield* createAnew(world, name)
  }
})

/** Every ExternalSecret is ready and has its Secret; what ESO fetches more than once has the store's value of now. */
const allServed = Effect.fnUntraced(function* (world: World, timeout: Duration.Input) {
  const { kube } = world.pair.ground.virtual
  const byName = (objects: ReadonlyArray<KubeObject>) => new Map(objects.map((each) => [each.metadata.name, each]))
  const owners = yield* kube.waitForList(
    externalSecrets,
    { namespace: "default" },
    (found) => {
      const ready = byName(found.filter(isReady))
      return world.names.every((name) => ready.has(name))
    },
    { timeout, what: "every ExternalSecret ready" },
  )
  const uidOf = byName(owners)
  const isServed = (secret: KubeObject | undefined, name: string) =>
    secret?.metadata.ownerReferences?.[0]?.uid === uidOf.get(name)?.metadata.uid &&
    (isFetchedOnce(name) || valueOf(secret, "password") === world.stores.get(storeOf(name))?.value)
  yield* kube.waitForList(
    secrets,
    { namespace: "default" },
    (found) => {
      const served = byName(found)
      return world.names.every((name) => isServed(served.get(name), name))
    },
    { timeout, what: "every Secret served" },
  )
})

/** All comes right again by itself, once everything is as it should be. */
const calm = Effect.fnUntraced(function* (world: World, round: number) {
  const { eso, ground } = world.pair
  world.ledger.note(`calm ${round}`)
  yield* mendAll(world)
  const metadata = { annotations: { "force-sync": `calm-${round}` } }
  yield* Effect.forEach(
    world.names,
    (name) => ground.virtual.kube.patch(externalSecrets, inVirtual(name), { metadata }),
    { concurrency: 8, discard: true },
  )
  // ESO 0.20 sometimes stalls with all its workers on objects that have its finalizer and no status; a restart frees it.
  yield* allServed(world, "60 seconds").pipe(
    Effect.catch(() =>
      (eso?.stop() ?? Effect.void).pipe(
        Effect.andThen(eso?.start ?? Effect.void),
        Effect.andThen(allServed(world, "120 seconds")),
      ),
    ),
  )
  yield* carryThrough(world.pair, `calm-${round}`)
  world.lookAtSyncer()
})

export interface SoakOptions {
  readonly count: number
  readonly rounds: number
  /** Of the turmoil in each round. */
  readonly length: Duration.Duration
}

/**
 * Fails with the first Secrets that were lost, and the moves before that.
 *
 * @returns how many moves there were
 */
export const soak = Effect.fnUntraced(function* (
  pair: SyncedPairShape,
  seed: number,
  { count, rounds, length }: SoakOptions,
): Effect.fn.Return<number, GroundError | KubeError, Scope.Scope> {
  const world = new World(pair, seeded(seed), count)
  const { ledger } = world
  const log = join(pair.ground.folder, "soak.log")
  // Kept with the other logs when the test fails.
  yield* Effect.addFinalizer(() => Effect.promise(() => writeFile(log, `${ledger.moves.join("\n")}\n`)))
  const witness = yield* makeWitness(pair.ground.virtual.kube, { see: (sight) => ledger.see(sight) })
  yield* world.startSyncer
  yield* pair.ground.virtual.kube.waitForList(crds, {}, (found) => found.some(isOfExternalSecrets))
  // The collector knows from the start what it is to collect.
  yield* pair.ground.virtual.restartControllerManager
  for (const name of world.names) world.tenants.set(name, "deleted")
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) yield* turmoil(world, length)
    if (ledger.violations.length > 0) break
    yield* calm(world, round)
    yield* witness.sights
    for (const name of world.names) ledger.keep(name)
  }
  assert.strictEqual(ledger.violations.length, 0, `VCLUSTER_ES_SEED=${seed}\n${ledger.violations.join("\n\n")}\n`)
  yield* world.stopSyncer("SIGTERM")
  return ledger.moves.length
})
