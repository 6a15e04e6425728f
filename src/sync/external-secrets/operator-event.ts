/** Events of External Secrets Operator, read from core/v1 Events of the host. */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { recordAt, stringAt, valueAt } from "../../effects/client/unstructured.ts"

export interface OperatorEvent {
  /** ESO's name for the controller that reports. */
  readonly component: string
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
  readonly count: number
  /** RFC 3339 */
  readonly first: string
  /** RFC 3339 */
  readonly last: string
}

/** What is kept of an event, of either side, in our caches. */
export const keepOfEvent = (event: KubeObject): KubeObject => {
  const { apiVersion, kind, metadata, involvedObject, type, reason, message } = event
  const { count, firstTimestamp, lastTimestamp, eventTime, series, source, reportingComponent } = event
  return {
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
      ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
    },
    involvedObject,
    type,
    reason,
    message,
    count,
    firstTimestamp,
    lastTimestamp,
    eventTime,
    series,
    source,
    reportingComponent,
  }
}

/** UID of the object that an event is about, for indexes. */
export const regardedUid = (event: KubeObject): ReadonlyArray<string> => {
  const uid = stringAt(event, "involvedObject", "uid")
  return uid === undefined || uid === "" ? [] : [uid]
}

/** Names of ESO's controllers, by the kind that they report on (`GetEventRecorderFor` in external-secrets, `pkg/controllers`). */
const controllers = new Map([
  ["ExternalSecret", "external-secrets"],
  ["SecretStore", "secret-store"],
])

const positive = (value: unknown): number => (typeof value === "number" && value >= 1 ? Math.floor(value) : 1)

/** To the second, as core/v1 has its times; undefined for what is none. Sorts as text. */
const seconds = (time: unknown): string | undefined => {
  const millis = typeof time === "string" ? Date.parse(time) : Number.NaN
  return Number.isNaN(millis) ? undefined : new Date(millis).toISOString().replace(/\.\d+Z$/u, "Z")
}

/** `lastTimestamp` of an event that this program wrote; `""` when there is none. */
export const lastSeen = (event: KubeObject): string => seconds(event["lastTimestamp"]) ?? ""

export const countOf = (event: KubeObject): number => positive(event["count"])

/**
 * The event, when ESO wrote it about exactly this object; undefined for the events of anybody else. What is written with
 * `events.k8s.io` (`eventTime`, `series`) reads the same.
 */
export const operatorEvent = (event: KubeObject, about: KubeObject): OperatorEvent | undefined => {
  const { involvedObject, reason, message, type } = event
  const writer = stringAt(event, "source", "component") || stringAt(event, "reportingComponent")
  const component = controllers.get(about.kind)
  if (component === undefined || writer !== component || typeof reason !== "string" || typeof message !== "string")
    return undefined
  const { uid, name, namespace } = about.metadata
  if (
    uid === undefined ||
    stringAt(involvedObject, "uid") !== uid ||
    stringAt(involvedObject, "name") !== name ||
    stringAt(involvedObject, "namespace") !== namespace ||
    stringAt(involvedObject, "kind") !== about.kind
  )
    return undefined
  const series = recordAt(event, "series")
  const first = seconds(event["firstTimestamp"]) ?? seconds(event["eventTime"])
  const last = seconds(series?.["lastObservedTime"]) ?? seconds(event["lastTimestamp"]) ?? first
  if (last === undefined) return undefined
  return {
    component,
    type: type === "Warning" ? "Warning" : "Normal",
    reason,
    message,
    count: positive(valueAt(series, "count") ?? event["count"]),
    first: first ?? last,
    last,
  }
}

/** Warnings that ESO gives although all works (`apis/externalsecrets/v1`, reasons of events). */
const advices = new Set(["StoreUnmaintained", "ParameterDeprecated"])

/** Whether the event tells of something that does not work. */
export const isComplaint = ({ type, reason }: OperatorEvent): boolean => type === "Warning" && !advices.has(reason)

/** What ESO complained about last; undefined when it did not. */
export const newestWarning = (events: Iterable<KubeObject>, about: KubeObject): OperatorEvent | undefined => {
  let newest: OperatorEvent | undefined
  for (const event of events) {
    const read = operatorEvent(event, about)
    if (read !== undefined && isComplaint(read) && (newest === undefined || read.last > newest.last)) newest = read
  }
  return newest
}
