/**
 * Everything that can go wrong between us and an API server, as one tagged error with a tagged reason.
 *
 * The reasons follow `Status.reason` of the Kubernetes API where the server answered, and the transport where it did not.
 * Callers react to `reason._tag`; what a user reads is `message`.
 */
import { Schema } from "effect"

/** 404: the object, or the whole resource (`resourceMissing`: its CRD is not installed, or not at this version, or being deleted). */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { resourceMissing: Schema.Boolean }) {}
/** 409 on create. */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", {}) {}
/** 409 on change, or 422 where that says the same: a precondition does not hold, or another manager owns a field. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {}) {}
/** 400, 413, 415, 422: the request can never succeed as it is. `fields` are the paths of `Status.details.causes`. */
export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", { fields: Schema.Array(Schema.String) }) {}
/** 401. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {}) {}
/** 403. `user` is who the server takes us for, where its message says so. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  user: Schema.optionalKey(Schema.String),
}) {}
/** 410, or an ERROR event with code 410 inside a watch: list anew. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {}) {}
/** 429, or 5xx with `Retry-After`: wait that long (milliseconds). */
export class Throttled extends Schema.TaggedError<Throttled>()("Throttled", { retryAfterMs: Schema.Finite }) {}
/** 5xx without `Retry-After`, `ResourceVersionTooLarge` among them. */
export class ServerFault extends Schema.TaggedError<ServerFault>()("ServerFault", {
  status: Schema.Finite,
  resourceVersionTooLarge: Schema.Boolean,
}) {}
/** No connection, a broken connection, a timeout. `code` is the system's (`ECONNREFUSED`, `ENOTFOUND`, …) where there is one. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  code: Schema.optionalKey(Schema.String),
}) {}
/** The server's certificate does not fit the configured CA or name. */
export class Untrusted extends Schema.TaggedError<Untrusted>()("Untrusted", { code: Schema.String }) {}
/** Credentials could not be obtained (an exec plugin failed, a token file is unreadable …). */
export class NoCredentials extends Schema.TaggedError<NoCredentials>()("NoCredentials", {}) {}
/** The request was not sent: who asked for it has lost the right to change anything (a Lease). Nothing for a tenant to hear of. */
export class Fenced extends Schema.TaggedError<Fenced>()("Fenced", {}) {}
/** An answer that is not the Kubernetes API's (a proxy's HTML page, a redirect, JSON that does not parse). */
export class NotKubernetes extends Schema.TaggedError<NotKubernetes>()("NotKubernetes", { status: Schema.Finite }) {}

export const ApiErrorReason = Schema.Union([
  NotFound,
  AlreadyExists,
  Conflict,
  Invalid,
  Unauthorized,
  Forbidden,
  Expired,
  Throttled,
  ServerFault,
  Unreachable,
  Untrusted,
  NoCredentials,
  Fenced,
  NotKubernetes,
])
export type ApiErrorReason = typeof ApiErrorReason.Type

export class ApiError extends Schema.TaggedError<ApiError>()("ApiError", {
  /** Which cluster, in the words of the one who opened the connection: `host`, `virtual`. */
  cluster: Schema.String,
  /** `https://host:port` */
  server: Schema.String,
  /** Kubernetes verb: get, list, watch, create, patch, update, delete. */
  verb: Schema.String,
  /** {@link qualifiedName} of the resource, or a raw path. */
  resource: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  name: Schema.optionalKey(Schema.String),
  /** The server's own text (never a secret value), or the transport's. */
  detail: Schema.String,
  reason: ApiErrorReason,
}) {
  /** `list externalsecrets.external-secrets.io in namespace team-x: connection refused` */
  override get message(): string {
    const where = this.namespace === undefined ? "" : ` in namespace ${this.namespace}`
    // Without a name of its own, `this.name` would be the one that every Error inherits.
    const what = Object.hasOwn(this, "name") ? `${this.resource} ${this.name}` : this.resource
    return `${this.verb} ${what}${where} (${this.cluster} ${this.server}): ${this.detail}`
  }
}

/** Whether the same request may succeed later without anybody changing it. */
export const isTransient = (error: ApiError): boolean => {
  switch (error.reason._tag) {
    case "Throttled":
    case "ServerFault":
    case "Unreachable":
    case "Conflict":
    case "Expired":
      return true
    default:
      return false
  }
}
