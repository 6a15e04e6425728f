/** The YAML of docs/rbac.md: what tests grant is what the page tells people to grant. */
import { readFileSync } from "node:fs"
import { parseAllDocuments } from "yaml"
import { arrayAt, stringAt } from "../../src/effects/client/unstructured.ts"

export interface Rule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
}

const page = readFileSync(new URL("../../docs/rbac.md", import.meta.url), "utf8")

/** The YAML of the page, by the file name in its first line. */
export const block = (name: string): string => {
  const [, text = ""] = new RegExp(`\`\`\`yaml\\n(# ${name}\\n[^\`]*)\`\`\``).exec(page) ?? []
  return text
}

const documents = (text: string): ReadonlyArray<unknown> =>
  parseAllDocuments(text).map((document): unknown => document.toJS())

const textsAt = (value: unknown, key: string): ReadonlyArray<string> =>
  arrayAt(value, key).filter((text) => typeof text === "string")

const rule = (value: unknown): Rule => ({
  apiGroups: textsAt(value, "apiGroups"),
  resources: textsAt(value, "resources"),
  verbs: textsAt(value, "verbs"),
})

export const rulesOf = (kind: string): ReadonlyArray<Rule> =>
  documents(block("rbac.yaml"))
    .filter((document) => stringAt(document, "kind") === kind)
    .flatMap((document) => arrayAt(document, "rules").map(rule))

export const extraRules = (): ReadonlyArray<Rule> =>
  documents(block("vcluster.yaml")).flatMap((values) => arrayAt(values, "rbac", "role", "extraRules").map(rule))

/** One text a right: `get secrets.`. */
export const expand = (rules: ReadonlyArray<Rule>): ReadonlyArray<string> =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`))),
  )
