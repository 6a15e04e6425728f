/** creationPolicy and deletionPolicy. */
import { all, externalSecretGone, reasonIs, type Row, secretGone, valueIs } from "../entry.ts"
import { changeStore, create, createSecret, forceSync, nothingOfInterest, remove, removeSecret } from "../steps.ts"

const key = "/database/password"

export const creation: ReadonlyArray<Row> = [
  { name: "no target at all", steps: [create({})] },
  { name: "Owner, target named", steps: [create({ target: { name: "other", creationPolicy: "Owner" } })] },
  { name: "Orphan", steps: [create({ target: { creationPolicy: "Orphan" } })] },
  { name: "None", steps: [create({ target: { creationPolicy: "None" } })] },
  {
    name: "Owner takes an existing Secret over",
    steps: [
      createSecret({ data: { foreign: "kept?", password: "old" }, labels: { theirs: "yes" } }),
      create({}, all(reasonIs("SecretSynced"), valueIs("app", "password", "s3cret"))),
    ],
  },
  {
    name: "Owner, Secret of another controller",
    steps: [createSecret({ data: { foreign: "kept" }, controller: "owner" }), create({})],
  },
  {
    name: "Merge before the Secret exists",
    steps: [
      create({ target: { creationPolicy: "Merge" } }),
      createSecret({ data: { foreign: "kept" } }),
      forceSync(valueIs("app", "password", "s3cret")),
    ],
  },
  {
    name: "Merge into an existing Secret",
    steps: [
      createSecret({ data: { foreign: "kept", password: "old" } }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
      remove(externalSecretGone()),
    ],
  },
  {
    name: "Owner, deletionPolicy Delete, the provider forgets it",
    store: { [key]: "one" },
    steps: [
      create({ ownStore: true, target: { deletionPolicy: "Delete" } }, valueIs("app", "password", "one")),
      changeStore(nothingOfInterest),
      forceSync(all(secretGone("app"), reasonIs("SecretDeleted"))),
    ],
  },
  { name: "Owner, the Secret is deleted", steps: [create({}), removeSecret(valueIs("app", "password", "s3cret"))] },
  {
    name: "Owner, the ExternalSecret is deleted",
    steps: [create({}), remove(all(externalSecretGone(), secretGone("app")))],
  },
]
