import { assert, describe, it } from "@effect/vitest"
import { explainBuildFailure } from "../../clusters/build-failure.ts"

const explain = (log: string): string => explainBuildFailure("go build of kine", log)

describe("why a build failed", () => {
  it("a module that cannot be fetched is named, with the line that says why", () => {
    const line =
      'example.com/uuid@v1.5.0: Get "http://127.0.0.1:9/x.zip": dial tcp 127.0.0.1:9: connect: connection refused'
    const text = explain(`go: downloading example.com/uuid v1.5.0\nmain.go:2:8: ${line}\n`)
    assert.notInclude(text, "\n")
    assert.match(text, /^go build of kine failed: the module example\.com\/uuid@v1\.5\.0 cannot be fetched; .*GOPROXY/)
    assert.include(text, "connection refused")
  })

  it("a proxy that is switched off", () => {
    assert.match(explain("main.go:2:8: module lookup disabled by GOPROXY=off"), /may not be fetched .*GOPROXY=off/)
  })

  it("a full disk comes before what it breaks", () => {
    const text = explain("a@v1: reading x: write /x: no space left on device\ncompile: exit status 1")
    assert.match(text, /the disk is full/)
    assert.notInclude(text, "\n")
  })

  it("otherwise the end of the log", () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}`)
    const text = explain(lines.join("\n"))
    assert.include(text, "line 49")
    assert.notInclude(text, "line 19\n")
  })
})
