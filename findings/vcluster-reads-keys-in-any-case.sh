#!/usr/bin/env bash
# Guess: vCluster's strict reader refuses `externalsecrets` as it refuses every unknown key, and a key that is there twice.
# Seen:  the case of a key does not matter to it (Go's encoding/json behind sigs.k8s.io/yaml). Of two spellings in one block the one that
#        sorts last counts, so the right one wherever it stands, without a word. The chart's schema takes the right spelling alone.
# With:  github.com/loft-sh/vcluster v0.36.1 (config package and chart).
# Here:  settings that a vCluster without the chart's schema obeys are an unknown key to the chart.
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
	"encoding/json"
	"fmt"
	"os"

	"github.com/loft-sh/vcluster/config"
)

// Of the block `integrations` in the chart's schema.
func takes(schemaFile, key string) bool {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		panic(err)
	}
	var schema struct {
		Defs map[string]struct {
			Properties           map[string]any `json:"properties"`
			AdditionalProperties any            `json:"additionalProperties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		panic(err)
	}
	block := schema.Defs["Integrations"]
	return block.Properties[key] != nil || block.AdditionalProperties != false
}

func main() {
	for _, text := range []string{
		"integrations: {externalSecrets: {enabled: true}}",
		"integrations: {externalsecrets: {enabled: true}}",
		"INTEGRATIONS: {ExternalSecrets: {ENABLED: true}}",
		"integrations: {externalSecrets: {enabled: true, Enabled: false}}",
		"integrations: {externalSecrets: {Enabled: false, enabled: true}}",
		"integrations: {externalSecrets: {ENABLED: true, Enabled: false}}",
		"integrations: {external-secrets: {enabled: true}}",
	} {
		settings := &config.Config{}
		if err := settings.UnmarshalYAMLStrict([]byte(text)); err != nil {
			fmt.Println(text, "→ refused")
		} else {
			fmt.Println(text, "→ enabled:", settings.Integrations.ExternalSecrets.Enabled)
		}
	}
	for _, key := range []string{"externalSecrets", "externalsecrets"} {
		fmt.Printf("the chart's schema takes integrations.%s: %v\n", key, takes(os.Args[1]+"/chart/values.schema.json", key))
	}
}
E
export GOFLAGS=-mod=mod
go mod download -json github.com/loft-sh/vcluster@v0.36.1 >module.json
module=$(sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' module.json)
# One of the modules that it needs is not in the public checksum database everywhere.
cat "$module/go.sum" >go.sum

cat >expected <<'E'
integrations: {externalSecrets: {enabled: true}} → enabled: true
integrations: {externalsecrets: {enabled: true}} → enabled: true
INTEGRATIONS: {ExternalSecrets: {ENABLED: true}} → enabled: true
integrations: {externalSecrets: {enabled: true, Enabled: false}} → enabled: true
integrations: {externalSecrets: {Enabled: false, enabled: true}} → enabled: true
integrations: {externalSecrets: {ENABLED: true, Enabled: false}} → enabled: false
integrations: {external-secrets: {enabled: true}} → refused
the chart's schema takes integrations.externalSecrets: true
the chart's schema takes integrations.externalsecrets: false
E
go run . "$module" >seen
cat seen
diff -u expected seen
