#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ringtls serve and get as users meet them: curl, openssl s_client, HTTP's corners, clients
# that misbehave, wrong settings, the end. Runs natively and in the lab; where the kernel has
# kTLS, every connection must be in it.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh

# ---- set-up -----------------------------------------------------------------------------

certificate ecdsa -newkey ec -pkeyopt ec_paramgen_curve:P-256
certificate rsa -newkey rsa:2048
ecdsa=(--cert "$dir/ecdsa.pem" --key "$dir/ecdsa.key")
rsa=(--cert "$dir/rsa.pem" --key "$dir/rsa.key")

mkdir "$root/sub"
head -c 1024 /dev/urandom >"$root/1k"
head -c 100000 /dev/urandom >"$root/100k"
head -c 8000000 /dev/urandom >"$root/8m"
: >"$root/empty"
echo '<p>hello' >"$root/index.html"
echo 'in sub' >"$root/sub/index.html"
ln -s /etc/passwd "$root/link-out"
ln -s 1k "$root/link-in"

# By trial, which also loads the module where that is all that is missing.
if "$ringtls" probe >/dev/null; then
	kernel=yes
else
	kernel=no
fi

fetch() { # PATH CURL-ARGUMENTS...
	local path=$1
	shift
	curl -sS --cacert "$dir/ecdsa.pem" "$@" "https://localhost:$port$path"
}

