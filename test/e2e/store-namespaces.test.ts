/** Imported stores and the two namespaces that they meet: the tenant's, and the vCluster's on the host. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { recordAt, stringAt } from "../../src/effects/client/unstructured.ts"
import { clusterSecretStores, events, externalSecrets, namespaces, secrets } from "../support/resources.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import { createReady, externalSecret, fakeStore, isRefused, readyOf, SyncedPair } from "../support/synced-pair.ts"

const key = "/database/password"

const storeWith = (name: string, conditions: ReadonlyArray<object>): KubeObject => {
  const store = fakeStore(name, { [key]: "s3cret" })
  return { ...store, spec: { ...recordAt(store["spec"]), conditions } }
}

/** Creates one that draws on a store, and waits for a condition. */
const created = Effect.fnUntraced(function* (
  { ground }: SyncedPairShape,
  store: string,
  isOver: (object: KubeObject) => boolean,
) {
  const { kube } = ground.virtual
  yield* kube.create(externalSecrets, externalSecret(store, { store }))
  return yield* kube.waitFor(externalSecrets, { namespace: "default", name: store }, isOver)
})

const isComplaint = (object: KubeObject): boolean => readyOf(object)?.reason === "SecretSyncedError"

/** What ESO says of it, as the tenant reads it in an event. */
const told = Effect.fnUntraced(function* ({ ground }: SyncedPairShape, { metadata }: KubeObject) {
  const found = yield* ground.virtual.kube.waitForList(
    events,
    { namespace: "default", fieldSelector: `involvedObject.uid=${metadata.uid},type=Warning` },
    (list) => list.length > 0,
  )
  return found.map((event) => stringAt(event, "message") ?? "").join("\n")
})

const problemOf = Effect.fnUntraced(function* (pair: SyncedPairShape, name: string) {
  const status = yield* pair.command("status", ["-o", "json"])
  const { problems }: { problems: ReadonlyArray<{ object: { name: string }; message: string; fix: unknown }> } =
    JSON.parse(status.stdout)
  const problem = problems.find(({ object }) => object.name === name)
  assert.isDefined(problem, status.stdout)
  return problem
})

layer(SyncedPair.layer(), { excludeTestServices: true, timeout: "10 minutes" })("namespaces of stores", (it) => {
  it.effect(
    "15: a credential that a store names without a namespace is looked for in the host's, and that is told",
    () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        yield* host.kube.create(clusterSecretStores, {
          ...fakeStore("referent", {}),
          spec: {
            provider: {
              vault: {
                server: "https://vault.invalid",
                path: "secret",
                auth: { tokenSecretRef: { name: "vault-creds", key: "token" } },
              },
            },
          },
        })
        // Where the tenant would have it, and where it is of no use.
        yield* virtual.kube.create(secrets, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "vault-creds", namespace: "default" },
          stringData: { token: "t" },
        })
        const object = yield* created(pair, "referent", isComplaint)
        const message = yield* told(pair, object)
        assert.include(message, `secret "vault-creds" from this vCluster's host namespace`)
        assert.notMatch(message, /namespace "?(default|team-x)/)
        const problem = yield* problemOf(pair, "referent")
        assert.deepInclude(problem.fix, {
          command: "kubectl --context host create secret generic vault-creds -n team-x --from-file=DIRECTORY",
          cluster: "host",
        })
      }),
  )

  it.effect("16: conditions that admit only the host's namespace", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      yield* pair.ground.host.kube.create(clusterSecretStores, storeWith("by-host", [{ namespaces: ["team-x"] }]))
      const object = yield* created(pair, "by-host", isRefused("StoreConditionsNotMet"))
      assert.include(
        readyOf(object)?.message,
        "must admit both namespace default and this vCluster's host namespace team-x",
      )
      const problem = yield* problemOf(pair, "by-host")
      assert.deepInclude(problem.fix, { command: "kubectl --context host edit clustersecretstore by-host" })
    }),
  )

  it.effect("16: conditions that admit only the tenant's namespace", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      yield* pair.ground.host.kube.create(clusterSecretStores, storeWith("by-virtual", [{ namespaces: ["default"] }]))
      const object = yield* created(pair, "by-virtual", isComplaint)
      const message = yield* told(pair, object)
      assert.include(
        message,
        `using cluster store "by-virtual" for namespace "default" is not allowed from this vCluster's host namespace "team-x"`,
      )
      assert.notInclude(message, `from namespace "default"`)
      const problem = yield* problemOf(pair, "by-virtual")
      assert.deepInclude(problem.fix, { command: "kubectl --context host edit clustersecretstore by-virtual" })
    }),
  )

  it.effect("16: conditions that admit both", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const matchExpressions = [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["team-x", "default"] }]
      yield* pair.ground.host.kube.create(
        clusterSecretStores,
        storeWith("by-both", [{ namespaceSelector: { matchExpressions } }]),
      )
      yield* createReady(pair, externalSecret("by-both", { store: "by-both" }))
    }),
  )

  it.effect("23: expressions in Go's syntax admit what ESO admits", () =>
    Effect.gen(function* () {
      const pair = yield* SyncedPair
      const { host, virtual } = pair.ground
      yield* virtual.kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team-a" } })
      const expressions = [
        String.raw`^team\-.*$`,
        "(?i)^team-",
        "^[[:alpha:]-]+$",
        String.raw`\Ateam-[a-z]+\z`,
        "^(?P<t>team)-",
        "(?i)^TEAM-",
        "^team-.*$",
      ]
      for (const [index, expression] of expressions.entries()) {
        const name = `regex-${index}`
        yield* host.kube.create(clusterSecretStores, storeWith(name, [{ namespaceRegexes: [expression] }]))
        yield* createReady(pair, externalSecret(name, { store: name, namespace: "team-a" }))
      }
    }),
  )
})
