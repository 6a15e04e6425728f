/** SecretStores of the tenant's own, and where what they refer to stands on the host. */
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { hostReferenceName } from "../../src/sync/tenancy/names.ts"
import { vcluster } from "./synced-pair.ts"

/** Both kinds of stores; ClusterSecretStores by the documented label. */
export const valuesWithStores = {
  integrations: {
    externalSecrets: {
      enabled: true,
      sync: {
        toHost: { stores: { enabled: true } },
        fromHost: { clusterStores: { enabled: true, selector: { matchLabels: { "vcluster-accessible": "true" } } } },
      },
    },
  },
}

export const secretStore = (name: string, provider: object, namespace = "default"): KubeObject => ({
  apiVersion: "external-secrets.io/v1",
  kind: "SecretStore",
  metadata: { name, namespace },
  spec: { provider },
})

export const fakeProvider = { fake: { data: [{ key: "/k", value: "v" }] } }

export const vault = (more: object) => ({
  vault: { server: "https://vault.invalid", path: "secret", version: "v2", ...more },
})

/** A Vault that is logged into by a token. @param ref the reference to it, but for the key */
export const tokenRef = (ref: object) => vault({ auth: { tokenSecretRef: { key: "token", ...ref } } })

export const referenceOf = (name: string, namespace = "default") => ({
  namespace: vcluster.namespace,
  name: hostReferenceName(name, namespace, vcluster.name),
})
