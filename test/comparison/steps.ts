/** The steps that rows are made of: what a user does to the ExternalSecret `app`, to its Secret, and to the provider. */
import { Effect } from "effect"
import type { KubeObject } from "../../src/effects/client/kube-object.ts"
import type { Patch } from "../support/kube.ts"
import { externalSecret, type ExternalSecretOptions, fakeStore } from "../support/synced-pair.ts"
import { clusterSecretStores, configMaps, externalSecrets, secrets } from "../support/resources.ts"
import { answered, type Side, type Step, type Until } from "./entry.ts"

/** An ExternalSecret of the row; the store is the row's own with `ownStore`. */
export interface Wish extends ExternalSecretOptions {
  readonly name?: string
  readonly ownStore?: true
}

/** `app` unless it is named otherwise. */
export const create = (wish: Wish, until: Until = answered, what = "create the ExternalSecret"): Step => ({
  what,
  act: (side) =>
    side.kube.create(
      externalSecrets,
      externalSecret(wish.name ?? "app", {
        ...wish,
        namespace: side.namespace,
        store: wish.ownStore === true ? side.store : (wish.store ?? "store"),
      }),
    ),
  until,
})

export const edit = (patch: Patch, until: Until, name = "app"): Step => ({
  what: `edit the ExternalSecret ${name}`,
  act: (side) => side.kube.patch(externalSecrets, { namespace: side.namespace, name }, patch),
  until,
})

export const remove = (until: Until, name = "app"): Step => ({
  what: `delete the ExternalSecret ${name}`,
  act: (side) => side.kube.delete(externalSecrets, { namespace: side.namespace, name }),
  until,
})

/** @param value must be another one each time in a row */
export const forceSync = (until: Until, { name = "app", value = "now" } = {}): Step => ({
  what: `force-sync ${name}`,
  act: (side) =>
    side.kube.patch(
      externalSecrets,
      { namespace: side.namespace, name },
      { metadata: { annotations: { "force-sync": value } } },
    ),
  until,
})

export interface SecretOptions {
  readonly name?: string
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly immutable?: boolean
  /** Controlled by a ConfigMap of this name, which is created first. */
  readonly controller?: string
}

const secret = (side: Side, options: SecretOptions, owner?: KubeObject): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name: options.name ?? "app",
    namespace: side.namespace,
    ...(options.labels === undefined ? {} : { labels: options.labels }),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            {
              apiVersion: "v1",
              kind: "ConfigMap",
              name: owner.metadata.name,
              uid: owner.metadata.uid ?? "",
              controller: true,
            },
          ],
        }),
  },
  ...(options.type === undefined ? {} : { type: options.type }),
  ...(options.immutable === undefined ? {} : { immutable: options.immutable }),
  stringData: options.data ?? {},
})

/** `what` of {@link createSecret}. */
export const createTheSecret = "create the Secret"

/** A Secret that somebody else has made. */
export const createSecret = (options: SecretOptions, until: Until = () => true): Step => ({
  what: createTheSecret,
  act: (side) =>
    Effect.gen(function* () {
      const owner =
        options.controller === undefined
          ? undefined
          : yield* side.kube.create(configMaps, {
              apiVersion: "v1",
              kind: "ConfigMap",
              metadata: { name: options.controller, namespace: side.namespace },
            })
      yield* side.kube.create(secrets, secret(side, options, owner))
    }),
  until,
})

export const editSecret = (patch: Patch, until: Until, name = "app"): Step => ({
  what: `edit the Secret ${name}`,
  act: (side) => side.kube.patch(secrets, { namespace: side.namespace, name }, patch),
  until,
})

export const removeSecret = (until: Until, name = "app"): Step => ({
  what: `delete the Secret ${name}`,
  act: (side) => side.kube.delete(secrets, { namespace: side.namespace, name }),
  until,
})

/** A ConfigMap or a Secret that templates refer to. */
export const createReferred = (
  kind: "ConfigMap" | "Secret",
  name: string,
  data: Readonly<Record<string, string>>,
): Step => ({
  what: `create the ${kind} ${name}`,
  act: (side) => {
    const metadata = { name, namespace: side.namespace }
    return kind === "ConfigMap"
      ? side.kube.create(configMaps, { apiVersion: "v1", kind, metadata, data })
      : side.kube.create(secrets, { apiVersion: "v1", kind, metadata, stringData: data })
  },
  until: () => true,
})

