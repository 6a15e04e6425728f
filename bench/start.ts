/** What a start costs with everything in place: a syncer is started anew, and one ExternalSecret waits for it. */
import { join } from "node:path"
import { Effect } from "effect"
import { type AuditEntry, byAgent, isWrite } from "../test/clusters/audit-log.ts"
import type { Competitor } from "./competitors.ts"
import { makeCountingProxy } from "./counting-proxy.ts"
import { cleanUp, count, createExternalSecrets, type Place, say } from "./ground.ts"
import { externalSecretsPath } from "./objects.ts"
import { backSync, coldSync, hostCopies, linesSince, mark, untilDone } from "./phases.ts"

/** From the start of the process to its first write of an ExternalSecret. */
export interface Start {
  readonly millis: number
  /** That came before it, to both servers, whatever they asked for; a watch is one. */
  readonly requests: number
  /** KiB on the wire, of both servers. */
  readonly kib: number
}

/** A watch has a line when it begins, and another when it ends. */
const isRequest = ({ verb, stage }: AuditEntry): boolean =>
  stage === (verb === "watch" ? "ResponseStarted" : "ResponseComplete")

const receivedAt = (entry: AuditEntry): number => Date.parse(entry.requestReceivedTimestamp)

const proxies = Effect.fnUntraced(function* (place: Place, name: string) {
  const { folder, host } = place.ground
  const proxy = (side: string, { connection }: typeof host.kube) =>
    makeCountingProxy(side, connection, join(folder, `${name}-${side}-counted.kubeconfig`))
  return { host: yield* proxy("host", host.kube), virtual: yield* proxy("virtual", place.virtualCluster.kube) }
})

/** Of its first write of an ExternalSecret; all that it sent before counts. */
const startOf = (lines: ReadonlyArray<AuditEntry>, agent: string) => {
  const sent = lines.filter((entry) => byAgent(agent)(entry) && isRequest(entry))
  const writes = sent.filter((entry) => isWrite(entry) && entry.objectRef?.resource === "externalsecrets")
  const wroteAt = Math.min(...writes.map(receivedAt))
  return { wroteAt, requests: sent.filter((entry) => receivedAt(entry) <= wroteAt).length }
}

/** @param index of an ExternalSecret that is not there yet; `objects` + `index` are in step at the end */
const oneStart = Effect.fnUntraced(function* (place: Place, competitor: Competitor, objects: number, index: number) {
  yield* createExternalSecrets(place, objects + index, objects + index + 1)
  const { host, virtual } = yield* proxies(place, `${competitor.name}-${index}`)
  const marks = yield* mark(place)
  const startedAt = Date.now()
  const running = yield* competitor.startThrough({ host: host.kubeconfig, virtual: virtual.kubeconfig })
  const path = externalSecretsPath(competitor.namespace)
  yield* untilDone("start", running, async () => (await count(place.host, path)) > objects + index, 20)
  const lines = yield* linesSince(place, marks)
  const { requests, wroteAt } = startOf([...lines.host, ...lines.virtual], competitor.agent)
  const bytes = host.received(wroteAt) + virtual.received(wroteAt)
  return { millis: wroteAt - startedAt, requests, kib: bytes / 1024 } satisfies Start
}, Effect.scoped)

const inStep = Effect.fnUntraced(function* (place: Place, competitor: Competitor, objects: number) {
  const { running } = yield* coldSync(place, competitor, objects)
  yield* backSync(place, competitor, running, yield* hostCopies(place, competitor.namespace), objects)
}, Effect.scoped)

/** The clusters are clean before and afterwards. */
export const measureStarts = Effect.fnUntraced(function* (
  place: Place,
  rivals: ReadonlyArray<Competitor>,
  objects: number,
  rounds: number,
) {
  const results = new Map<string, ReadonlyArray<Start>>()
  for (const competitor of rivals) {
    yield* say(`starts of ${competitor.name} with ${objects} ExternalSecrets in step …`)
    yield* createExternalSecrets(place, 0, objects)
    yield* inStep(place, competitor, objects)
    const starts = new Array<Start>()
    for (let index = 0; index < rounds; index++) starts.push(yield* oneStart(place, competitor, objects, index))
    results.set(competitor.name, starts)
    yield* cleanUp(place)
  }
  return results
})
