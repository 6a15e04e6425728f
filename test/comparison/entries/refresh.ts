/** refreshPolicy and refreshInterval, immutability, and types that change. */
import { all, answered, reasonIs, type Row, secretGone, secretIs, valueIs } from "../entry.ts"
import { changeStore, create, createSecret, edit, forceSync, quiet, removeSecret } from "../steps.ts"

const key = "/database/password"
const store = { [key]: "one" }
const rotated = changeStore({ [key]: "two" })
const hasOne = valueIs("app", "password", "one")
const hasTwo = valueIs("app", "password", "two")
const synced = reasonIs("SecretSynced")

/** The provider has a new value, and the Secret is deleted: does it come back with it? */
const deletedAfterRotation = (name: string, spec: Readonly<Record<string, unknown>>, target = {}): Row => ({
  name: `${name}: deleted after a rotation, the Secret comes back with the new value`,
  store,
  steps: [create({ ownStore: true, spec, target }, all(synced, hasOne)), rotated, removeSecret(all(synced, hasTwo))],
})

const refreshing: ReadonlyArray<Row> = [
  {
    name: "Periodic, 1s",
    store,
    steps: [
      create({ ownStore: true, spec: { refreshInterval: "1s", refreshPolicy: "Periodic" } }, hasOne),
      { ...rotated, until: hasTwo },
    ],
  },
  {
    name: "refreshInterval 0, force-sync",
    store,
    steps: [
      create({ ownStore: true, spec: { refreshInterval: "0" } }, all(synced, hasOne)),
      rotated,
      quiet(forceSync(hasOne)),
    ],
  },
  {
    name: "CreatedOnce, force-sync and an edit",
    store,
    steps: [
      create({ ownStore: true, spec: { refreshPolicy: "CreatedOnce" } }, all(synced, hasOne)),
      rotated,
      quiet(forceSync(hasOne)),
      quiet(edit({ spec: { refreshInterval: "2h" } }, hasOne)),
    ],
  },
  {
    name: "OnChange, then a change",
    store,
    steps: [
      create({ ownStore: true, spec: { refreshPolicy: "OnChange" } }, all(synced, hasOne)),
      rotated,
      edit({ metadata: { labels: { changed: "yes" } } }, hasTwo),
    ],
  },
  {
    name: "Periodic, force-sync",
    store,
    steps: [create({ ownStore: true }, all(synced, hasOne)), rotated, forceSync(hasTwo)],
  },
  deletedAfterRotation("Periodic", {}),
  deletedAfterRotation("refreshInterval 0", { refreshInterval: "0" }),
  deletedAfterRotation("CreatedOnce", { refreshPolicy: "CreatedOnce" }),
  deletedAfterRotation("OnChange", { refreshPolicy: "OnChange" }),
]

const isImmutable = secretIs("app", (secret) => secret["immutable"] === true)

const immutability: ReadonlyArray<Row> = [
  {
    name: "immutable, then a rotation",
    store,
    steps: [
      create({ ownStore: true, target: { immutable: true } }, all(synced, hasOne, isImmutable)),
      rotated,
      quiet(forceSync(hasOne)),
    ],
  },
  deletedAfterRotation("immutable", {}, { immutable: true }),
  {
    name: "immutable no longer, then a rotation",
    store,
    steps: [
      create({ ownStore: true, target: { immutable: true } }, all(synced, hasOne, isImmutable)),
      edit({ spec: { target: { immutable: false } } }, answered),
      rotated,
      forceSync(reasonIs("SecretSyncedError")),
    ],
  },
  {
    name: "immutable only later",
    store,
    steps: [
      create({ ownStore: true }, all(synced, hasOne)),
      edit({ spec: { target: { immutable: true } } }, isImmutable),
    ],
  },
  {
    name: "immutable over an existing Secret",
    steps: [
      createSecret({ data: { foreign: "kept?" } }),
      create({ target: { immutable: true } }, all(answered, isImmutable)),
    ],
  },
  {
    name: "an existing Secret that is immutable",
    steps: [createSecret({ data: { foreign: "kept" }, immutable: true }), create({})],
  },
  {
    name: "Merge into a Secret that is immutable",
    steps: [
      createSecret({ data: { foreign: "kept" }, immutable: true }),
      create({ target: { creationPolicy: "Merge" } }),
    ],
  },
]

const types: ReadonlyArray<Row> = [
  {
    name: "another type",
    steps: [
      create({}, synced),
      edit({ spec: { target: { template: { type: "example.com/other" } } } }, reasonIs("SecretSyncedError")),
    ],
  },
  {
    name: "another type, and the Secret is deleted",
    steps: [
      create({}, synced),
      edit({ spec: { target: { template: { type: "example.com/other" } } } }, reasonIs("SecretSyncedError")),
      removeSecret(
        all(
          synced,
          secretIs("app", (secret) => secret["type"] === "example.com/other"),
        ),
      ),
    ],
  },
  {
    name: "an existing Secret of another type, no template",
    steps: [createSecret({ data: { foreign: "x" }, type: "example.com/theirs" }), create({})],
  },
  {
    name: "an existing Secret of another type than the template's",
    steps: [
      createSecret({ data: { foreign: "x" }, type: "example.com/theirs" }),
      create({ target: { template: { type: "example.com/ours" } } }),
    ],
  },
  {
    name: "Merge into a Secret of another type",
    steps: [
      createSecret({ data: { foreign: "x" }, type: "example.com/theirs" }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
    ],
  },
]

const edits: ReadonlyArray<Row> = [
  {
    name: "the key is another one",
    steps: [
      create({}, synced),
      edit(
        { spec: { data: [{ secretKey: "user", remoteRef: { key: "/database/user" } }] } },
        all(valueIs("app", "user", "admin"), valueIs("app", "password", undefined)),
      ),
    ],
  },
  {
    name: "a key that the provider lacks, then one that it has",
    steps: [
      create({ key: "/none" }, answered),
      edit(
        { spec: { data: [{ secretKey: "password", remoteRef: { key: "/database/password" } }] } },
        valueIs("app", "password", "s3cret"),
      ),
    ],
  },
  {
    name: "renamed to a Secret that is there",
    steps: [
      createSecret({ name: "after", data: { foreign: "kept?" } }),
      create({ target: { name: "before" } }, valueIs("before", "password", "s3cret")),
      edit({ spec: { target: { name: "after" } } }, all(valueIs("after", "password", "s3cret"), secretGone("before"))),
    ],
  },
  {
    name: "renamed to a Secret of another controller",
    steps: [
      createSecret({ name: "after", data: { foreign: "kept" }, controller: "owner" }),
      create({ target: { name: "before" } }, valueIs("before", "password", "s3cret")),
      edit({ spec: { target: { name: "after" } } }, reasonIs("SecretSyncedError")),
    ],
  },
]

export const refresh: ReadonlyArray<Row> = [...refreshing, ...immutability, ...types, ...edits]
