/** The version of this program: the one of package.json, which the build puts into the binary. */
import manifest from "../../package.json" with { type: "json" }

export const packageVersion: string = manifest.version
