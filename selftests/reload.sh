#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ringtls serve at SIGHUP: which connection sees which certificate, what bad files cost, and
# that a reload loses no connection and leaves nothing behind.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh

ringtls=$PWD/build/ringtls
dir=$(mktemp -d)
root=$dir/root
trap 'rm -rf "$dir" "$tap_log"' EXIT

# ---- set-up -----------------------------------------------------------------------------

certificate() { # NAME KEY-ARGUMENTS...
	local name=$1
	shift
	openssl req -x509 "$@" -nodes -keyout "$dir/$name.key" -out "$dir/$name.pem" -days 2 \
		-subj "/CN=$name" -addext subjectAltName=DNS:localhost 2>/dev/null
}
certificate old -newkey ec -pkeyopt ec_paramgen_curve:P-256
certificate new -newkey rsa:2048
cat "$dir/old.pem" "$dir/new.pem" >"$dir/both.pem"
mkdir "$root"
head -c 1024 /dev/urandom >"$root/1k"

# start ARGUMENTS...: a server in $server and $port. What a test that fails leaves running ends
# with the test's shell.
start() {
	helpers=()
	trap 'kill -9 $server "${helpers[@]}" 2>/dev/null || true' EXIT
	: >"$dir/log"
	"$ringtls" serve --listen 127.0.0.1:0 --root "$root" --handshake-timeout 600 \
		--idle-timeout 600 "$@" >"$dir/log" 2>"$dir/err" &
	server=$!
	for _ in $(seq 1200); do
		port=$(sed -n 's/.*https:\/\/[^ ]*:\([0-9]*\)\/.*/\1/p' "$dir/log")
		[ -z "$port" ] || return 0
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	cat "$dir/log" "$dir/err"
	return 1
}
start_live() { start --cert "$dir/live.pem" --key "$dir/live.key" "$@"; }

end() {
	kill "$server"
	wait "$server"
	trap - EXIT
}

# What the next reload is to find, put there as one would: written beside, then renamed.
install() { # NAME
	local suffix
	for suffix in pem key; do
		cp "$dir/$1.$suffix" "$dir/live.$suffix.part"
		mv "$dir/live.$suffix.part" "$dir/live.$suffix"
	done
}

lines() { grep -cE 'ringtls: reloaded [0-9]|old certificates stay' "$dir/err" || true; }

# SIGHUP, and its line awaited.
hup() {
	local before
	before=$(lines)
	kill -HUP "$server"
	for _ in $(seq 2400); do
		[ "$(lines)" = "$before" ] || return 0
		sleep 0.025
	done
	echo "SIGHUP was not heard"
	return 1
}

reloads() { # PATTERN: a reload that goes well, and says so
	hup
	tail -1 "$dir/err" | grep -q "$1" || { cat "$dir/err"; return 1; }
}

print_of() { openssl x509 -in "$dir/$1.pem" -noout -fingerprint -sha256; }
shown() {
	openssl s_client -connect "localhost:$port" -tls1_2 </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint -sha256
}
shows() { # NAME
	[ "$(shown)" = "$(print_of "$1")" ]
}

fetch() { curl -sS --cacert "$dir/both.pem" "$@" "https://localhost:$port/1k"; }

# ---- who sees what ----------------------------------------------------------------------

# On every thread.
new_certificate_after_sighup() {
	install old
	start_live --threads 3
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
	end
}

several_certificates() {
	install old
	start_live --cert "$dir/new.pem" --key "$dir/new.key"
	reloads 'reloaded 2 certificates'
	shows old
	end
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
	helpers+=($client)
	for _ in $(seq 1200); do
		[ ! -s "$dir/said" ] || return 0
		sleep 0.05
	done
	echo "the client does not come that far"
	return 1
}

client_goes_on() {
	: >"$dir/go"
	wait $client
	cmp "$dir/body" "$root/1k"
}

open_connection_goes_on() {
	install old
	start_live
	client old all
	install new
	reloads reloaded
	shows new
	client_goes_on
	end
}

# One thread: that a later connection was served says that this one has been accepted.
handshake_under_way_keeps_the_old() {
	for bytes in 3 60; do
		install old
		start_live --threads 1
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
	start --cert "$dir/current/cert.pem" --key "$dir/current/key.pem"
	shows old
	ln -s new.d "$dir/next"
	mv -T "$dir/next" "$dir/current"
	reloads reloaded
	shows new
	end
}

self_signed_stays() {
	start
	before=$(shown)
	[ -n "$before" ]
	reloads 'reloaded 0 certificates and 0 other files; the self-signed certificate stays'
	[ "$(shown)" = "$before" ]
	end
}

