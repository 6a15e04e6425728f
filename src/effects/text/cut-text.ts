/** The last half of a cut that went through the middle of a character: UTF-16 has two units for one beyond U+FFFF. */
const halfAtEnd = /[\uD800-\uDBFF]$/

/**
 * At most the first `limit` UTF-16 units, ending with a whole character. An API server stores half of one as U+FFFD: what was
 * written would never equal what is read.
 */
export const cutText = (text: string, limit: number): string =>
  text.length <= limit ? text : text.slice(0, limit).replace(halfAtEnd, "")
