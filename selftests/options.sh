#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The options that say what serve and get negotiate, as openssl and curl see it.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh

echo hello >"$root/index.html"
certificate rsa -newkey rsa:2048
own=(--cert "$dir/rsa.pem" --key "$dir/rsa.key")

s_client() { # ARGUMENTS...: what s_client says about a handshake
	timeout 400 openssl s_client -connect "localhost:$port" -tls1_2 -CAfile "$dir/rsa.pem" "$@" \
		</dev/null 2>&1
}
get() { "$ringtls" get --verbose --cacert "$dir/rsa.pem" "$@" "https://localhost:$port/" 2>&1; }

aes128=ECDHE-RSA-AES128-GCM-SHA256 aes256=ECDHE-RSA-AES256-GCM-SHA384
chacha20=ECDHE-RSA-CHACHA20-POLY1305

whose_order_of_suites_counts() {
	serve ours "${own[@]}" --suites $aes256:$chacha20:$aes128
	s_client -cipher $chacha20:$aes128:$aes256 | grep "Cipher is $aes256"
	serve theirs "${own[@]}" --suites $aes256:$chacha20:$aes128 --client-preference
	s_client -cipher $chacha20:$aes128:$aes256 | grep "Cipher is $chacha20"
	s_client -cipher $aes128:$chacha20:$aes256 | grep "Cipher is $aes128"
}

groups_are_those_listed() {
	serve log "${own[@]}" --groups P-384:x448
	s_client | grep 'Server Temp Key: ECDH, secp384r1'
	s_client -groups X25519:X448 | grep 'Server Temp Key: X448'
	fails s_client -groups X25519:P-256 >"$dir/out"
	grep 'alert handshake failure' "$dir/out"
	get --groups x25519:x448 | grep '^\* group x448'
	fails get --groups x25519 >"$dir/out"
}

signature_algorithms_are_those_listed() {
	serve log "${own[@]}" --sigalgs RSA+SHA384:RSA-PSS+SHA512
	s_client >"$dir/out"
	grep 'Peer signing digest: SHA384' "$dir/out"
	grep 'Peer signature type: RSA$' "$dir/out"
	s_client -sigalgs RSA-PSS+SHA256:RSA-PSS+SHA512 >"$dir/out"
	grep 'Peer signing digest: SHA512' "$dir/out"
	grep 'Peer signature type: RSA-PSS' "$dir/out"
	fails s_client -sigalgs RSA+SHA256 >"$dir/out"
	grep 'alert handshake failure' "$dir/out"
	get --sigalgs RSA-PSS+SHA512 | grep '^hello'
	fails get --sigalgs RSA-PSS+SHA256 >"$dir/out"
}

protocols_are_those_listed() {
	serve log "${own[@]}" --alpn spdy/1:http/1.1
	s_client -alpn http/1.1,spdy/1 | grep 'ALPN protocol: spdy/1'
	curl -sSv --http1.1 --cacert "$dir/rsa.pem" "https://localhost:$port/" 2>&1 |
		grep 'ALPN.*server accepted.*http/1.1'
	fails s_client -alpn h2 >"$dir/out"
	grep 'alert no application protocol' "$dir/out"
	get --alpn http/1.1:spdy/1 | grep 'ALPN spdy/1'
	fails get --alpn h2 >"$dir/out"
	grep 'no_application_protocol' "$dir/out"
}

timestamps_are_sent() {
	printf '\0\7\0\5stamp' >"$dir/sct"
	serve log "${own[@]}" --sct "$dir/sct"
	# Extension 18, with what is in the file.
	s_client -serverinfo 18 | grep -x "$(printf '\0\22\0\11\0\7\0\5stamp' | base64)"
	serve without "${own[@]}"
	fails grep SERVERINFO <<<"$(s_client -serverinfo 18)"
}

for test in ${TESTS:-whose_order_of_suites_counts groups_are_those_listed \
	signature_algorithms_are_those_listed protocols_are_those_listed timestamps_are_sent}; do
	tap $test
done
tap_end
