/** creationPolicy: who owns the Secret, what was there before, what happens to it afterwards. */
import {
  all,
  answered,
  externalSecretGone,
  isNotReady,
  reasonIs,
  type Row,
  type RowDifference,
  secretGone,
  secretIs,
  valueIs,
} from "../entry.ts"
import {
  changeStore,
  create,
  createSecret,
  createTheSecret,
  edit,
  editSecret,
  forceSync,
  nothingOfInterest,
  quiet,
  remove,
  removeSecret,
} from "../steps.ts"

const key = "/database/password"
const synced = reasonIs("SecretSynced")
const encode = (text: string): string => Buffer.from(text).toString("base64")

const owner: ReadonlyArray<Row> = [
  { name: "no target at all", steps: [create({})] },
  { name: "Owner, target named", steps: [create({ target: { name: "other", creationPolicy: "Owner" } })] },
  {
    name: "Owner takes an existing Secret over",
    steps: [
      createSecret({ data: { foreign: "kept?", password: "old" }, labels: { theirs: "yes" } }),
      create({}, all(synced, valueIs("app", "password", "s3cret"))),
      forceSync(secretIs("app", ({ metadata }) => metadata.annotations?.["force-sync"] === "now")),
    ],
  },
  {
    name: "Owner, Secret of another controller",
    steps: [createSecret({ data: { foreign: "kept" }, controller: "owner" }), create({})],
  },
  {
    name: "Owner, Secret of another ExternalSecret",
    steps: [
      create({ name: "first", target: { name: "shared" } }, reasonIs("SecretSynced", "first")),
      create({ name: "second", target: { name: "shared" } }, isNotReady("second")),
    ],
    accepts: [
      {
        path: /^externalSecrets second (conditions 0 (reason|message)|binding name|events Warning \w+)$/,
        reason: "refused before ESO sees it, with a reason that names the other ExternalSecret: HostNameTaken",
      },
    ],
  },
  { name: "Owner, the Secret is deleted", steps: [create({}), removeSecret(valueIs("app", "password", "s3cret"))] },
  {
    name: "Owner, the Secret is edited",
    steps: [
      create({}),
      editSecret({ data: { password: encode("edited") } }, valueIs("app", "password", "s3cret")),
      editSecret({ data: { extra: encode("more") } }, valueIs("app", "extra", undefined)),
    ],
  },
  {
    name: "Owner, labels of others on the Secret",
    steps: [
      create({ labels: { team: "a" } }),
      quiet(editSecret({ metadata: { labels: { theirs: "yes" }, annotations: { note: "x" } } }, () => true)),
      forceSync(secretIs("app", ({ metadata }) => metadata.annotations?.["force-sync"] === "now")),
    ],
  },
  {
    name: "Owner, the ExternalSecret is deleted",
    steps: [create({}), remove(all(externalSecretGone(), secretGone("app")))],
  },
  {
    name: "Owner, the target is renamed",
    steps: [
      create({ target: { name: "before" } }, valueIs("before", "password", "s3cret")),
      edit({ spec: { target: { name: "after" } } }, all(valueIs("after", "password", "s3cret"), secretGone("before"))),
    ],
  },
]

const orphan: ReadonlyArray<Row> = [
  { name: "Orphan", steps: [create({ target: { creationPolicy: "Orphan" } })] },
  {
    name: "Orphan, an existing Secret",
    steps: [
      createSecret({ data: { foreign: "kept?", password: "old" } }),
      create({ target: { creationPolicy: "Orphan" } }, all(synced, valueIs("app", "password", "s3cret"))),
    ],
  },
  {
    name: "Orphan, Secret of another controller",
    steps: [
      createSecret({ data: { foreign: "kept" }, controller: "owner" }),
      create({ target: { creationPolicy: "Orphan" } }),
    ],
  },
  {
    name: "Orphan, the ExternalSecret is deleted",
    steps: [create({ target: { creationPolicy: "Orphan" } }), quiet(remove(externalSecretGone()))],
  },
  {
    name: "Orphan, the Secret is edited, then deleted",
    steps: [
      create({ target: { creationPolicy: "Orphan" } }, synced),
      quiet(editSecret({ data: { password: encode("edited") } }, valueIs("app", "password", "edited"))),
      forceSync(valueIs("app", "password", "s3cret")),
      quiet(removeSecret(secretGone("app"))),
      forceSync(valueIs("app", "password", "s3cret"), { value: "again" }),
    ],
  },
  {
    name: "Orphan, the target is renamed",
    steps: [
      create({ target: { name: "before", creationPolicy: "Orphan" } }, valueIs("before", "password", "s3cret")),
      quiet(edit({ spec: { target: { name: "after" } } }, valueIs("after", "password", "s3cret"))),
    ],
  },
]

const none: ReadonlyArray<Row> = [
  { name: "None", steps: [create({ target: { creationPolicy: "None" } })] },
  {
    name: "None beside a Secret of that name",
    steps: [createSecret({ data: { foreign: "kept" } }), quiet(create({ target: { creationPolicy: "None" } }))],
  },
]

const ownerIsGone = secretIs("app", ({ metadata }) => (metadata.ownerReferences ?? []).length === 0)
const hasOwner = secretIs("app", ({ metadata }) => metadata.ownerReferences?.[0]?.controller === true)

