/** deletionPolicy: the provider has no such secret (any more), or the ExternalSecret goes. */
import { all, answered, externalSecretGone, messageIs, reasonIs, type Row, secretGone, valueIs } from "../entry.ts"
import { changeStore, create, forceSync, nothingOfInterest, quiet, remove, whileRetrying } from "../steps.ts"

const key = "/database/password"
/** `data` must be there unless it may go; only a search that finds nothing is «retained». */
const failed = reasonIs("SecretSyncedError")

const forgets = (
  name: string,
  target: Readonly<Record<string, unknown>>,
  until: Row["steps"][number]["until"],
): Row => ({
  name: `${name}, the provider forgets it and has it again`,
  store: { [key]: "one" },
  steps: [
    create({ ownStore: true, target }, valueIs("app", "password", "one")),
    changeStore(nothingOfInterest),
    forceSync(until),
    whileRetrying(changeStore({ [key]: "two" })),
    forceSync(valueIs("app", "password", "two"), { value: "again" }),
  ],
})

const found = { data: [], dataFrom: [{ find: { name: { regexp: "^/database/" } } }] }

const missing = (name: string, target: Readonly<Record<string, unknown>>): Row => ({
  name: `${name}, the provider never had it`,
  steps: [quiet(create({ key: "/none", target }, answered))],
})

export const deletion: ReadonlyArray<Row> = [
  forgets("Owner Retain", { deletionPolicy: "Retain" }, failed),
  forgets("Owner Delete", { deletionPolicy: "Delete" }, all(secretGone("app"), reasonIs("SecretDeleted"))),
  forgets("Owner Merge", { deletionPolicy: "Merge" }, valueIs("app", "password", undefined)),
  forgets("Orphan Retain", { creationPolicy: "Orphan", deletionPolicy: "Retain" }, failed),
  forgets("Orphan Delete", { creationPolicy: "Orphan", deletionPolicy: "Delete" }, reasonIs("SecretSyncedError")),
  forgets("Orphan Merge", { creationPolicy: "Orphan", deletionPolicy: "Merge" }, valueIs("app", "password", undefined)),
  {
    name: "Owner Retain, a search finds it no more, and finds it again",
    store: { [key]: "one" },
    steps: [
      create({ ownStore: true, spec: found }, valueIs("app", "_database_password", "one")),
      changeStore(nothingOfInterest),
      forceSync(messageIs("secret retained due to DeletionPolicy=Retain")),
      whileRetrying(changeStore({ [key]: "two" })),
      forceSync(valueIs("app", "_database_password", "two"), { value: "again" }),
    ],
  },
  missing("Owner Retain", { deletionPolicy: "Retain" }),
  missing("Owner Delete", { deletionPolicy: "Delete" }),
  missing("Owner Merge", { deletionPolicy: "Merge" }),
  missing("None", { creationPolicy: "None" }),
  {
    name: "Owner Delete, the ExternalSecret goes",
    steps: [
      create({ target: { deletionPolicy: "Delete" } }, valueIs("app", "password", "s3cret")),
      remove(all(externalSecretGone(), secretGone("app"))),
    ],
  },
  {
    name: "Orphan Delete, the ExternalSecret goes",
    steps: [
      create({ target: { creationPolicy: "Orphan", deletionPolicy: "Delete" } }, valueIs("app", "password", "s3cret")),
      quiet(remove(externalSecretGone())),
    ],
  },
]
