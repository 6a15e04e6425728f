/** templateFrom a ConfigMap or a Secret of the namespace. */
import { all, isNotReady, reasonIs, type Row, secretIs, valueIs } from "../entry.ts"
import { create, createReferred, editConfigMap, forceSync } from "../steps.ts"

const synced = reasonIs("SecretSynced")
const text = { "app.yaml": "password: {{ .password }}" }
const item = { key: "app.yaml" }
const referring = (source: Readonly<Record<string, unknown>>) => ({ target: { template: { templateFrom: [source] } } })
const rendered = valueIs("app", "app.yaml", "password: s3cret")

export const templateReferences: ReadonlyArray<Row> = [
  {
    name: "templateFrom configMap",
    steps: [
      createReferred("ConfigMap", "texts", text),
      create(referring({ configMap: { name: "texts", items: [item] } }), all(synced, rendered)),
    ],
  },
  {
    name: "templateFrom configMap, keys and values",
    steps: [
      createReferred("ConfigMap", "texts", { "app.yaml": "a: {{ .password }}\nb: two" }),
      create(
        referring({ configMap: { name: "texts", items: [{ ...item, templateAs: "KeysAndValues" }] } }),
        all(synced, valueIs("app", "a", "s3cret"), valueIs("app", "b", "two")),
      ),
    ],
  },
  {
    name: "templateFrom configMap into Labels, Values and KeysAndValues",
    steps: [
      createReferred("ConfigMap", "texts", { tier: "{{ .password }}", map: "a: one\nb: {{ .password }}" }),
      create(
        referring({
          target: "Labels",
          configMap: { name: "texts", items: [{ key: "tier" }, { key: "map", templateAs: "KeysAndValues" }] },
        }),
        all(
          synced,
          secretIs("app", ({ metadata: { labels } }) => labels?.["tier"] === "s3cret" && labels["b"] === "s3cret"),
        ),
      ),
    ],
  },
  {
    name: "templateFrom secret into Annotations without the key",
    steps: [
      createReferred("Secret", "texts", { other: "x" }),
      create(referring({ target: "Annotations", secret: { name: "texts", items: [item] } }), isNotReady()),
    ],
  },
  {
    name: "templateFrom secret",
    steps: [
      createReferred("Secret", "texts", text),
      create(referring({ secret: { name: "texts", items: [item] } }), all(synced, rendered)),
    ],
  },
  {
    name: "templateFrom configMap without the key",
    steps: [
      createReferred("ConfigMap", "texts", { other: "x" }),
      create(referring({ configMap: { name: "texts", items: [item] } }), isNotReady()),
    ],
  },
  {
    name: "templateFrom configMap that changes, and a force-sync",
    steps: [
      createReferred("ConfigMap", "texts", text),
      create(referring({ configMap: { name: "texts", items: [item] } }), all(synced, rendered)),
      editConfigMap("texts", { "app.yaml": "new: {{ .password }}" }),
      forceSync(valueIs("app", "app.yaml", "new: s3cret")),
    ],
  },
  {
    name: "templateFrom a Secret that comes later",
    steps: [
      create(referring({ secret: { name: "texts", items: [item] } }), isNotReady()),
      createReferred("Secret", "texts", text),
      forceSync(all(synced, rendered)),
    ],
  },
]
