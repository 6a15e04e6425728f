/**
 * Expressions of `namespaceRegexes`. ESO runs them with Go's `regexp` (RE2): linear in the length of the name, whatever the
 * expression. JavaScript's own engine is not, and a tenant chooses the name; it also reads another syntax.
 *
 * re2js follows Go, but not to the letter. Where the two part, or Go's versions among themselves, an expression admits nothing here,
 * which is the safe side, and the operator is told:
 *
 * - a group name that is given twice: only Go takes it;
 * - a class by its name (`\p{…}`) that is no general category: Go has no binary properties (`\p{Uppercase}`), re2js no names
 *   without regard to case (`\p{greek}`), and both know the scripts of the Unicode version that they were made with.
 */
import { RE2JS } from "re2js"
import { Result } from "effect"
import { LruMap } from "../../effects/controller/lru-cache.ts"

/** Those that Go has had from the start, and `Any`. */
const categories = new Set(
  "Any C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs".split(" "),
)

/** Quoted text and other escapes are passed over. The class is `\pL`, `\p{Lu}` or `\p{^Lu}`. */
const escapes = /\\Q[^]*?(?:\\E|$)|\\[pP](?:\{\^?([^}]*)\}|([^{]))|\\[^]/g

const foreignClass = (pattern: string): string | undefined => {
  for (const [whole, braced, single] of pattern.matchAll(escapes)) {
    const name = braced ?? single
    if (name !== undefined && !categories.has(name)) return whole
  }
  return undefined
}

const parserWords = (cause: unknown): string =>
  cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : String(cause)

const compile = (pattern: string): Result.Result<RE2JS, string> => {
  const foreign = foreignClass(pattern)
  return foreign === undefined
    ? Result.try({ try: () => RE2JS.compile(pattern), catch: parserWords })
    : Result.fail(`the class ${foreign} is no general category of Unicode such as \\p{L} or \\p{Nd}`)
}

/** An operator's stores have few; what matters is that names of tenants do not compile them again and again. */
const compiled = new LruMap<string, Result.Result<RE2JS, string>>(500)

/** @returns the expression, or why it admits nothing */
export const namespaceRegex = (pattern: string): Result.Result<RE2JS, string> => {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const result = compile(pattern)
  compiled.set(pattern, result)
  return result
}
