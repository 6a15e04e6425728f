/** Words that messages about wrong input share. */
import { cutText } from "./cut-text.ts"
import { nearestWord } from "./did-you-mean.ts"

const longest = 60

/** What a JSON value is, without its content where that may be long: `a map`, `a list`, `true`, `"text"`, `nothing`. */
export const describeValue = (value: unknown): string => {
  if (value === undefined || value === null) return "nothing"
  if (Array.isArray(value)) return "a list"
  if (typeof value === "object") return "a map"
  if (typeof value === "string") return JSON.stringify(value.length > longest ? `${cutText(value, longest)}…` : value)
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `a ${typeof value}`
}

const alternatives = (words: ReadonlyArray<string>): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`

/** `unknown key "matchLabel" (did you mean "matchLabels"?)`, or what would be known there. */
export const unknownKey = (key: string, known: ReadonlyArray<string>): string => {
  const near = nearestWord(key, known)
  const hint = near === undefined ? `known here: ${alternatives(known)}` : `did you mean ${JSON.stringify(near)}?`
  return `unknown key ${JSON.stringify(key)} (${hint})`
}
