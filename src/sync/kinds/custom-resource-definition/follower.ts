/**
 * The CRDs, kept in step over one run. Metadata first; one is read whole only when it is in a state that was not worked through yet: once a
 * run for the host's where decisions need its schema, else only when one side has changed.
 */
import { createHash } from "node:crypto"
import { Clock, Effect } from "effect"
import { monotonicMillis } from "../../../effects/monotonic-time.ts"
import type { ApiError } from "../../../effects/client/api-error.ts"
import { retryThrottled } from "../../../effects/client/retry-throttled.ts"
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import type { Side } from "../../engine/actions.ts"
import type { SyncSettings } from "../../tenancy/sync-settings.ts"
import { OperatorMissing } from "../../engine/errors.ts"
import type { Clients } from "../../engine/executor.ts"
import type { CrdFollower, CrdPair, LookFailure, Sighting, WantedCrd } from "../../engine/prerequisites.ts"
import { carryOut } from "../../engine/executor.ts"
import { readCrd } from "../../engine/read-crd.ts"
import { crdName } from "../../resources.ts"
import { contestOf, makeBrake } from "./contest.ts"
import { checkConversion } from "./conversion.ts"
import { awaitObjects, awaitState } from "./ensure.ts"
import { hostEssentials, virtualEssentials } from "./essentials.ts"
import { areKnown, type InStep, readNote, stateOf, writeNote } from "./known-states.ts"
import {
  chooseVersion,
  crdNotServed,
  crdState,
  crdToVirtual,
  desiredVirtualCrd,
  isOurCrd,
  keptOf,
  storedVersions,
} from "./to-virtual.ts"

/** How long a CRD may take to be served. Milliseconds. */
const servedWithinMs = 60_000

const placeOf = (side: Side, plural: string): string => `${side} ${plural}`

interface Worked extends InStep {
  readonly pair: CrdPair
}

/** What this API server makes of what it is sent: before Kubernetes 1.31 it drops `selectableFields` without a word. Hashes of what is kept in step. */
interface Answer {
  readonly desired: string
  readonly stored: string
}

/** Both, read as far as was needed, and what would bring the virtual one into step. */
interface Judged {
  readonly pair: CrdPair
  /** There is nothing to do, and nothing to wait for. */
  readonly over: boolean
  /** How the virtual one should be, where it had to be compared. */
  readonly desired?: KubeObject
}

/** One text for equal contents, as one API server writes them. */
const hash = (contents: unknown): string => createHash("sha256").update(JSON.stringify(contents)).digest("base64")

/** Of all that decides about a virtual CRD that is served: whose it is, what is kept in step of it, and what else it must go on serving. */
const hashOf = (virtual: KubeObject): string => hash([isOurCrd(virtual), keptOf(virtual), storedVersions(virtual)])