const changes: ReadonlyArray<Row> = [
  {
    name: "from Owner to Orphan and back",
    steps: [
      create({}, synced),
      edit({ spec: { target: { creationPolicy: "Orphan" } } }, ownerIsGone),
      edit({ spec: { target: { creationPolicy: "Owner" } } }, hasOwner),
    ],
  },
  {
    name: "from Owner to Merge",
    steps: [create({}, synced), edit({ spec: { target: { creationPolicy: "Merge" } } }, ownerIsGone)],
  },
  {
    name: "from Merge to Owner",
    steps: [
      createSecret({ data: { foreign: "kept?" } }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
      edit({ spec: { target: { creationPolicy: "Owner" } } }, hasOwner),
    ],
  },
  {
    name: "from Owner to None",
    steps: [create({}, synced), quiet(edit({ spec: { target: { creationPolicy: "None" } } }, () => true))],
  },
]

/** ESO looks again at the next refresh only. */
const filledAtOnce: ReadonlyArray<RowDifference> = [
  {
    after: createTheSecret,
    path: /^(secrets app (data password|labels|annotations)|externalSecrets app (conditions 0 (reason|message)|binding name))/,
    reason: "a Secret that appears is filled at once, not at the next refresh",
  },
]

const merge: ReadonlyArray<Row> = [
  {
    name: "Merge before the Secret exists",
    steps: [
      create({ target: { creationPolicy: "Merge" } }),
      createSecret({ data: { foreign: "kept" } }),
      forceSync(all(synced, valueIs("app", "password", "s3cret"))),
    ],
    accepts: filledAtOnce,
  },
  {
    name: "Merge into an existing Secret",
    steps: [
      createSecret({ data: { foreign: "kept", password: "old" }, labels: { theirs: "yes" } }),
      create({ target: { creationPolicy: "Merge" }, labels: { team: "a" } }, valueIs("app", "password", "s3cret")),
      quiet(remove(externalSecretGone())),
    ],
  },
  {
    name: "Merge into the Secret of another controller",
    steps: [
      createSecret({ data: { foreign: "kept" }, controller: "owner" }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
    ],
  },
  {
    name: "Merge into the Secret of another ExternalSecret",
    steps: [
      create({ name: "owner", target: { name: "app" } }, reasonIs("SecretSynced", "owner")),
      create({ target: { creationPolicy: "Merge" } }, answered),
    ],
  },
  {
    name: "two merge into one Secret",
    steps: [
      createSecret({ name: "shared", data: { foreign: "kept" } }),
      create(
        { name: "first", target: { name: "shared", creationPolicy: "Merge" } },
        valueIs("shared", "password", "s3cret"),
      ),
      create(
        {
          name: "second",
          target: { name: "shared", creationPolicy: "Merge" },
          spec: { data: [{ secretKey: "user", remoteRef: { key: "/database/user" } }] },
        },
        all(valueIs("shared", "user", "admin"), reasonIs("SecretSynced", "second")),
      ),
      quiet(remove(externalSecretGone("first"), "first")),
    ],
  },
  {
    name: "Merge, a key leaves the spec",
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
      edit(
        { spec: { data: [{ secretKey: "user", remoteRef: { key: "/database/user" } }] } },
        all(valueIs("app", "user", "admin"), valueIs("app", "password", undefined)),
      ),
    ],
  },
  {
    name: "Merge, our key is edited",
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create({ target: { creationPolicy: "Merge" } }, valueIs("app", "password", "s3cret")),
      editSecret({ data: { password: encode("edited") } }, valueIs("app", "password", "s3cret")),
    ],
  },
  {
    name: "Merge, the Secret is deleted and made anew",
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create({ target: { creationPolicy: "Merge" } }, all(synced, valueIs("app", "password", "s3cret"))),
      removeSecret(all(secretGone("app"), reasonIs("SecretMissing"))),
      createSecret({ data: { foreign: "new" } }),
      forceSync(all(synced, valueIs("app", "password", "s3cret"))),
    ],
    accepts: filledAtOnce,
  },
  {
    name: "Merge, the target is renamed",
    steps: [
      createSecret({ name: "before", data: { foreign: "kept" } }),
      createSecret({ name: "after", data: { foreign: "kept" } }),
      create({ target: { name: "before", creationPolicy: "Merge" } }, valueIs("before", "password", "s3cret")),
      quiet(edit({ spec: { target: { name: "after" } } }, valueIs("after", "password", "s3cret"))),
    ],
  },
  {
    name: "Merge with a template",
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create(
        {
          target: {
            creationPolicy: "Merge",
            template: { metadata: { labels: { tier: "db" } }, data: { url: "pg://{{ .password }}@db" } },
          },
        },
        valueIs("app", "url", "pg://s3cret@db"),
      ),
    ],
  },
  {
    name: "Merge, the provider forgets it, deletionPolicy Retain",
    store: { [key]: "one" },
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create({ ownStore: true, target: { creationPolicy: "Merge" } }, valueIs("app", "password", "one")),
      changeStore(nothingOfInterest),
      forceSync(answered),
    ],
  },
  {
    name: "Merge, the provider forgets it, deletionPolicy Merge",
    store: { [key]: "one" },
    steps: [
      createSecret({ data: { foreign: "kept" } }),
      create(
        { ownStore: true, target: { creationPolicy: "Merge", deletionPolicy: "Merge" } },
        valueIs("app", "password", "one"),
      ),
      changeStore(nothingOfInterest),
      forceSync(valueIs("app", "password", undefined)),
    ],
  },
]

export const creation: ReadonlyArray<Row> = [...owner, ...orphan, ...none, ...changes, ...merge]
