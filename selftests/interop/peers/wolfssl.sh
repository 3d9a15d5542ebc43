# SPDX-License-Identifier: MIT
# wolfSSL, with a program around the library

prepare() {
	gcc -O2 -Wall -Wextra -D_GNU_SOURCE -o "$build/peer-wolfssl" \
		"$interop"/programs/{peer,wolfssl}.c -lwolfssl
}

client() { "$build/peer-wolfssl" client "$1" "${files[@]}"; }
server() { "$build/peer-wolfssl"; }