/** @param by what else decides how a virtual CRD should look: the version of this program */
export const makeCrdFollower = (wanted: ReadonlyArray<WantedCrd>, settings: SyncSettings, by: string): CrdFollower => {
  const unread = new Set(wanted.flatMap(({ plural, needsSchema }) => (needsSchema ? [] : [plural])))
  const unneeded = new Set(wanted.flatMap(({ plural, isNeeded }) => (isNeeded ? [] : [plural])))
  /** The first that is wanted is the one that every ESO has. */
  const missingOnHost = (plural: string): Effect.Effect<undefined, OperatorMissing> =>
    unneeded.has(plural)
      ? Effect.undefined
      : Effect.fail(
          new OperatorMissing({ crd: crdName(plural), ...(plural === wanted[0]?.plural ? {} : { partly: true }) }),
        )
  const needsSchema = (plural: string): boolean => !unread.has(plural)
  const noteBy = `${by} ${settings.version ?? ""}`.trimEnd()
  const worked = new Map<string, Worked>()
  /** To our last writes. */
  const answers = new Map<string, Answer>()
  const brake = makeBrake()
  /** Looked at moments ago by {@link CrdFollower.judge}. */
  const fresh = new Set<string>()
  let recalled: ReadonlyMap<string, InStep> = new Map()
  /** Read whole, and not worked through yet. */
  const wholes = new Map<string, KubeObject>()
  const readWhole = (clients: Clients, side: Side, plural: string, seen: KubeObject | undefined) =>
    Effect.suspend(() => {
      const place = placeOf(side, plural)
      const known = wholes.get(place)
      if (known !== undefined && stateOf(known) === stateOf(seen)) return Effect.succeed(known)
      return Effect.tap(readCrd(clients[side], plural, { metadataOnly: false }), (found) =>
        Effect.sync(() => (found === undefined ? wholes.delete(place) : wholes.set(place, found))),
      )
    })

  const letGo = (plural: string): void => {
    wholes.delete(placeOf("host", plural))
    wholes.delete(placeOf("virtual", plural))
  }

  const forget = (plural: string): void => {
    worked.delete(plural)
    letGo(plural)
  }

  /** The host's is read whole at once where that is needed in any case. */
  const seeOne = (clients: Clients, plural: string): Effect.Effect<Sighting, ApiError> => {
    const isUnread = !worked.has(plural) && !wholes.has(placeOf("host", plural))
    const host =
      needsSchema(plural) && isUnread
        ? readWhole(clients, "host", plural, undefined)
        : readCrd(clients.host, plural, { metadataOnly: true })
    return Effect.all({ host, virtual: readCrd(clients.virtual, plural, { metadataOnly: true }) }, { concurrency: 2 })
  }

  const pairOf = (plural: string, version: string, host: KubeObject, virtual: KubeObject | undefined): CrdPair => ({
    plural,
    version,
    host: hostEssentials(host, needsSchema(plural) ? version : undefined),
    virtual: virtual === undefined ? undefined : virtualEssentials(virtual),
    actions: [],
  })

  /** Nothing is left to do about these two, or nothing more is done: their states are known from now on. */
  const conclude = (pair: CrdPair, host: KubeObject, virtual: KubeObject): Judged => {
    const states = { host: stateOf(host), virtual: stateOf(virtual) }
    if (states.host !== undefined && states.virtual !== undefined)
      worked.set(pair.plural, {
        version: pair.version,
        host: states.host,
        virtual: states.virtual,
        pair,
        stored: hashOf(virtual),
      })
    letGo(pair.plural)
    return { pair, over: true }
  }

  const chosen = (host: KubeObject) => Effect.fromResult(chooseVersion(host, settings.version))

  /** As an earlier run left them: what decisions need of the host's is read, the virtual one is not. */
  const asNoted = Effect.fnUntraced(function* (clients: Clients, plural: string, seen: Sighting, noted: InStep) {
    const { virtual } = seen
    const host = needsSchema(plural) ? yield* readWhole(clients, "host", plural, seen.host) : seen.host
    // It has changed while it was read.
    if (host === undefined || stateOf(host) !== noted.host || virtual === undefined) return undefined
    const version = needsSchema(plural) ? yield* chosen(host) : noted.version
    const pair = pairOf(plural, version, host, virtual)
    worked.set(plural, { ...noted, version, pair })
    letGo(plural)
    return { pair, over: true } satisfies Judged
  })

  /** As the server left it when it was asked for the very same. */
  const isAsAnswered = (plural: string, desired: KubeObject, virtual: KubeObject | undefined): boolean => {
    const answer = answers.get(plural)
    return (
      answer !== undefined &&
      virtual !== undefined &&
      isOurCrd(virtual) &&
      answer.desired === hash(keptOf(desired)) &&
      answer.stored === hash(keptOf(virtual))
    )
  }

  const compare = Effect.fnUntraced(function* (clients: Clients, plural: string, seen: Sighting) {
    const before = worked.get(plural)
    const virtual = seen.virtual === undefined ? undefined : yield* readWhole(clients, "virtual", plural, seen.virtual)
    const isServed = virtual !== undefined && crdState(virtual) === "served"
    const isInStep = before !== undefined && before.pair.contested === undefined
    if (isInStep && isServed && before.host === stateOf(seen.host) && before.stored === hashOf(virtual)) {
      const state = stateOf(virtual) ?? ""
      const pair = { ...before.pair, virtual: virtualEssentials(virtual) }
      worked.set(plural, { ...before, pair, virtual: state })
      letGo(plural)
      return { pair, over: true } satisfies Judged
    }
    const host = yield* readWhole(clients, "host", plural, seen.host)
    if (host === undefined) return yield* missingOnHost(plural)
    const version = yield* chosen(host)
    if (virtual !== undefined) yield* checkConversion(clients.virtual, virtual, version)
    const pair = pairOf(plural, version, host, virtual)
    const desired = desiredVirtualCrd(host, version, virtual)
    const actions = isAsAnswered(plural, desired, virtual) ? [] : crdToVirtual(desired, virtual)
    worked.delete(plural)
    return actions.length === 0 && isServed
      ? conclude(pair, host, virtual)
      : { pair: { ...pair, actions }, over: false, desired }
  })

  const judgeOne = Effect.fnUntraced(function* (
    clients: Clients,
    plural: string,
    seen: Sighting,
  ): Effect.fn.Return<Judged | undefined, LookFailure> {
    if (seen.host === undefined) {
      forget(plural)
      return yield* missingOnHost(plural)
    }
    const before = worked.get(plural)
    if (before !== undefined && areKnown(seen, before)) return { pair: before.pair, over: true }
    const noted = before === undefined ? recalled.get(plural) : undefined
    const known =
      noted !== undefined && areKnown(seen, noted) ? yield* asNoted(clients, plural, seen, noted) : undefined
    return known ?? (yield* compare(clients, plural, seen))
  })

  const lookOne = (clients: Clients, plural: string) =>
    Effect.flatMap(seeOne(clients, plural), (seen) => judgeOne(clients, plural, seen))

  /** @returns also whether all is over, the write included */
  const bringIntoStep = Effect.fnUntraced(function* (clients: Clients, plural: string) {
    const judged = yield* lookOne(clients, plural)
    if (judged === undefined) return undefined
    const { desired, over, pair: before } = judged
    if (over || desired === undefined || before.actions.length === 0) return judged
    const host = wholes.get(placeOf("host", plural))
    const standing = wholes.get(placeOf("virtual", plural))
    const wish = hash(keptOf(desired))
    const nowMs = monotonicMillis(yield* Clock.Clock)
    if (host !== undefined && standing !== undefined && crdState(standing) === "served") {
      if (brake.holds(plural, wish, nowMs)) {
        const contested = contestOf(desired, standing) ?? "somebody else undoes our change of it again and again"
        return conclude({ ...pairOf(plural, before.version, host, standing), contested }, host, standing)
      }
      brake.wrote(plural, wish, nowMs)
    }
    let stored: KubeObject | undefined
    for (const action of before.actions) stored = yield* carryOut(action, clients)
    if (stored === undefined || host === undefined) return judged
    wholes.set(placeOf("virtual", plural), stored)
    answers.set(plural, { desired: wish, stored: hash(keptOf(stored)) })
    const pair = pairOf(plural, before.version, host, stored)
    if (crdState(stored) !== "served") return { pair, over: false }
    yield* awaitObjects(clients.virtual, stored, before.version)
    // What the answer to our own write still lacks, this API server does not keep.
    return conclude(pair, host, stored)
  })

  const untilServed = Effect.fnUntraced(function* (clients: Clients, plural: string) {
    for (;;) {
      const judged = yield* retryThrottled(bringIntoStep(clients, plural))
      if (judged === undefined) return undefined
      const { pair, over } = judged
      if (over) return pair
      const goes = crdState(pair.virtual) === "terminating"
      // One that goes away while it is waited for leads here again.
      const reached = yield* awaitState(clients.virtual, plural, (now) => now !== (goes ? "terminating" : "pending"))
      if (reached === undefined) continue
      wholes.set(placeOf("virtual", plural), reached)
      if (crdState(reached) === "served") yield* awaitObjects(clients.virtual, reached, pair.version)
    }
  })

  const ensure = Effect.fnUntraced(function* (clients: Clients, plural: string, limitMs: number = servedWithinMs) {
    const known = worked.get(plural)
    if (fresh.delete(plural) && known !== undefined) return known.pair
    const givenUp = Effect.flatMap(readCrd(clients.virtual, plural, { metadataOnly: false }), (crd) =>
      Effect.fail(crdNotServed(crdName(plural), crd, Math.round(limitMs / 1000))),
    )
    return yield* Effect.timeoutOrElse(untilServed(clients, plural), { duration: limitMs, orElse: () => givenUp })
  })

  const inStep = (): ReadonlyMap<string, InStep> => {
    const mine = [...worked].filter(
      ([, { pair }]) => pair.virtual !== undefined && isOurCrd(pair.virtual) && pair.contested === undefined,
    )
    return new Map(mine.map(([plural, { pair: _read, ...known }]) => [plural, known]))
  }

  return {
    see: (clients) =>
      Effect.forEach(
        wanted,
        ({ plural }) => Effect.map(Effect.exit(seeOne(clients, plural)), (seen) => [plural, seen] as const),
        { concurrency: "unbounded" },
      ),
    judge: Effect.fnUntraced(function* (clients, sightings) {
      const exits = yield* Effect.forEach(
        sightings,
        ([plural, seen]) => Effect.exit(Effect.flatMap(seen, (sighting) => judgeOne(clients, plural, sighting))),
        { concurrency: "unbounded" },
      )
      for (const exit of exits) yield* exit
      for (const [plural] of sightings) fresh.add(plural)
    }),
    recall: (note) => {
      recalled = readNote(note, noteBy)
    },
    note: () => writeNote(inStep(), noteBy),
    isKnown: (plural, seen) => areKnown(seen, worked.get(plural)),
    keep: (clients, plural) => Effect.map(bringIntoStep(clients, plural), (judged) => judged?.pair),
    ensure,
  }
}
