#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What outlives a connection, and who is at its other end: resumption by openssl, gnutls and get,
# ticket keys shared by servers and rotated, client certificates, CRLs, staples.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh

echo hello >"$root/index.html"
certificate server -newkey ec -pkeyopt ec_paramgen_curve:P-256
own=(--cert "$dir/server.pem" --key "$dir/server.key")

s_client() { # ARGUMENTS...: a request, and what s_client says about it
	printf 'GET / HTTP/1.0\r\n\r\n' |
		timeout 400 openssl s_client -connect "localhost:$port" -tls1_2 -ign_eof \
			-CAfile "$dir/server.pem" "$@" 2>&1
}
get() { "$ringtls" get --verbose --cacert "$dir/server.pem" "$@" "https://localhost:$port/" 2>&1; }
is_new() { grep -E '^New, TLSv1.2'; }
is_reused() { grep -E '^Reused, TLSv1.2'; }

# ---- resumption ---------------------------------------------------------------------------

# New once, then reused five times, in one s_client.
reconnects() { # S_CLIENT-ARGUMENTS...
	openssl s_client -connect "localhost:$port" -tls1_2 -CAfile "$dir/server.pem" -reconnect \
		"$@" </dev/null >"$dir/out" 2>&1
	[ "$(grep -cE '^New, TLSv1.2' "$dir/out")" = 1 ]
	[ "$(grep -cE '^Reused, TLSv1.2' "$dir/out")" = 5 ]
}

s_client_reconnects_with_tickets() {
	serve log "${own[@]}" --session-cache 0
	reconnects
}

s_client_reconnects_without_tickets() {
	serve log "${own[@]}" --no-tickets
	reconnects
	serve log "${own[@]}"
	reconnects -no_ticket
}

gnutls_cli_resumes() {
	command -v gnutls-cli >/dev/null || skip "no gnutls-cli"
	serve log "${own[@]}"
	printf 'GET / HTTP/1.0\r\n\r\n' | gnutls-cli --resume --x509cafile "$dir/server.pem" \
		--priority NORMAL:-VERS-ALL:+VERS-TLS1.2 -p "$port" localhost >"$dir/out" 2>&1 || true
	grep -i 'this is a resumed session' "$dir/out"
	grep hello "$dir/out"
	grep 'established.*resumed' "$dir/log.err"
}

get_resumes() {
	for options in '' '--no-tickets'; do
		rm -f "$dir/session"
		serve log "${own[@]}"
		get $options --session "$dir/session" | grep '^\* full handshake'
		get $options --session "$dir/session" >"$dir/out"
		grep '^\* resumed session' "$dir/out"
		grep '^hello' "$dir/out"
		[ "$(stat -c %a "$dir/session")" = 600 ]
	done
	# Not verified then is not verified now.
	rm "$dir/session"
	get --insecure --session "$dir/session" | grep '^\* full handshake'
	get --insecure --session "$dir/session" | grep '^\* resumed session'
	get --session "$dir/session" | grep '^\* full handshake'
	echo garbage >"$dir/session"
	fails get --session "$dir/session" >"$dir/out"
	grep 'not a file of saved sessions' "$dir/out"
}

nothing_is_resumed_where_all_is_off() {
	serve log "${own[@]}" --no-tickets --session-cache 0
	openssl s_client -connect "localhost:$port" -tls1_2 -CAfile "$dir/server.pem" -reconnect \
		</dev/null >"$dir/out" 2>&1
	[ "$(grep -cE '^New, TLSv1.2' "$dir/out")" = 6 ]
	get --session "$dir/nothing" | grep '^\* full handshake'
	get --session "$dir/nothing" | grep '^\* full handshake'
}

# ---- small records ----------------------------------------------------------------------------

# gnutls-cli asks for records of 512 bytes, and breaks off at a larger one. The kernel would send
# such, so these stay in userspace.
small_records_are_sent_where_asked() {
	head -c 100000 /dev/urandom | base64 -w 70 >"$root/lines"
	serve log "${own[@]}"
	printf 'GET /lines HTTP/1.0\r\n\r\n' | gnutls-cli --recordsize=512 \
		--x509cafile "$dir/server.pem" --priority NORMAL:-VERS-ALL:+VERS-TLS1.2 \
		-p "$port" localhost >"$dir/out" 2>&1 || true
	tail -c +1 "$dir/out" | grep -cFxf "$root/lines" >"$dir/count"
	[ "$(cat "$dir/count")" -ge "$(wc -l <"$root/lines")" ]
	if "$ringtls" probe >/dev/null; then
		grep 'tx userspace (record-limit), rx kernel' "$dir/log.err"
	fi
}

