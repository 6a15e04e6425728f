/** The operator's settings change between two runs: host copies go, the tenants' Secrets stay. A tenant's own label change takes the Secret along. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { copyOf, hiddenSecretOf, inVirtual } from "../support/attack.ts"
import { keepLogsOnFailure } from "../support/on-ground.ts"
import { externalSecrets, secrets } from "../support/resources.ts"
import { assertKept, sinceWhen } from "../support/stays.ts"
import { externalSecret, isReady, readyOf, SyncedPair } from "../support/synced-pair.ts"
import type { SyncedPairShape } from "../support/synced-pair.ts"
import { makeWitness } from "../support/witness.ts"

const settingsOf = (sync: object) => JSON.stringify({ integrations: { externalSecrets: { enabled: true, sync } } })

const labelled = { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } }
const notDraft = { matchExpressions: [{ key: "stage", operator: "NotIn", values: ["draft"] }] }

const settings = {
  all: settingsOf({ fromHost: { clusterStores: labelled } }),
  "no drafts": settingsOf({
    fromHost: { clusterStores: labelled },
    toHost: { externalSecrets: { selector: notDraft } },
  }),
  "another label on stores": settingsOf({
    fromHost: { clusterStores: { enabled: true, selector: { matchLabels: { elsewhere: "true" } } } },
  }),
  "no stores": settingsOf({}),
} as const

/** One pass with these settings. What it could not bring in step is told by its exit code, which is not looked at here. */
const passWith = Effect.fnUntraced(function* (pair: SyncedPairShape, which: keyof typeof settings) {
  const file = join(pair.ground.folder, "vcluster.yaml")
  yield* Effect.promise(() => writeFile(file, settings[which]))
  return yield* pair.command("sync", ["-f", file, "--once-timeout", "20s"])
})

const synced = Effect.fnUntraced(function* (pair: SyncedPairShape, names: ReadonlyArray<string>) {
  yield* passWith(pair, "all")
  for (const name of names) yield* pair.ground.host.kube.waitFor(externalSecrets, copyOf(name), isReady)
  const { code, stderr } = yield* passWith(pair, "all")
  assert.strictEqual(code, 0, stderr)
})

const awaitNothingOnHost = Effect.fnUntraced(function* ({ ground }: SyncedPairShape, name: string) {
  yield* ground.host.kube.waitUntilGone(externalSecrets, copyOf(name))
  yield* ground.host.kube.waitUntilGone(secrets, hiddenSecretOf(name))
})

layer(SyncedPair.layer({ follow: false }), { excludeTestServices: true, timeout: "10 minutes" })(
  "settings that change",
  (it) => {
    keepLogsOnFailure("what-stays-settings")

    it.effect(
      "take host copies and leave Secrets, and give back what they took; a label takes its own Secret only",
      () =>
        Effect.gen(function* () {
          const pair = yield* SyncedPair
          const { virtual } = pair.ground
          const [live, draft] = ["settings-live", "settings-draft"] as const
          yield* passWith(pair, "all")
          yield* virtual.kube.create(externalSecrets, externalSecret(live, { labels: { stage: "live" } }))
          yield* virtual.kube.create(externalSecrets, externalSecret(draft, { labels: { stage: "draft" } }))
          yield* synced(pair, [live, draft])
          const uidOf = (name: string) =>
            Effect.map(virtual.kube.get(secrets, inVirtual(name)), ({ metadata }) => metadata.uid)
          const before = [yield* uidOf(live), yield* uidOf(draft)]
          const witness = yield* makeWitness(virtual.kube)

          for (const [which, left] of [
            ["no drafts", [draft]],
            ["another label on stores", [live, draft]],
            ["no stores", [live, draft]],
          ] as const) {
            yield* passWith(pair, which)
            for (const name of left) {
              yield* awaitNothingOnHost(pair, name)
              const told = yield* virtual.kube.get(externalSecrets, inVirtual(name))
              assert.strictEqual(readyOf(told)?.status, "False", `${which}: ${name}`)
              assert.match(readyOf(told)?.message ?? "", sinceWhen, `${which}: ${name}`)
            }
            yield* assertKept(witness, [live, draft], ["s3cret"])
            yield* synced(pair, [live, draft])
            for (const name of left) assert.isTrue(isReady(yield* virtual.kube.get(externalSecrets, inVirtual(name))))
          }
          assert.deepStrictEqual([yield* uidOf(live), yield* uidOf(draft)], before)

          // Left out by the settings, and then changed by its tenant: that was not what took it out.
          yield* passWith(pair, "no drafts")
          yield* awaitNothingOnHost(pair, draft)
          yield* virtual.kube.patch(externalSecrets, inVirtual(draft), { metadata: { labels: { note: "mine" } } })
          yield* virtual.kube.patch(externalSecrets, inVirtual(live), { metadata: { labels: { stage: "draft" } } })
          yield* passWith(pair, "no drafts")
          yield* awaitNothingOnHost(pair, live)
          yield* virtual.kube.waitUntilGone(secrets, inVirtual(live))
          assert.deepStrictEqual(yield* witness.lost, [live])
        }),
    )
  },
)
