/**
 * What ESO alone would have kept, as a small model: each Secret is kept until its tenant lets it go, and holds no value but those that its
 * store yielded while the tenant was allowed to use it. What is seen from outside is held against it.
 */
import type { Sight } from "../follow.ts"
import { valueOf } from "../synced-pair.ts"

interface Account {
  kept: boolean
  /** A value that was fetched once and for all: the only one while it is set. */
  lasting: string | undefined
  /** UID of the Secret that was let go. */
  released: string | undefined
  seen: { uid: string | undefined; value: string | undefined } | undefined
  readonly allowed: Set<string>
}

/** What came before a violation, as far back as helps. */
const context = 12

export class Ledger {
  readonly #accounts = new Map<string, Account>()
  readonly #once: ReadonlySet<string>
  readonly #since = performance.now()
  readonly moves: Array<string> = []
  readonly violations: Array<string> = []

  /** @param once names of Secrets whose value is fetched once (`CreatedOnce`) */
  constructor(names: ReadonlyArray<string>, once: ReadonlySet<string>) {
    this.#once = once
    for (const name of names)
      this.#accounts.set(name, {
        kept: false,
        lasting: undefined,
        released: undefined,
        seen: undefined,
        allowed: new Set(),
      })
  }

  /** What is about to be done. */
  note(move: string): void {
    this.moves.push(`${((performance.now() - this.#since) / 1000).toFixed(1)} s  ${move}`)
  }

  /** To be called before anything that lets the tenant have this value. */
  allow(name: string, value: string): void {
    this.#accounts.get(name)?.allowed.add(value)
  }

  /** The tenant is about to let the Secret go. */
  release(name: string): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    account.kept = false
    account.lasting = undefined
    account.released = account.seen?.uid
  }

  /** The tenant has another ExternalSecret for the same Secret: what is fetched once is fetched once more. */
  fetchAgain(name: string): void {
    const account = this.#accounts.get(name)
    if (account !== undefined) account.lasting = undefined
  }

  /** It stands as it should, and from now on it stays. */
  keep(name: string): void {
    const account = this.#accounts.get(name)
    if (account?.seen === undefined) return
    account.kept = true
    account.lasting = this.#once.has(name) ? account.seen.value : undefined
  }

  isKept(name: string): boolean {
    return this.#accounts.get(name)?.kept === true
  }

  /** Whether a Secret is another one than what was let go, so that nothing that was under way can take it. */
  isAnew(name: string, uid: string | undefined): boolean {
    return uid !== undefined && this.#accounts.get(name)?.released !== uid
  }

  see({ type, object }: Sight): void {
    const { name, uid } = object.metadata
    const account = this.#accounts.get(name)
    if (account === undefined) return
    if (type === "DELETED") {
      if (account.kept) this.#violation(`${name} was absent`)
      account.seen = undefined
      return
    }
    const value = valueOf(object, "password")
    const before = account.seen
    account.seen = { uid, value }
    if (value === before?.value) return
    if (value === undefined) this.#violation(`${name} had no value`)
    else if (!account.allowed.has(value)) this.#violation(`${name} had the value «${value}», which it may not have`)
    else if (account.lasting !== undefined && value !== account.lasting)
      this.#violation(`${name}, fetched once as «${account.lasting}», had the value «${value}»`)
  }

  #violation(what: string): void {
    this.note(`VIOLATION ${what}`)
    this.violations.push(`${what}; before it:\n    ${this.moves.slice(-context).join("\n    ")}`)
  }
}
