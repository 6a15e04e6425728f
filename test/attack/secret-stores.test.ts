/** SecretStores of a hostile tenant, and what they refer to (attacks 5 to 12, 20, 23, 24). */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import { valueAt } from "../../src/effects/client/unstructured.ts"
import { assertStoreRefused, assertUntouched, copyOf, createNamespace, inVirtual } from "../support/attack.ts"
import {
  fakeProvider as fake,
  referenceOf,
  secretStore as store,
  tokenRef,
  valuesWithStores,
  vault,
} from "../support/secret-stores.ts"
import { configMaps, crds, externalSecrets, secrets, secretStores } from "../support/resources.ts"
import {
  createReady,
  externalSecret,
  isReady,
  isRefused,
  readyOf,
  SyncedPair,
  valueOf,
  vcluster,
} from "../support/synced-pair.ts"

layer(SyncedPair.layer({ values: valuesWithStores }), { excludeTestServices: true, timeout: "10 minutes" })(
  "SecretStores",
  (it) => {
    const refusals: ReadonlyArray<readonly [name: string, provider: object, reason: string, message: string]> = [
      [
        "other-namespace",
        tokenRef({ name: "t", namespace: "external-secrets" }),
        "ReferenceOutsideNamespace",
        "namespace",
      ],
      ["kube-system", tokenRef({ name: "t", namespace: "kube-system" }), "ReferenceOutsideNamespace", "kube-system"],
      ["host-namespace", tokenRef({ name: "t", namespace: vcluster.namespace }), "ReferenceOutsideNamespace", "team-x"],
      [
        "ca-elsewhere",
        vault({
          caProvider: { type: "ConfigMap", name: "kube-root-ca.crt", key: "ca.crt", namespace: "kube-system" },
          auth: { tokenSecretRef: { name: "t", key: "token" } },
        }),
        "ReferenceOutsideNamespace",
        "caProvider",
      ],
      [
        "kubernetes",
        {
          kubernetes: {
            remoteNamespace: vcluster.namespace,
            server: { url: "https://kubernetes.default.svc" },
            auth: { serviceAccount: { name: "default" } },
          },
        },
        "ProviderNotAllowed",
        "kubernetes",
      ],
      [
        "webhook",
        { webhook: { url: "http://169.254.169.254/latest/meta-data/", result: { jsonPath: "$" } } },
        "ProviderNotAllowed",
        "webhook",
      ],
      [
        "service-account",
        vault({
          auth: {
            kubernetes: { mountPath: "kubernetes", role: "r", serviceAccountRef: { name: `vc-${vcluster.name}` } },
          },
        }),
        "ServiceAccountNotSynced",
        `vc-${vcluster.name}`,
      ],
      [
        "ambient-aws",
        { aws: { service: "SecretsManager", region: "us-east-1" } },
        "AmbientCredentialsNotAllowed",
        "aws",
      ],
      ["ambient-gcp", { gcpsm: { projectID: "p" } }, "AmbientCredentialsNotAllowed", "gcpsm"],
      [
        "ambient-azure",
        { azurekv: { authType: "ManagedIdentity", vaultUrl: "https://v.invalid" } },
        "AmbientCredentialsNotAllowed",
        "azurekv",
      ],
      [
        "ambient-vault",
        vault({ auth: { kubernetes: { mountPath: "kubernetes", role: "eso" } } }),
        "AmbientCredentialsNotAllowed",
        "vault",
      ],
      [
        "ambient-beside-ca",
        vault({
          caProvider: { type: "Secret", name: "ca", key: "ca.crt" },
          auth: { kubernetes: { mountPath: "kubernetes", role: "eso" } },
        }),
        "AmbientCredentialsNotAllowed",
        "vault",
      ],
      // A number that ESO's Go type cannot hold would keep it from reading any SecretStore of the whole host.
      ["poison", { fake: { data: [], validationResult: 300 } }, "InvalidSpec", "validationResult"],
    ]
    for (const [name, provider, reason, message] of refusals)
      it.effect(`${name} is refused: ${reason}`, () =>
        Effect.gen(function* () {
          yield* assertStoreRefused(yield* SyncedPair, store(name, provider), reason, message)
        }),
      )

    it.effect("5, 6: a name leads to the tenant's own object only, whatever the host has under it", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const theirs = yield* host.kube.get(secrets, { namespace: vcluster.namespace, name: `vc-${vcluster.name}` })
        const templateFrom = [
          { secret: { name: `vc-${vcluster.name}`, items: [{ key: "config" }] } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt" }] } },
        ]
        yield* virtual.kube.create(
          externalSecrets,
          externalSecret("reader", { target: { template: { templateFrom } } }),
        )
        const answered = yield* virtual.kube.waitFor(
          externalSecrets,
          inVirtual("reader"),
          (object) => readyOf(object)?.status === "False",
        )
        assert.strictEqual(readyOf(answered)?.reason, "SecretSyncedError")
        const copy = yield* host.kube.get(externalSecrets, copyOf("reader"))
        assert.deepStrictEqual(
          [valueAt(copy, "spec", "target", "template", "templateFrom")],
          [
            [
              {
                secret: {
                  name: referenceOf(`vc-${vcluster.name}`).name,
                  items: [{ key: "config", templateAs: "Values" }],
                },
                target: "Data",
              },
              {
                configMap: {
                  name: referenceOf("kube-root-ca.crt").name,
                  items: [{ key: "ca.crt", templateAs: "Values" }],
                },
                target: "Data",
              },
            ],
          ],
        )
        assert.isUndefined(yield* virtual.kube.find(secrets, inVirtual("reader")))
        yield* assertUntouched(pair, "host", secrets, theirs)
        // The virtual cluster's own kube-root-ca.crt went along; it is not the host's.
        const hostCa = yield* host.kube.get(configMaps, { namespace: vcluster.namespace, name: "kube-root-ca.crt" })
        const copied = yield* host.kube.waitFor(configMaps, referenceOf("kube-root-ca.crt"))
        assert.notDeepEqual(valueAt(copied, "data"), valueAt(hostCa, "data"))
      }),
    )

    it.effect("a copy never takes the place of what stands on the host, and types of Secrets stay behind", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const foreign = yield* host.kube.create(secrets, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: referenceOf("taken"),
          stringData: { token: "of the operator" },
        })
        const secret = (name: string, more: object = {}): KubeObject => ({
          apiVersion: "v1",
          kind: "Secret",
          metadata: {
            name,
            namespace: "default",
            labels: { app: "vcluster", release: "x", "vcluster-es.io/managed-by": "another" },
            annotations: { "kubernetes.io/service-account.name": "default" },
          },
          stringData: { token: "t" },
          ...more,
        })
        yield* virtual.kube.create(secrets, secret("taken"))
        yield* virtual.kube.create(secretStores, store("taken", tokenRef({ name: "taken" })))
        yield* virtual.kube.waitFor(secretStores, inVirtual("taken"), isRefused("HostObjectNotOurs"))
        yield* assertUntouched(pair, "host", secrets, foreign)
        yield* virtual.kube.create(secrets, secret("robot", { type: "kubernetes.io/service-account-token" }))
        yield* virtual.kube.create(secretStores, store("robot", tokenRef({ name: "robot" })))
        const copy = yield* host.kube.waitFor(secrets, referenceOf("robot"))
        assert.strictEqual(copy["type"], "Opaque")
        assert.deepStrictEqual(copy.metadata.labels, {
          "vcluster-es.io/managed-by": vcluster.name,
          "vcluster-es.io/reference": "true",
        })
        assert.notProperty(copy.metadata.annotations, "kubernetes.io/service-account.name")
      }),
    )

    it.effect(
      "21, 23: a store never takes the place of another, and an ExternalSecret never reaches a foreign one",
      () =>
        Effect.gen(function* () {
          const pair = yield* SyncedPair
          const { host, virtual } = pair.ground
          const foreign = yield* host.kube.create(secretStores, {
            ...store("x", { fake: { data: [{ key: "/database/password", value: "of the operator" }] } }),
            metadata: copyOf("theirs"),
          })
          yield* host.kube.waitFor(secretStores, copyOf("theirs"), isReady)
          const standing = yield* host.kube.get(secretStores, foreign.metadata)
          const spec = { secretStoreRef: { name: "theirs", kind: "SecretStore" } }
          yield* virtual.kube.create(externalSecrets, externalSecret("to-theirs", { spec }))
          yield* virtual.kube.waitFor(externalSecrets, inVirtual("to-theirs"), isRefused("HostObjectNotOurs"))
          yield* virtual.kube.create(secretStores, store("theirs", fake))
          yield* virtual.kube.waitFor(secretStores, inVirtual("theirs"), isRefused("HostObjectNotOurs"))
          yield* assertUntouched(pair, "host", secretStores, standing)
          assert.isUndefined(yield* host.kube.find(externalSecrets, copyOf("to-theirs")))

          yield* createNamespace(pair, "c")
          yield* createNamespace(pair, "b-x-c")
          yield* virtual.kube.create(secretStores, store("a-x-b", fake, "c"))
          yield* virtual.kube.waitFor(secretStores, inVirtual("a-x-b", "c"), isReady)
          const second = externalSecret("spy", {
            namespace: "b-x-c",
            spec: { secretStoreRef: { name: "a", kind: "SecretStore" } },
          })
          yield* virtual.kube.create(externalSecrets, second)
          yield* virtual.kube.waitFor(externalSecrets, inVirtual("spy", "b-x-c"), isRefused("HostNameTaken"))
          assert.isUndefined(yield* host.kube.find(externalSecrets, copyOf("spy", "b-x-c")))
        }),
    )

    it.effect("24: marks of ours on a store, and a CRD without validation, give nothing", () =>
      Effect.gen(function* () {
        const pair = yield* SyncedPair
        const { host, virtual } = pair.ground
        const forged: KubeObject = {
          ...store("forged", fake),
          metadata: {
            name: "forged",
            namespace: "default",
            annotations: {
              "vcluster-es.io/base": JSON.stringify({ provider: { kubernetes: {} } }),
              "vcluster-es.io/virtual-name": "somebody",
              "kubectl.kubernetes.io/last-applied-configuration": "{}",
            },
          },
        }
        yield* virtual.kube.create(secretStores, forged)
        const copy = yield* host.kube.waitFor(secretStores, copyOf("forged"))
        assert.strictEqual(copy.metadata.annotations?.["vcluster-es.io/virtual-name"], "forged")
        assert.notInclude(copy.metadata.annotations?.["vcluster-es.io/base"], "kubernetes")
        assert.notProperty(copy.metadata.annotations, "kubectl.kubernetes.io/last-applied-configuration")

        const crd = yield* virtual.kube.get(crds, { name: "secretstores.external-secrets.io" })
        const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
        const versions = valueAt(crd, "spec", "versions")
        assert.isArray(versions)
        yield* virtual.kube.patch(crds, crd.metadata, {
          metadata: { labels: { "vcluster-es.io/managed": null } },
          spec: {
            versions: (Array.isArray(versions) ? versions : []).map((version: object) => ({
              ...version,
              schema: { openAPIV3Schema: open },
            })),
          },
        })
        const odd: Readonly<Record<string, unknown>> = {
          number: 7,
          list: [[]],
          nothing: null,
          text: { provider: "vault" },
          two: { provider: { fake: { data: [] }, kubernetes: {} } },
          "not-known": { provider: { "crd-reader": { name: "x" } } },
          traversal: { provider: tokenRef({ name: "../vc-config" }) },
          proto: JSON.parse('{"provider": {"__proto__": {"a": 1}}}'),
          deep: JSON.parse(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`),
        }
        for (const [name, spec] of Object.entries(odd)) {
          const made = { ...store(name, {}), spec }
          yield* virtual.kube.create(secretStores, made).pipe(Effect.retry({ times: 20 }))
          const refused = yield* virtual.kube.waitFor(
            secretStores,
            inVirtual(name),
            (object) => readyOf(object)?.status === "False",
            { what: `${name} refused` },
          )
          assert.include(["InvalidSpec", "ProviderNotKnown"], readyOf(refused)?.reason, name)
          assert.isUndefined(yield* host.kube.find(secretStores, copyOf(name)), name)
        }
        yield* createReady(pair, externalSecret("after-all-that"))
        const made = yield* virtual.kube.waitFor(secrets, inVirtual("after-all-that"))
        assert.strictEqual(valueOf(made, "password"), "s3cret")
      }),
    )
  },
)
