#!/usr/bin/env bash
# Guess: a number without quotes where vCluster's settings want a text is refused, or taken, everywhere alike.
# Seen:  it depends on how the Go types are nested, which no user sees: `exportKubeConfig.secret.name: 010` is the name "8", while
#        `exportKubeConfig.context: 010` is refused. Annotations of one block are taken, labels of another refused. What is taken is the
#        number written anew: 2026_11_27 is "20261127", `yes` is "true".
# With:  github.com/loft-sh/vcluster v0.36.1, its own strict reader (sigs.k8s.io/yaml v1.6.0).
# Here:  a vCluster that is started without the chart's schema gets a Secret or a namespace of another name than its file says.
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

	"github.com/loft-sh/vcluster/config"
)

type reading struct {
	text  string
	value func(*config.Config) string
}

func main() {
	for _, each := range []reading{
		{"exportKubeConfig: {secret: {name: 010}}", func(c *config.Config) string { return c.ExportKubeConfig.Secret.Name }},
		{"exportKubeConfig: {secret: {namespace: 2026_11_27}}", func(c *config.Config) string { return c.ExportKubeConfig.Secret.Namespace }},
		{"exportKubeConfig: {context: 010}", func(c *config.Config) string { return c.ExportKubeConfig.Context }},
		{"sync: {toHost: {namespaces: {mappings: {byName: {team: 010}}}}}", func(c *config.Config) string { return c.Sync.ToHost.Namespaces.Mappings.ByName["team"] }},
		{"controlPlane: {advanced: {globalMetadata: {annotations: {a: yes}}}}", func(c *config.Config) string { return c.ControlPlane.Advanced.GlobalMetadata.Annotations["a"] }},
		{"controlPlane: {service: {labels: {a: yes}}}", func(c *config.Config) string { return c.ControlPlane.Service.Labels["a"] }},
	} {
		settings := &config.Config{}
		if err := settings.UnmarshalYAMLStrict([]byte(each.text)); err != nil {
			fmt.Printf("%s\n  refused\n", each.text)
		} else {
			fmt.Printf("%s\n  %q\n", each.text, each.value(settings))
		}
	}
}
E
export GOFLAGS=-mod=mod
go mod download -json github.com/loft-sh/vcluster@v0.36.1 >module.json
# One of the modules that it needs is not in the public checksum database everywhere.
cat "$(sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' module.json)/go.sum" >go.sum

cat >expected <<'E'
exportKubeConfig: {secret: {name: 010}}
  "8"
exportKubeConfig: {secret: {namespace: 2026_11_27}}
  "20261127"
exportKubeConfig: {context: 010}
  refused
sync: {toHost: {namespaces: {mappings: {byName: {team: 010}}}}}
  "8"
controlPlane: {advanced: {globalMetadata: {annotations: {a: yes}}}}
  "true"
controlPlane: {service: {labels: {a: yes}}}
  refused
E
go run . >seen
cat seen
diff -u expected seen
