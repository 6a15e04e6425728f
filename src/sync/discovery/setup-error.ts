/** What stands in the way before anything is synced, in words for the one who started us. */
import { Runtime, Schema } from "effect"
import { exitCodes } from "../../effects/exit-codes.ts"

export class SetupError extends Schema.TaggedError<SetupError>()("SetupError", {
  reason: Schema.Literals([
    /** No vCluster in the namespace, none of that name, or several and none named. */
    "NoVcluster",
    /** It is paused, asleep or scaled down: there is no API server to talk to. */
    "Asleep",
    /** Its settings are nowhere to be found. */
    "NoSettings",
    /** They do not parse, contradict themselves, or describe what cannot work. */
    "InvalidSettings",
    "NotEnabled",
    /** No way into the virtual cluster is known. */
    "NoVirtualConnection",
  ]),
  message: Schema.String,
  /** One command, or what to write where. */
  fix: Schema.optionalKey(Schema.String),
}) {
  override get [Runtime.errorExitCode]() {
    return this.reason === "Asleep" ? exitCodes.cluster : exitCodes.usage
  }
}
