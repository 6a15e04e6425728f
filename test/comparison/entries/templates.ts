/** template: type, metadata, data, functions, engines; and what lands on the Secret without one. */
import { all, answered, reasonIs, type Row, secretIs, valueIs } from "../entry.ts"
import { create, edit } from "../steps.ts"

const synced = reasonIs("SecretSynced")

const templated = (
  name: string,
  template: Readonly<Record<string, unknown>>,
  spec: Readonly<Record<string, unknown>> = {},
): Row => ({
  name,
  steps: [create({ labels: { team: "a" }, annotations: { note: "hello" }, target: { template }, spec }, answered)],
})

const login = { dataFrom: [{ extract: { key: "/login" } }] }
const userAndPassword = {
  data: [
    { secretKey: "username", remoteRef: { key: "/database/user" } },
    { secretKey: "password", remoteRef: { key: "/database/password" } },
  ],
}

const types: ReadonlyArray<Row> = [
  templated("type kubernetes.io/tls", {
    type: "kubernetes.io/tls",
    data: { "tls.crt": "crt {{ .password }}", "tls.key": "key {{ .password }}" },
  }),
  templated("type kubernetes.io/tls without its keys", { type: "kubernetes.io/tls" }),
  templated(
    "type kubernetes.io/dockerconfigjson",
    { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": "{{ .docker }}" } },
    { data: [{ secretKey: "docker", remoteRef: { key: "/docker" } }] },
  ),
  templated("type kubernetes.io/basic-auth", { type: "kubernetes.io/basic-auth" }, userAndPassword),
  templated("type of somebody's own", { type: "example.com/thing" }),
  templated("type kubernetes.io/ssh-auth", {
    type: "kubernetes.io/ssh-auth",
    data: { "ssh-privatekey": "{{ .password }}" },
  }),
]

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

const metadata: ReadonlyArray<Row> = [
  templated("an empty template", {}),
  templated("template metadata only", { metadata: { labels: { tier: "db" }, annotations: { who: "me" } } }),
  templated("template metadata with labels that the host can't carry", {
    metadata: { labels: { app: "web", release: "r1", owner: "us" } },
  }),
  templated("template metadata is a template too", {
    metadata: { labels: { tier: "{{ .password }}" }, annotations: { who: "{{ .password | upper }}" } },
  }),
  {
    name: "labels and annotations of the ExternalSecret",
    steps: [
      create({
        labels: { team: "a", app: "web", "app.kubernetes.io/name": "x" },
        annotations: { note: "hello", "example.com/n": "1" },
      }),
      edit(
        { metadata: { labels: { team: "b", app: null, more: "yes" }, annotations: { note: null } } },
        secretIs(
          "app",
          ({ metadata: { labels, annotations } }) =>
            labels?.["team"] === "b" && labels["more"] === "yes" && annotations?.["note"] === undefined,
        ),
      ),
    ],
  },
  {
    name: "kubectl's annotation of what was applied",
    steps: [create({ annotations: { [lastApplied]: "{}", note: "hello" } }, synced)],
    accepts: [
      {
        path: new RegExp(`^secrets app annotations ${lastApplied}$`),
        reason: "it describes the ExternalSecret, and kubectl would take it for the Secret's",
      },
    ],
  },
  {
    name: "a template comes and goes",
    steps: [
      create({ labels: { team: "a" } }, synced),
      edit(
        { spec: { target: { template: { metadata: { labels: { tier: "db" } }, data: { url: "x{{ .password }}" } } } } },
        all(valueIs("app", "url", "xs3cret"), valueIs("app", "password", undefined)),
      ),
      edit(
        { spec: { target: { template: null } } },
        all(valueIs("app", "url", undefined), valueIs("app", "password", "s3cret")),
      ),
    ],
  },
]

const data: ReadonlyArray<Row> = [
  templated(
    "template data with functions",
    {
      data: {
        url: "pg://{{ .user | upper }}:{{ .password | b64enc }}@db:{{ .port }}/{{ .nested | fromJson | toYaml }}",
      },
    },
    login,
  ),
  templated("mergePolicy Merge", { mergePolicy: "Merge", data: { url: "pg://{{ .password }}@db" } }),
  templated("mergePolicy Replace", { mergePolicy: "Replace", data: { url: "pg://{{ .password }}@db" } }),
  templated("engineVersion v2 said aloud", { engineVersion: "v2", data: { url: "{{ .password }}" } }),
  templated("templateFrom literal", { templateFrom: [{ literal: "a: {{ .password }}\nb: '{{ .password | len }}'" }] }),
  templated("templateFrom literal into Data, with data over it", {
    templateFrom: [{ target: "Data", literal: "a: one\nb: two" }],
    data: { a: "three" },
  }),
  templated("templateFrom literal into Labels", {
    mergePolicy: "Merge",
    metadata: { labels: { tier: "db" } },
    templateFrom: [
      { target: "Labels", literal: "owner: {{ .password }}\ntier: web\nn: 010\nyes: on" },
      { target: "Labels", literal: "n: 2" },
    ],
  }),
  templated("templateFrom literal into Annotations, and no other data", {
    templateFrom: [{ target: "Annotations", literal: 'owner: "team {{ .password }}"\nf: 1234567.5' }],
  }),
  templated("templateFrom literal into Annotations that is no map", {
    templateFrom: [{ target: "Annotations", literal: "[a, b]" }],
  }),
  templated("a template that does not parse", { data: { url: "{{ .password" } }),
  templated("a template with an unknown function", { data: { url: "{{ nope .password }}" } }),
  templated("a template with an unknown key", { data: { url: "{{ .nobody }}" } }),
  templated("a template that refers to no object", { templateFrom: [{ literal: "not: [a, map" }] }),
]

export const templates: ReadonlyArray<Row> = [...types, ...metadata, ...data]
