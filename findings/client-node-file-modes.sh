#!/usr/bin/env bash
# Guess: `loadYaml` of the Kubernetes client reads a manifest as kubectl does.
# Seen:  it reads YAML 1.2: `defaultMode: 0400` is 400 (that is 0620, so the group may write) where kubectl sends 256, and
#        `hostNetwork: yes` is the text "yes". What was a boolean of the API is a string in an object that is typed as boolean.
#        Writing, it quotes for YAML 1.1, but not all: the label 0_8 is 8 to kubectl.
# With:  @kubernetes/client-node 2.0.1 (js-yaml 5.5.0), sigs.k8s.io/yaml v1.6.0.
# Here:  the reason not to read kubeconfigs and settings with the client's own reader.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >go.mod <<'E'
module finding

go 1.26

require sigs.k8s.io/yaml v1.6.0
E
cat >main.go <<'E'
package main

import (
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	text, _ := io.ReadAll(os.Stdin)
	json, err := yaml.YAMLToJSONStrict(text)
	fmt.Println("kubectl:    ", string(json))
	if err != nil {
		panic(err)
	}
}
E
cat >pod.yaml <<'E'
apiVersion: v1
kind: Pod
spec:
  hostNetwork: yes
  volumes:
    - name: tls
      secret: { secretName: tls, defaultMode: 0400 }
E
npm i --no-audit --no-fund --silent @kubernetes/client-node@2.0.1 js-yaml@5.5.0 node@26.10.0 # undici, which it needs, wants a younger Node than 20
cat >main.mjs <<'E'
import { readFileSync, writeFileSync } from "node:fs"
import { dumpYaml, loadYaml } from "@kubernetes/client-node"

const { apiVersion, kind, spec } = loadYaml(readFileSync("pod.yaml", "utf8"))
console.log("client-node:", JSON.stringify({ apiVersion, kind, spec }))
const labels = { a: "yes", b: "017", c: "1_000", d: "0_8" }
const text = dumpYaml({ apiVersion: "v1", kind: "ConfigMap", metadata: { labels } })
console.log("written:    ", JSON.stringify(labels))
writeFileSync("written.yaml", text)
E
cat >expected <<'E'
client-node: {"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":"yes","volumes":[{"name":"tls","secret":{"defaultMode":400,"secretName":"tls"}}]}}
written:     {"a":"yes","b":"017","c":"1_000","d":"0_8"}
kubectl:     {"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":true,"volumes":[{"name":"tls","secret":{"defaultMode":256,"secretName":"tls"}}]}}
kubectl:     {"apiVersion":"v1","kind":"ConfigMap","metadata":{"labels":{"a":"yes","b":"017","c":"1_000","d":8}}}
E
export GOFLAGS=-mod=mod
node_modules/.bin/node main.mjs >seen
go run . <pod.yaml >>seen
go run . <written.yaml >>seen
cat seen
diff -u expected seen
