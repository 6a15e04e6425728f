/** What others do in real clusters: GitOps tools, replicators, operators of stores, Kubernetes' collector, and tenants by mistake (docs/comparison.md, «Beside others»). */
import type { KubeObject } from "../../../src/effects/client/kube-object.ts"
import { all, externalSecretGone, isNotReady, reasonIs, type Row, secretGone, secretIs, valueIs } from "../entry.ts"
import {
  addOwner,
  changeStore,
  create,
  createControlled,
  createSecret,
  createStore,
  edit,
  editSecret,
  forceSync,
  mistake,
  quiet,
  removeCascading,
  remove,
  removeStore,
  replaceStore,
} from "../steps.ts"

const key = "/database/password"
const store = { [key]: "one" }
const hasOne = valueIs("app", "password", "one")
const hasTwo = valueIs("app", "password", "two")
const synced = reasonIs("SecretSynced")
const entry = { secretKey: "password", remoteRef: { key } }

const stores: ReadonlyArray<Row> = [
  {
    name: "a store replaced by force",
    store,
    steps: [
      create({ ownStore: true }, all(synced, hasOne)),
      quiet(replaceStore({ [key]: "two" }, hasOne)),
      forceSync(all(synced, hasTwo)),
    ],
  },
  {
    name: "a store replaced by force, CreatedOnce",
    store,
    steps: [
      create({ ownStore: true, spec: { refreshPolicy: "CreatedOnce" } }, all(synced, hasOne)),
      quiet(replaceStore({ [key]: "two" }, all(synced, hasOne))),
      quiet(forceSync(hasOne)),
    ],
  },
  {
    name: "a store that is gone and comes back",
    store,
    steps: [
      create({ ownStore: true }, all(synced, hasOne)),
      quiet(removeStore),
      forceSync(all(reasonIs("SecretSyncedError"), hasOne)),
      createStore({ [key]: "two" }),
      forceSync(all(synced, hasTwo), { value: "again" }),
    ],
  },
]

const ownerless = secretIs("app", ({ metadata }) => (metadata.ownerReferences ?? []).length === 0)
const ownedByConfigMap = ({ metadata: { ownerReferences: [only, ...others] = [] } }: KubeObject) =>
  only?.kind === "ConfigMap" && others.length === 0

const deletions: ReadonlyArray<Row> = [
  {
    name: "an orphaning deletion, and a successor",
    steps: [
      create({}, synced),
      removeCascading("Orphan", all(externalSecretGone(), ownerless)),
      create({}, synced, "create it again"),
    ],
  },
  // Not under deletionPolicy Delete: there ESO and the collector race for the owner reference, and whoever is first decides.
  {
    name: "a foreground deletion",
    steps: [create({}, synced), removeCascading("Foreground", all(externalSecretGone(), secretGone("app")))],
  },
  {
    name: "a Secret with another owner, and the ExternalSecret is deleted",
    steps: [create({}, synced), addOwner, remove(all(externalSecretGone(), secretIs("app", ownedByConfigMap)))],
  },
]

const elsewhere = "00000000-0000-4000-8000-000000000000"

