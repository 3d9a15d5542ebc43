# SPDX-License-Identifier: MIT
# Java's JSSE

prepare() { javac -d "$build/java" "$interop/programs/Peer.java"; }

java_peer() {
	local options=(-XX:-UsePerfData -XX:TieredStopAtLevel=1 -cp "$build/java")
	[ "$group" = - ] || options+=("-Djdk.tls.namedGroups=${groups//:/,}")
	[ "$resume" != id ] || options+=(-Djdk.tls.server.enableSessionTicketExtension=false
		-Djdk.tls.client.enableSessionTicketExtension=false)
	java "${options[@]}" Peer "$@"
}
client() { java_peer client "$1" "${files[@]}"; }
server() { java_peer server; }
