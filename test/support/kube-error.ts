import { Schema } from "effect"

/** What a request of the tests' own client came back with. `status` 0: no answer at all. */
export class KubeError extends Schema.TaggedError<KubeError>()("KubeError", {
  status: Schema.Int,
  /** `reason` of the API's Status (`NotFound`, `AlreadyExists`, `Conflict` …), or the system's code (`ECONNREFUSED`). */
  reason: Schema.String,
  message: Schema.String,
}) {}
