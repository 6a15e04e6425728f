/**
 * ESO's validating webhooks in the virtual cluster, derived from the host's (admissionregistration.k8s.io/v1).
 *
 * The virtual cluster's API server runs in a pod of the host, so the host's DNS leads it to the host's webhook, whose
 * certificate is good for that very name; a Service of the virtual cluster could not lead there.
 */
import type { KubeObject } from "../../../effects/client/kube-object.ts"
import { apiVersionOf } from "../../../effects/client/resource.ts"
import { esoGroup, validatingWebhookConfigurations } from "../../resources.ts"
import { arrayAt, recordAt, stringAt, valueAt } from "../../../effects/client/unstructured.ts"
import type { JsonRecord } from "../../../effects/client/unstructured.ts"
import { hostUidAnnotation, managedLabel } from "../../tenancy/labels.ts"

/** The name that ESO's chart gives to the configuration for ExternalSecrets. */
export const externalSecretConfiguration = "externalsecret-validate"

/** Either mark suffices: whoever takes one away has edited our object, and the edit is reverted. */
export const isOurConfiguration = (virtual: KubeObject): boolean =>
  virtual.metadata.labels?.[managedLabel] === "true" || virtual.metadata.annotations?.[hostUidAnnotation] !== undefined

/**
 * The kinds that a rule is for. Rules for a subresource alone are left out: what we write back, a status, must not depend on
 * the webhook.
 */
const pluralsOf = (rule: JsonRecord, plurals: ReadonlyArray<string>): ReadonlyArray<string> => {
  const resources = arrayAt(rule, "resources")
  return plurals.filter((plural) => [plural, "*", "*/*"].some((name) => resources.includes(name)))
}

const rulesOf = (webhook: JsonRecord, plurals: ReadonlyArray<string>): ReadonlyArray<JsonRecord> =>
  arrayAt(webhook, "rules").flatMap((entry) => {
    const rule = recordAt(entry)
    if (rule === undefined || !arrayAt(rule, "apiGroups").includes(esoGroup)) return []
    const resources = pluralsOf(rule, plurals)
    return resources.length === 0 ? [] : [{ ...rule, apiGroups: [esoGroup], resources }]
  })

const defaultPort = 443

/** A URL in place of the Service; a URL stays as it is. */
const clientConfigOf = (webhook: JsonRecord): JsonRecord => {
  const clientConfig = recordAt(webhook, "clientConfig") ?? {}
  const { service, ...rest } = clientConfig
  if (service === undefined) return rest
  const host = `${stringAt(service, "name") ?? ""}.${stringAt(service, "namespace") ?? ""}.svc`
  const given = valueAt(service, "port")
  const port = typeof given === "number" ? given : defaultPort
  return { ...rest, url: `https://${host}:${port}${stringAt(service, "path") ?? ""}` }
}

/** Its name is how ESO's own certcontroller knows ESO's webhooks (pkg/controllers/webhookconfig). An operator's policy engine may ask about the same kinds, and has no say in the virtual cluster. */
const isOfEso = (webhook: JsonRecord): boolean => (stringAt(webhook, "name") ?? "").endsWith(esoGroup)

/** ESO's certcontroller (or cert-manager) has not been there yet. Behind a URL, a certificate of a public CA needs none. */
const lacksCa = (webhook: JsonRecord): boolean =>
  valueAt(webhook, "clientConfig", "service") !== undefined &&
  (stringAt(webhook, "clientConfig", "caBundle") ?? "") === ""

/** What of a host's configuration belongs into the virtual cluster. */
export interface WebhookImport {
  readonly webhooks: ReadonlyArray<JsonRecord>
  /** Every call would fail still. */
  readonly lacksCa: boolean
}

/**
 * @param plurals kinds of external-secrets.io that we bring into the virtual cluster
 * @returns undefined: it has no webhook of ESO for any of these kinds
 */
export const webhookImport = (host: KubeObject, plurals: ReadonlyArray<string>): WebhookImport | undefined => {
  const relevant = arrayAt(host, "webhooks").flatMap((entry) => {
    const webhook = recordAt(entry)
    if (webhook === undefined || !isOfEso(webhook)) return []
    const rules = rulesOf(webhook, plurals)
    return rules.length === 0 ? [] : [{ webhook, rules }]
  })
  if (relevant.length === 0) return undefined
  return {
    // All else as on the host: whatever the webhook does not answer is decided there as it is in a cluster of one's own.
    webhooks: relevant.map(({ webhook, rules }) => ({ ...webhook, rules, clientConfig: clientConfigOf(webhook) })),
    lacksCa: relevant.some(({ webhook }) => lacksCa(webhook)),
  }
}

/**
 * The host's labels and annotations stay there: by them, a certcontroller or cert-manager inside the virtual cluster would
 * take the copy for its own and write another CA into it.
 */
export const desiredConfiguration = (host: KubeObject, { webhooks }: WebhookImport): KubeObject => ({
  apiVersion: apiVersionOf(validatingWebhookConfigurations),
  kind: validatingWebhookConfigurations.kind,
  metadata: {
    name: host.metadata.name,
    labels: { [managedLabel]: "true" },
    annotations: { [hostUidAnnotation]: host.metadata.uid ?? "" },
  },
  webhooks,
})

/** The parts that we keep in step. */
export const keptConfiguration = (configuration: KubeObject): JsonRecord => ({
  metadata: {
    labels: { [managedLabel]: configuration.metadata.labels?.[managedLabel] },
    annotations: { [hostUidAnnotation]: configuration.metadata.annotations?.[hostUidAnnotation] },
  },
  webhooks: arrayAt(configuration, "webhooks"),
})
