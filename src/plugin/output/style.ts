/** Symbols and colours. A symbol always stands beside a word, a colour never says anything alone. */

export interface Style {
  readonly color: boolean
  /** Whether the reader's locale can show more than ASCII. */
  readonly unicode: boolean
}

export type ColorChoice = "auto" | "always" | "never"

export interface StyleInput {
  readonly choice: ColorChoice
  readonly isTty: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: string
}

/** Follows NO_COLOR (no-color.org: set and not empty), TERM=dumb, and the locale as POSIX orders it: LC_ALL, LC_CTYPE, LANG. */
export const styleFor = (input: StyleInput): Style => {
  const { env } = input
  const plain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb" || !input.isTty
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "")
  return {
    color: input.choice === "always" || (input.choice === "auto" && !plain),
    // Windows has no such variables, and its consoles of today show UTF-8.
    unicode: locale === undefined ? input.platform === "win32" || !input.isTty : /utf-?8/i.test(locale),
  }
}

export type Tone = "good" | "warning" | "bad" | "dim" | "bold"

const codes: Readonly<Record<Tone, string>> = { good: "32", warning: "33", bad: "31", dim: "2", bold: "1" }

export const paint = (style: Style, tone: Tone, text: string): string =>
  style.color ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text

export type Symbol = "ok" | "warning" | "broken" | "waiting"

const symbols: Readonly<Record<Symbol, { readonly unicode: string; readonly ascii: string; readonly tone: Tone }>> = {
  ok: { unicode: "✓", ascii: "+", tone: "good" },
  warning: { unicode: "!", ascii: "!", tone: "warning" },
  broken: { unicode: "✗", ascii: "x", tone: "bad" },
  waiting: { unicode: "…", ascii: "~", tone: "warning" },
}

export const symbol = (style: Style, name: Symbol): string => {
  const { unicode, ascii, tone } = symbols[name]
  return paint(style, tone, style.unicode ? unicode : ascii)
}

const asciiOf: Readonly<Record<string, string>> = {
  "✓": "+",
  "✗": "x",
  "…": "...",
  "·": "|",
  "–": "-",
  "→": "->",
  "≠": "!=",
  "«": '"',
  "»": '"',
}

/** Text of ours in what the locale can show; letters of others become `?`. */
export const toLocale = (style: Style, text: string): string =>
  style.unicode ? text : text.replace(/[^\p{ASCII}]/gu, (character) => asciiOf[character] ?? "?")
