/**
 * ESO's own words, for what it would have said of a Secret in the virtual cluster (external-secrets v0.16 to v0.20,
 * `pkg/controllers/externalsecret/externalsecret_controller.go`): alerts and people know them.
 */

export const messages = {
  /** The reason of every `Ready=False`. */
  errorReason: "SecretSyncedError",
  synced: "secret synced",
  storeValidated: "store validated",
  missingReason: "SecretMissing",
  missing: "secret will not be created due to CreationPolicy=Merge",
  /** «could not update secret», also with «, target is immutable». */
  couldNotUpdate: "could not update secret",
} as const

/**
 * What ESO says of the namespace of the ExternalSecret that it has before it, which is the host's and none of the tenant's: a ClusterSecretStore
 * whose conditions do not admit it (`secretstore/client_manager.go`), and a credential that such a store names without a namespace and that is
 * therefore looked for there (`esutils/resolvers/secret_ref.go`). Names are in Go's quotes.
 */
export const hostSentences =
  /using cluster store (?<deniedStore>"[^"]*") is not allowed from namespace "(?<deniedFrom>[^"]*)"|cannot get Kubernetes secret (?<secret>"[^"]*") from namespace "(?<lookedForIn>[^"]*)"/gu

export const unquoted = (name: string): string => name.replaceAll('"', "")

export interface EsoFailure {
  /** Of the condition. */
  readonly message: string
  /** Of the event: what exactly. */
  readonly detail: string
}

export const failures = {
  ownedByAnother: (secret: string, owner: string): EsoFailure => ({
    message: "target is owned by another ExternalSecret",
    detail: `Secret ${secret} is owned by ${owner}`,
  }),
  notOurs: (secret: string, owner: string): EsoFailure => ({
    message: "failed to take ownership of target secret",
    detail: `Secret ${secret} is already owned by another controller: ${owner}`,
  }),
  immutable: (secret: string): EsoFailure => ({
    message: `${messages.couldNotUpdate}, target is immutable`,
    detail: `error updating secret ${secret}: target is immutable`,
  }),
  otherType: (secret: string): EsoFailure => ({
    message: messages.couldNotUpdate,
    detail: `error updating secret ${secret}: its type cannot be changed to that of spec.target.template.type; delete the Secret to have it made anew`,
  }),
  /** Not what is wrong with it: a rendered text holds values. */
  unreadable: (secret: string, path: string): EsoFailure => ({
    message: messages.couldNotUpdate,
    detail: `error updating secret ${secret}: ${path}, rendered, is no YAML map of texts`,
  }),
  notDeleted: (secret: string): EsoFailure => ({
    message: "could not delete secret",
    detail: `Secret ${secret} is not deleted: deletionPolicy=Delete needs creationPolicy=Owner`,
  }),
} as const
