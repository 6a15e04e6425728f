/**
 * Text that a tenant wrote (names, messages, values of fields) made safe for a terminal and for one line of a table.
 *
 * A terminal obeys control sequences, and a reader is fooled by characters that have no width or turn the writing direction,
 * so each of them is shown as its escape. What is left has a width that can be counted.
 */

import { jsonEscape, shortEscapes, unsafeCharacters } from "../../effects/text/unsafe-characters.ts"

/** More than three marks on one letter are no language, but a way to paint over the lines above. */
const stackedMarks = /(?<=\p{M}{3})\p{M}/gu

const escapeCharacter = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  return (
    shortEscapes[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`)
  )
}

/** `text` on one line, every character of it visible. */
export const escapeText = (text: string): string =>
  text.replace(unsafeCharacters, escapeCharacter).replace(stackedMarks, escapeCharacter)

/** As {@link escapeText}, but real line feeds stay: for text of ours that quotes a tenant's. */
export const escapeLines = (text: string): string => text.split("\n").map(escapeText).join("\n")

/** The same characters as JSON and double-quoted YAML write them, so that the text still means what it meant. */
export const escapeInQuotes = (text: string): string =>
  text.replace(unsafeCharacters, (character) => (character === "\n" ? character : jsonEscape(character)))

/** Whether {@link escapeText} would change `text`. */
export const isUnsafe = (text: string): boolean => text.search(unsafeCharacters) !== -1

const marks = /^\p{M}$/u
const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u

const characterWidth = (character: string): number => {
  if (character <= "\u{2ff}") return 1
  if (marks.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** Columns that escaped text takes on a terminal: East Asian letters and emoji take two, combining marks none. */
export const textWidth = (text: string): number => {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** As many characters from the start of `text` as fit into `width` columns. */
const take = (characters: ReadonlyArray<string>, width: number): string => {
  let used = 0
  let taken = ""
  for (const character of characters) {
    used += characterWidth(character)
    if (used > width) break
    taken += character
  }
  return taken
}

const reversed = (text: string): string => Array.from(text).toReversed().join("")

/** `text` in at most `width` columns; what is cut off the end is replaced by `ellipsis`. */
export const cutEnd = (text: string, width: number, ellipsis = "…"): string =>
  textWidth(text) <= width ? text : take(Array.from(text), Math.max(0, width - textWidth(ellipsis))) + ellipsis

/** `text` in at most `width` columns, cut in the middle: names of Kubernetes objects differ at both ends. */
export const cutMiddle = (text: string, width: number, ellipsis = "…"): string => {
  if (textWidth(text) <= width) return text
  const room = Math.max(0, width - textWidth(ellipsis))
  const head = take(Array.from(text), Math.ceil(room / 2))
  const tail = reversed(take(Array.from(text).toReversed(), room - textWidth(head)))
  return head + ellipsis + tail
}
