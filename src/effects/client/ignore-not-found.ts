/** For objects that may as well not be there. */
import { Effect, Option } from "effect"
import type { ApiError } from "./api-error.ts"

/** 404 becomes `undefined`; every other failure stays one. */
export const orUndefined = <A>(request: Effect.Effect<A, ApiError>): Effect.Effect<A | undefined, ApiError> =>
  request.pipe(
    Effect.asSome,
    Effect.catchReason("ApiError", "NotFound", () => Effect.succeedNone),
    Effect.map(Option.getOrUndefined),
  )