const controlled: ReadonlyArray<Row> = [
  {
    name: "a Secret restored with an owner that is gone",
    steps: [
      createControlled(
        { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", name: "app", uid: elsewhere },
        { password: "restored" },
      ),
      create({}, all(synced, valueIs("app", "password", "s3cret"))),
    ],
  },
  {
    name: "a Secret of a kind of the same name in another group",
    steps: [
      createControlled(
        { apiVersion: "example.com/v1", kind: "ExternalSecret", name: "app", uid: elsewhere },
        { password: "theirs" },
      ),
      create({}, isNotReady()),
    ],
  },
]

const usual = { creationPolicy: "Owner", deletionPolicy: "Retain" }

const editedByMistake = (name: string, spec: Readonly<Record<string, unknown>>): Row => {
  const edited = quiet(mistake({ spec }, hasOne))
  return {
    name: `an edit by mistake: ${name}`,
    store,
    steps: [
      create({ ownStore: true, target: usual }, all(synced, hasOne)),
      edited,
      edit({ spec: { data: [entry], target: usual } }, all(synced, hasOne)),
      changeStore({ [key]: "two" }),
      forceSync(all(synced, hasTwo)),
    ],
    accepts: [
      {
        after: edited.what,
        path: /^externalSecrets app conditions 0 (status|reason|message)$/,
        reason: "ESO's webhook does not let the edit in; where there is none it is stored, and told until it is mended",
      },
      { path: /^externalSecrets app events Warning InvalidSpec$/, reason: "the event that tells of it" },
    ],
  }
}

const mistakes: ReadonlyArray<Row> = [
  editedByMistake("a key twice", { data: [entry, entry] }),
  editedByMistake("Merge with deletionPolicy Delete", {
    target: { creationPolicy: "Merge", deletionPolicy: "Delete" },
  }),
]

const trackingId = "argocd.argoproj.io/tracking-id"
const asExternalSecret = { [trackingId]: "web:external-secrets.io/ExternalSecret:default/app" }
const asSecret = { [trackingId]: "web:/Secret:default/app" }
const tracked = secretIs("app", ({ metadata }) => metadata.annotations?.[trackingId] === asSecret[trackingId])
const untracked = secretIs("app", ({ metadata }) => metadata.annotations?.[trackingId] === undefined)

const gitOps: ReadonlyArray<Row> = [
  {
    name: "Argo CD heals its annotation of a Secret under Merge",
    steps: [
      createSecret({ data: { theirs: "1" }, annotations: asSecret }),
      create({ annotations: asExternalSecret, target: { creationPolicy: "Merge" } }, synced),
      quiet(editSecret({ metadata: { annotations: asSecret } }, tracked)),
    ],
  },
  {
    name: "Argo CD heals its annotation of a Secret under Owner",
    steps: [
      create({ annotations: asExternalSecret }, synced),
      quiet(editSecret({ metadata: { annotations: asSecret } }, tracked)),
    ],
  },
  {
    name: "Argo CD's annotation of the ExternalSecret, and a template without metadata",
    steps: [create({ annotations: asExternalSecret, target: { template: { metadata: {} } } }, all(synced, untracked))],
  },
]

const controllers: ReadonlyArray<Row> = [
  {
    name: "a pull secret with a reflector's and a replicator's annotations",
    steps: [
      create(
        {
          target: {
            template: {
              type: "kubernetes.io/dockerconfigjson",
              metadata: {
                annotations: {
                  "reflector.v1.k8s.emberstack.com/reflection-allowed": "true",
                  "reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true",
                  "reflector.v1.k8s.emberstack.com/reflection-auto-namespaces": "app-.*",
                  "replicator.v1.mittwald.de/replicate-to": "app-.*",
                  "kubed.appscode.com/sync": "",
                },
              },
              data: { ".dockerconfigjson": '{"auths":{"r.example":{"auth":"{{ .password | b64enc }}"}}}' },
            },
          },
        },
        synced,
      ),
    ],
  },
  {
    name: "labels that controllers act on",
    steps: [
      create(
        {
          target: {
            template: {
              metadata: {
                labels: {
                  grafana_datasource: "1",
                  "argocd.argoproj.io/secret-type": "repository",
                  "sealedsecrets.bitnami.com/managed": "true",
                  "cnpg.io/reload": "true",
                  app: "web",
                  owner: "team-a",
                },
              },
              data: { "ds.yaml": "apiVersion: 1\ndatasources: [{name: app, user: '{{ .password }}'}]" },
            },
          },
        },
        synced,
      ),
    ],
  },
]

export const besideOthers: ReadonlyArray<Row> = [
  ...stores,
  ...deletions,
  ...controlled,
  ...mistakes,
  ...gitOps,
  ...controllers,
]
