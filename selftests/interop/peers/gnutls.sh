# SPDX-License-Identifier: MIT
# gnutls-cli and gnutls-serv

. "$interop/peers/gnutls-priority.sh"


client() {
	local i options=(--port $port --x509cafile "$ca" --priority "$(priority)" localhost)
	[ -z "$credentials" ] || options+=(--x509certfile "$cert" --x509keyfile "$key")
	[ "$resume" = - ] || options+=(--resume --waitresumption)
	for i in 1 2; do
		request "${files[i - 1]}" |
			gnutls-cli "${options[@]}" --logfile "$1/log" | body >"$1/$i"
		cat "$1/log"
	done
}

# It has one answer to whatever it is asked.
[ "$role" = client ] || files=(100k 100k)
server() {
	local options=(--port $port --x509certfile "$cert" --x509keyfile "$key" --http
		--priority "$(priority)" --httpdata 100k)
	case $auth in
	yes) options+=(--require-client-cert --verify-client-cert --x509cafile "$ca") ;;
	*) options+=(--disable-client-cert) ;;
	esac
	case $resume in
	ticket) options+=(--nodb) ;;
	id) options+=(--noticket) ;;
	esac
	gnutls-serv "${options[@]}"
}
