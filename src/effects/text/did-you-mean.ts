/** "Did you mean …?" */

/** Edits (insert, delete, replace, swap of neighbours) between two words: Damerau-Levenshtein, optimal string alignment. */
const distance = (left: string, right: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return last[right.length] ?? 0
}

/** The known word that was probably meant: within two edits or a third of its length, letter case aside. */
export const nearestWord = (word: string, known: Iterable<string>): string | undefined => {
  let best: { readonly word: string; readonly edits: number } | undefined
  for (const candidate of known) {
    const allowed = Math.min(Math.max(2, Math.floor(candidate.length / 3)), candidate.length - 1)
    // At least so many edits: spares the work for a word that is far too long.
    if (Math.abs(word.length - candidate.length) > allowed) continue
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits > allowed) continue
    if (best === undefined || edits < best.edits) best = { word: candidate, edits }
  }
  return best?.word
}
