/** `-o json` and `-o yaml`: the same data, and text that is safe to look at and still means the same to a parser. */
import { Document, isScalar, Scalar, visit } from "yaml"
import { escapeInQuotes, isUnsafe } from "./escape.ts"

export type StructuredFormat = "json" | "yaml"

/** Indented JSON, a line feed at the end. Unsafe characters only occur inside of strings there, where `\uXXXX` is the same string. */
export const toJson = (value: unknown): string => `${escapeInQuotes(JSON.stringify(value, null, 2))}\n`

/** One line of JSON, for streams of them. */
export const toJsonLine = (value: unknown): string => `${escapeInQuotes(JSON.stringify(value))}\n`

/** YAML as kubectl prints it: no line folding, sequences not indented, no anchors. */
export const toYaml = (value: unknown): string => {
  // kubectl reads YAML 1.1: there `on` and `2026-01-01` are no strings, so they need quotes.
  const document = new Document(value, { aliasDuplicateObjects: false, schema: "yaml-1.1" })
  visit(document, {
    Scalar: (_, node) => {
      const multiline = typeof node.value === "string" && node.value.includes("\n")
      const text = typeof node.value === "string" ? node.value.replaceAll("\n", "") : ""
      // Only double quotes know escapes.
      if (isUnsafe(text)) node.type = Scalar.QUOTE_DOUBLE
      else if (multiline && isScalar(node)) node.type = Scalar.BLOCK_LITERAL
    },
  })
  return escapeInQuotes(document.toString({ lineWidth: 0, indentSeq: false }))
}

export const printObject = (format: StructuredFormat, value: unknown): string =>
  format === "json" ? toJson(value) : toYaml(value)
