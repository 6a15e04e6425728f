#!/usr/bin/env bash
# Guess: `secrets: null` in a values file means «as if it were not written»: the chart's default.
# Seen:  Helm takes the chart's default away (its schema says nothing), and vCluster's own reader has no defaults, only Go's zero values.
#        So a null switches off what is on by default: here the syncing of Secrets to the host.
# With:  vCluster v0.36.1 (config package and chart), Helm v3.22.0.
# Here:  settings are read from a values file before Helm, and from `vc-config-NAME` after it: both must mean the same.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir helm vcluster
cat >helm/go.mod <<'E'
module finding/helm

go 1.26

require helm.sh/helm/v3 v3.22.0
E
cat >helm/main.go <<'E'
package main

import (
	"fmt"
	"os"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return value
}

// Puts in the chart's defaults and checks the chart's schema, as an installation does.
func main() {
	chart := must(loader.Load(os.Args[1]))
	values := must(chartutil.ReadValues([]byte(os.Args[2])))
	options := chartutil.ReleaseOptions{Name: "demo", Namespace: "demo"}
	all := must(chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities))
	fmt.Print(must(all["Values"].(chartutil.Values).YAML()))
}
E
cat >vcluster/go.mod <<'E'
module finding/vcluster

go 1.26.3

require github.com/loft-sh/vcluster v0.36.1
E
cat >vcluster/main.go <<'E'
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/loft-sh/vcluster/config"
)

func main() {
	text, _ := io.ReadAll(os.Stdin)
	settings := &config.Config{}
	if err := settings.UnmarshalYAMLStrict(text); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	fmt.Println("  Secrets are synced:", settings.Sync.ToHost.Secrets.Enabled)
}
E
export GOFLAGS=-mod=mod
go mod download -json github.com/loft-sh/vcluster@v0.36.1 >module.json
module=$(sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' module.json)
# One of the modules that it needs is not in the public checksum database everywhere.
cat "$module/go.sum" >vcluster/go.sum
(cd vcluster && go build -o ../read .)
(cd helm && go build -o ../fill .)

cat >expected <<'E'
{}
  Secrets are synced: true
sync: {toHost: {secrets: {}}}
  Secrets are synced: true
sync: {toHost: {secrets: null}}
  Secrets are synced: false
sync: {toHost: {secrets: {enabled: null}}}
  Secrets are synced: false
E
for values in '{}' 'sync: {toHost: {secrets: {}}}' 'sync: {toHost: {secrets: null}}' 'sync: {toHost: {secrets: {enabled: null}}}'; do
  echo "$values"
  ./fill "$module/chart" "$values" >filled.yaml
  ./read <filled.yaml
done >seen
cat seen
diff -u expected seen
