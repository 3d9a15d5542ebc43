# SPDX-License-Identifier: MIT
# mbedTLS, with a program around the library

prepare() {
	gcc -O2 -Wall -Wextra -D_GNU_SOURCE -o "$build/peer-mbedtls" \
		"$interop"/programs/{peer,mbedtls}.c -lmbedtls -lmbedx509 -lmbedcrypto
}

client() { "$build/peer-mbedtls" client "$1" "${files[@]}"; }
server() { "$build/peer-mbedtls"; }
