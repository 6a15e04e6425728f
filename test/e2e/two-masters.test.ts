/** Others who write where we write: Argo CD, a reflector, Helm 4, an ESO that is being reinstalled. Each is played, and what we write is counted. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { AuditEntry } from "../clusters/audit-log.ts"
import { describeEntry, isWrite } from "../clusters/audit-log.ts"
import { recordAt, stringAt, valueAt } from "../../src/effects/client/unstructured.ts"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { ourAgent } from "../support/complaint.ts"
import type { Kube } from "../support/kube.ts"
import { crds, events, externalSecrets, namespaces, secrets } from "../support/resources.ts"
import {
  awaitSecret,
  createReady,
  externalSecret,
  hostRef,
  isReady,
  isRefused,
  readyOf,
  SyncedPair,
  valueOf,
} from "../support/synced-pair.ts"

const inVirtual = (name: string) => ({ namespace: "default", name })

/** Another master of one Secret: whenever it is otherwise than `isTheirs` has it, they write, and count. For as long as the scope is open. */
const master = Effect.fnUntraced(function* (
  kube: Kube,
  name: string,
  isTheirs: (secret: KubeObject) => boolean,
  patch: Readonly<Record<string, unknown>>,
) {
  let healed = 0
  yield* kube
    .waitFor(secrets, inVirtual(name), (secret) => !isTheirs(secret), { timeout: "1 hour" })
    .pipe(
      Effect.andThen(kube.patch(secrets, inVirtual(name), patch)),
      Effect.tap(() => Effect.sync(() => (healed += 1))),
      Effect.forever,
      Effect.forkScoped,
    )
  return { healed: () => healed }
})

const toSecret =
  (name: string) =>
  (entry: AuditEntry): boolean =>
    ourAgent(entry) && isWrite(entry) && entry.objectRef?.resource === "secrets" && entry.objectRef.name === name

const trackingId = "argocd.argoproj.io/tracking-id"
const argosId = "web:/Secret:default/shared"
const hasArgosId = (secret: KubeObject): boolean => secret.metadata.annotations?.[trackingId] === argosId