# ---- ticket keys ----------------------------------------------------------------------------

key() { openssl rand -base64 "$1" | tr -d '\n'; echo; }

servers_share_a_key_file() {
	{ key 48; key 80; key 48; } >"$dir/keys"
	local one
	serve one "${own[@]}" --ticket-keys "$dir/keys" --session-cache 0
	one=$port
	s_client -sess_out "$dir/s1" | is_new
	serve two "${own[@]}" --ticket-keys "$dir/keys" --session-cache 0
	s_client -sess_in "$dir/s1" | is_reused
	s_client -sess_out "$dir/s2" | is_new
	port=$one
	s_client -sess_in "$dir/s2" | is_reused
	# A third with keys of its own.
	serve three "${own[@]}" --session-cache 0
	s_client -sess_in "$dir/s1" | is_new
	key 48 >"$dir/other"
	serve four "${own[@]}" --ticket-keys "$dir/other" --session-cache 0
	s_client -sess_in "$dir/s1" | is_new
}

# A new key goes last, is everywhere, and then seals; the oldest goes. Who comes in time gets a
# ticket by the next one (s_client would not save it).
keys_are_rotated() {
	local a b c d
	a=$(key 48) b=$(key 48) c=$(key 80) d=$(key 48)
	printf '%s\n' "$a" "$b" >"$dir/keys"
	serve log "${own[@]}" --ticket-keys "$dir/keys" --session-cache 0
	s_client -sess_out "$dir/by_a" | is_new
	get --session "$dir/rotating" | grep '^\* full handshake'
	rotate "$a" "$b" "$c"
	get --session "$dir/rotating" | grep '^\* resumed session'
	rotate "$b" "$c" "$d"
	s_client -sess_in "$dir/by_a" | is_new
	get --session "$dir/rotating" | grep '^\* resumed session'
	# A bad file changes nothing.
	echo "not a key" >"$dir/keys"
	hup
	grep "keys:1: not 48 or 80 bytes" "$dir/log.err"
	get --session "$dir/rotating" | grep '^\* resumed session'
}

rotate() { # KEY...
	printf '%s\n' "$@" >"$dir/keys"
	hup
}

# ---- client certificates ------------------------------------------------------------------------

with_authority() {
	certificate authority -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-addext basicConstraints=critical,CA:TRUE
	signed_certificate friend authority extendedKeyUsage=clientAuth
	signed_certificate enemy authority extendedKeyUsage=clientAuth
	certificate stranger -newkey rsa:2048
}

client_certificates_are_required() {
	with_authority
	serve log "${own[@]}" --client-auth require --client-ca "$dir/authority.pem"
	get --cert "$dir/friend.pem" --key "$dir/friend.key" | grep '^hello'
	grep 'established.*client CN=friend' "$dir/log.err"
	curl -sS --cacert "$dir/server.pem" --cert "$dir/friend.pem" --key "$dir/friend.key" \
		"https://localhost:$port/" | grep hello
	fails get >"$dir/out"
	grep 'handshake_failure' "$dir/out"
	grep 'the client sent no certificate' "$dir/log.err"
	fails get --cert "$dir/stranger.pem" --key "$dir/stranger.key" >"$dir/out"
	grep 'unknown_ca' "$dir/out"
	# Resumed, the server still knows who it is; without the certificate it is no one's session.
	get --cert "$dir/friend.pem" --key "$dir/friend.key" --session "$dir/friend" | grep full
	get --cert "$dir/friend.pem" --key "$dir/friend.key" --session "$dir/friend" | grep resumed
	grep 'established.*resumed.*client CN=friend' "$dir/log.err"
	fails get --session "$dir/friend" >"$dir/out"
}

