/** AWS Secrets Manager and Parameter Store, as moto plays them on this machine. It ends with the watchdog. */
import { Effect, Schedule } from "effect"
import { describeCause, GroundError } from "./errors.ts"
import { freePort } from "./ports.ts"
import { pythonEnvironment } from "./python-env.ts"
import { motoTool } from "./tool-sets.ts"
import { type Process, tailOf, type Watchdog } from "./watchdog.ts"

export interface Moto {
  readonly endpoint: string
  /** What makes ESO's AWS provider go there. Each endpoint has a variable of its own (ESO, `pkg/provider/aws/auth`). */
  readonly esoEnv: Readonly<Record<string, string>>
  /** Makes the secret, or its next version. */
  readonly putSecret: (name: string, value: string) => Effect.Effect<void, GroundError>
  readonly deleteSecret: (name: string) => Effect.Effect<void, GroundError>
  /** A `SecureString`. */
  readonly putParameter: (name: string, value: string) => Effect.Effect<void, GroundError>
}

/** A region that the documentation's examples name. moto keeps regions apart, as Amazon does. */
const region = "us-east-1"
const json = "application/x-amz-json-1.1"

interface Call {
  readonly service: "secretsmanager" | "ssm"
  readonly target: string
  readonly body: Readonly<Record<string, unknown>>
}

/** moto reads service and region out of the signature, which it does not check. */
const headersOf = ({ service, target }: Call) => ({
  "content-type": json,
  "x-amz-target": target,
  authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=test`,
})

interface Answer {
  readonly status: number
  readonly text: string
}

const call = (endpoint: string, request: Call): Effect.Effect<Answer, GroundError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const body = JSON.stringify(request.body)
      const answer = await fetch(endpoint, { method: "POST", headers: headersOf(request), body, signal })
      return { status: answer.status, text: await answer.text() }
    },
    catch: (cause) => new GroundError({ message: `moto, ${request.target}: ${describeCause(cause)}` }),
  })

const refused = (target: string, { status, text }: Answer): GroundError =>
  new GroundError({ message: `moto refuses ${target}: ${status} ${text}` })

const succeed = (endpoint: string, request: Call): Effect.Effect<void, GroundError> =>
  Effect.flatMap(call(endpoint, request), (answer) =>
    answer.status === 200 ? Effect.void : Effect.fail(refused(request.target, answer)),
  )

const secretsManager = (action: string, body: Call["body"]): Call => ({
  service: "secretsmanager",
  target: `secretsmanager.${action}`,
  body,
})

const token = () => ({ ClientRequestToken: crypto.randomUUID() })

const putSecret = Effect.fnUntraced(function* (
  endpoint: string,
  name: string,
  value: string,
): Effect.fn.Return<void, GroundError> {
  const create = secretsManager("CreateSecret", { ...token(), Name: name, SecretString: value })
  const created = yield* call(endpoint, create)
  if (created.status === 200) return undefined
  if (!created.text.includes("ResourceExistsException")) return yield* refused(create.target, created)
  return yield* succeed(endpoint, secretsManager("PutSecretValue", { ...token(), SecretId: name, SecretString: value }))
})

/** moto tells nobody that it listens but by listening. */
const untilListening = (endpoint: string, process: Process): Effect.Effect<void, GroundError> => {
  const failed = (how: string) =>
    Effect.flatMap(tailOf(process.stdout), (log) =>
      Effect.fail(new GroundError({ message: `moto ${how}; its log ends:\n${log}` })),
    )
  const poll = call(endpoint, secretsManager("ListSecrets", {})).pipe(
    Effect.retry(Schedule.spaced("100 millis")),
    Effect.asVoid,
  )
  return Effect.raceFirst(
    poll,
    Effect.flatMap(process.exit, () => failed("ended")),
  ).pipe(Effect.timeoutOrElse({ duration: "60 seconds", orElse: () => failed("does not listen after 60 seconds") }))
}

/** Returns when it answers. */
export const startMoto = Effect.fnUntraced(function* (watchdog: Watchdog): Effect.fn.Return<Moto, GroundError> {
  const python = yield* pythonEnvironment(motoTool)
  const port = yield* freePort
  const endpoint = `http://127.0.0.1:${port}`
  const process = yield* watchdog.start({
    name: `moto-${port}`,
    file: python,
    args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
  })
  yield* untilListening(endpoint, process)
  const names = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"]
  return {
    endpoint,
    esoEnv: Object.fromEntries(names.map((name) => [name, endpoint])),
    putSecret: (name, value) => putSecret(endpoint, name, value),
    deleteSecret: (name) =>
      succeed(endpoint, secretsManager("DeleteSecret", { SecretId: name, ForceDeleteWithoutRecovery: true })),
    putParameter: (name, value) =>
      succeed(endpoint, {
        service: "ssm",
        target: "AmazonSSM.PutParameter",
        body: { Name: name, Value: value, Type: "SecureString", Overwrite: true },
      }),
  }
})