# The one file goes on, unasked for.
key_log_goes_on() {
	install old
	export SSLKEYLOGFILE=$dir/secrets
	start_live
	unset SSLKEYLOGFILE
	shows old
	before=$(wc -l <"$dir/secrets")
	reloads reloaded
	shows old
	[ "$(wc -l <"$dir/secrets")" -gt "$before" ]
	[ "$(grep -c WARNING "$dir/err")" = 1 ]
	end
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
	start_live
	keeps_session
	reloads reloaded
	resumes
	keeps_session -no_ticket
	reloads reloaded
	resumes -no_ticket
	end
}

ticket_keys_are_read_anew() {
	install old
	openssl rand -base64 48 | tr -d '\n' >"$dir/keys"
	start_live --ticket-keys "$dir/keys" --session-cache 0
	keeps_session
	reloads reloaded
	resumes
	grep -q '^ringtls: reloaded the ticket keys$' "$dir/err"
	echo nonsense >"$dir/keys"
	reloads reloaded
	grep "$dir/keys" "$dir/err" | grep -q '^ringtls serve: reload: .*; the old ticket keys stay$'
	resumes
	openssl rand -base64 48 | tr -d '\n' >"$dir/keys"
	reloads reloaded
	fails resumes
	end
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
	start_live --client-auth require --client-ca "$dir/ca.pem"
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
	end
}

crls_are_read_anew() {
	local ca=$dir/authority
	install old
	mkdir "$ca"
	: >"$ca/index"
	echo 01 >"$ca/number"
	cat >"$ca/config" <<-CONFIG
		[ca]
		default_ca = this
		[this]
		database = $ca/index
		crlnumber = $ca/number
		default_md = sha256
		default_crl_days = 2
		certificate = $dir/signer.pem
		private_key = $dir/signer.key
	CONFIG
	certificate signer -newkey ec -pkeyopt ec_paramgen_curve:P-256
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=carol \
		-keyout "$dir/carol.key" -out "$dir/carol.csr" 2>/dev/null
	openssl x509 -req -in "$dir/carol.csr" -CA "$dir/signer.pem" -CAkey "$dir/signer.key" \
		-CAcreateserial -days 2 -out "$dir/carol.pem" 2>/dev/null
	openssl ca -config "$ca/config" -gencrl -out "$dir/crl.pem" 2>/dev/null
	start_live --client-auth require --client-ca "$dir/signer.pem" --crl "$dir/crl.pem"
	as carol
	openssl ca -config "$ca/config" -revoke "$dir/carol.pem" 2>/dev/null
	openssl ca -config "$ca/config" -gencrl -out "$dir/crl.pem" 2>/dev/null
	as carol
	reloads 'reloaded 1 certificate and 2 other files'
	fails as carol
	end
}

# ---- files that are bad -----------------------------------------------------------------

# stays PATTERN: a reload that fails, with one line that has the PATTERN in it.
stays() {
	local before
	before=$(wc -l <"$dir/err")
	hup
	tail -1 "$dir/err" | grep "$1" |
		grep -q '^ringtls serve: reload: .*; the old certificates stay$' || {
		cat "$dir/err"
		return 1
	}
	[ $(($(wc -l <"$dir/err") - before)) = 1 ]
}

bad_files_keep_the_old() {
	install old
	start_live --quiet
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
	end
}

# ---- many ------------------------------------------------------------------------------------

# Two clients at a time, and a certificate that changes under them.
no_connection_is_lost() {
	local fetchers=() i
	install old
	start_live --threads 2 --quiet
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
	helpers+=("${fetchers[@]}")
	while kill -0 "${fetchers[@]}" 2>/dev/null; do
		install new
		kill -HUP "$server"
		install old
		kill -HUP "$server"
	done
	wait "${fetchers[@]}"
	[ "$(cat "$dir/failed.1" "$dir/failed.2" | sort -u)" = 0 ]
	hup
	[ "$(lines)" -gt 10 ]
	end
}

descriptors() { ls "/proc/$server/fd" | wc -l; }
resident_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status"; }

nothing_grows() {
	local fds kb i
	install old
	start_live --client-auth request --client-ca "$dir/both.pem"
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
	[ "$(grep -c 'ringtls: reloaded' "$dir/err")" = 120 ]
	end
}

# ---- with other signals -----------------------------------------------------------------

end_comes_in_spite_of_reloads() {
	install old
	start_live
	kill -HUP "$server"
	kill -TERM "$server"
	kill -HUP "$server" 2>/dev/null || true
	wait "$server"
}

for test in ${TESTS:-new_certificate_after_sighup several_certificates open_connection_goes_on \
	handshake_under_way_keeps_the_old link_is_swapped self_signed_stays key_log_goes_on \
	sessions_outlive_a_reload ticket_keys_are_read_anew \
	client_cas_are_read_anew crls_are_read_anew bad_files_keep_the_old no_connection_is_lost \
	nothing_grows end_comes_in_spite_of_reloads}; do
	tap $test
done
tap_end