status() { fetch "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

# What a client that sends these bytes gets back, as text.
raw() {
	timeout 400 openssl s_client -connect "localhost:$port" -tls1_2 -quiet -CAfile "$dir/ecdsa.pem" \
		2>/dev/null || true
}

server_log() { cat "$dir/log" "$dir/log.err"; }

# ---- files ------------------------------------------------------------------------------

curl_gets_files() {
	for file in empty 1k 100k 8m; do
		fetch "/$file" | cmp - "$root/$file"
	done
	[ "$(fetch /)" = '<p>hello' ]
	[ "$(fetch /sub/)" = 'in sub' ]
	fetch /link-in | cmp - "$root/1k"
}

s_client_gets_a_file() {
	printf 'GET /100k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' | raw >"$dir/answer"
	tail -c 100000 "$dir/answer" | cmp - "$root/100k"
}

get_gets_files() {
	for file in empty 1k 8m; do
		"$ringtls" get --cacert "$dir/ecdsa.pem" -o "$dir/out" "https://localhost:$port/$file"
		cmp "$dir/out" "$root/$file"
	done
	"$ringtls" get --cacert "$dir/ecdsa.pem" "https://localhost:$port/1k" | cmp - "$root/1k"
}

get_refuses() {
	fails "$ringtls" get "https://localhost:$port/1k" >"$dir/out" 2>"$dir/err"
	grep -q 'self-signed certificate' "$dir/err"
	fails grep . "$dir/out"
	"$ringtls" get --insecure "https://localhost:$port/1k" | cmp - "$root/1k"
	fails "$ringtls" get --cacert "$dir/ecdsa.pem" "https://localhost:$port/absent" 2>"$dir/err"
	grep -q 404 "$dir/err"
	fails "$ringtls" get "https://localhost:1/" 2>"$dir/err"
	grep -q refused "$dir/err"
}

every_suite() {
	for suite in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305; do
		fetch /100k --ciphers "ECDHE-ECDSA-$suite" | cmp - "$root/100k"
	done
}

kernel_encrypts() {
	before=$(awk '/^TlsTxSw/ {print $2}' /proc/net/tls_stat)
	fetch /8m | cmp - "$root/8m"
	after=$(awk '/^TlsTxSw/ {print $2}' /proc/net/tls_stat)
	[ "$after" -gt "$before" ]
	# Not one connection was left in userspace.
	grep -q 'tx kernel from record 1, rx kernel from record 1' "$dir/log" "$dir/log.err"
	[ -z "$(server_log | grep established | grep -v 'tx kernel.*rx kernel')" ]
}

userspace_serves_and_says_so() {
	server_log | grep -q 'records stay in userspace'
	server_log | grep established | grep -q 'tx userspace (no-ulp), rx userspace (no-ulp)'
}

# One curl, fifty connections.
fifty_at_once() {
	local arguments=() before
	before=$(server_log | grep -c established)
	for i in $(seq 50); do
		arguments+=(-o "$dir/parallel.$i" "https://localhost:$port/100k")
	done
	curl -sS --cacert "$dir/ecdsa.pem" --parallel --parallel-immediate --parallel-max 50 \
		"${arguments[@]}"
	for i in $(seq 50); do
		cmp "$dir/parallel.$i" "$root/100k"
	done
	[ $(($(server_log | grep -c established) - before)) = 50 ]
}

keep_alive() {
	connects=$(curl -sS --cacert "$dir/ecdsa.pem" -w '%{num_connects}\n' -o /dev/null -o /dev/null \
		-o /dev/null "https://localhost:$port/1k" "https://localhost:$port/100k" \
		"https://localhost:$port/absent")
	echo "connects: $connects"
	[ "$connects" = "$(printf '1\n0\n0')" ]
}

pipelined() {
	printf 'GET %s HTTP/1.1\r\nHost: a\r\n\r\n' /1k /absent /100k >"$dir/requests"
	printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >>"$dir/requests"
	raw <"$dir/requests" >"$dir/answer"
	[ "$(grep -ao 'HTTP/1.1 [0-9]* ' "$dir/answer" | tr -d '\n')" = \
		'HTTP/1.1 200 HTTP/1.1 404 HTTP/1.1 200 HTTP/1.1 200 ' ]
	tail -c 9 "$dir/answer" | grep -q '<p>hello'
}

# ---- HTTP's corners -----------------------------------------------------------------------

head_has_no_body() {
	fetch /100k -I >"$dir/answer"
	grep -qi '^content-length: 100000' "$dir/answer"
	fetch / -I | grep -qi '^content-type: text/html'
}

methods_and_errors() {
	[ "$(status /absent)" = 404 ]
	[ "$(status /1k -X POST -d x)" = 405 ]
	fetch /1k -X DELETE -i | grep -qi '^allow: GET, HEAD'
	[ "$(printf 'GET\r\n\r\n' | raw | head -c 12)" = 'HTTP/1.1 400' ]
	[ "$(printf 'GET / HTTP/1.1\r\nno header\r\n\r\n' | raw | head -c 12)" = 'HTTP/1.1 400' ]
	[ "$(printf 'GET / HTTP/1.1\r\n\r\n' | raw | head -c 12)" = 'HTTP/1.1 400' ]
	# The server goes on.
	[ "$(status /1k)" = 200 ]
}

http_1_0_closes() {
	printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 openssl s_client -connect "localhost:$port" \
		-tls1_2 -ign_eof -CAfile "$dir/ecdsa.pem" >"$dir/answer" 2>&1
	grep -aq '^HTTP/1.[01] 200' "$dir/answer"
	grep -aq '^closed' "$dir/answer" # close_notify came; its lack would be an error
}

no_path_leaves_the_root() {
	for path in /../../../../etc/passwd /sub/../../../../../etc/passwd /%2e%2e/%2e%2e/etc/passwd \
		/..%2f..%2f..%2fetc%2fpasswd /link-out //etc/passwd; do
		code=$(status "$path" --path-as-is)
		case $code in
		400 | 403 | 404) ;;
		*) echo "$path: $code"; return 1 ;;
		esac
	done
	[ "$(status '/1k%00.html')" = 400 ]
}

# ---- clients that misbehave -----------------------------------------------------------------

vanishing_clients_leave_nothing() {
	sleep 0.3
	before=$(descriptors)
	for _ in 1 2 3 4 5; do
		rm -f "$dir/vanished"
		curl -s --cacert "$dir/ecdsa.pem" --limit-rate 20k -o "$dir/vanished" \
			"https://localhost:$port/8m" &
		client=$!
		awaits test -s "$dir/vanished"
		kill -9 $client
		wait $client || true
	done
	fetch /1k | cmp - "$root/1k"
	awaits descriptors_at_most "$before"
}
descriptors_at_most() { [ "$(descriptors)" -le "$1" ]; }

