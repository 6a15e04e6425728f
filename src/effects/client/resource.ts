/** A kind as the API server's paths name it. */
export interface Resource {
  /** `""` for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

export const apiVersionOf = (resource: Resource): string =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`

/** `externalsecrets.external-secrets.io`, as kubectl and RBAC errors write it; `secrets` in the core group. */
export const qualifiedName = (resource: Resource): string =>
  resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`
