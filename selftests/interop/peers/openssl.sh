# SPDX-License-Identifier: MIT
# openssl s_client and s_server

client() {
	local i options=(-connect localhost:$port -tls1_2 -cipher "$suite" -CAfile "$ca" -quiet
		-verify_return_error -verify_hostname localhost)
	[ -z "$credentials" ] || options+=(-cert "$cert" -cert_chain "$cert" -key "$key")
	for i in 1 2; do
		request "${files[i - 1]}" |
			openssl s_client "${options[@]}" -sess_out "$1/session" | body >"$1/$i"
		[ "$resume" = - ] || options+=(-sess_in "$1/session")
	done
}

server() {
	local options=(-accept 127.0.0.1:$port -tls1_2 -cipher "$suite" -cert "$cert" -key "$key"
		-cert_chain "$cert" -WWW)
	case $group in
	ff*) options+=(-dhparam "$pki/$group.dh") ;;
	esac
	[ "$auth" = - ] || options+=(-Verify 1 -CAfile "$ca" -verify_return_error)
	case $resume in
	ticket) options+=(-no_cache) ;;
	id) options+=(-no_ticket) ;;
	esac
	openssl s_server "${options[@]}"
}