client_certificates_are_asked_for() {
	with_authority
	serve log "${own[@]}" --client-auth request --client-ca "$dir/authority.pem"
	get | grep '^hello'
	fails grep 'client CN' "$dir/log.err"
	get --cert "$dir/friend.pem" --key "$dir/friend.key" | grep '^hello'
	grep 'client CN=friend' "$dir/log.err"
	fails get --cert "$dir/stranger.pem" --key "$dir/stranger.key"
}

# A session begun before does not help.
revoked_clients_are_refused() {
	with_authority
	crl authority
	serve log "${own[@]}" --client-auth require --client-ca "$dir/authority.pem" \
		--crl "$dir/authority.crl"
	for who in friend enemy; do
		get --cert "$dir/$who.pem" --key "$dir/$who.key" --session "$dir/$who" | grep '^hello'
	done
	crl authority enemy
	hup
	get --cert "$dir/friend.pem" --key "$dir/friend.key" | grep '^hello'
	fails get --cert "$dir/enemy.pem" --key "$dir/enemy.key" --session "$dir/enemy" >"$dir/out"
	grep 'certificate_revoked' "$dir/out"
	grep "the client's certificate was revoked by its issuer" "$dir/log.err"
}

# ---- staples --------------------------------------------------------------------------------------

staple() { # openssl's responder about $dir/leaf.pem; its state is in $dir/index
	openssl ocsp -index "$dir/index" -CA "$dir/authority.pem" -rsigner "$dir/authority.pem" \
		-rkey "$dir/authority.key" -reqin "$dir/request" -respout "$dir/staple" -ndays 1 \
		2>/dev/null
}

staples_are_sent_and_checked() {
	local serial
	with_authority
	signed_certificate leaf authority subjectAltName=DNS:localhost extendedKeyUsage=serverAuth
	serial=$(openssl x509 -noout -serial -in "$dir/leaf.pem")
	printf 'V\t401231235959Z\t\t%s\tunknown\t/CN=leaf\n' "${serial#*=}" >"$dir/index"
	openssl ocsp -issuer "$dir/authority.pem" -cert "$dir/leaf.pem" -reqout "$dir/request" \
		2>/dev/null
	staple
	serve log --cert "$dir/leaf.pem" --key "$dir/leaf.key" --staple "$dir/staple"
	openssl s_client -connect "localhost:$port" -tls1_2 -CAfile "$dir/authority.pem" -status \
		</dev/null 2>&1 | grep 'Cert Status: good'
	"$ringtls" get --cacert "$dir/authority.pem" --require-staple "https://localhost:$port/" |
		grep hello
	serve without --cert "$dir/leaf.pem" --key "$dir/leaf.key"
	"$ringtls" get --cacert "$dir/authority.pem" "https://localhost:$port/" | grep hello
	fails "$ringtls" get --cacert "$dir/authority.pem" --require-staple \
		"https://localhost:$port/" 2>"$dir/out"
	grep 'the server staples no OCSP response' "$dir/out"
	# The responder has changed its mind: serve does not take that.
	printf 'R\t401231235959Z\t240101000000Z\t%s\tunknown\t/CN=leaf\n' "${serial#*=}" >"$dir/index"
	staple
	fails "$ringtls" serve --listen 127.0.0.1:0 --root "$root" --cert "$dir/leaf.pem" \
		--key "$dir/leaf.key" --staple "$dir/staple" 2>"$dir/out"
	grep 'does not say "good"' "$dir/out"
	# Another server does.
	s_server other -cert "$dir/leaf.pem" -key "$dir/leaf.key" -status_file "$dir/staple" -www
	fails "$ringtls" get --cacert "$dir/authority.pem" --require-staple \
		"https://localhost:$port/" 2>"$dir/out"
	grep 'certificate_revoked' "$dir/out"
}

for test in ${TESTS:-s_client_reconnects_with_tickets s_client_reconnects_without_tickets \
	gnutls_cli_resumes get_resumes nothing_is_resumed_where_all_is_off small_records_are_sent_where_asked \
	servers_share_a_key_file \
	keys_are_rotated client_certificates_are_required client_certificates_are_asked_for \
	revoked_clients_are_refused staples_are_sent_and_checked}; do
	tap $test
done
tap_end
