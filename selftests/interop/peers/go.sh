# SPDX-License-Identifier: MIT
# Go's crypto/tls

prepare() {
	export GO111MODULE=off GOCACHE=$build/go-cache
	go build -o "$build/peer-go" "$interop/programs/peer.go"
}

client() { "$build/peer-go" client "$1" "${files[@]}"; }
server() { "$build/peer-go" server; }
