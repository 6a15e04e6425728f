/** The phases of one round of one competitor: cold sync, back sync, rotation; and the plain POSTs beside them. */
import { Effect } from "effect"
import { type AuditEntry, byAgent, isWrite } from "../test/clusters/audit-log.ts"
import { GroundError } from "../test/clusters/errors.ts"
import type { Running } from "../test/clusters/programs.ts"
import type { KubeError } from "../test/support/kube-error.ts"
import type { Competitor } from "./competitors.ts"
import { clientOf, count, list, type Place } from "./ground.ts"
import { inParallel } from "./load-client.ts"
import {
  bodyOf,
  externalSecretsPath,
  type HostCopy,
  hostCopy,
  hostSecret,
  readyStatus,
  secretData,
  secretsPath,
  showsReady,
  tenantNamespace,
  textAt,
} from "./objects.ts"

/** Audit lines of both API servers. */
export interface Lines {
  readonly host: ReadonlyArray<AuditEntry>
  readonly virtual: ReadonlyArray<AuditEntry>
}

export interface Marks {
  readonly host: number
  readonly virtual: number
}

export const mark = (place: Place): Effect.Effect<Marks, KubeError> =>
  Effect.all({ host: place.ground.host.audit.mark, virtual: place.virtualCluster.audit.mark })

export const linesSince = (place: Place, marks: Marks): Effect.Effect<Lines, KubeError> =>
  Effect.all({
    host: place.ground.host.audit.since(marks.host),
    virtual: place.virtualCluster.audit.since(marks.virtual),
  })

export const untilDone = (what: string, running: Running, done: () => Promise<boolean>, everyMs: number) =>
  Effect.gen(function* () {
    while (!(yield* Effect.promise(done))) yield* Effect.sleep(everyMs)
  }).pipe(
    Effect.raceFirst(
      Effect.flatMap(running.finished, ({ stderr }) =>
        Effect.fail(new GroundError({ message: `the syncer ended during the ${what}:\n${stderr.slice(-4000)}` })),
      ),
    ),
    Effect.timeoutOrElse({
      duration: "5 minutes",
      orElse: () =>
        Effect.fail(
          new GroundError({ message: `the ${what} did not end in 5 minutes:\n${running.stderr().slice(-4000)}` }),
        ),
    }),
  )

const seconds = (from: number, to: number): number => (to - from) / 1000

/** When the last of these was answered, by the API server's own clock, which is ours. In ms since 1970. */
const lastAnswer = (entries: ReadonlyArray<AuditEntry>): number =>
  Math.max(...entries.map((entry) => Date.parse(entry.stageTimestamp)))

const firstRequest = (entries: ReadonlyArray<AuditEntry>): number =>
  Math.min(...entries.map((entry) => Date.parse(entry.requestReceivedTimestamp)))

export interface ColdSync {
  readonly running: Running
  /** From the start of the process to the answer to the last write. */
  readonly seconds: number
  /** From its first write on: without the start. */
  readonly writing: number
}

/** Everything is there in the virtual cluster before the syncer starts. */
export const coldSync = Effect.fnUntraced(function* (place: Place, competitor: Competitor, objects: number) {
  const before = yield* place.ground.host.audit.mark
  const startedAt = Date.now()
  const running = yield* competitor.start
  const path = externalSecretsPath(competitor.namespace)
  yield* untilDone("cold sync", running, async () => (await count(place.host, path)) >= objects, 20)
  const creates = (yield* place.ground.host.audit.since(before)).filter(
    (entry) =>
      entry.verb === "create" && entry.objectRef?.resource === "externalsecrets" && byAgent(competitor.agent)(entry),
  )
  const end = lastAnswer(creates)
  return { running, seconds: seconds(startedAt, end), writing: seconds(firstRequest(creates), end) } satisfies ColdSync
})

/** The same bodies, sent by nothing but a loop. The copies must be gone from the host. Seconds, the connection's start included. */
export const rawPosts = (place: Place, namespace: string, bodies: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const startedAt = performance.now()
      const client = yield* clientOf(place.ground.host, "bench-raw")
      yield* Effect.promise(() =>
        inParallel(bodies, (body) => client.send({ method: "POST", path: externalSecretsPath(namespace), body })),
      )
      return seconds(startedAt, performance.now())
    }),
  )

