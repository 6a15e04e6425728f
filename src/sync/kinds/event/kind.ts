/**
 * Events, host → virtual: what ESO tells about the host's copy of an ExternalSecret or SecretStore is told about the tenant's own
 * one, in the tenant's names. A hint, not a state: no report, no dry run and no pass waits for it, and nothing is ever deleted.
 *
 * A virtual event stands for one text of ESO's about one object, whatever number of host events says it; its name is made
 * from that text, so that a restart finds what it has written.
 */
import { virtualEvents } from "./caches.ts"
import { createHash } from "node:crypto"
import { cutMessage } from "../../../effects/client/event-recorder.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import { objectKey } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action } from "../../engine/actions.ts"
import { managedLabel } from "../../tenancy/labels.ts"
import { countOf, lastSeen, operatorEvent } from "../../external-secrets/operator-event.ts"
import type { OperatorEvent } from "../../external-secrets/operator-event.ts"
import type { Translate } from "../../tenancy/message-translation.ts"
import { originOf } from "../../tenancy/ownership.ts"
import { events } from "../../resources.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"
import { namedInTexts } from "../../external-secrets/tenant-text.ts"
import type { RegardedKind } from "../../external-secrets/involved-object.ts"
import {
  heardOf,
  regardedExternalSecrets,
  regardedKey,
  regardedStores,
} from "../../external-secrets/involved-object.ts"

/** Different texts of one reason about one object that are told one by one, as client-go has it; the rest share one event. */
const textsTold = 10
/** client-go's words (tools/record, EventAggregator). */
const combinedPrefix = "(combined from similar events): "
/** Milliseconds between two writes about one object. */
const spacing = 5000

const reporter = "vcluster-es"

/** All that ESO has told about one object in one text. */
interface Told extends OperatorEvent {
  readonly name: string
}

const longestName = 253

const nameFor = (virtual: KubeObject, event: OperatorEvent, text: string): string => {
  const hash = createHash("sha256")
    .update(JSON.stringify([virtual.metadata.uid, event.type, event.reason, text]))
    .digest("hex")
    .slice(0, 16)
  const prefix = virtual.metadata.name.slice(0, longestName - hash.length - 1).replace(/[^a-z0-9]+$/u, "")
  return `${prefix}.${hash}`
}

const merge = (one: OperatorEvent, two: OperatorEvent): OperatorEvent => ({
  ...(two.last >= one.last ? two : one),
  count: one.count + two.count,
  first: one.first < two.first ? one.first : two.first,
})

const byName = (all: Iterable<Told>): ReadonlyArray<Told> => {
  const names = new Map<string, Told>()
  for (const told of all) {
    const before = names.get(told.name)
    names.set(told.name, before === undefined ? told : { ...merge(before, told), name: told.name })
  }
  return [...names.values()]
}

/** One reason's texts, newest first: those that have their event already, a few more, and the rest in one. */
const limitTexts = (
  virtual: KubeObject,
  told: ReadonlyArray<Told>,
  written: ReadonlyMap<string, KubeObject>,
): ReadonlyArray<Told> => {
  const standing = told.filter(({ name }) => written.has(name))
  const fresh = told.filter(({ name }) => !written.has(name)).toSorted((a, b) => (a.last < b.last ? 1 : -1))
  const free = Math.max(0, textsTold - standing.length)
  const rest = fresh.slice(free)
  return [
    ...standing,
    ...fresh.slice(0, free),
    ...byName(rest.map((event) => ({ ...event, name: nameFor(virtual, event, combinedPrefix) }))).map((event) => ({
      ...event,
      message: event.message.startsWith(combinedPrefix) ? event.message : combinedPrefix + event.message,
    })),
  ]
}

const groupBy = <A>(values: Iterable<A>, keyOfValue: (value: A) => string): ReadonlyArray<ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const value of values) {
    const group = groups.get(keyOfValue(value))
    if (group === undefined) groups.set(keyOfValue(value), [value])
    else group.push(value)
  }
  return [...groups.values()]
}

const create = (virtual: KubeObject, told: Told): Action => {
  const { apiVersion, kind } = virtual
  const { name, namespace, uid, resourceVersion } = virtual.metadata
  return {
    _tag: "Create",
    side: "virtual",
    resource: events,
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: told.name,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { [managedLabel]: "true" },
      },
      involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
      type: told.type,
      reason: told.reason,
      message: told.message,
      source: { component: told.component },
      firstTimestamp: told.first,
      lastTimestamp: told.last,
      count: told.count,
      reportingComponent: reporter,
    },
  }
}

