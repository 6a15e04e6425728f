/**
 * The end of a run that has lost its Lease while the virtual API server throttles it (a webhook there has no time), and of one whose
 * loop has died.
 */
import { assert } from "@effect/vitest"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Queue } from "effect"
import type { ServerHttp2Stream } from "node:http2"
import { makeKubeClient } from "../../src/effects/client/http-kube-client.ts"
import type { RequestRecord } from "../../src/effects/client/rest-client.ts"
import { loadKubeconfig } from "../../src/effects/config/kubeconfig.ts"
import { LeaseLost } from "../../src/sync/engine/errors.ts"
import { leaseName } from "../../src/sync/engine/preflight.ts"
import type { Reporter } from "../../src/sync/engine/reporter.ts"
import { follow } from "../../src/sync/engine/syncer.ts"
import { installEsoCrds } from "../clusters/eso.ts"
import { Ground } from "../clusters/ground.ts"
import { onGround } from "../support/on-ground.ts"
import { externalSecrets, leases, validatingWebhookConfigurations } from "../support/resources.ts"
import { syncLayers } from "../support/sync-layers.ts"
import { externalSecret } from "../support/synced-pair.ts"
import { answer, authority, type Received, startServer } from "../unit/effects/fault-server.ts"
import { userAgent } from "./transport-client.ts"

const vcluster = { name: "vc", namespace: "team-x" }

/** What a webhook says who has no time now; the API server passes it on, with `Retry-After`. */
const throttling = (stream: ServerHttp2Stream, { body }: Received) =>
  answer(stream, 200, {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid: JSON.parse(body).request.uid,
      allowed: false,
      status: { code: 429, reason: "TooManyRequests", message: "wait", details: { retryAfterSeconds: 1 } },
    },
  })

const webhookName = "throttling.test.example"

/** Each status of an ExternalSecret is refused from some moment on. */
const throttleStatuses = Effect.gen(function* () {
  const { virtual } = yield* Ground
  const server = yield* startServer(throttling)
  yield* virtual.kube.apply(validatingWebhookConfigurations, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: webhookName },
    webhooks: [
      {
        name: webhookName,
        clientConfig: { url: server.url, caBundle: Buffer.from(authority.cert).toString("base64") },
        rules: [
          {
            apiGroups: ["external-secrets.io"],
            apiVersions: ["*"],
            resources: ["externalsecrets/status"],
            operations: ["*"],
          },
        ],
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  })
})

/** What was answered, and when it was sent. */
interface Answer extends RequestRecord {
  readonly sentAt: number
}

const recordedClient = Effect.fnUntraced(function* (kubeconfig: string, onAnswer: (answered: Answer) => void) {
  const clock = yield* Clock.Clock
  const source = yield* loadKubeconfig(kubeconfig, {})
  return yield* makeKubeClient({
    cluster: "recorded",
    source,
    userAgent,
    fieldManager: "vcluster-es",
    onRequest: (record) => onAnswer({ ...record, sentAt: clock.currentTimeMillisUnsafe() - record.durationMs }),
  })
})

/** A run, with what it asks of both clusters. */
const startFollow = Effect.fnUntraced(function* (
  reporter: Partial<Reporter["Service"]>,
  onAnswer: (side: string, answered: Answer) => void,
) {
  const { host, virtual } = yield* Ground
  const firstPass = yield* Deferred.make<void>()
  const running = yield* Effect.forkScoped(
    Effect.scoped(
      Effect.gen(function* () {
        const clients = {
          host: yield* recordedClient(host.kubeconfig, (answered) => onAnswer("host", answered)),
          virtual: yield* recordedClient(virtual.kubeconfig, (answered) => onAnswer("virtual", answered)),
        }
        const onFirstPass = () => Effect.asVoid(Deferred.succeed(firstPass, undefined))
        return yield* Effect.provide(follow, syncLayers(clients, vcluster, { reporter: { ...reporter, onFirstPass } }))
      }),
    ),
  )
  return { running, firstPass: Deferred.await(firstPass) }
})

const prepared = Effect.gen(function* () {
  const { host, seedVcluster } = yield* Ground
  yield* installEsoCrds(host)
  yield* seedVcluster(vcluster)
})

const isStatusWrite = ({ method, path }: Answer) => method === "PATCH" && path.includes("/status?")

onGround("a run that has lost its Lease", (it) => {
  it.effect("ends within five seconds although it is throttled, and sends no write any more", () =>
    Effect.gen(function* () {
      yield* prepared
      const { host, virtual } = yield* Ground
      const statuses = yield* Queue.unbounded<Answer>()
      const lostAt = yield* Deferred.make<number>()
      const clock = yield* Clock.Clock
      const answers = new Array<Answer>()
      const { running, firstPass } = yield* startFollow({}, (side, answered) => {
        answers.push(answered)
        if (isStatusWrite(answered)) Queue.offerUnsafe(statuses, answered)
        if (side === "host" && answered.method === "PUT" && answered.status === 409)
          Deferred.doneUnsafe(lostAt, Effect.succeed(clock.currentTimeMillisUnsafe()))
      })
      yield* firstPass
      yield* throttleStatuses
      // Refused, each with a status to write: for want of its store.
      const create = (name: string) => virtual.kube.create(externalSecrets, externalSecret(name, { store: "none" }))
      let serial = 0
      do yield* create(`first-${serial++}`)
      while ((yield* Queue.take(statuses)).status !== 429)
      // More than there are workers.
      for (const name of ["a", "b", "c"]) yield* create(name)
      const ref = { namespace: vcluster.namespace, name: leaseName(vcluster) }
      const lease = yield* host.kube.get(leases, ref)
      yield* host.kube.update(leases, {
        ...lease,
        spec: {
          holderIdentity: "another",
          leaseDurationSeconds: 3600,
          renewTime: new Date().toISOString().replace("Z", "000Z"),
        },
      })
      const since = yield* Deferred.await(lostAt)
      const exit = yield* Fiber.await(running)
      const endedAt = clock.currentTimeMillisUnsafe()
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof LeaseLost, String(exit))
      assert.isBelow(endedAt - since, 5_000)
      // The answer to the renewal leads to a look at who holds the Lease: from then on it is known to be lost.
      const knownMs = 1_000
      const late = answers.filter(({ method, sentAt }) => method !== "GET" && sentAt > since + knownMs)
      assert.deepStrictEqual(late, [])
    }),
  )

  it.effect("so does one whose loop has died, with the defect", () =>
    Effect.gen(function* () {
      yield* prepared
      const { host, virtual } = yield* Ground
      yield* virtual.kube.delete(validatingWebhookConfigurations, { name: webhookName })
      yield* host.kube.delete(leases, { namespace: vcluster.namespace, name: leaseName(vcluster) })
      const onProgress = () => {
        throw new Error("a fault of ours")
      }
      const { running } = yield* startFollow({ onProgress }, () => {})
      const exit = yield* Fiber.await(running)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), String(exit))
    }),
  )
})
