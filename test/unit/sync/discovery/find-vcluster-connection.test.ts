import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../../../src/effects/client/kube-object.ts"
import { findEso } from "../../../../src/sync/discovery/find-eso.ts"
import type { Vcluster } from "../../../../src/sync/discovery/find-vcluster.ts"
import { readSettingsSecret } from "../../../../src/sync/discovery/settings-source.ts"
import { type ConnectionHints, findVirtualConnection } from "../../../../src/sync/discovery/virtual-connection.ts"
import { fakeClient } from "./find-vcluster-fake-client.ts"

const vcluster: Vcluster = { name: "my-vc", namespace: "team-x", state: "Running" }
const secret = (name: string, data: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "team-x" },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")])),
})
const kubeconfig = (server: string) =>
  `apiVersion: v1\nkind: Config\nclusters:\n- name: my-vc\n  cluster: {server: "${server}"}\n`
const hints: ConnectionHints = {
  file: undefined,
  context: undefined,
  contexts: [],
  hostContext: "prod",
  inCluster: true,
}

describe("the way into the virtual cluster", () => {
  const nothing = fakeClient([])
  it.effect("what is named comes first", () =>
    Effect.gen(function* () {
      const all = { ...hints, file: "v.yaml", context: "c", contexts: ["vcluster_my-vc_team-x_prod"] }
      assert.deepStrictEqual(yield* findVirtualConnection(nothing, vcluster, all), {
        _tag: "File",
        path: "v.yaml",
        context: "c",
      })
      assert.deepStrictEqual(yield* findVirtualConnection(nothing, vcluster, { ...all, file: undefined }), {
        _tag: "Context",
        context: "c",
      })
    }),
  )
  it.effect("then the context that vcluster connect made for this host", () =>
    Effect.gen(function* () {
      const contexts = ["prod", "vcluster_my-vc_team-x_dev", "vcluster_my-vc_team-x_prod"]
      assert.deepStrictEqual(yield* findVirtualConnection(nothing, vcluster, { ...hints, contexts }), {
        _tag: "Context",
        context: "vcluster_my-vc_team-x_prod",
      })
    }),
  )
  it.effect("then the Secret, its server replaced by the Service", () =>
    Effect.gen(function* () {
      const text = kubeconfig("https://localhost:8443")
      assert.deepStrictEqual(
        yield* findVirtualConnection(fakeClient([secret("vc-my-vc", { config: text })]), vcluster, hints),
        {
          _tag: "Text",
          text,
          source: "Secret team-x/vc-my-vc",
          server: "https://my-vc.team-x:443",
        },
      )
    }),
  )
  it.effect("a server that was configured stands, also outside of the cluster", () =>
    Effect.gen(function* () {
      const client = fakeClient([secret("vc-my-vc", { config: kubeconfig("https://vc.example.com") })])
      const found = yield* findVirtualConnection(client, vcluster, { ...hints, inCluster: false })
      assert.strictEqual(found._tag === "Text" ? found.server : "?", undefined)
    }),
  )
  const dead: ReadonlyArray<readonly [string, ReadonlyArray<KubeObject>, RegExp]> = [
    [
      "outside of the cluster its Service does not resolve",
      [secret("vc-my-vc", { config: kubeconfig("https://127.0.0.1:8443") })],
      /a name that resolves only inside the host cluster$/,
    ],
    ["no Secret", [], /neither a context of vcluster connect nor a Secret vc-my-vc in namespace team-x$/],
    [
      "no Secret, because of the settings",
      [secret("vc-config-my-vc", { "config.yaml": "exportKubeConfig: {serviceAccount: {name: admin}}" })],
      /nor a Secret vc-my-vc in namespace team-x; exportKubeConfig\.serviceAccount\.clusterRole is not set: .*; set clusterRole, and it makes the ServiceAccount$/,
    ],
    ["a Secret without a kubeconfig", [secret("vc-my-vc", { other: "x" })], /is no kubeconfig$/],
    ["a Secret with something else", [secret("vc-my-vc", { config: "{[" })], /is no kubeconfig$/],
    ["a server that is no URL", [secret("vc-my-vc", { config: kubeconfig("x y") })], /is no kubeconfig$/],
  ]
  for (const [name, objects, why] of dead)
    it.effect(name, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          findVirtualConnection(fakeClient(objects), vcluster, { ...hints, inCluster: false }),
        )
        assert.strictEqual(error._tag, "SetupError")
        assert.match(error.message, why)
        if (error._tag === "SetupError")
          assert.match(error.fix ?? "", /^vcluster connect my-vc -n team-x --update-current=false/)
      }),
    )
})

describe("settings", () => {
  it.effect("are those that the vCluster runs with", () =>
    Effect.gen(function* () {
      const text = "integrations: {externalSecrets: {enabled: true}} # größer\n"
      const client = fakeClient([secret("vc-config-my-vc", { "config.yaml": text })])
      assert.deepStrictEqual(yield* readSettingsSecret(client, vcluster), {
        text,
        source: "Secret team-x/vc-config-my-vc",
      })
    }),
  )
  for (const objects of [[], [secret("vc-config-my-vc", { other: "x" })]])
    it.effect(objects.length === 0 ? "no Secret" : "a Secret without the key", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(readSettingsSecret(fakeClient(objects), vcluster))
        assert.strictEqual(error._tag === "SetupError" ? error.reason : error._tag, "NoSettings")
      }),
    )
})

const resources = (...names: ReadonlyArray<string>) => ({ resources: names.map((name) => ({ name })) })

describe("ESO on the host", () => {
  const paths = {
    "/apis/external-secrets.io": { versions: [{ version: "v1" }, { version: "v1beta1" }, { version: "v1alpha1" }] },
    "/apis/external-secrets.io/v1": resources("externalsecrets", "externalsecrets/status"),
    "/apis/external-secrets.io/v1beta1": resources("externalsecrets"),
    "/apis/external-secrets.io/v1alpha1": resources("pushsecrets"),
  }
  const deployment: KubeObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "eso",
      labels: { "app.kubernetes.io/name": "external-secrets", "app.kubernetes.io/version": "v0.20.4" },
    },
    status: { readyReplicas: 1 },
  }
  it.effect("version, health, and where ExternalSecrets are served", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* findEso(fakeClient([deployment], [], paths)), {
        crds: ["v1", "v1beta1"],
        version: "0.20.4",
        healthy: true,
      })
      assert.deepInclude(yield* findEso(fakeClient([{ ...deployment, status: {} }], [], paths)), { healthy: false })
    }),
  )
  it.effect("without the right to see it, without it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* findEso(fakeClient([deployment], ["deployments"], paths)), {
        crds: ["v1", "v1beta1"],
      })
      assert.deepStrictEqual(yield* findEso(fakeClient([])), { crds: [] })
    }),
  )
})
