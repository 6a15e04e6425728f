/**
 * An External Secrets Operator inside the virtual cluster: whether it reconciles an ExternalSecret still, as far as the object shows
 * and as far as it was looked for, and how the object is handed over once it does not.
 *
 * Since 0.20 it puts a finalizer on every ExternalSecret that it reconciles, and nothing takes that off when it is uninstalled. Nor do we: of
 * an operator that only fails, or that looks after other objects, it would take an object away.
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import { parseGoDuration } from "../../effects/text/go-duration.ts"
import { readyCondition } from "../tenancy/conditions.ts"
import { esoFinalizer } from "../tenancy/labels.ts"
import type { Fix } from "../tenancy/object-health.ts"
import type { OperatorSearch } from "../tenancy/operator-search.ts"
import { Refusal } from "../tenancy/refusals.ts"

const minuteMs = 60_000
const nanosPerMilli = 1_000_000
/** A running operator takes its finalizer off at once. */
const deletionGraceMs = minuteMs
/** A queue, a clock that is set otherwise: a refresh is missed only when a whole further interval went by, and no less than this. */
const refreshGraceMs = 10 * minuteMs
/** ESO's default (`external-secrets.io/v1`, ExternalSecretSpec). */
const defaultInterval = "1h"

const instant = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/** Durations reach further than dates do. */
const maxInstant = Date.parse("9999-12-31T00:00:00Z")

interface Refresh {
  readonly last: number
  /** undefined: none is due, or a failure counts no refreshes */
  readonly due: { readonly at: number; readonly missedAt: number } | undefined
}

/** One that fails says Ready=False and tries again without a word, so that its silence means nothing. */
const refreshOf = (virtual: KubeObject): Refresh | undefined => {
  const last = Date.parse(stringAt(virtual, "status", "refreshTime") ?? "")
  if (Number.isNaN(last)) return undefined
  const isPeriodic = (stringAt(virtual, "spec", "refreshPolicy") ?? "Periodic") === "Periodic"
  const nanos = parseGoDuration(stringAt(virtual, "spec", "refreshInterval") ?? defaultInterval) ?? 0
  if (!isPeriodic || nanos <= 0 || readyCondition(virtual)?.status !== "True") return { last, due: undefined }
  const interval = nanos / nanosPerMilli
  const at = last + interval
  const missedAt = at + Math.max(interval, refreshGraceMs)
  return { last, due: missedAt < maxInstant ? { at, missedAt } : undefined }
}

const refreshWords = (refresh: Refresh | undefined, now: number): string => {
  if (refresh === undefined) return "it has never refreshed it"
  const last = `it refreshed it last at ${instant(refresh.last)}`
  if (refresh.due === undefined) return last
  return `${last}, and the next refresh ${refresh.due.at < now ? "was" : "is"} due at ${instant(refresh.due.at)}`
}

const searchWords = ({ traces, hidden }: OperatorSearch): string => {
  const dead = traces.map(({ name }) => `${name} is not alive`)
  const absent = ["Deployment", "Lease"]
    .filter((kind) => !hidden.includes(kind) && !traces.some(({ name }) => name.startsWith(kind)))
    .map((kind) => `no ${kind} of one is there`)
  const unseen = hidden.map((kind) => `whether there is a ${kind} of one is not visible to you`)
  return [...dead, ...absent, ...unseen].join(", ")
}

/** ESO puts it on what it reconciles. */
export const hasOperatorsFinalizer = ({ metadata: { finalizers = [] } }: KubeObject): boolean =>
  finalizers.includes(esoFinalizer)

/**
 * The command that takes ESO's finalizer off, and no other: by its place where there are several, and only while it is there
 * (finalizers are the tenant's to write, so none of them is put into a command).
 */
const handOver = ({ metadata: { name, namespace, finalizers = [] } }: KubeObject): string => {
  const patch = `kubectl patch externalsecret ${name} -n ${namespace}`
  if (finalizers.length === 1) return `${patch} --type=merge -p '{"metadata":{"finalizers":null}}'`
  const path = `/metadata/finalizers/${finalizers.indexOf(esoFinalizer)}`
  const operations = [
    { op: "test", path, value: esoFinalizer },
    { op: "remove", path },
  ]
  return `${patch} --type=json -p '${JSON.stringify(operations)}'`
}

const fixOf = (virtual: KubeObject, isSilent: boolean): Fix => ({
  text: `${isSilent ? "if that operator is gone for good" : "once that operator is uninstalled"}, hand the object over, in the virtual cluster`,
  command: handOver(virtual),
})

const leftToIt =
  "an External Secrets Operator inside the virtual cluster reconciles this ExternalSecret; it is left to it"

const leaving = (virtual: KubeObject, since: number, isSilent: boolean, search: string): Refusal =>
  new Refusal({
    reason: isSilent ? "OtherOperatorSilent" : "ManagedByOtherOperator",
    message: `it has been in deletion since ${instant(since)} and waits for the External Secrets Operator inside the virtual cluster to take its finalizer off${search}`,
    fix: fixOf(virtual, true),
  })

/** Whether something of it is there, and nothing behind it. */
const isDown = (search: OperatorSearch | undefined): boolean =>
  search !== undefined && search.traces.length > 0 && search.traces.every(({ isAlive }) => !isAlive)

/**
 * What is to be said of an ExternalSecret that bears ESO's finalizer.
 *
 * @param now milliseconds since the epoch
 * @param search what a search for the operator found; undefined: it was not looked for
 * @returns undefined without the finalizer
 */
export const otherOperator = (virtual: KubeObject, now: number, search?: OperatorSearch): Refusal | undefined => {
  if (virtual.metadata.finalizers?.includes(esoFinalizer) !== true) return undefined
  const found = search === undefined ? "" : `; ${searchWords(search)}`
  const { deletionTimestamp } = virtual.metadata
  if (deletionTimestamp !== undefined) {
    const since = Date.parse(deletionTimestamp)
    return leaving(virtual, since, now - since > deletionGraceMs || isDown(search), found)
  }
  const refresh = refreshOf(virtual)
  const hasMissed = refresh?.due !== undefined && refresh.due.missedAt < now
  if (search?.traces.some(({ isAlive }) => isAlive) === true)
    return new Refusal({
      reason: "ManagedByOtherOperator",
      message: hasMissed ? `${leftToIt}; yet ${refreshWords(refresh, now)}` : leftToIt,
      fix: { text: "to hand it over to the host's operator, uninstall that one first: docs/moving-in.md" },
    })
  const seen = `${refreshWords(refresh, now)}${found}`
  return hasMissed || isDown(search)
    ? new Refusal({
        reason: "OtherOperatorSilent",
        message: `an External Secrets Operator inside the virtual cluster reconciled this ExternalSecret, and does not answer any more: ${seen}`,
        fix: fixOf(virtual, true),
      })
    : new Refusal({
        reason: "ManagedByOtherOperator",
        message: search === undefined ? leftToIt : `${leftToIt}: ${seen}`,
        fix: fixOf(virtual, false),
      })
}
