/**
 * What a terminal obeys or a reader cannot see: controls, format characters (bidi and zero-width are among them), private use, lone
 * surrogates, line separators, and whatever Unicode says to ignore.
 */
export const unsafeCharacters = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Those that everybody knows by a short escape, in JSON too. */
export const shortEscapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** As JSON and double-quoted YAML write it, so that escaped text still means what it meant. */
export const jsonEscape = (character: string): string =>
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("")
