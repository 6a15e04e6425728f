/** data and dataFrom: what is read from the provider, and under which keys it lands. */
import { answered, type Row } from "../entry.ts"
import { create } from "../steps.ts"

type Spec = Readonly<Record<string, unknown>>

const row = (name: string, spec: Spec): Row => ({ name, steps: [create({ spec }, answered)] })
const from = (...dataFrom: ReadonlyArray<Spec>): Spec => ({ data: [], dataFrom })
const one = (remoteRef: Spec): Spec => ({ data: [{ secretKey: "password", remoteRef }] })

export const sources: ReadonlyArray<Row> = [
  row("two keys", {
    data: [
      { secretKey: "password", remoteRef: { key: "/database/password" } },
      { secretKey: "user", remoteRef: { key: "/database/user" } },
    ],
  }),
  row("a property", one({ key: "/login", property: "user" })),
  row("a nested property", one({ key: "/login", property: "nested.a" })),
  row("a property that is not there", one({ key: "/login", property: "nobody" })),
  row("a store per entry", {
    secretStoreRef: undefined,
    data: [
      {
        secretKey: "password",
        remoteRef: { key: "/database/password" },
        sourceRef: { storeRef: { name: "store", kind: "ClusterSecretStore" } },
      },
    ],
  }),
  row("extract", from({ extract: { key: "/login" } })),
  row("extract beside data", { dataFrom: [{ extract: { key: "/login" } }] }),
  row("extract of what is no map", from({ extract: { key: "/database/password" } })),
  row(
    "extract with rewrite regexp",
    from({ extract: { key: "/login" }, rewrite: [{ regexp: { source: "(.*)", target: "db_$1" } }] }),
  ),
  row(
    "extract with rewrite transform",
    from({ extract: { key: "/login" }, rewrite: [{ transform: { template: "{{ .value | upper }}" } }] }),
  ),
  row("find by name", from({ find: { name: { regexp: "^/database/.*" }, conversionStrategy: "Default" } })),
  row(
    "find by name with rewrite",
    from({ find: { name: { regexp: "^/database/.*" } }, rewrite: [{ regexp: { source: "/database/", target: "" } }] }),
  ),
  row("find by tags, which this provider can't", from({ find: { tags: { team: "a" } } })),
  row("find nothing", from({ find: { name: { regexp: "^/nothing" } } })),
  row("conversionStrategy Default", from({ extract: { key: "/odd", conversionStrategy: "Default" } })),
  row("conversionStrategy Unicode", from({ extract: { key: "/odd", conversionStrategy: "Unicode" } })),
  row("decodingStrategy Base64", one({ key: "/base64", decodingStrategy: "Base64" })),
  row("decodingStrategy Auto", one({ key: "/base64", decodingStrategy: "Auto" })),
  row("decodingStrategy Auto of what is not encoded", one({ key: "/database/password", decodingStrategy: "Auto" })),
  row("decodingStrategy Base64 of what is not encoded", one({ key: "/login", decodingStrategy: "Base64" })),
  row("binary values", one({ key: "/binary", decodingStrategy: "Base64" })),
  row("metadataPolicy Fetch", one({ key: "/database/password", metadataPolicy: "Fetch" })),
  row("keys that are dangerous to programs", from({ extract: { key: "/dangerous" } })),
  row("a key with dots and dashes", { data: [{ secretKey: "a.b-c_D", remoteRef: { key: "/database/password" } }] }),
]