garbage_costs_one_connection() {
	printf 'GET / HTTP/1.0\r\n\r\n' | plain_tcp
	head -c 2000 /dev/zero | plain_tcp
	awaits grep -q 'does not speak TLS' "$dir/log" "$dir/log.err"
	fetch /1k | cmp - "$root/1k"
}

plain_tcp() {
	timeout 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cat >&3; cat <&3" >/dev/null || true
}

old_versions_are_refused() {
	fails openssl s_client -connect "localhost:$port" -tls1_1 -cipher DEFAULT:@SECLEVEL=0 \
		</dev/null >"$dir/answer" 2>&1
	grep -q 'alert protocol version' "$dir/answer"
	awaits grep -q 'does not offer TLS 1.2' "$dir/log" "$dir/log.err"
}

# A failed fetch leaves what was there; a link is written through and stays.
get_keeps_what_was_there() {
	echo old >"$dir/kept"
	fails "$ringtls" get --cacert "$dir/ecdsa.pem" -o "$dir/kept" \
		"https://localhost:$port/absent" 2>"$dir/err"
	[ "$(cat "$dir/kept")" = old ]
	ln -s kept "$dir/link"
	"$ringtls" get --cacert "$dir/ecdsa.pem" -o "$dir/link" "https://localhost:$port/1k"
	[ -L "$dir/link" ]
	cmp "$dir/kept" "$root/1k"
	[ "$(find "$dir" -name 'kept.*' -o -name 'link.*')" = '' ]
}

# A server that sends half of a file and waits.
half_a_file() {
	exec 9<>"$dir/half"
	s_server foreign "${ecdsa[@]}" <&9
	printf 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf' >&9
}

# The unfinished file is removed, and the signal ends the program.
get_interrupted_leaves_nothing() {
	mkfifo "$dir/half"
	echo kept >"$dir/wanted"
	for signal in INT TERM HUP; do
		half_a_file
		# A shell has its background jobs ignore SIGINT; env has them not.
		env --default-signal=INT "$ringtls" get --insecure -o "$dir/wanted" \
			"https://localhost:$port/" &
		got=$!
		awaits has_begun
		code=0
		kill -$signal $got
		wait $got || code=$?
		[ $code = $((128 + $(kill -l $signal))) ] || { echo "exit $code, $signal"; return 1; }
		[ -z "$(find "$dir" -name 'wanted.*')" ]
		[ "$(cat "$dir/wanted")" = kept ]
		kill "$server"
		wait "$server" || true
	done
}
has_begun() { [ -n "$(find "$dir" -name 'wanted.*')" ]; }

bad_url() { # PATTERN URL...
	local pattern=$1 code=0
	shift
	"$ringtls" get "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ $code = 2 ] && [ "$(wc -l <"$dir/err")" = 1 ] && grep -q -- "$pattern" "$dir/err" || {
		echo "exit $code: $*"
		cat "$dir/err"
		return 1
	}
}

get_says_what_is_wrong_with_a_url() {
	bad_url 'a URL is missing'
	bad_url 'one URL at a time' https://localhost/ https://localhost/
	bad_url "'http://localhost/': .*begin with https://" http://localhost/
	bad_url 'begin with https://' localhost
	bad_url 'written as %HH' 'https://localhost/a b'
	bad_url 'a user name' https://me@localhost/
	bad_url 'HOST, HOST:PORT or' https://::1/
	bad_url 'HOST, HOST:PORT or' "https://[::1/"
	bad_url 'HOST, HOST:PORT or' "https://$(printf '%0300d' 1)/"
	bad_url 'names no host' https:///path
	bad_url 'names no host' https://:443/
	bad_url 'number from 1 to 65535' https://localhost:0/
	bad_url 'number from 1 to 65535' https://localhost:70000/
	bad_url 'number from 1 to 65535' https://localhost:http/
}

