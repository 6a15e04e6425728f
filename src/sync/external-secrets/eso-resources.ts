/** ESO's kinds, each in the version that both clusters serve. */
import type { Resource } from "../../effects/client/resource.ts"
import type { SyncContext } from "../engine/context.ts"
import { clusterSecretStores, externalSecrets, secretStores } from "../resources.ts"

type Spoken = Pick<SyncContext, "versionOf">

export const externalSecretsIn = ({ versionOf }: Spoken): Resource => externalSecrets(versionOf("externalsecrets"))

export const secretStoresIn = ({ versionOf }: Spoken): Resource => secretStores(versionOf("secretstores"))

export const clusterSecretStoresIn = ({ versionOf }: Spoken): Resource =>
  clusterSecretStores(versionOf("clustersecretstores"))
