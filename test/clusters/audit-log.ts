/** What an API server was asked, by whom: its audit log, so that tests can count requests. */
import { randomUUID } from "node:crypto"
import { open } from "node:fs/promises"
import { Effect, Schema } from "effect"
import type { KubeError } from "../support/kube-error.ts"
import type { Kube } from "../support/kube.ts"

/** Everything at level Metadata: verbs, names, codes, agents; never a body. Without the first stage, a request is one line. */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{ level: Metadata }]
`

const Entry = Schema.Struct({
  /** `ResponseComplete`; a watch has a line `ResponseStarted` at its start and another at its end. */
  stage: Schema.String,
  verb: Schema.String,
  requestURI: Schema.String,
  userAgent: Schema.optionalKey(Schema.String),
  user: Schema.Struct({ username: Schema.optionalKey(Schema.String) }),
  objectRef: Schema.optionalKey(
    Schema.Struct({
      resource: Schema.optionalKey(Schema.String),
      subresource: Schema.optionalKey(Schema.String),
      namespace: Schema.optionalKey(Schema.String),
      name: Schema.optionalKey(Schema.String),
      apiGroup: Schema.optionalKey(Schema.String),
    }),
  ),
  responseStatus: Schema.optionalKey(Schema.Struct({ code: Schema.optionalKey(Schema.Int) })),
  /** RFC 3339 with microseconds: when the request came, and when this line's stage was reached. */
  requestReceivedTimestamp: Schema.String,
  stageTimestamp: Schema.String,
})
export type AuditEntry = typeof Entry.Type

const decodeLine = Schema.decodeUnknownSync(Entry)

const writeVerbs = new Set(["create", "update", "patch", "delete", "deletecollection"])

export const isWrite = (entry: AuditEntry): boolean => writeVerbs.has(entry.verb)

/** Requests whose `User-Agent` begins so. */
export const byAgent =
  (prefix: string) =>
  (entry: AuditEntry): boolean =>
    entry.userAgent?.startsWith(prefix) === true

/** `patch secrets/db-credentials in team-x: 200`, for assertion messages. */
export const describeEntry = (entry: AuditEntry): string => {
  const { resource = entry.requestURI, subresource, namespace, name } = entry.objectRef ?? {}
  const what = [resource, name, subresource].filter((part) => part !== undefined).join("/")
  return `${entry.verb} ${what}${namespace === undefined ? "" : ` in ${namespace}`}: ${entry.responseStatus?.code ?? "?"}`
}

export interface AuditLog {
  readonly file: string
  /** Now, as a place in the log. */
  readonly mark: Effect.Effect<number, KubeError>
  /** All requests that were answered since then, oldest first; those of the audit log itself are left out. */
  readonly since: (mark: number) => Effect.Effect<ReadonlyArray<AuditEntry>, KubeError>
}

const marker = "vcluster-es-audit-mark"

const readFrom = async (file: string, position: number): Promise<Buffer> => {
  const handle = await open(file, "r")
  try {
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(Math.max(0, size - position))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/**
 * The log of one API server. A request's line is written after its answer was sent, so both functions send a request
 * of their own and wait for its line: everything answered before it is in the file then.
 */
export const makeAuditLog = (file: string, kube: Kube): AuditLog => {
  /** Everything from `position` to the end of the marker's line. */
  const upToNow = Effect.fnUntraced(function* (position: number): Effect.fn.Return<Buffer, KubeError> {
    const id = randomUUID()
    yield* kube.request({ method: "GET", path: `/version?${marker}=${id}` })
    for (;;) {
      const bytes = yield* Effect.promise(() => readFrom(file, position))
      const found = bytes.indexOf(id)
      const end = found === -1 ? -1 : bytes.indexOf("\n", found)
      if (end !== -1) return bytes.subarray(0, end + 1)
      yield* Effect.sleep("5 millis")
    }
  })
  return {
    file,
    mark: Effect.map(upToNow(0), (bytes) => bytes.length),
    since: (mark) =>
      Effect.map(upToNow(mark), (bytes) =>
        bytes
          .toString("utf8")
          .split("\n")
          .filter((line) => line !== "" && !line.includes(marker))
          .map((line) => decodeLine(JSON.parse(line))),
      ),
  }
}