# Requests sent far ahead, with bodies, while an answer is under way: that one comes whole, and
# behind it either the others or the end.
far_too_much_ahead() {
	printf 'GET /8m HTTP/1.1\r\nHost: a\r\n\r\n' >"$dir/ahead"
	printf 'GET /1k HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n' >"$dir/one"
	head -c 60000 /dev/zero >>"$dir/one"
	for _ in $(seq 40); do cat "$dir/one"; done >>"$dir/ahead"
	printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >>"$dir/ahead"
	raw <"$dir/ahead" >"$dir/answer"
	body=$(head -c 1000 "$dir/answer" | grep -abo -m 1 $'^\r$' | cut -d: -f1)
	tail -c +$((body + 3)) "$dir/answer" | head -c 8000000 | cmp - "$root/8m"
	fetch /1k | cmp - "$root/1k"
}

# ---- settings that cannot be -------------------------------------------------------------------

refused() { # EXIT-CODE PATTERN ARGUMENTS...
	local want=$1 pattern=$2 code=0
	shift 2
	timeout 20 "$ringtls" serve "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ $code = "$want" ] || { echo "exit $code, not $want"; cat "$dir/err"; return 1; }
	[ "$(wc -l <"$dir/err")" = 1 ] || { cat "$dir/err"; return 1; }
	grep -q -- "$pattern" "$dir/err" || { cat "$dir/err"; return 1; }
	fails grep serving "$dir/out"
}

wrong_settings() {
	local place=(--listen 127.0.0.1:0 --root "$root")
	local good=("${place[@]}" "${ecdsa[@]}")
	refused 1 'No such file' "${place[@]}" --cert "$dir/absent.pem"
	refused 1 'does not belong' "${place[@]}" --cert "$dir/ecdsa.pem" --key "$dir/rsa.key"
	refused 1 'no certificate' "${place[@]}" --cert "$dir/ecdsa.key"
	refused 2 'needs a --cert' "${place[@]}" --key "$dir/ecdsa.key"
	refused 1 'absent' "${good[@]}" --root "$dir/absent"
	refused 2 '--threads' "${good[@]}" --threads nonsense
	refused 2 '--ktls' "${good[@]}" --ktls perhaps
	refused 2 'SHA25", did you mean ECDHE-RSA-AES128-GCM-SHA256?' "${good[@]}" \
		--suites ECDHE-RSA-AES128-GCM-SHA25
	refused 2 'listen' "${good[@]}" --listen nonsense
	refused 2 '--root' "${good[@]}" --rooot "$root"
	# What looks as if clients were checked, and would not.
	refused 2 'add --client-auth' "${good[@]}" --client-ca "$dir/ecdsa.pem"
	refused 2 'add --client-auth' "${good[@]}" --crl "$dir/absent"
	refused 2 'needs --client-ca' "${good[@]}" --client-auth require
	refused 2 'unknown option' "${good[@]}" --require-staple
	refused 2 'none, request or require' "${good[@]}" --client-auth x
	refused 2 'a number from 0 to 10000000' "${good[@]}" --session-cache x
	refused 2 'no sense with --ticket-keys' "${good[@]}" --no-tickets \
		--ticket-keys "$dir/absent"
}

second_server_on_the_port() {
	refused 1 'address in use' --listen "127.0.0.1:$port" --root "$root" "${ecdsa[@]}"
}

require_is_kept() {
	if [ $kernel = no ]; then
		refused 1 'no "tls" ULP' --listen 127.0.0.1:0 --root "$root" --ktls require
	else
		serve require "${ecdsa[@]}" --ktls require
		fetch /8m | cmp - "$root/8m"
	fi
}

off_is_kept() {
	serve off "${ecdsa[@]}" --ktls off
	fetch /8m | cmp - "$root/8m"
	end
	grep -hq 'tx userspace (off), rx userspace (off)' "$dir/off" "$dir/off.err"
}

self_signed() {
	serve self
	seen=$(shown | sed 's/.*=//')
	[ -n "$seen" ]
	tr -d : <"$dir/self" | grep -qi "${seen//:/}"
}

