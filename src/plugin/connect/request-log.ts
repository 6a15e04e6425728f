/** `-v=6`: a line for each request; `-v=8`: its bodies too, without anything secret. */
import { Effect, Predicate, Result } from "effect"
import type { BodyRecord, RequestRecord } from "../../effects/client/rest-client.ts"

const masked = "***"

const maskAll = (values: unknown): unknown =>
  Predicate.isObject(values) ? Object.fromEntries(Object.keys(values).map((key) => [key, masked])) : masked

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !Array.isArray(value)

/** Every text in what a store's provider is told: credentials may be written there in plain. */
const maskTexts = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(maskTexts)
  if (!isRecord(value)) return typeof value === "string" ? masked : value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskTexts(inner)]))
}

const ofSecrets = new Set(["data", "stringData"])

/**
 * @param secret the value is a Secret, or a list of them: items of a list and bodies of patches do not say so themselves
 */
const redactValue = (value: unknown, secret: boolean): unknown => {
  if (Array.isArray(value)) return value.map((item) => redactValue(item, secret))
  if (!isRecord(value)) return value
  const isSecret = secret || value["kind"] === "Secret"
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (isSecret && ofSecrets.has(key)) return [key, maskAll(inner)]
      if (key === lastApplied || key === "token") return [key, masked]
      if (key === "provider") return [key, maskTexts(inner)]
      return [key, redactValue(inner, isSecret)]
    }),
  )
}

const shownPaths = new Set<unknown>(["/metadata/uid", "/metadata/resourceVersion", "/status"])

/** An operation of a JSON patch does not say by its keys what its value is. */
const redactOperation = (operation: unknown): unknown =>
  isRecord(operation) && Object.hasOwn(operation, "value") && !shownPaths.has(operation["path"])
    ? { ...operation, value: masked }
    : redactValue(operation, false)

const redactDocument = (value: unknown, secret: boolean): unknown =>
  // Only a JSON patch is a list.
  Array.isArray(value) ? value.map(redactOperation) : redactValue(value, secret)

const isAboutSecrets = (path: string): boolean => /^\/api\/v1\/(namespaces\/[^/?]+\/)?secrets([/?]|$)/.test(path)

/** A body as one line of JSON: no values of Secrets, no tokens, no texts of a store's provider. What is no JSON is not shown. */
export const redactBody = (body: string, path: string): string => {
  const parsed = Result.try({ try: (): unknown => JSON.parse(body), catch: () => undefined })
  return Result.isFailure(parsed)
    ? `(${body.length} characters that are no JSON)`
    : JSON.stringify(redactDocument(parsed.success, isAboutSecrets(path)))
}

interface RequestLog {
  readonly onRequest?: (record: RequestRecord) => void
  readonly onBody?: (record: BodyRecord) => void
}

/** klog's levels, as kubectl has them. */
const requestLevel = 6
const bodyLevel = 8

/** What to hand to a client; at a lower verbosity nothing, so that it costs nothing. */
export const makeRequestLog = Effect.fnUntraced(function* (verbosity: number): Effect.fn.Return<RequestLog> {
  if (verbosity < requestLevel) return {}
  const log = Effect.runSyncWith(yield* Effect.context())
  const onRequest = ({ cluster, method, path, status, durationMs }: RequestRecord) =>
    log(Effect.logDebug(`${cluster} ${method} ${path} ${status === 0 ? "no answer" : status} ${durationMs} ms`))
  if (verbosity < bodyLevel) return { onRequest }
  const onBody = ({ cluster, method, path, request, response }: BodyRecord) => {
    const sent = request === undefined ? [] : [`sent ${redactBody(request, path)}`]
    log(Effect.logTrace([`${cluster} ${method} ${path}`, ...sent, `got ${redactBody(response, path)}`].join(" ")))
  }
  return { onRequest, onBody }
})
