#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What was built: libraries needed, symbols that leave, headers on their own, README's example.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh

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

# Lazy binding would save keys on the stack: see the Makefile.
binds_at_start() {
	for file in build/ringtls build/libringtls.so; do
		readelf -d "$file" | grep -q 'Flags:.* NOW'
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

names_are_listed() {
	for command in serve get; do
		build/ringtls $command --suites list >"$dir/suites"
		build/ringtls $command --groups list >"$dir/groups"
		build/ringtls $command --sigalgs=list >"$dir/sigalgs"
	done
	grep -qx 'ECDHE-RSA-AES128-GCM-SHA256  *TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' "$dir/suites"
	grep -qx 'P-256  *secp256r1' "$dir/groups"
	grep -qx X25519 "$dir/groups"
	grep -qx 'RSA-PSS+SHA256  *rsa_pss_rsae_sha256' "$dir/sigalgs"
	[ "$(wc -l <"$dir/suites")" = 14 ]
	# openssl knows the suites by these names.
	openssl ciphers "$(cut -d' ' -f1 "$dir/suites" | paste -sd:)" >"$dir/openssl"
	for suite in $(cut -d' ' -f1 "$dir/suites"); do
		grep -qw -- "$suite" "$dir/openssl"
	done
}

# The example in the README compiles as it stands there, and runs.
readme_example() {
	sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$dir/example.c"
	[ "$(wc -l <"$dir/example.c")" -gt 10 ]
	gcc -D_GNU_SOURCE -Wall -Wextra -Werror -Ibuild/include -o "$dir/example" "$dir/example.c" build/libringtls.a \
		$(pkg-config --libs libcrypto liburing libmnl)
	certificate server -newkey ec -pkeyopt ec_paramgen_curve:P-256
	s_server log -cert "$dir/server.pem" -key "$dir/server.key" -www
	code=0
	"$dir/example" "$port" "$dir/server.pem" >"$dir/answer" 2>"$dir/why" || code=$?
	if build/ringtls probe >/dev/null; then
		[ $code = 0 ]
		grep -q 'HTTP/1.0 200' "$dir/answer"
	else
		# It asks for the kernel, which says here that it cannot.
		[ $code = 1 ]
		grep -q 'the kernel has no "tls" ULP' "$dir/why"
	fi
}

# Staged, as packagers do it; then the README's example against what is there.
installs_and_uninstalls() {
	stage="$dir/stage"
	make -s install DESTDIR="$stage" prefix=/usr libdir=/usr/lib/here
	[ "$(stat -c %a "$stage/usr/bin/ringtls")" = 755 ]
	[ "$(stat -c %a "$stage/usr/include/ringtls/uring.h")" = 644 ]
	[ ! -L "$stage/usr/include/ringtls/uring.h" ]
	export PKG_CONFIG_PATH=$stage/usr/lib/here/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage
	[ "ringtls $(pkg-config --modversion ringtls)" = "$("$stage/usr/bin/ringtls" --version)" ]
	sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$dir/installed.c"
	gcc -D_GNU_SOURCE -o "$dir/shared" "$dir/installed.c" $(pkg-config --cflags --libs ringtls)
	needed "$dir/shared" | grep -q 'libringtls.so.0 '
	code=0
	LD_LIBRARY_PATH=$stage/usr/lib/here "$dir/shared" 2>"$dir/err" || code=$?
	[ $code = 2 ]
	grep -q usage "$dir/err"
	# Static: pkg-config names what libringtls.a needs.
	rm "$stage"/usr/lib/here/libringtls.so*
	gcc -D_GNU_SOURCE -o "$dir/static" "$dir/installed.c" \
		$(pkg-config --static --cflags --libs ringtls)
	fails grep ringtls <(needed "$dir/static")
	make -s install DESTDIR="$stage" prefix=/usr libdir=/usr/lib/here
	make -s uninstall DESTDIR="$stage" prefix=/usr libdir=/usr/lib/here
	find "$stage" ! -type d >"$dir/left"
	fails grep . "$dir/left"
	[ ! -d "$stage/usr/include/ringtls" ]
}

for test in library_needs_no_more nothing_links_libssl only_rtls_is_exported headers_stand_alone \
	binds_at_start nothing_is_built_twice version_and_help names_are_listed readme_example \
	installs_and_uninstalls; do
	tap $test
done
tap_end
