#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What was built: libraries needed, symbols that leave, headers on their own, README's example.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir" "$tap_log"' EXIT

needed() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | tr '\n' ' '; }

library_needs_no_more() {
	needed build/libringtls.so
	[ "$(needed build/libringtls.so | sed 's/\.so[.0-9]*//g')" = "libc libcrypto libmnl liburing " ]
}

nothing_links_libssl() {
	needed build/ringtls >"$dir/needed"
	nm -D --undefined-only build/ringtls build/libringtls.so >"$dir/undefined"
	fails grep libssl "$dir/needed"
	fails grep -w 'U SSL_.*' "$dir/undefined"
}

only_rtls_is_exported() {
	nm -D --defined-only build/libringtls.so | awk '{print $3}' >"$dir/symbols"
	[ -s "$dir/symbols" ]
	fails grep -v '^rtls_' "$dir/symbols"
	# and each declared function is there
	sed -n 's/^[a-z].*[ *]\(rtls_[a-z_0-9]*\)(.*/\1/p' build/include/ringtls/*.h |
		grep -v rtls_op_is_recv | sort >"$dir/declared"
	[ "$(wc -l <"$dir/declared")" -gt 50 ]
	[ -z "$(comm -23 "$dir/declared" <(sort "$dir/symbols"))" ]
}

headers_stand_alone() {
	for header in handshake ktls uring; do
		echo "#include <ringtls/$header.h>" >"$dir/header.c"
		gcc -std=c11 -Wall -Wextra -Werror -Ibuild/include -fsyntax-only "$dir/header.c"
		g++ -Wall -Wextra -Werror -Ibuild/include -fsyntax-only -xc++ "$dir/header.c"
	done
}

nothing_is_built_twice() {
	make -q all
}

version_and_help() {
	build/ringtls --version | grep -q "$(sed -n 's/.*RINGTLS_VERSION "\(.*\)"/\1/p' handshake/handshake.h)"
	build/ringtls --help | grep -q serve
	for command in serve get probe; do
		build/ringtls $command --help | grep -q -- --
	done
	code=0
	build/ringtls serv 2>"$dir/err" || code=$?
	[ $code = 2 ]
	grep -q 'mean serve' "$dir/err"
}

# The example in the README compiles as it stands there, and runs.
readme_example() {
	sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$dir/example.c"
	[ "$(wc -l <"$dir/example.c")" -gt 10 ]
	gcc -D_GNU_SOURCE -Wall -Wextra -Werror -Ibuild/include -o "$dir/example" "$dir/example.c" build/libringtls.a \
		$(pkg-config --libs libcrypto liburing libmnl)
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
	openssl s_server -accept 127.0.0.1:0 -tls1_2 -cert "$dir/cert.pem" -key "$dir/key.pem" -www \
		>"$dir/server" 2>&1 &
	server=$!
	for _ in $(seq 600); do
		port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$dir/server")
		[ -z "$port" ] || break
		sleep 0.05
	done
	code=0
	"$dir/example" "$port" "$dir/cert.pem" >"$dir/answer" 2>"$dir/why" || code=$?
	kill $server
	if build/ringtls probe >/dev/null; then
		[ $code = 0 ]
		grep -q 'HTTP/1.0 200' "$dir/answer"
	else
		# It asks for the kernel, which says here that it cannot.
		[ $code = 1 ]
		grep -q 'the kernel has no "tls" ULP' "$dir/why"
	fi
}

for test in library_needs_no_more nothing_links_libssl only_rtls_is_exported headers_stand_alone \
	nothing_is_built_twice version_and_help readme_example; do
	tap $test
done
tap_end
