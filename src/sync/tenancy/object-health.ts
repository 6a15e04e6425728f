/** How an object stands, and what would mend it. */

/** synced: in step. waiting: someone else's move (ESO, the API server). broken: ESO reports an error. refused: a rule of ours. */
export type Health = "synced" | "waiting" | "broken" | "refused"

export interface Fix {
  /** What to do, in words. */
  readonly text: string
  /** One command, ready to paste. */
  readonly command?: string
  /** The cluster that the command is for, where it is not plain; the same name may be known to both. */
  readonly cluster?: "host" | "virtual"
}
