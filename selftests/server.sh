# SPDX-License-Identifier: MIT
# Certificates and servers for tests in shell. To be sourced behind tap.sh.

ringtls=$PWD/${BUILD:-build}/ringtls
root=$dir/root # what ringtls serve serves
mkdir "$root"

# A self-signed certificate for localhost: $dir/NAME.pem, $dir/NAME.key.
certificate() { # NAME KEY-ARGUMENTS...
	openssl req -x509 "${@:2}" -nodes -days 2 -subj "/CN=$1" \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		-keyout "$dir/$1.key" -out "$dir/$1.pem" 2>/dev/null
}

# One signed by another: $dir/NAME.pem, $dir/NAME.key.
signed_certificate() { # NAME ISSUER EXTENSION...
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$dir/$1.key" -out "$dir/$1.csr" 2>/dev/null
	printf '%s\n' "${@:3}" >"$dir/$1.ext"
	openssl x509 -req -in "$dir/$1.csr" -CA "$dir/$2.pem" -CAkey "$dir/$2.key" -days 2 \
		-CAcreateserial -extfile "$dir/$1.ext" -out "$dir/$1.pem" 2>/dev/null
}

# The list of those that their issuer has revoked: $dir/ISSUER.crl.
crl() { # ISSUER NAME...
	local name ca=(openssl ca -config "$dir/ca.conf" -cert "$dir/$1.pem" -keyfile "$dir/$1.key")
	: >"$dir/index"
	echo 01 >"$dir/crlnumber"
	printf '%s\n' '[ca]' 'default_ca=a' '[a]' "database=$dir/index" "crlnumber=$dir/crlnumber" \
		'default_md=sha256' 'default_crl_days=2' >"$dir/ca.conf"
	for name in "${@:2}"; do
		"${ca[@]}" -revoke "$dir/$name.pem" 2>/dev/null
	done
	"${ca[@]}" -gencrl -out "$dir/$1.crl" 2>/dev/null
}

print_of() { openssl x509 -in "$dir/$1.pem" -noout -fingerprint -sha256; } # NAME
shown() { # S_CLIENT-ARGUMENTS...: the fingerprint of the server's certificate
	openssl s_client -connect "localhost:$port" -tls1_2 "$@" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint -sha256
}

# ringtls serve, in $server and $port; what it says in $dir/NAME and $dir/NAME.err.
serve() { # NAME ARGUMENTS...
	: >"$dir/$1" # it is read before the server has opened it
	# An emulated machine that is busy may need more than 10 seconds for a handshake.
	"$ringtls" serve --listen 127.0.0.1:0 --root "$root" --handshake-timeout 600 \
		"${@:2}" >"$dir/$1" 2>"$dir/$1.err" &
	server=$!
	servers+=("$server")
	port_of "$1" '.*https:\/\/[^ ]*:\([0-9]*\)\/.*'
}

# openssl's, the same way; its input is the caller's.
s_server() { # NAME ARGUMENTS...
	: >"$dir/$1"
	openssl s_server -accept 127.0.0.1:0 -tls1_2 "${@:2}" <&0 >"$dir/$1" 2>&1 &
	server=$!
	port_of "$1" 'ACCEPT .*:\([0-9]*\)$'
}

port_of() { # NAME PATTERN
	awaits listens_or_ended "$@" && [ -n "$port" ] || { cat "$dir/$1"*; return 1; }
}
listens_or_ended() {
	port=$(sed -n "s/$2/\1/p" "$dir/$1")
	[ -n "$port" ] || ! kill -0 "$server" 2>/dev/null
}

descriptors() { ls "/proc/$server/fd" | wc -l; }

# SIGHUP to the server whose NAME is log, and the last line of its reload awaited.
hup() {
	local before
	before=$(reload_count)
	kill -HUP "$server"
	awaits reloaded_since "$before"
}
reload_count() {
	grep -cE 'ringtls: reloaded [0-9]|old certificates stay' "$dir/log.err" || true
}
reloaded_since() { [ "$(reload_count)" != "$1" ]; }