/**
 * Host events expire, so their sum may be smaller than what was told; a later time still means one more. Equal in both is
 * no news, also after a restart.
 */
const update = (current: KubeObject, told: Told): ReadonlyArray<Action> => {
  const before = { count: countOf(current), last: lastSeen(current) }
  const isLater = told.last > before.last
  const count = Math.max(told.count, isLater ? before.count + 1 : before.count)
  if (!isLater && count === before.count) return []
  const patch = { count, lastTimestamp: isLater ? told.last : before.last, message: told.message }
  return [{ _tag: "Patch", side: "virtual", resource: events, current, patch }]
}

interface Observed {
  /** What ESO tells of, with its UID; undefined: there is nothing to tell, or nobody to tell it of. */
  readonly about: { readonly virtual: KubeObject; readonly translate: Translate } | undefined
  /** All that ESO has told of its copies. */
  readonly read: ReadonlyArray<OperatorEvent>
  /** What we have told already, by name. */
  readonly written: ReadonlyMap<string, KubeObject>
}

interface Desired {
  readonly told: ReadonlyArray<Told>
}

const nothingToTell: Observed = { about: undefined, read: [], written: new Map() }

const observeWith =
  ({ virtuals, copies, textFor, ...regarded }: RegardedKind) =>
  (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
    const virtual = caches.of(virtuals).get(key)
    const uid = virtual?.metadata.uid
    if (virtual === undefined || uid === undefined || virtual.metadata.deletionTimestamp !== undefined)
      return nothingToTell
    const read = caches
      .of(copies)
      .byIndex("origin", key)
      .filter((copy) => originOf(copy, context.tenancy)?.uid === uid)
      .flatMap((copy) => heardOf(copy, caches, regarded).flatMap((event) => operatorEvent(event, copy) ?? []))
    const translate = read.length === 0 ? undefined : textFor(virtual, caches, context)
    if (translate === undefined) return nothingToTell
    const written = caches.of(virtualEvents).byIndex("regarded", uid)
    return {
      about: { virtual, translate },
      read,
      written: new Map(written.map((event) => [event.metadata.name, event] as const)),
    }
  }

const desire = ({ about, read, written }: Observed): Desired => {
  if (about === undefined) return { told: [] }
  const { virtual, translate } = about
  const texts = byName(read.map((event) => ({ ...event, name: nameFor(virtual, event, event.message) })))
  return {
    told: groupBy(texts, ({ type, reason }) => `${type} ${reason}`)
      .flatMap((group) => limitTexts(virtual, group, written))
      .map((event) => ({ ...event, message: cutMessage(translate(event.message)) })),
  }
}

const diffWith =
  ({ isNoNews }: RegardedKind) =>
  ({ about, written }: Observed, { told }: Desired): ReadonlyArray<Action> =>
    about === undefined
      ? []
      : told.flatMap((event) => {
          const current = written.get(event.name)
          if (current === undefined) return [create(about.virtual, event)]
          return isNoNews(event) ? [] : update(current, event)
        })

const eventsOf = (kind: string, regarded: RegardedKind): SyncedKind =>
  synced<Observed, Desired>({
    kind,
    hint: { spacing },
    caches: [regarded.virtuals, regarded.copies, regarded.heard, virtualEvents, ...namedInTexts],
    sources: [
      on(regarded.virtuals, (virtual, caches) =>
        caches
          .of(regarded.copies)
          .byIndex("origin", objectKey(virtual))
          .some((copy) => caches.of(regarded.heard).byIndex("regarded", copy.metadata.uid ?? "").length > 0)
          ? [objectKey(virtual)]
          : [],
      ),
      on(regarded.heard, (event, caches, context) => regardedKey(event, caches, context, regarded)),
      // The event may come before the copy that it is about.
      on(regarded.copies, (copy, caches, context) => {
        const origin = originOf(copy, context.tenancy)
        const heard = caches.of(regarded.heard).byIndex("regarded", copy.metadata.uid ?? "")
        return origin === undefined || heard.length === 0 ? [] : [origin.key]
      }),
    ],
    keys: (caches, context) =>
      new Set(
        [...caches.of(regarded.heard).values()].flatMap((event) => regardedKey(event, caches, context, regarded)),
      ),
    observe: observeWith(regarded),
    desire,
    diff: diffWith(regarded),
    report: () => ({ verdict: undefined }),
  })

/** Events on ExternalSecrets. */
export const eventKind = eventsOf("Event", regardedExternalSecrets)
/** Events on SecretStores. */
export const storeEventKind = eventsOf("StoreEvent", regardedStores)
