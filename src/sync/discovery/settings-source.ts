/** Where the settings come from: a file that was named, else the Secret that the vCluster itself reads. */
import { Effect, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { ApiError } from "../../effects/client/api-error.ts"
import type { KubeClient } from "../../effects/client/kube-client.ts"
import type { Vcluster } from "./find-vcluster.ts"
import { orUndefined } from "../../effects/client/ignore-not-found.ts"
import { secrets } from "../resources.ts"
import type { ConfigError, Settings } from "../settings/settings.ts"
import { enableSnippet, parseValues } from "../settings/settings.ts"
import type { SyncedPlurals } from "../settings/settings-conflicts.ts"
import { stringAt } from "../../effects/client/unstructured.ts"
import { SetupError } from "./setup-error.ts"

export interface SettingsText {
  readonly text: string
  /** For messages: `vcluster.yaml`, `Secret team-x/vc-config-my-vcluster`. */
  readonly source: string
}

const notFound = ({ name, namespace }: Vcluster): SetupError =>
  new SetupError({
    reason: "NoSettings",
    message: `the settings of vCluster ${name} are not to be found: there is no Secret vc-config-${name} with a key config.yaml in namespace ${namespace}`,
    fix: "give them as a file: -f vcluster.yaml",
  })

/** Settings that stand elsewhere in the file are not asked for again. */
const notEnabled = (vcluster: Vcluster, { elsewhere }: Settings): SetupError =>
  new SetupError({
    reason: "NotEnabled",
    message: `integrations.externalSecrets is not enabled for ${vcluster.name}`,
    fix: elsewhere.length > 0 ? elsewhere.join("\n") : `add to vcluster.yaml:\n${enableSnippet}`,
  })

/**
 * The merged Helm values that the vCluster runs with: key `config.yaml` of Secret `vc-config-NAME` (vCluster chart).
 *
 * @throws SetupError `NoSettings`
 */
export const readSettingsSecret = Effect.fn("readSettingsSecret")(function* (
  client: KubeClient,
  vcluster: Vcluster,
): Effect.fn.Return<SettingsText, ApiError | SetupError> {
  const name = `vc-config-${vcluster.name}`
  const secret = yield* client.get(secrets, { namespace: vcluster.namespace, name }).pipe(orUndefined)
  const encoded = stringAt(secret, "data", "config.yaml")
  if (encoded === undefined) return yield* notFound(vcluster)
  const decoded = Base64.decodeString(encoded)
  if (Result.isFailure(decoded)) return yield* notFound(vcluster)
  return { text: decoded.success, source: `Secret ${vcluster.namespace}/${name}` }
})

/**
 * Checks the settings, and that the integration is switched on in them.
 *
 * @param syncedBy which plurals of external-secrets.io the kinds sync: nothing else in the values may sync them, too
 * @throws ConfigError what is wrong in them, with places
 * @throws SetupError `NotEnabled`
 */
export const parseSettings = Effect.fnUntraced(function* (
  { text, source }: SettingsText,
  vcluster: Vcluster,
  syncedBy: SyncedPlurals,
): Effect.fn.Return<Settings, ConfigError | SetupError> {
  const settings = yield* Effect.fromResult(parseValues(text, source, syncedBy, vcluster))
  if (!settings.enabled) return yield* notEnabled(vcluster, settings)
  return settings
})
