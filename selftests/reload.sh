#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ringtls serve at SIGHUP: which connection sees which certificate, what bad files cost, and
# that a reload loses no connection and leaves nothing behind.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh

# ---- set-up -----------------------------------------------------------------------------

certificate old -newkey ec -pkeyopt ec_paramgen_curve:P-256
certificate new -newkey rsa:2048
cat "$dir/old.pem" "$dir/new.pem" >"$dir/both.pem"
head -c 1024 /dev/urandom >"$root/1k"
live=(--cert "$dir/live.pem" --key "$dir/live.key" --idle-timeout 600)

# What the next reload is to find, put there as one would: written beside, then renamed.
install() { # NAME
	local suffix
	for suffix in pem key; do
		cp "$dir/$1.$suffix" "$dir/live.$suffix.part"
		mv "$dir/live.$suffix.part" "$dir/live.$suffix"
	done
}

reloads() { # PATTERN: a reload that goes well, and says so
	hup
	tail -1 "$dir/log.err" | grep -q "$1" || { cat "$dir/log.err"; return 1; }
}

shows() { # NAME
	[ "$(shown)" = "$(print_of "$1")" ]
}

fetch() { curl -sS --cacert "$dir/both.pem" "$@" "https://localhost:$port/1k"; }

# ---- who sees what ----------------------------------------------------------------------

# On every thread.
new_certificate_after_sighup() {
	install old
	serve log "${live[@]}" --threads 3
	shows old
	install new
	shows old
	reloads 'ringtls: reloaded 1 certificate and 0 other files'
	for _ in $(seq 12); do
		shows new
	done
	install old
	reloads reloaded
	shows old
}

several_certificates() {
	install old
	serve log "${live[@]}" --cert "$dir/new.pem" --key "$dir/new.key"
	reloads 'reloaded 2 certificates'
	shows old
}