const refreshed = Effect.fnUntraced(function* (kube: Kube, name: string, round: number) {
  const before = yield* kube.get(externalSecrets, inVirtual(name))
  const version = stringAt(before, "status", "syncedResourceVersion")
  yield* kube.patch(externalSecrets, inVirtual(name), { metadata: { annotations: { "force-sync": `${round}` } } })
  yield* kube.waitFor(
    externalSecrets,
    inVirtual(name),
    (object) => isReady(object) && stringAt(object, "status", "syncedResourceVersion") !== version,
  )
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("two masters", (it) => {
  for (const creationPolicy of ["Merge", "Owner"])
    it.effect(`11: an annotation that Argo CD keeps under ${creationPolicy} is written at most once a refresh`, () =>
      Effect.gen(function* () {
        const { ground } = yield* SyncedPair
        const { kube, audit } = ground.virtual
        const name = `shared-${creationPolicy.toLowerCase()}`
        const annotations = { [trackingId]: `web:external-secrets.io/ExternalSecret:default/${name}` }
        if (creationPolicy === "Merge")
          yield* kube.create(secrets, {
            apiVersion: "v1",
            kind: "Secret",
            metadata: { name, namespace: "default" },
            data: { own: btoa("1") },
          })
        yield* kube.create(externalSecrets, externalSecret(name, { annotations, target: { name, creationPolicy } }))
        yield* kube.waitFor(secrets, inVirtual(name), (secret) => valueOf(secret, "password") === "s3cret")
        yield* kube.waitFor(externalSecrets, inVirtual(name), isReady)
        const mark = yield* audit.mark
        const argo = yield* master(kube, name, hasArgosId, { metadata: { annotations: { [trackingId]: argosId } } })
        const rounds = [1, 2, 3]
        for (const round of rounds) {
          yield* kube.waitFor(secrets, inVirtual(name), hasArgosId)
          yield* refreshed(kube, name, round)
        }
        yield* kube.waitFor(secrets, inVirtual(name), hasArgosId)
        const ours = (yield* audit.since(mark)).filter(toSecret(name))
        assert.isAtMost(ours.length, rounds.length, ours.map(describeEntry).join("\n"))
        assert.isAtMost(argo.healed(), rounds.length + 1)
        const left = yield* audit.mark
        // Between two refreshes nothing is to happen, and nothing can be awaited.
        yield* Effect.sleep("10 seconds")
        assert.isEmpty((yield* audit.since(left)).filter(toSecret(name)).map(describeEntry))
      }).pipe(Effect.scoped),
    )

  it.effect("11: with an empty template.metadata, nothing of the ExternalSecret's metadata is on the Secret", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { kube, audit } = pair.ground.virtual
      const annotations = { [trackingId]: "web:external-secrets.io/ExternalSecret:default/cured" }
      const target = { template: { metadata: {} } }
      yield* createReady(pair, externalSecret("cured", { annotations, labels: { team: "a" }, target }))
      const secret = yield* awaitSecret(pair, "cured")
      assert.isUndefined(secret.metadata.annotations?.[trackingId])
      assert.isUndefined(secret.metadata.labels?.["team"])
      const mark = yield* audit.mark
      const argo = yield* master(kube, "cured", hasArgosId, { metadata: { annotations: { [trackingId]: argosId } } })
      yield* kube.waitFor(secrets, inVirtual("cured"), hasArgosId)
      yield* refreshed(kube, "cured", 1)
      assert.strictEqual(argo.healed(), 1)
      assert.isEmpty((yield* audit.since(mark)).filter(toSecret("cured")).map(describeEntry))
    }).pipe(Effect.scoped),
  )

  it.effect(
    "S17: a Secret whose data somebody else keeps overwriting is never Ready while that lasts, and is afterwards",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { kube, audit } = pair.ground.virtual
        const name = "overwritten"
        yield* createReady(pair, externalSecret(name))
        yield* awaitSecret(pair, name)
        const theirs = (secret: KubeObject) => valueOf(secret, "password") === "theirs"
        const fight = Effect.gen(function* () {
          const other = yield* master(kube, name, theirs, { data: { password: btoa("theirs") } })
          const told = yield* kube.waitFor(externalSecrets, inVirtual(name), isRefused("TargetSecretContested"))
          assert.include(readyOf(told)?.message, `keeps changing Secret default/${name}`)
          yield* kube.waitForList(events, { namespace: "default" }, (all) =>
            all.some(
              (event) =>
                valueAt(event, "reason") === "TargetSecretContested" &&
                stringAt(event, "involvedObject", "name") === name,
            ),
          )
          const { code, stdout } = yield* pair.command("status")
          assert.strictEqual(code, 1)
          assert.include(stdout, `keeps changing Secret default/${name}`)
          const mark = yield* audit.mark
          const before = other.healed()
          // Once in 30 seconds ours is put back, and taken away again.
          const again = kube.waitFor(secrets, inVirtual(name), (secret) => valueOf(secret, "password") === "s3cret")
          yield* Effect.andThen(again, kube.waitFor(secrets, inVirtual(name), theirs))
          assert.isTrue(isRefused("TargetSecretContested")(yield* kube.get(externalSecrets, inVirtual(name))))
          assert.isAtMost((yield* audit.since(mark)).filter(toSecret(name)).length, 3)
          assert.isAbove(other.healed(), before)
        })
        yield* Effect.scoped(fight)
        yield* kube.waitFor(externalSecrets, inVirtual(name), isReady, { timeout: "3 minutes" })
        assert.strictEqual(valueOf(yield* kube.get(secrets, inVirtual(name)), "password"), "s3cret")
      }),
  )

  it.effect("Helm 4: an unchanged apply of the tenant's meets no conflict once everything is synced", () =>
    Effect.gen(function* () {
      const { ground } = yield* SyncedPair
      const { kube } = ground.virtual
      const chart = JSON.stringify(externalSecret("by-helm"))
      const upgrade = ground.kubectl(
        ground.virtual,
        ["apply", "--server-side", "--field-manager=helm", "-f", "-"],
        chart,
      )
      assert.strictEqual((yield* upgrade).code, 0)
      const synced = yield* kube.waitFor(externalSecrets, inVirtual("by-helm"), isReady)
      const again = yield* upgrade
      assert.strictEqual(again.code, 0, again.stderr)
      const after = yield* kube.get(externalSecrets, inVirtual("by-helm"))
      assert.deepStrictEqual(after["spec"], synced["spec"])
      assert.strictEqual(after.metadata.generation, 1)
    }),
  )

  it.effect("S9: while the host's CRD is being deleted nobody is refused, and all is synced when it is back", () =>
    Effect.gen(function* () {
      const { ground } = yield* SyncedPair
      const { host, virtual } = ground
      const crd = { name: "externalsecrets.external-secrets.io" }
      const { spec } = yield* host.kube.get(crds, crd)
      yield* host.kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "elsewhere" } })
      const held = externalSecret("held", { namespace: "elsewhere" })
      yield* host.kube.create(externalSecrets, {
        ...held,
        metadata: { ...held.metadata, finalizers: ["test.example.com/held"] },
      })
      yield* host.kube.delete(crds, crd)
      yield* host.kube.waitFor(crds, crd, ({ metadata }) => metadata.deletionTimestamp !== undefined)
      const mark = yield* host.audit.mark
      yield* virtual.kube.create(externalSecrets, externalSecret("meanwhile"))
      yield* Effect.repeat(host.audit.since(mark), {
        until: (entries) =>
          entries.some(
            (entry) =>
              ourAgent(entry) && entry.verb === "create" && (entry.objectRef?.resource ?? "") === "externalsecrets",
          ),
      })
      yield* host.kube.patch(externalSecrets, held.metadata, { metadata: { finalizers: null } })
      yield* host.kube.waitUntilGone(crds, crd)
      assert.notStrictEqual(
        readyOf(yield* virtual.kube.get(externalSecrets, inVirtual("meanwhile")))?.reason,
        "RefusedByHost",
      )
      yield* host.kube.create(crds, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: crd,
        spec: { ...recordAt(spec) },
      })
      yield* host.kube.waitFor(externalSecrets, hostRef("meanwhile"), undefined, { timeout: "3 minutes" })
      yield* virtual.kube.waitFor(externalSecrets, inVirtual("meanwhile"), isReady, { timeout: "3 minutes" })
    }),
  )
})
