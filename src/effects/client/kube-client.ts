/** The client's contract: what every caller programs against. Its implementation over HTTP/2 is `makeKubeClient`. */
import type { Effect, Stream } from "effect"
import type { ApiError } from "./api-error.ts"
import type { KubeObject } from "./kube-object.ts"
import type { Resource } from "./resource.ts"
import type { StreamingLists } from "./streaming-lists.ts"

export interface ObjectRef {
  readonly namespace?: string | undefined
  readonly name: string
}

export interface Selection {
  readonly namespace?: string | undefined
  /** In the API's syntax: `a=b,c in (d,e),!f`. */
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Ask for `PartialObjectMetadata`: no spec, status or data ever reaches this process. */
  readonly metadataOnly?: boolean | undefined
}

export interface ListOptions extends Selection {
  /** No more than so many, in one page: for those who need not see all. */
  readonly limit?: number | undefined
}

export interface ObjectList {
  readonly items: ReadonlyArray<KubeObject>
  /** Number of items that are left out, since they have no name; undefined: none. */
  readonly nameless?: number
  readonly resourceVersion: string
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubeObject }
  /** An event of an object without metadata; the watch goes on. */
  | { readonly type: "MALFORMED"; readonly why: string }
  /** Carries only a resourceVersion. `initialEventsEnd`: the state at the start of the watch is complete. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean }

export interface WatchOptions extends Selection {
  /** Where to go on from. Absent together with `sendInitialEvents`: a consistent read of now. */
  readonly resourceVersion?: string | undefined
  readonly sendInitialEvents?: boolean | undefined
  readonly timeoutSeconds?: number | undefined
}

export interface WriteOptions {
  /** Server-side dry run: validated and defaulted, not stored. */
  readonly dryRun?: boolean | undefined
}

export interface Preconditions {
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
}

/** One step of a JSON patch (RFC 6902). `path` is a JSON Pointer; `add` of a member that is there replaces it. */
export type PatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }

/**
 * Without a precondition an apply makes the object or changes whatever stands there. With a UID, another object or none is a
 * Conflict; a resourceVersion alone does not keep it from making one.
 */
export interface ApplyOptions extends WriteOptions, Preconditions {
  /** Takes over fields of other managers. */
  readonly force?: boolean
  /** Instead of our usual field manager; at most 128 printable characters. */
  readonly manager?: string
  /** Only a new object: one that stands there is a Conflict. */
  readonly onlyNew?: boolean
}

export interface KubeClient {
  /** `host` or `virtual`, for messages. */
  readonly cluster: string
  /** `https://host:port[/prefix]`, where it is now: the cluster may move, and its kubeconfig is then read again. */
  readonly server: string
  /** Whether {@link watch} with `sendInitialEvents` is of use here, as far as those who tried know. */
  readonly listStreaming: StreamingLists
  readonly get: (
    resource: Resource,
    ref: ObjectRef,
    options?: { readonly metadataOnly?: boolean },
  ) => Effect.Effect<KubeObject, ApiError>
  /** All pages (500 a page; a 410 on a later page falls back to one unpaged list). Items carry apiVersion and kind. */
  readonly list: (resource: Resource, selection?: ListOptions) => Effect.Effect<ObjectList, ApiError>
  /** Ends when the server ends the watch. An `ERROR` event fails the stream. Interruption cancels the request. */
  readonly watch: (resource: Resource, options: WatchOptions) => Stream.Stream<WatchEvent, ApiError>
  readonly create: (resource: Resource, body: KubeObject, options?: WriteOptions) => Effect.Effect<KubeObject, ApiError>
  /** PUT: fails with Conflict unless `body.metadata.resourceVersion` is current. */
  readonly update: (resource: Resource, body: KubeObject, options?: WriteOptions) => Effect.Effect<KubeObject, ApiError>
  /**
   * JSON merge patch (RFC 7386). Preconditions go into the body: a mismatch is a Conflict. Not for statuses: on `/status` of
   * a custom resource the API server takes a foreign UID and writes all the same.
   */
  readonly mergePatch: (
    resource: Resource,
    ref: ObjectRef,
    patch: Readonly<Record<string, unknown>>,
    options?: WriteOptions & Preconditions,
  ) => Effect.Effect<KubeObject, ApiError>
  /**
   * JSON patch (RFC 6902), all of it or nothing. Preconditions are tests before the first operation; one that fails, or an
   * operation that does not fit the object as it stands, is a Conflict.
   */
  readonly jsonPatch: (
    resource: Resource,
    ref: ObjectRef,
    operations: ReadonlyArray<PatchOperation>,
    options?: WriteOptions & Preconditions & { readonly subresource?: "status" | undefined },
  ) => Effect.Effect<KubeObject, ApiError>
  /** Server-side apply. */
  readonly apply: (resource: Resource, body: KubeObject, options?: ApplyOptions) => Effect.Effect<KubeObject, ApiError>
  readonly delete: (
    resource: Resource,
    ref: ObjectRef,
    options?: Preconditions & {
      readonly dryRun?: boolean
      readonly propagationPolicy?: "Background" | "Foreground" | "Orphan"
    },
  ) => Effect.Effect<void, ApiError>
  /** GET of any path outside the resources (`/version`, `/apis`, `/readyz`). */
  readonly getPath: (path: string) => Effect.Effect<unknown, ApiError>
}
