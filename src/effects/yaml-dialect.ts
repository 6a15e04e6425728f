/**
 * What YAML 1.2 allows and go-yaml v2 refuses or reads as something else: kubectl and Helm read with it (sigs.k8s.io/yaml), and a
 * text that is good here must be good there. Found by giving both the same texts (`test/integration/charts.test.ts`).
 */
import { CST, Lexer } from "yaml"

export interface DialectProblem {
  /** In UTF-16 units from the text's beginning. */
  readonly offset: number
  readonly message: string
}

/** A piece of the text as the lexer cuts it. */
interface Lexeme {
  readonly text: string
  readonly offset: number
  /** Without quotes, or a block. */
  readonly isScalar: boolean
}

const readers = "kubectl and Helm"

/** The lexer's own marks are control characters: without this check a text could play them. */
const controlCharacter = /[\0-\x08\v\f\x0E-\x1F\x7F-\x84\x86-\x9F\uFFFE\uFFFF]/

const hex = (character: string): string => `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

function* lexemesOf(text: string): Generator<Lexeme> {
  let offset = 0
  let isScalar = false
  for (const piece of new Lexer().lex(text))
    if (piece === CST.SCALAR) isScalar = true
    else if (piece !== CST.DOCUMENT && piece !== CST.FLOW_END) {
      yield { text: piece, offset, isScalar }
      offset += piece.length
      isScalar = false
    }
}

const directiveProblem = (text: string): string | undefined => {
  const [name = "", version] = text.split(/[ \t]+/)
  if (name === "%TAG" || (name === "%YAML" && version === "1.1")) return undefined
  return name === "%YAML"
    ? `%YAML ${version ?? ""}: ${readers} refuse every version but 1.1; remove the line`
    : `${name}: ${readers} refuse directives other than %YAML 1.1 and %TAG; remove the line`
}

const anchorProblem = (text: string): string | undefined =>
  /^[&*][\w-]+$/.test(text)
    ? undefined
    : `${readers} refuse an anchor whose name has other characters than letters, digits, _ and -; rename it`

/** The escapes that JSON has and YAML 1.1 has not. */
const escape = /\\(?:\/|u[dD][89a-fA-F][\da-fA-F]{2}|U(?!000|0010)[\da-fA-F]{8}|U0000[dD][89a-fA-F][\da-fA-F]{2}|.)/gs

const escapeProblem = (text: string): { readonly index: number; readonly message: string } | undefined => {
  for (const { 0: found, index } of text.matchAll(escape)) {
    if (found === "\\/") return { index, message: `the escape \\/ is refused by ${readers}; write /` }
    if (found.length > 2)
      return { index, message: `the escape ${found} is refused by ${readers}; write the character itself` }
  }
  return undefined
}

/** Line breaks of YAML 1.1 alone; within quotes the last two stay what they are, as long as no space is beside them. */
const breakInQuotes = /\r(?!\n)|\u0085|[\u2028\u2029](?=\s)|(?<=\s)[\u2028\u2029]/
const anyBreak = /\r(?!\n)|[\u0085\u2028\u2029]/

const breakProblem = ({ text }: Lexeme, quoted: boolean) => {
  const found = (quoted ? breakInQuotes : anyBreak).exec(text)
  return found === null
    ? undefined
    : { index: found.index, message: `${hex(found[0])} is a line break to ${readers}; remove it, or write it as an escape in double quotes` }
}

const isBlank = (text: string | undefined): boolean => text === undefined || /^\r?\n/.test(text) || text.startsWith("#")

class DialectReader {
  readonly problems: Array<DialectProblem> = []
  private readonly lexemes: ReadonlyArray<Lexeme>
  private depth = 0
  /** The last one with a content. */
  private before: Lexeme | undefined

  constructor(text: string) {
    this.lexemes = [...lexemesOf(text)]
  }

  read(): ReadonlyArray<DialectProblem> {
    for (const [index, lexeme] of this.lexemes.entries()) {
      this.look(lexeme, this.lexemes[index - 1], this.lexemes[index + 1])
      if (!lexeme.isScalar && /^[[{]$/.test(lexeme.text)) this.depth += 1
      if (!lexeme.isScalar && /^[\]}]$/.test(lexeme.text)) this.depth -= 1
      if (!/^\s*(#|$)/.test(lexeme.text)) this.before = lexeme
    }
    return this.problems
  }

  private look(lexeme: Lexeme, previous: Lexeme | undefined, next: Lexeme | undefined): void {
    const { text, isScalar } = lexeme
    const quoted = !isScalar && /^["']/.test(text)
    this.tell(lexeme, breakProblem(lexeme, quoted))
    if (isScalar) return
    if (text.startsWith('"')) this.tell(lexeme, escapeProblem(text))
    if (text.startsWith("%")) this.tell(lexeme, directiveProblem(text))
    if (/^[&*]/.test(text)) this.tell(lexeme, anchorProblem(text))
    if (/^[ \t]*\t/.test(text)) this.tell(lexeme, this.tabProblem(text, previous?.text, next?.text))
    if (text === ":" && this.depth > 0 && previous?.isScalar === true && /^[,[\]{}]/.test(next?.text ?? ""))
      this.tell(lexeme, `${readers} take this colon for a part of the word before it; put a space after it`)
  }

  private tabProblem(text: string, previous: string | undefined, next: string | undefined): string | undefined {
    if (this.depth > 0) return undefined
    const afterMark = previous === "-" || previous === "?"
    const fillsLine = (previous === undefined || previous.endsWith("\n")) && isBlank(next)
    // After a word without quotes, blanks are taken for its continuation as long as they are indented.
    const passes = this.before?.isScalar === true && text.startsWith(" ")
    return afterMark || (fillsLine && !passes) ? `a tab here is refused by ${readers}; use spaces` : undefined
  }

  private tell(lexeme: Lexeme, found: string | { readonly index: number; readonly message: string } | undefined): void {
    if (found === undefined) return
    const { index, message } = typeof found === "string" ? { index: 0, message: found } : found
    this.problems.push({ offset: lexeme.offset + index, message })
  }
}

/** In order of position. */
export const dialectProblems = (text: string): ReadonlyArray<DialectProblem> => {
  const control = controlCharacter.exec(text)
  if (control !== null)
    return [{ offset: control.index, message: `the control character ${hex(control[0])} is refused by ${readers}` }]
  return new DialectReader(text).read()
}
