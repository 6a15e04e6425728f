#!/usr/bin/env bash
# Guess: a newer vCluster reads the settings that an older chart wrote, at least its defaults; a key that is gone is passed over.
# Seen:  a chart writes all its defaults into `vc-config-NAME`, also those of features that nobody switched on, and the strict reader of
#        the newer release stops at the first key that it has no more. So a new image cannot read the Secret that the old chart wrote.
# With:  github.com/loft-sh/vcluster v0.26.0 and v0.30.0 (their charts' defaults), v0.36.1 (chart and reader).
# Here:  settings come from `vc-config-NAME` of whichever chart wrote it, so ours has to read what vCluster itself refuses.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'E'
module finding

go 1.26.3

require github.com/loft-sh/vcluster v0.36.1
E
cat >main.go <<'E'
package main

import (
	"fmt"
	"os"

	"github.com/loft-sh/vcluster/config"
)

func main() {
	for i := 1; i < len(os.Args); i += 2 {
		text, err := os.ReadFile(os.Args[i+1] + "/chart/values.yaml")
		if err != nil {
			panic(err)
		}
		err = (&config.Config{}).UnmarshalYAMLStrict(text)
		fmt.Printf("defaults of %s: %v\n", os.Args[i], err)
	}
}
E
export GOFLAGS=-mod=mod
arguments=()
for version in v0.26.0 v0.30.0 v0.36.1; do
  go mod download -json "github.com/loft-sh/vcluster@$version" >module.json
  module=$(sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' module.json)
  arguments+=("$version" "$module")
done
# One of the modules that it needs is not in the public checksum database everywhere.
cat "$module/go.sum" >go.sum

cat >expected <<'E'
defaults of v0.26.0: invalid config: error unmarshaling JSON: while decoding JSON: json: unknown field "k3s"
defaults of v0.30.0: invalid config: error unmarshaling JSON: while decoding JSON: json: unknown field "k3s"
defaults of v0.36.1: <nil>
E
go run . "${arguments[@]}" >seen
cat seen
diff -u expected seen