export const editConfigMap = (name: string, data: Readonly<Record<string, string>>): Step => ({
  what: `edit the ConfigMap ${name}`,
  act: (side) => side.kube.patch(configMaps, { namespace: side.namespace, name }, { data }),
  until: () => true,
})

/** As a step, but nothing is to come of it. */
export const quiet = (step: Step): Step => ({ ...step, what: `${step.what} (and nothing happens)`, quiet: true })

/** As a step, while ESO tries again and again what failed before. */
export const whileRetrying = (step: Step): Step => ({ ...step, mayBeSeen: true })

/** The values of the row's own store become these. The provider tells nobody: a further step lets ESO look. */
export const changeStore = (values: Readonly<Record<string, string>>): Step => ({
  what: "change the store's values",
  act: (side) => {
    const { spec } = fakeStore(side.store, values)
    return side.operator.patch(clusterSecretStores, { name: side.store }, { spec })
  },
  until: () => true,
})

/** Without a value, a fake store knows nothing; ESO wants at least one entry. */
export const nothingOfInterest = { "/unrelated": "value" }

const storeRef = ({ store }: Side) => ({ name: store })

/** The operator's GitOps deletes and creates it in one move. */
export const replaceStore = (values: Readonly<Record<string, string>>, until: Until = () => true): Step => ({
  what: "replace the store by force",
  act: (side) =>
    Effect.andThen(
      side.operator.delete(clusterSecretStores, storeRef(side)),
      side.operator.create(clusterSecretStores, fakeStore(side.store, values)),
    ),
  until,
})

export const removeStore: Step = {
  what: "delete the store",
  act: (side) => side.operator.delete(clusterSecretStores, storeRef(side)),
  until: () => true,
}

export const createStore = (values: Readonly<Record<string, string>>): Step => ({
  what: "create the store again",
  act: (side) =>
    Effect.andThen(
      side.operator.create(clusterSecretStores, fakeStore(side.store, values)),
      side.kube.waitFor(clusterSecretStores, storeRef(side)),
    ),
  until: () => true,
})

/** As kubectl's `--cascade`. */
export const removeCascading = (cascade: "Orphan" | "Foreground", until: Until): Step => ({
  what: `delete the ExternalSecret app, ${cascade}`,
  act: (side) => side.kube.delete(externalSecrets, { namespace: side.namespace, name: "app" }, cascade),
  until,
})

/** A ConfigMap becomes an owner of the Secret beside those that it has. */
export const addOwner: Step = {
  what: "give the Secret another owner",
  act: (side) =>
    Effect.gen(function* () {
      const ref = { namespace: side.namespace, name: "app" }
      const metadata = { namespace: side.namespace, name: "co-owner" }
      const owner = yield* side.kube.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata })
      const { metadata: before } = yield* side.kube.get(secrets, ref)
      const reference = { apiVersion: "v1", kind: "ConfigMap", name: "co-owner", uid: owner.metadata.uid ?? "" }
      const ownerReferences = [...(before.ownerReferences ?? []), reference]
      yield* side.kube.patch(secrets, ref, { metadata: { ownerReferences } })
    }),
  until: () => true,
}

/** An edit that ESO's webhook, where there is one, does not let in. */
export const mistake = (patch: Patch, until: Until): Step => ({
  what: "edit the ExternalSecret app by mistake",
  act: (side) => Effect.ignore(side.kube.patch(externalSecrets, { namespace: side.namespace, name: "app" }, patch)),
  until,
})

/** A Secret whose controller is somewhere else: restored from a backup, or made by an operator of another group. */
export const createControlled = (
  controller: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string },
  data: Readonly<Record<string, string>>,
): Step => ({
  what: "create a Secret that something else controls",
  act: (side) => {
    const metadata = { namespace: side.namespace, name: "app", ownerReferences: [{ ...controller, controller: true }] }
    return side.kube.create(secrets, { apiVersion: "v1", kind: "Secret", metadata, stringData: data })
  },
  until: () => true,
})