export const hostBodies = (place: Place, namespace: string) =>
  Effect.promise(async () => (await list(place.host, externalSecretsPath(namespace))).map(bodyOf))

export const hostCopies = (place: Place, namespace: string) =>
  Effect.promise(async () => (await list(place.host, externalSecretsPath(namespace))).map(hostCopy))

/** ESO would work on some objects at a time, and write a Secret before its status. */
const generatorLanes = 32

const playEso = (place: Place, namespace: string, copies: ReadonlyArray<HostCopy>): Promise<void> =>
  inParallel(
    copies,
    async (copy) => {
      await place.host.send({ method: "POST", path: secretsPath(namespace), body: hostSecret(copy, namespace) })
      await place.host.send({
        method: "PATCH",
        path: `${externalSecretsPath(namespace)}/${copy.name}/status`,
        body: readyStatus(copy),
        contentType: "application/merge-patch+json",
      })
    },
    generatorLanes,
  )

export interface BackSync {
  /** From the first write in ESO's place to the answer to the syncer's last one. */
  readonly seconds: number
  /** How long the writes in ESO's place took, with the syncer at work beside them. */
  readonly generator: number
}

/** Secrets and statuses of `copies` appear on the host; `objects`: how many the virtual cluster must then show in all. */
export const backSync = Effect.fnUntraced(function* (
  place: Place,
  competitor: Competitor,
  running: Running,
  copies: ReadonlyArray<HostCopy>,
  objects: number,
) {
  const before = yield* place.virtualCluster.audit.mark
  const startedAt = Date.now()
  yield* Effect.promise(() => playEso(place, competitor.namespace, copies))
  const generator = seconds(startedAt, Date.now())
  const path = secretsPath(tenantNamespace)
  yield* untilDone("back sync", running, async () => (await count(place.virtual, path)) >= objects, 20)
  const statuses = async () =>
    (await list(place.virtual, externalSecretsPath(tenantNamespace))).filter(showsReady).length >= objects
  yield* untilDone("back sync of the statuses", running, statuses, 200)
  const writes = (yield* place.virtualCluster.audit.since(before)).filter(
    (entry) => isWrite(entry) && entry.objectRef?.namespace === tenantNamespace && byAgent(competitor.agent)(entry),
  )
  return { seconds: seconds(startedAt, lastAnswer(writes)), generator } satisfies BackSync
})

/** Milliseconds from the answer to a change of a host Secret to the event of the virtual one; one change at a time. */
export const rotations = Effect.fnUntraced(function* (
  place: Place,
  competitor: Competitor,
  copies: ReadonlyArray<HostCopy>,
) {
  const waiting = new Map<string, (at: number) => void>()
  const onLine = (line: string) => {
    const password = textAt(JSON.parse(line), "object", "data", "password")
    waiting.get(password)?.(performance.now())
  }
  const rotate = async (copy: HostCopy, index: number): Promise<number> => {
    const data = secretData(`rotated-${index}`)
    const arrived = new Promise<number>((resolve) => waiting.set(data["password"] ?? "", resolve))
    await place.host.send({
      method: "PATCH",
      path: `${secretsPath(competitor.namespace)}/${copy.target}`,
      body: JSON.stringify({ data }),
      contentType: "application/merge-patch+json",
    })
    const answered = performance.now()
    return (await arrived) - answered
  }
  const stopWatch = yield* Effect.promise(() =>
    place.virtual.watch(`${secretsPath(tenantNamespace)}?watch=true`, onLine),
  )
  const latencies: Array<number> = []
  for (const [index, copy] of copies.entries()) {
    latencies.push(
      yield* Effect.promise(() => rotate(copy, index)).pipe(
        Effect.timeoutOrElse({
          duration: "30 seconds",
          orElse: () =>
            Effect.fail(
              new GroundError({ message: `${competitor.name}: the rotation of ${copy.target} did not arrive` }),
            ),
        }),
      ),
    )
  }
  stopWatch()
  return latencies
})