# client NAME BYTES: trusts NAME.pem alone; sends BYTES of its ClientHello, or "all" and shakes
# hands, says so in $dir/said; goes on once $dir/go is opened, and fetches /1k into $dir/body.
client() {
	rm -f "$dir/said" "$dir/go" "$dir/body"
	mkfifo "$dir/go"
	python3 - "$port" "$dir" "$dir/$1.pem" "$2" <<'PYTHON' &
import socket, ssl, sys

port, dir, trust, count = sys.argv[1:]
context = ssl.create_default_context(cafile=trust)
context.maximum_version = ssl.TLSVersion.TLSv1_2
received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(received, sent, server_hostname="localhost")
connection = socket.create_connection(("localhost", int(port)))

def until_done(step):
    while True:
        try:
            result = step()
            connection.sendall(sent.read())
            return result
        except ssl.SSLWantReadError:
            connection.sendall(sent.read())
            received.write(connection.recv(65536))

if count == "all":
    until_done(tls.do_handshake)
else:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        hello = sent.read()
    connection.sendall(hello[:int(count)])
open(dir + "/said", "w").write("here")
open(dir + "/go").read()
if count != "all":
    connection.sendall(hello[int(count):])
    until_done(tls.do_handshake)
tls.write(b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n")
answer = b""
while len(answer.partition(b"\r\n\r\n")[2]) < 1024:
    answer += until_done(lambda: tls.read(65536))
open(dir + "/body", "wb").write(answer.partition(b"\r\n\r\n")[2])
PYTHON
	client=$!
	awaits test -s "$dir/said"
}

client_goes_on() {
	: >"$dir/go"
	wait $client
	cmp "$dir/body" "$root/1k"
}

open_connection_goes_on() {
	install old
	serve log "${live[@]}"
	client old all
	install new
	reloads reloaded
	shows new
	client_goes_on
}

# One thread: that a later connection was served says that this one has been accepted.
handshake_under_way_keeps_the_old() {
	for bytes in 3 60; do
		install old
		serve log "${live[@]}" --threads 1
		client old $bytes
		shows old
		install new
		reloads reloaded
		reloads reloaded
		shows new
		client_goes_on
		end
	done
}

# As certbot and Kubernetes do it: the folder is a link, and the link is replaced.
link_is_swapped() {
	local name
	for name in old new; do
		mkdir "$dir/$name.d"
		cp "$dir/$name.pem" "$dir/$name.d/cert.pem"
		cp "$dir/$name.key" "$dir/$name.d/key.pem"
	done
	ln -s old.d "$dir/current"
	serve log --cert "$dir/current/cert.pem" --key "$dir/current/key.pem"
	shows old
	ln -s new.d "$dir/next"
	mv -T "$dir/next" "$dir/current"
	reloads reloaded
	shows new
}

self_signed_stays() {
	serve log
	before=$(shown)
	[ -n "$before" ]
	reloads 'reloaded 0 certificates and 0 other files; the self-signed certificate stays'
	[ "$(shown)" = "$before" ]
}

# The one file goes on, unasked for.
key_log_goes_on() {
	install old
	SSLKEYLOGFILE=$dir/secrets serve log "${live[@]}"
	shows old
	before=$(wc -l <"$dir/secrets")
	reloads reloaded
	shows old
	[ "$(wc -l <"$dir/secrets")" -gt "$before" ]
	[ "$(grep -c WARNING "$dir/log.err")" = 1 ]
}

# ---- what outlives a configuration --------------------------------------------------------

resumes() { # S_CLIENT-ARGUMENTS...: whether the session kept in $dir/session is resumed
	openssl s_client -connect "localhost:$port" -tls1_2 -sess_in "$dir/session" "$@" </dev/null \
		2>/dev/null | grep -q '^Reused, '
}
keeps_session() { # S_CLIENT-ARGUMENTS...
	openssl s_client -connect "localhost:$port" -tls1_2 -sess_out "$dir/session" "$@" </dev/null \
		2>/dev/null | grep -q '^New, '
}

sessions_outlive_a_reload() {
	install old
	serve log "${live[@]}"
	keeps_session
	reloads reloaded
	resumes
	keeps_session -no_ticket
	reloads reloaded
	resumes -no_ticket
}

ticket_keys_are_read_anew() {
	install old
	openssl rand -base64 48 | tr -d '\n' >"$dir/keys"
	serve log "${live[@]}" --ticket-keys "$dir/keys" --session-cache 0
	keeps_session
	reloads reloaded
	resumes
	grep -q '^ringtls: reloaded the ticket keys$' "$dir/log.err"
	echo nonsense >"$dir/keys"
	reloads reloaded
	grep "$dir/keys" "$dir/log.err" | grep -q '^ringtls serve: reload: .*; the old ticket keys stay$'
	resumes
	openssl rand -base64 48 | tr -d '\n' >"$dir/keys"
	reloads reloaded
	fails resumes
}

# ---- who may come -----------------------------------------------------------------------

as() { # NAME: fetches /1k with this certificate; a refusal shows as curl's failure
	fetch --cert "$dir/$1.pem" --key "$dir/$1.key" -o /dev/null
}

client_cas_are_read_anew() {
	install old
	certificate alice -newkey ec -pkeyopt ec_paramgen_curve:P-256
	certificate bob -newkey ec -pkeyopt ec_paramgen_curve:P-256
	cp "$dir/alice.pem" "$dir/ca.pem"
	serve log "${live[@]}" --client-auth require --client-ca "$dir/ca.pem"
	as alice
	fails as bob
	cp "$dir/bob.pem" "$dir/ca.pem"
	reloads 'reloaded 1 certificate and 1 other file$'
	as bob
	fails as alice
	: >"$dir/ca.pem"
	stays "$dir/ca.pem"
	as bob
	fails as alice
}

crls_are_read_anew() {
	install old
	certificate signer -newkey ec -pkeyopt ec_paramgen_curve:P-256
	signed_certificate carol signer extendedKeyUsage=clientAuth
	crl signer
	serve log "${live[@]}" --client-auth require --client-ca "$dir/signer.pem" \
		--crl "$dir/signer.crl"
	as carol
	crl signer carol
	as carol
	reloads 'reloaded 1 certificate and 2 other files'
	fails as carol
}

# ---- files that are bad -----------------------------------------------------------------

# stays PATTERN: a reload that fails, with one line that has the PATTERN in it.
stays() {
	local before
	before=$(wc -l <"$dir/log.err")
	hup
	tail -1 "$dir/log.err" | grep "$1" |
		grep -q '^ringtls serve: reload: .*; the old certificates stay$' || {
		cat "$dir/log.err"
		return 1
	}
	[ $(($(wc -l <"$dir/log.err") - before)) = 1 ]
}

bad_files_keep_the_old() {
	install old
	serve log "${live[@]}" --quiet
	rm "$dir/live.pem"
	stays "$dir/live.pem: No such file"
	shows old
	head -c 5000 /dev/urandom >"$dir/live.pem"
	stays "$dir/live.pem: no certificate"
	shows old
	cp "$dir/new.pem" "$dir/live.pem"
	stays "$dir/live.key: the key does not belong to the certificate"
	shows old
	head -c 300 "$dir/new.pem" >"$dir/live.pem"
	stays "$dir/live.pem: no certificate"
	cp "$dir/new.pem" "$dir/live.pem"
	openssl pkey -in "$dir/new.key" -aes128 -passout pass:secret -out "$dir/live.key"
	stays "$dir/live.key: the key is encrypted"
	: >"$dir/live.key"
	stays "$dir/live.key: no private key"
	rm "$dir/live.key"
	mkdir "$dir/live.key"
	stays "$dir/live.key: "
	shows old
	rmdir "$dir/live.key"
	install new
	reloads reloaded
	shows new
}

# ---- many ------------------------------------------------------------------------------------

# Two clients at a time, and a certificate that changes under them.
no_connection_is_lost() {
	local fetchers=() i
	install old
	serve log "${live[@]}" --threads 2 --quiet
	for i in 1 2; do
		(
			set +e
			failed=0
			for _ in $(seq 60); do
				fetch | cmp -s - "$root/1k" || failed=$((failed + 1))
			done
			echo $failed >"$dir/failed.$i"
		) &
		fetchers+=($!)
	done
	while kill -0 "${fetchers[@]}" 2>/dev/null; do
		install new
		kill -HUP "$server"
		install old
		kill -HUP "$server"
	done
	wait "${fetchers[@]}"
	[ "$(cat "$dir/failed.1" "$dir/failed.2" | sort -u)" = 0 ]
	hup
	[ "$(reload_count)" -gt 10 ]
}

resident_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status"; }

nothing_grows() {
	local fds kb i
	install old
	serve log "${live[@]}" --client-auth request --client-ca "$dir/both.pem"
	for i in $(seq 20); do hup; done
	fds=$(descriptors) kb=$(resident_kb)
	for i in $(seq 100); do
		hup
		mv "$dir/live.key" "$dir/away.key"
		hup
		mv "$dir/away.key" "$dir/live.key"
	done
	echo "descriptors: $fds, then $(descriptors); resident: $kb kB, then $(resident_kb)"
	[ "$(descriptors)" = "$fds" ]
	[ $(($(resident_kb) - kb)) -lt 1024 ]
	[ "$(grep -c 'ringtls: reloaded' "$dir/log.err")" = 120 ]
}

# ---- with other signals -----------------------------------------------------------------

end_comes_in_spite_of_reloads() {
	install old
	serve log "${live[@]}"
	kill -HUP "$server"
	kill -TERM "$server"
	kill -HUP "$server" 2>/dev/null || true
	wait "$server"
	servers=()
}

for test in ${TESTS:-new_certificate_after_sighup several_certificates open_connection_goes_on \
	handshake_under_way_keeps_the_old link_is_swapped self_signed_stays key_log_goes_on \
	sessions_outlive_a_reload ticket_keys_are_read_anew \
	client_cas_are_read_anew crls_are_read_anew bad_files_keep_the_old no_connection_is_lost \
	nothing_grows end_comes_in_spite_of_reloads}; do
	tap $test
done
tap_end
