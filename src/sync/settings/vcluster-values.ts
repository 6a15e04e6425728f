/**
 * What is read of a vCluster's values (vcluster.yaml), as a Schema: of `integrations.externalSecrets` everything that a release since
 * v0.21 takes (loft-sh/vcluster, `config/config.go`), of the rest what bears on the integration. The types are those of the chart's
 * `values.schema.json`, the same in v0.26.0, v0.30.0 and v0.36.1. A new setting is one field here.
 */
import { Schema } from "effect"
import { superseded } from "../../effects/config/yaml-schema.ts"
import {
  crdVersion,
  flag,
  labels,
  open,
  orDefault,
  partly,
  records,
  section,
  selector,
  strict,
  text,
  texts,
} from "./setting-schemas.ts"

const externalSecrets = strict({
  enabled: flag(),
  version: crdVersion,
  webhook: strict({ enabled: flag() }),
  sync: strict({
    toHost: strict({
      externalSecrets: strict({ selector }),
      stores: strict({ enabled: flag(), selector }),
    }),
    fromHost: strict({ clusterStores: strict({ enabled: flag(), selector }) }),
    // Up to v0.28.
    externalSecrets: strict({ enabled: flag(true) }).pipe(Schema.annotateKey(superseded)),
    stores: strict({ enabled: flag() }).pipe(Schema.annotateKey(superseded)),
    clusterStores: strict({ enabled: flag(), selector: strict({ labels }) }).pipe(Schema.annotateKey(superseded)),
  }),
})

const customResources = records(Schema.Struct({ enabled: flag() }))
/** Up to v0.27. */
const genericObjects = orDefault(Schema.Array(Schema.Struct({ apiVersion: text, kind: text })), () => [])

const plugins = records(Schema.Struct({ image: text }))

const kubeConfig = {
  context: text,
  server: text,
  insecure: flag(),
  serviceAccount: partly({ name: text, namespace: text, clusterRole: text }),
}
const secretReference = { name: text, namespace: text }

export const VclusterValues = Schema.Struct({
  integrations: section({ externalSecrets }, { refused: "mistyped" }),
  sync: open({
    toHost: partly({
      namespaces: partly(
        { enabled: flag(), mappingsOnly: flag(), mappings: partly({ byName: texts }), extraLabels: texts },
        ["patches"],
      ),
      serviceAccounts: partly({ enabled: flag() }, ["patches"]),
      customResources,
    }),
    fromHost: partly(
      { secrets: partly({ enabled: flag(), mappings: partly({ byName: texts }) }, ["patches"]), customResources },
      ["configMaps"],
    ),
  }),
  exportKubeConfig: partly({
    ...kubeConfig,
    secret: partly(secretReference),
    additionalSecrets: orDefault(Schema.Array(Schema.Struct({ ...kubeConfig, ...secretReference })), () => []),
  }),
  privateNodes: open({ enabled: flag() }),
  controlPlane: open({ standalone: open({ enabled: flag() }) }),
  experimental: open({
    genericSync: open({ export: genericObjects, import: genericObjects }),
    proxy: open({ customResources }),
  }),
  plugin: plugins,
  plugins,
})
export type VclusterValues = typeof VclusterValues.Type
