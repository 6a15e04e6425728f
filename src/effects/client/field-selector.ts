/** Field selectors in the API's syntax. */

/** A comma, an equals sign or a backslash inside a value is escaped (apimachinery, `fields.EscapeValue`). */
const escapeValue = (value: string): string => value.replaceAll(/[\\,=]/g, (character) => `\\${character}`)

/** `metadata.name=a,type=b`: all of them must be equal. */
export const fieldsEqual = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([path, value]) => `${path}=${escapeValue(value)}`)
    .join(",")

/** The one object of that name. */
export const named = (name: string): string => fieldsEqual({ "metadata.name": name })
