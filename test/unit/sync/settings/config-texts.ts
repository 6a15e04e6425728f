/** What the tests of the settings share. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import { syncedBy } from "../../../../src/sync/kinds/kinds.ts"
import { enableSnippet, parseValues } from "../../../../src/sync/settings/settings.ts"
import type { Settings } from "../../../../src/sync/settings/settings.ts"

export const file = "vcluster.yaml"

export const settingsOf = (text: string, hostNamespace?: string): Settings =>
  Result.match(parseValues(text, file, syncedBy, { namespace: hostNamespace }), {
    onFailure: (error) => assert.fail(`expected settings, got: ${error.message}`),
    onSuccess: (settings) => settings,
  })

export const problemsOf = (text: string): ReadonlyArray<string> =>
  Result.match(parseValues(text, file, syncedBy), {
    onFailure: (error) => error.message.split("\n"),
    onSuccess: () => [],
  })

/** Under `integrations.externalSecrets`, beside `enabled: true`; the first line of `body` is line 4. */
export const integration = (body: string): string =>
  `${enableSnippet}\n${body
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")}\n`

/** The chart's own, with the integration on: merged values, when a shape of `sync` follows. */
export const sections = `
controlPlane: {statefulSet: {}, standalone: {enabled: false}}
exportKubeConfig: {}
networking: {}
policies: {}
rbac: {}
privateNodes: {enabled: false}
plugins: {}
experimental: {syncSettings: {setOwner: true}}
sync:
  toHost: {customResources: {}, serviceAccounts: {enabled: false}, namespaces: {enabled: false, mappingsOnly: false, mappings: {byName: {}}}}
  fromHost: {customResources: {}, secrets: {enabled: false, mappings: {byName: {}}}}
integrations:
  metricsServer: {enabled: false}
  externalSecrets:
    enabled: true
    webhook: {enabled: false}
    sync:`

export interface Given {
  readonly stores?: boolean
  readonly clusterStores?: boolean
  readonly label?: string
}

export const olderShape = ({ stores = false, clusterStores = false, label }: Given): string => `
      externalSecrets: {enabled: true}
      stores: {enabled: ${stores}}
      clusterStores: {enabled: ${clusterStores}, selector: {labels: {${label === undefined ? "" : `shared: ${label}`}}}}`

export const newerShape = ({ stores = false, clusterStores = false, label }: Given): string => `
      toHost:
        externalSecrets: {selector: {matchLabels: {}}}
        stores: {enabled: ${stores}, selector: {matchLabels: {}}}
      fromHost:
        clusterStores: {enabled: ${clusterStores}, selector: {matchLabels: {${label === undefined ? "" : `shared: ${label}`}}}}`
