/**
 * The labels and annotations of the Secret that an ExternalSecret makes: its template's, which ESO renders, else its own
 * (`ApplyTemplate` in `externalsecret_controller_template.go`). The tenant's keys stay in the virtual cluster. What may be a template goes to the
 * host as an annotation under a key of ours, and comes back under its own key, in its own place; all else is put on here.
 */
import type { KubeObject } from "../../effects/client/kube-object.ts"
import { metadataHashAnnotation, tenantKeys } from "../tenancy/labels.ts"
import { metadataHash } from "../tenancy/host-metadata.ts"
import { renderedAnnotation } from "../tenancy/rendered-keys.ts"
import { metadataSources, metadataTexts, renderedTexts } from "./metadata-texts.ts"
import type { ExternalSecretSpec } from "./external-secret-spec.ts"

type Entries = Readonly<Record<string, string>>

export interface TargetMetadata {
  readonly labels: Entries
  readonly annotations: Entries
}

const places = ["labels", "annotations"] as const
type Place = (typeof places)[number]

/** What no template consists of: delimiters are `{{` and `}}`, or whatever ESO was started with (`--template-left-delimiter`). */
const plain = /^[\w\s./:=@+,*-]*$/

/** ESO's former engine does not render metadata. */
const rendersMetadata = ({ target }: ExternalSecretSpec): boolean =>
  target?.template !== undefined && target.template["engineVersion"] !== "v1"

const askedFor = (virtual: KubeObject, spec: ExternalSecretSpec): TargetMetadata => {
  const template = spec.target?.template
  const { labels, annotations } = template === undefined ? virtual.metadata : (template.metadata ?? {})
  return { labels: tenantKeys(labels), annotations: tenantKeys(annotations) }
}

/** Of all labels and annotations that decide what the Secret bears, and of the others of the object, at whose change ESO refreshes. */
export const targetMetadataHash = (virtual: KubeObject, spec: ExternalSecretSpec): string =>
  metadataHash(virtual, spec.target?.template?.metadata, metadataSources(spec))

/** Each key of ours with the tenant's that it stands for, and its text. */
const renderedEntries = (virtual: KubeObject, spec: ExternalSecretSpec) => {
  if (!rendersMetadata(spec)) return []
  const asked = askedFor(virtual, spec)
  return places.flatMap((place) =>
    Object.entries(asked[place]).flatMap(([key, text]) =>
      plain.test(text) ? [] : [{ rendered: renderedAnnotation(place, key), key, text }],
    ),
  )
}

/** `template.metadata` on the host. */
export const hostTemplateMetadata = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
): { readonly annotations?: Entries } =>
  rendersMetadata(spec)
    ? {
        annotations: {
          ...Object.fromEntries(renderedEntries(virtual, spec).map(({ rendered, text }) => [rendered, text])),
          [metadataHashAnnotation]: targetMetadataHash(virtual, spec),
        },
      }
    : {}

/** For messages of the host: keys of ours and what the tenant calls them. */
export const renderedNames = (
  virtual: KubeObject,
  spec: ExternalSecretSpec,
): ReadonlyArray<readonly [ours: string, tenants: string]> => [
  ...renderedEntries(virtual, spec).map(({ rendered, key }) => [rendered, key] as const),
  ...metadataTexts(spec).map(({ dataKey, key, path }) => [dataKey, key ?? path] as const),
]

/** Whether ESO made a Secret of the labels and annotations that are asked for now. Of one that tells nothing, it counts as true. */
export const isOfMetadata = (source: KubeObject, virtual: KubeObject, spec: ExternalSecretSpec): boolean => {
  const hash = source.metadata.annotations?.[metadataHashAnnotation]
  return hash === undefined || hash === targetMetadataHash(virtual, spec)
}

/** What the Secret in the virtual cluster is to bear. @param source the Secret that ESO made */
export const targetMetadata = (source: KubeObject, virtual: KubeObject, spec: ExternalSecretSpec): TargetMetadata => {
  const asked = askedFor(virtual, spec)
  if (!rendersMetadata(spec)) return asked
  const rendered = source.metadata.annotations ?? {}
  const standing = (place: Place): Entries =>
    Object.fromEntries([
      ...Object.entries(tenantKeys(renderedTexts(source, spec, place))),
      ...Object.entries(asked[place]).flatMap(([key, text]) => {
        const value = plain.test(text) ? text : rendered[renderedAnnotation(place, key)]
        return value === undefined ? [] : [[key, value] as const]
      }),
    ])
  return { labels: standing("labels"), annotations: standing("annotations") }
}
