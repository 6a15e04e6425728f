/**
 * The synced kind ValidatingWebhookConfiguration, host → virtual: what ESO's own webhook rejects is rejected in the virtual
 * cluster, with ESO's words, when it is applied. Only with `webhook.enabled`; without it, what an earlier run left is removed.
 * ESO has no mutating webhooks, so there is nothing of that kind to bring.
 */
import { hostWebhooks, virtualWebhooks } from "./caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action, Verdict } from "../../engine/actions.ts"
import { mergePatch } from "../../../effects/client/merge-patch.ts"
import {
  desiredConfiguration,
  externalSecretConfiguration,
  isOurConfiguration,
  keptConfiguration,
  webhookImport,
} from "./to-virtual.ts"
import type { WebhookImport } from "./to-virtual.ts"
import { validatingWebhookConfigurations } from "../../resources.ts"
import { Refusal } from "../../tenancy/refusals.ts"
import { refusedVerdict } from "../../external-secrets/verdicts.ts"
import { on, synced } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"

const resource = validatingWebhookConfigurations

interface Observed {
  readonly key: ObjectKey
  /** The host's configuration, as far as it belongs into the virtual cluster; undefined: it does not, or there is none. */
  readonly wanted: (WebhookImport & { readonly host: KubeObject }) | undefined
  readonly virtual: KubeObject | undefined
  /** This is the key of the usual one, and the host has neither that nor any other. */
  readonly isMissed: boolean
}

interface Desired {
  /** What should stand in the virtual cluster. */
  readonly configuration: KubeObject | "none of ours" | "as it stands"
  /** @param pending writes that are still to be made */
  readonly told: (pending: number) => Verdict | undefined
}

const importOf = (host: KubeObject | undefined, context: SyncContext): WebhookImport | undefined =>
  host === undefined ? undefined : webhookImport(host, context.imported)

const observe = (key: ObjectKey, caches: Caches, context: SyncContext): Observed => {
  const host = caches.of(hostWebhooks).get(key)
  const wanted = importOf(host, context)
  return {
    key,
    wanted: host === undefined || wanted === undefined ? undefined : { ...wanted, host },
    virtual: caches.of(virtualWebhooks).get(key),
    isMissed:
      context.settings.webhook &&
      key === externalSecretConfiguration &&
      ![...caches.of(hostWebhooks).values()].some((each) => importOf(each, context) !== undefined),
  }
}

const isLeaving = (virtual: KubeObject | undefined): boolean => virtual?.metadata.deletionTimestamp !== undefined

const judge = ({ key, wanted, virtual }: Observed): Refusal | undefined =>
  wanted === undefined || virtual === undefined || isLeaving(virtual) || isOurConfiguration(virtual)
    ? undefined
    : new Refusal({
        reason: "VirtualObjectNotOurs",
        message:
          "the virtual cluster has a ValidatingWebhookConfiguration of its own under this name (an External Secrets Operator of its own?); it is left alone",
        fix: {
          text: "delete it to have the host's, or set integrations.externalSecrets.webhook.enabled: false",
          command: `kubectl delete validatingwebhookconfiguration ${key}`,
        },
      })

const awaitingCa: Verdict = {
  health: "waiting",
  reason: "CaBundleMissing",
  message:
    "the host's configuration has no caBundle yet: External Secrets Operator's certcontroller (or cert-manager) on the host has to fill it in",
}

const absent: Verdict = {
  health: "broken",
  reason: "HostWebhookMissing",
  message:
    "integrations.externalSecrets.webhook.enabled is set, but External Secrets Operator on the host has no validating webhook for ExternalSecrets",
  fix: { text: "install it with webhook.create: true (the default of its chart), or switch the setting off" },
}

const deletionPending: Verdict = {
  health: "waiting",
  reason: "DeletionPending",
  message: "deleted in the virtual cluster; made again once it is gone",
}

const verdictOf = (pending: number): Verdict =>
  pending === 0
    ? { health: "synced", reason: "Imported", message: "the host's webhook answers" }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }

const desire = ({ wanted, virtual, isMissed }: Observed, refusal: Refusal | undefined): Desired => {
  if (refusal !== undefined) return { configuration: "as it stands", told: () => refusedVerdict(refusal) }
  if (wanted === undefined) return { configuration: "none of ours", told: () => (isMissed ? absent : undefined) }
  if (isLeaving(virtual)) return { configuration: "as it stands", told: () => deletionPending }
  // One that stands already stays: in a cluster of its own, too, ESO would now be asked in vain.
  if (wanted.lacksCa) return { configuration: "as it stands", told: () => awaitingCa }
  return { configuration: desiredConfiguration(wanted.host, wanted), told: verdictOf }
}

const diff = ({ virtual }: Observed, { configuration }: Desired): ReadonlyArray<Action> => {
  if (configuration === "as it stands") return []
  if (configuration === "none of ours")
    return virtual === undefined || isLeaving(virtual) || !isOurConfiguration(virtual)
      ? []
      : [{ _tag: "Delete", side: "virtual", resource, current: virtual, becauseAbsent: false }]
  if (virtual === undefined) return [{ _tag: "Create", side: "virtual", resource, body: configuration }]
  const patch = mergePatch(keptConfiguration(virtual), keptConfiguration(configuration))
  return patch === undefined ? [] : [{ _tag: "Patch", side: "virtual", resource, current: virtual, patch }]
}

export const webhookKind: SyncedKind = synced<Observed, Desired>({
  kind: resource.kind,
  counted: ({ webhook }) => webhook,
  restsOn: hostWebhooks,
  caches: [hostWebhooks, virtualWebhooks],
  sources: [
    // Which one is there decides whether the usual one is missed.
    on(hostWebhooks, (object) => [object.metadata.name, externalSecretConfiguration]),
    on(virtualWebhooks, (object) => [object.metadata.name]),
  ],
  keys: (caches) =>
    new Set([
      ...[...caches.of(hostWebhooks).values(), ...caches.of(virtualWebhooks).values()].map(
        (object) => object.metadata.name,
      ),
      externalSecretConfiguration,
    ]),
  observe,
  judge,
  desire,
  diff,
  report: (_observed, { told }, actions) => ({ verdict: told(actions.length) }),
})
