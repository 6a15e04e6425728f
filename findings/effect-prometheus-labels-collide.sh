#!/usr/bin/env bash
# Guess: attributes of a metric that Prometheus has no letters for are renamed on its page, and each stays a label of its own.
# Seen:  two that differ in such a letter become one label, given twice, and so does an attribute `le` of a histogram. Prometheus' own
#        parser refuses the whole page for that: the metrics after it are lost, those that are as they should be, too.
# With:  effect 4.1.0, github.com/prometheus/common v0.66.1.
# Here:  labels of Kubernetes objects as attributes: `app.kubernetes.io/name` beside `app_kubernetes_io_name`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'M'
module finding

go 1.24

require github.com/prometheus/common v0.66.1
M
cat >main.go <<'G'
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func main() {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(os.Stdin)
	fmt.Println("families:", len(families), "- error:", err)
}
G
go mod tidy >/dev/null 2>&1
go build -o parse .
npm i --no-audit --no-fund --silent effect@4.1.0
cat >page.mjs <<'J'
import { Effect, Metric } from "effect"
import { format } from "effect/observability/PrometheusMetrics"

const pages = {
  apart: Metric.update(Metric.withAttributes(Metric.counter("writes"), { "app.name": "a", app_kind: "b" }), 1),
  "two labels": Metric.update(Metric.withAttributes(Metric.counter("writes"), { "app.name": "a", app_name: "b" }), 1),
  le: Metric.update(Metric.withAttributes(Metric.histogram("lengths", { boundaries: [1] }), { le: "metre" }), 1),
}
const page = Effect.gen(function* () {
  yield* pages[process.argv[2]]
  yield* Metric.update(Metric.counter("zeal"), 1)
  return yield* format()
})
process.stdout.write(await Effect.runPromise(page))
J
for page in apart "two labels" le; do
  echo "== $page"
  node page.mjs "$page" | grep -v '^#'
  node page.mjs "$page" | ./parse
done >seen 2>&1
cat >expected <<'X'
== apart
writes{app_name="a",app_kind="b"} 1
zeal 1
families: 2 - error: <nil>
== two labels
writes{app_name="a",app_name="b"} 1
zeal 1
families: 0 - error: text format parsing error in line 2: duplicate label names for metric "writes"
== le
lengths_bucket{le="metre",le="1"} 1
lengths_bucket{le="metre",le="+Inf"} 1
lengths_sum{le="metre"} 1
lengths_count{le="metre"} 1
zeal 1
families: 0 - error: text format parsing error in line 2: expected float as value for 'le' label, got "metre"
X
cat seen
diff -u expected seen
