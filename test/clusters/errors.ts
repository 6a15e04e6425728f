import { Schema } from "effect"

/** The test ground could not do what it was asked; `message` says what and, where a process failed, the end of its log. */
export class GroundError extends Schema.TaggedError<GroundError>()("GroundError", {
  message: Schema.String,
  /** What the machine lacks, where it is that: what needs it can be left out. */
  missing: Schema.optionalKey(Schema.String),
}) {}

/** The text of anything that was thrown or rejected. */
export const describeCause = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
