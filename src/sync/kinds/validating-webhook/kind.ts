/**
 * The synced kind ValidatingWebhookConfiguration, host → virtual: what ESO's own webhook rejects is rejected in the virtual
 * cluster, with ESO's words, when it is applied. Only with `webhook.enabled`; without it, what an earlier run left is removed.
 * ESO has no mutating webhooks, so there is nothing of that kind to bring.
 */
import { hostWebhooks, virtualWebhooks } from "./caches.ts"
import type { KubeObject, ObjectKey } from "../../../effects/client/kube-object.ts"
import type { Caches } from "../../engine/caches.ts"
import type { SyncContext } from "../../engine/context.ts"
import type { Action, Decision, Verdict } from "../../engine/actions.ts"
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
import { on } from "../../engine/synced-kind.ts"
import type { SyncedKind } from "../../engine/synced-kind.ts"

const resource = validatingWebhookConfigurations

const importOf = (host: KubeObject | undefined, context: SyncContext): WebhookImport | undefined =>
  host === undefined ? undefined : webhookImport(host, context.imported)

const refused = (name: string): Verdict => ({
  health: "refused",
  reason: "VirtualObjectNotOurs",
  message:
    "the virtual cluster has a ValidatingWebhookConfiguration of its own under this name (an External Secrets Operator of its own?); it is left alone",
  fix: {
    text: "delete it to have the host's, or set integrations.externalSecrets.webhook.enabled: false",
    command: `kubectl delete validatingwebhookconfiguration ${name}`,
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

const verdictOf = (actions: ReadonlyArray<Action>): Verdict =>
  actions.length === 0
    ? { health: "synced", reason: "Imported", message: "the host's webhook answers" }
    : { health: "waiting", reason: "Pending", message: "changes are on their way" }

const toVirtual = (desired: KubeObject, virtual: KubeObject | undefined): ReadonlyArray<Action> => {
  if (virtual === undefined) return [{ _tag: "Create", side: "virtual", resource, body: desired }]
  const patch = mergePatch(keptConfiguration(virtual), keptConfiguration(desired))
  return patch === undefined ? [] : [{ _tag: "Patch", side: "virtual", resource, current: virtual, patch }]
}

/** The host has nothing under this name that belongs into the virtual cluster. */
const withoutHost = (
  key: ObjectKey,
  virtual: KubeObject | undefined,
  caches: Caches,
  context: SyncContext,
): Decision => {
  const expected =
    context.settings.webhook &&
    key === externalSecretConfiguration &&
    ![...caches.of(hostWebhooks).values()].some((host) => importOf(host, context) !== undefined)
  return {
    actions:
      virtual === undefined || virtual.metadata.deletionTimestamp !== undefined || !isOurConfiguration(virtual)
        ? []
        : [{ _tag: "Delete", side: "virtual", resource, current: virtual, becauseAbsent: false }],
    verdict: expected ? absent : undefined,
  }
}

const decide = (key: ObjectKey, caches: Caches, context: SyncContext): Decision => {
  const host = caches.of(hostWebhooks).get(key)
  const virtual = caches.of(virtualWebhooks).get(key)
  const wanted = importOf(host, context)
  if (host === undefined || wanted === undefined) return withoutHost(key, virtual, caches, context)
  if (virtual?.metadata.deletionTimestamp !== undefined) return { actions: [], verdict: deletionPending }
  if (virtual !== undefined && !isOurConfiguration(virtual)) return { actions: [], verdict: refused(key) }
  // One that stands already stays: in a cluster of its own, too, ESO would now be asked in vain.
  if (wanted.lacksCa) return { actions: [], verdict: awaitingCa }
  const actions = toVirtual(desiredConfiguration(host, wanted), virtual)
  return { actions, verdict: verdictOf(actions) }
}

export const webhookKind: SyncedKind = {
  kind: resource.kind,
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
  decide,
}
