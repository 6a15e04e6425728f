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

/** Within a lexeme; a text alone is about its beginning. */
interface Found {
  readonly index: number
  readonly message: string
}

const readers = "kubectl and Helm"

/** The lexer's own marks are control characters: without this check a text could play them. */
const controlCharacter = /(?![\t\n\r\u0085])[\p{Cc}\uFFFE\uFFFF]/u

const hex = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

const blanks = /^[ \t]+$/

/** Blanks side by side are one lexeme. */
const lexemesOf = (text: string): ReadonlyArray<Lexeme> => {
  const lexemes: Array<Lexeme> = []
  let offset = 0
  let isScalar = false
  for (const piece of new Lexer().lex(text)) {
    const last = lexemes.at(-1)
    if (piece === CST.SCALAR) isScalar = true
    else if (piece !== CST.DOCUMENT && piece !== CST.FLOW_END) {
      if (last !== undefined && !last.isScalar && !isScalar && blanks.test(piece) && blanks.test(last.text))
        lexemes[lexemes.length - 1] = { ...last, text: last.text + piece }
      else lexemes.push({ text: piece, offset, isScalar })
      offset += piece.length
      isScalar = false
    }
  }
  return lexemes
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

const escapeProblem = (text: string): Found | undefined => {
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

const breakProblem = ({ text }: Lexeme, quoted: boolean): Found | undefined => {
  const found = (quoted ? breakInQuotes : anyBreak).exec(text)
  return found === null
    ? undefined
    : {
        index: found.index,
        message: `${hex(found[0])} is a line break to ${readers}; remove it, or write it as an escape in double quotes`,
      }
}

const tabRefused = `a tab here is refused by ${readers}; use spaces`

const endsLine = (text: string | undefined): boolean =>
  text === undefined || /^\r?\n/.test(text) || text.startsWith("#")

/** Within brackets YAML 1.1 knows more marks than 1.2. */
const bracketedWordProblem = (text: string): string | undefined => {
  if (text.includes("?")) return `${readers} refuse a ? in a word within brackets; put it in quotes`
  return text.startsWith(":")
    ? `${readers} refuse a colon that begins a word within brackets; put it in quotes`
    : undefined
}

class DialectReader {
  readonly problems: Array<DialectProblem> = []
  private readonly lexemes: ReadonlyArray<Lexeme>
  /** Of brackets. */
  private depth = 0
  /** The last lexeme with a content. */
  private before: Lexeme | undefined
  /** `|-`, as long as what follows it has not come. */
  private header: string | undefined
  private lineStart = 0
  /** Columns from 0: of the first content of this line behind dashes, and of the line that `before` stands on. */
  private column: number | undefined
  private blockColumn = 0

  constructor(text: string) {
    this.lexemes = lexemesOf(text)
  }

  read(): ReadonlyArray<DialectProblem> {
    for (const [index, lexeme] of this.lexemes.entries()) {
      this.look(lexeme, this.lexemes[index - 1], this.lexemes[index + 1])
      this.advance(lexeme)
    }
    return this.problems
  }

  private advance(lexeme: Lexeme): void {
    const { text, offset, isScalar } = lexeme
    if (!isScalar && /^[[{]$/.test(text)) this.depth += 1
    if (!isScalar && /^[\]}]$/.test(text)) this.depth -= 1
    if (!isScalar && /^[|>][-+\d]*$/.test(text)) this.header = text
    else if (isScalar) this.header = undefined
    if (isScalar || !/^(\s*(#|$)|-$)/.test(text)) {
      this.before = lexeme
      this.column ??= offset - this.lineStart
      this.blockColumn = this.column
    }
    const newline = text.lastIndexOf("\n")
    if (newline < 0) return
    this.lineStart = offset + newline + 1
    this.column = undefined
  }

  private look(lexeme: Lexeme, previous: Lexeme | undefined, next: Lexeme | undefined): void {
    const { text, isScalar } = lexeme
    const quoted = !isScalar && /^["']/.test(text)
    this.tell(lexeme, breakProblem(lexeme, quoted))
    if (isScalar) this.tell(lexeme, this.wordProblem(text))
    else if (text.startsWith('"')) this.tell(lexeme, escapeProblem(text))
    else if (text.startsWith("'") && !text.slice(1).replaceAll("''", "").endsWith("'"))
      this.tell(lexeme, "not valid YAML: Missing closing 'quote")
    else if (text.startsWith("%")) this.tell(lexeme, directiveProblem(text))
    else if (/^[&*]/.test(text)) this.tell(lexeme, anchorProblem(text))
    else if (/^[ \t]*\t/.test(text)) this.tell(lexeme, this.tabProblem(text, previous?.text, next?.text))
    else if (text === ":" && this.depth > 0 && previous?.isScalar === true && /^[,[\]{}]/.test(next?.text ?? ""))
      this.tell(lexeme, `${readers} take this colon for a part of the word before it; put a space after it`)
  }

  private wordProblem(text: string): Found | string | undefined {
    const isBlock = this.header !== undefined && !/\d/.test(this.header)
    // A block whose indentation is to be found from its text.
    const indentation = isBlock ? /^(?: *\r?\n)* *\t/.exec(text)?.[0] : undefined
    if (indentation !== undefined) return { index: indentation.length - 1, message: tabRefused }
    return this.depth === 0 ? undefined : bracketedWordProblem(text)
  }

  private tabProblem(text: string, previous: string | undefined, next: string | undefined): string | undefined {
    if (this.depth > 0) return undefined
    const afterMark = previous === "-" || previous === "?"
    const beginsLine = previous === undefined || previous.endsWith("\n")
    // After a word without quotes, blanks are taken for its continuation as long as they are indented.
    const continues = endsLine(next) && this.before?.isScalar === true && text.indexOf("\t") > this.blockColumn
    return afterMark || (beginsLine && !continues) ? tabRefused : undefined
  }

  private tell(lexeme: Lexeme, found: Found | string | undefined): void {
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
