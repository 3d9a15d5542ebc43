# SPDX-License-Identifier: MIT
# curl (with OpenSSL)

client() {
	local options=(--silent --show-error --http1.1 --tlsv1.2 --tls-max 1.2 --ciphers "$suite"
		--cacert "$ca" --header 'Connection: close')
	[ -z "$credentials" ] || options+=(--cert "$cert" --key "$key")
	[ "$group" = - ] || [[ $group == ff* ]] || options+=(--curves "$(curves)")
	[ "$resume" != - ] || options+=(--no-sessionid)
	# One program, two connections: the second may resume what the first has left.
	curl "${options[@]}" --output "$1/1" "https://localhost:$port/${files[0]}" \
		--output "$1/2" "https://localhost:$port/${files[1]}"
}

# OpenSSL 3.0's names
curves() {
	local names=${groups/x25519/X25519}
	names=${names/x448/X448}
	echo "${names//secp256r1/prime256v1}"
}
