# SPDX-License-Identifier: MIT
# Certificates and servers for tests in shell. To be sourced behind tap.sh, by a suite that has
# made the directory $dir.

ringtls=$PWD/${BUILD:-build}/ringtls
servers=()

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

# Waits until the server $server has said its port in LOG; one that ends says it never.
port_of() { # LOG PATTERN
	for _ in $(seq 1200); do
		port=$(sed -n "s/$2/\1/p" "$1")
		[ -z "$port" ] || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	cat "$1"*
	return 1
}

# ringtls serve, in $server and $port; what it says in $dir/NAME and $dir/NAME.err. It ends with the
# test that has started it.
serve() { # NAME ARGUMENTS...
	trap 'kill -9 "${servers[@]}" 2>/dev/null' EXIT
	: >"$dir/$1" # it is read before the server has opened it
	# An emulated machine that is busy may need more than 10 seconds for a handshake.
	"$ringtls" serve --listen 127.0.0.1:0 --root "$root" --handshake-timeout 600 \
		"${@:2}" >"$dir/$1" 2>"$dir/$1.err" &
	server=$!
	servers+=("$server")
	port_of "$dir/$1" '.*https:\/\/[^ ]*:\([0-9]*\)\/.*'
}