# Two names and two kinds of key: who asks for which gets which.
several_certificates() {
	signed_certificate wild ecdsa 'subjectAltName=DNS:*.example.org'
	serve several "${ecdsa[@]}" "${rsa[@]}" --cert "$dir/wild.pem" --key "$dir/wild.key"
	[ "$(shown)" = "$(print_of ecdsa)" ]
	[ "$(shown -cipher ECDHE-RSA-AES128-GCM-SHA256)" = "$(print_of rsa)" ]
	[ "$(shown -servername www.example.org)" = "$(print_of wild)" ]
	[ "$(shown -servername a.b.example.org)" = "$(print_of ecdsa)" ]
}

# Off by default, there when asked for.
legacy_key_exchange() {
	serve modern "${rsa[@]}"
	fails curl -sS --cacert "$dir/rsa.pem" --tls-max 1.2 --ciphers AES128-GCM-SHA256 \
		"https://localhost:$port/1k"
	serve legacy "${rsa[@]}" --legacy-kx
	for suite in AES128-GCM-SHA256 AES128-CCM DHE-RSA-AES128-GCM-SHA256 DHE-RSA-CHACHA20-POLY1305; do
		curl -sS --cacert "$dir/rsa.pem" --tls-max 1.2 --ciphers $suite \
			"https://localhost:$port/100k" | cmp - "$root/100k"
		"$ringtls" get --cacert "$dir/rsa.pem" --suites $suite "https://localhost:$port/100k" |
			cmp - "$root/100k"
	done
}

rsa_certificate() {
	serve rsa-log "${rsa[@]}"
	curl -sS --cacert "$dir/rsa.pem" "https://localhost:$port/100k" | cmp - "$root/100k"
}

# With ECDHE the key signs, with RSA key exchange it decrypts: each wakes a thread of the pool.
keys_used_in_threads() {
	serve log "${rsa[@]}" --legacy-kx --threads 2 --handshake-threads 2
	wakes_a_thread ECDHE-RSA-AES128-GCM-SHA256
	wakes_a_thread AES128-GCM-SHA256
	hup
	wakes_a_thread ECDHE-RSA-AES128-GCM-SHA256
}

wakes_a_thread() { # SUITE
	local before
	before=$(times_woken)
	curl -sS --cacert "$dir/rsa.pem" --tls-max 1.2 --ciphers "$1" "https://localhost:$port/100k" |
		cmp - "$root/100k"
	# It is counted as the thread goes back to sleep.
	awaits woken_since "$before"
}
woken_since() { [ "$(times_woken)" != "$1" ]; }

times_woken() {
	local threads
	threads=$(grep -lx ringtls-key "/proc/$server/task/"*/comm)
	[ "$(wc -w <<<"$threads")" = 2 ]
	awk '/^voluntary/ {n += $2} END {print n}' ${threads//comm/status}
}

# ---- the end -------------------------------------------------------------------------------------

drains_on_sigterm() {
	serve drain "${ecdsa[@]}"
	fetch /8m --limit-rate 8m -o "$dir/slow" &
	client=$!
	awaits test -s "$dir/slow"
	end
	wait $client
	cmp "$dir/slow" "$root/8m"
}

# The server that had all those clients, with its exit code in $ended.
many_clients_leave_a_good_end() {
	server_log | tail -3
	[ "$ended" = 0 ]
}

serve log "${ecdsa[@]}" || exit 1
if [ $kernel = yes ]; then
	who_encrypts="kernel_encrypts"
else
	who_encrypts="userspace_serves_and_says_so"
fi
for test in ${TESTS:-curl_gets_files s_client_gets_a_file get_gets_files get_refuses every_suite \
	$who_encrypts fifty_at_once keep_alive pipelined head_has_no_body methods_and_errors \
	http_1_0_closes no_path_leaves_the_root vanishing_clients_leave_nothing \
	get_keeps_what_was_there get_interrupted_leaves_nothing \
	get_says_what_is_wrong_with_a_url far_too_much_ahead \
	garbage_costs_one_connection old_versions_are_refused wrong_settings \
	second_server_on_the_port require_is_kept off_is_kept self_signed rsa_certificate \
	several_certificates legacy_key_exchange keys_used_in_threads \
	drains_on_sigterm}; do
	tap $test
done
kill "$server"
ended=0
wait "$server" || ended=$?
tap many_clients_leave_a_good_end
tap_end
