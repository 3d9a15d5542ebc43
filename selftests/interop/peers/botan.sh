# SPDX-License-Identifier: MIT
# botan tls_client and tls_server

policy() { # what it may negotiate, as a file
	local kx=ECDH cipher=AES-128/GCM signatures='RSA ECDSA'
	case $suite in DHE-*) kx=DH ;; AES*) kx=RSA ;; esac
	case $suite in
	*AES256-GCM*) cipher=AES-256/GCM ;;
	*CCM) cipher=AES-128/CCM ;;
	*CHACHA20*) cipher=ChaCha20Poly1305 ;;
	esac
	[ $kx != RSA ] || signatures=IMPLICIT
	local names=${groups//:/ }
	names=${names//ffdhe/ffdhe/ietf/}
	cat <<-END
		allow_tls10 = false
		allow_tls11 = false
		allow_tls12 = true
		ciphers = $cipher
		macs = AEAD
		key_exchange_methods = $kx
		signature_methods = $signatures
		signature_hashes = SHA-512 SHA-384 SHA-256
		key_exchange_groups = ${names:-secp256r1}
		require_cert_revocation_info = false
		minimum_signature_strength = 110
	END
}

client() {
	local i options=(localhost --port=$port --policy="$work/policy" --trusted-cas="$ca"
		--skip-system-cert-store --tls1.2)
	policy >"$work/policy"
	[ "$resume" = - ] || options+=(--session-db="$work/sessions" --session-db-pass=x)
	for i in 1 2; do
		# It leaves when its input ends, even in the middle of an answer.
		botan tls_client "${options[@]}" >"$work/out" \
			< <(request "${files[i - 1]}"; sleep 900)
		head -2 "$work/out"
		# Its last words, behind the body.
		tail -1 "$work/out" | grep -aq 'Alert: close_notify$'
		body <"$work/out" | head -c -20 >"$1/$i"
	done
}

# tls_server returns line by line what it gets, and speaks no HTTP.
prepare() {
	gcc -O2 -Wall -Wextra -D_GNU_SOURCE -Ibuild/include -o "$build/echo" \
		"$interop/programs/echo.c" build/libringtls.a -lcrypto -luring -lmnl
}
[ "$role" = client ] || get=("$build/echo")

server() {
	policy >"$work/policy"
	botan tls_server "$cert" "$key" --port=$port --policy="$work/policy"
}
