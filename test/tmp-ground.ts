import { Effect } from "effect"
import { makeGround } from "./clusters/ground.ts"
import { documentedValues } from "./clusters/vcluster.ts"
import { installEsoCrds } from "./clusters/eso.ts"
void installEsoCrds
const main = Effect.scoped(Effect.gen(function* () {
  const ground = yield* makeGround()
  yield* ground.seedVcluster({ name: "my-vcluster", namespace: "team-x", values: documentedValues })
  if (process.env["WITH_ESO"]) yield* ground.startEso()
  console.log(JSON.stringify({ host: ground.host.kubeconfig, virtual: ground.virtual.kubeconfig, folder: ground.folder }))
  yield* Effect.never
}))
await Effect.runPromise(main)
