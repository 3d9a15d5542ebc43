#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What serve and get let one see: --trace, and the secrets in the file of SSLKEYLOGFILE, which
# must be those that openssl has.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh
. selftests/server.sh
unset SSLKEYLOGFILE

certificate localhost -newkey ec -pkeyopt ec_paramgen_curve:P-256
own=(--cert "$dir/localhost.pem" --key "$dir/localhost.key")
echo hello >"$root/index.html"

get() { "$ringtls" get --cacert "$dir/localhost.pem" "$@" "https://localhost:$port/" >"$dir/got"; }
fetch() { curl -sS --cacert "$dir/localhost.pem" --tls-max 1.2 "$@" "https://localhost:$port/"; }

# The messages of a conversation: "-->ClientHello <--ServerHello ..."
story() { # FILE NUMBER
	sed -n "s/^$2: client \(...\) server  \([A-Za-z]*\), .*/\1\2/p" "$1" | tr '\n' ' '
}
hellos='-->ClientHello <--ServerHello <--Certificate <--ServerKeyExchange '
finish='-->ChangeCipherSpec -->Finished <--ChangeCipherSpec <--Finished '
figure="$hellos<--ServerHelloDone -->ClientKeyExchange $finish"

# ---- --trace ----------------------------------------------------------------------------

get_shows_the_figure() {
	s_server foreign "${own[@]}" -www
	get --trace --suites ECDHE-ECDSA-AES256-GCM-SHA384 2>"$dir/err"
	[ "$(story "$dir/err" 1)" = "$figure" ] || { cat "$dir/err"; return 1; }
	for line in 'client_version  *TLS 1.2 (0x0303)' 'host_name  *localhost' \
		'cipher_suite  *TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 (0xc02c)' \
		'subject  *CN = localhost' 'namedcurve  *x25519' 'ecdh_Yc  *[0-9a-f]\{64\}$' \
		'verify_data  *[0-9a-f]\{24\}$' 'RFC 5246 7.4.1.2$'; do
		grep -q "$line" "$dir/err" || { echo "no '$line' in:"; cat "$dir/err"; return 1; }
	done
	fails grep 'cannot be parsed' "$dir/err"
	fails grep -P '[^\x20-\x7e]' "$dir/err"
}

without_it_nothing_is_shown() {
	s_server foreign "${own[@]}" -www
	get 2>"$dir/err"
	fails grep . "$dir/err"
}

serve_tells_clients_apart() {
	local clients=() count=20
	serve log "${own[@]}" --trace --quiet --threads 2 --no-tickets
	for _ in $(seq $count); do
		fetch >/dev/null &
		clients+=($!)
	done
	wait "${clients[@]}"
	end
	for i in $(seq $count); do
		[ "$(story "$dir/log.err" "$i")" = "$figure" ] || {
			echo "$i:"
			cat "$dir/log.err"
			return 1
		}
	done
	# No line but a message's: blocks are whole, each field below its title.
	[ "$(grep -c '^[0-9]*: client ' "$dir/log.err")" = $((10 * count)) ]
	awk '/^[0-9]+: client/ { at = $5 }
		/^    client_version/ && at != "ClientHello," { bad = 1 }
		/^    verify_data/ && at != "Finished," { bad = 1 }
		!/^[0-9 ]/ { bad = 1 }
		END { exit bad }' "$dir/log.err"
}

client_certificates_are_shown() {
	serve log "${own[@]}" --trace --quiet --no-tickets --client-auth require \
		--client-ca "$dir/localhost.pem"
	get --trace --cert "$dir/localhost.pem" --key "$dir/localhost.key" 2>"$dir/err"
	end
	for log in "$dir/err" "$dir/log.err"; do
		[ "$(story "$log" 1)" = "$hellos<--CertificateRequest <--ServerHelloDone \
-->Certificate -->ClientKeyExchange -->CertificateVerify $finish" ] || { cat "$log"; return 1; }
		grep -q 'certificate_types .*ecdsa_sign (64)' "$log"
		fails grep 'cannot be parsed' "$log"
	done
}

resumption_is_shown() {
	serve log "${own[@]}" --trace --quiet
	get --trace --session "$dir/session" 2>"$dir/err"
	get --trace --session "$dir/session" 2>"$dir/err.2"
	end
	[ "$(story "$dir/err" 1)" = "$hellos<--ServerHelloDone -->ClientKeyExchange \
-->ChangeCipherSpec -->Finished <--NewSessionTicket <--ChangeCipherSpec <--Finished " ]
	[ "$(story "$dir/err.2" 1)" = "-->ClientHello <--ServerHello \
<--ChangeCipherSpec <--Finished -->ChangeCipherSpec -->Finished " ]
	[ "$(story "$dir/log.err" 2)" = "$(story "$dir/err.2" 1)" ]
	grep -q 'ticket_lifetime_hint  *[0-9]' "$dir/err"
	# What was sealed there comes back here.
	[ "$(grep -o '  ticket  *[0-9a-f]*' "$dir/err" | tr -s ' ')" = \
		"$(grep -o '  ticket  *[0-9a-f]*' "$dir/err.2" | tr -s ' ')" ]
	fails grep -h 'cannot be parsed' "$dir/err" "$dir/err.2" "$dir/log.err"
}

refusals_are_shown() {
	serve log "${own[@]}" --trace --quiet
	fails openssl s_client -connect "localhost:$port" -tls1_1 -cipher DEFAULT:@SECLEVEL=0 \
		</dev/null >/dev/null 2>&1
	fails get --trace --suites ECDHE-RSA-AES128-GCM-SHA256 2>"$dir/err"
	end
	[ "$(story "$dir/log.err" 1)" = '-->ClientHello <--Alert ' ]
	grep -q 'client_version  *TLS 1.1 (0x0302)' "$dir/log.err"
	grep -q 'description  *protocol_version (70)' "$dir/log.err"
	[ "$(story "$dir/err" 1)" = '-->ClientHello <--Alert ' ]
	grep -q 'description  *handshake_failure (40)' "$dir/err"
}

# ---- SSLKEYLOGFILE ------------------------------------------------------------------------

line='^CLIENT_RANDOM [0-9a-f]\{64\} [0-9a-f]\{96\}$'

serve_logs_what_s_client_has() {
	SSLKEYLOGFILE=$dir/ours serve log "${own[@]}"
	for _ in 1 2; do
		printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect "localhost:$port" -tls1_2 \
			-quiet -keylogfile "$dir/theirs" >/dev/null 2>&1
	done
	end
	[ "$(grep -c "$line" "$dir/ours")" = 2 ]
	cmp "$dir/ours" <(grep ^CLIENT_RANDOM "$dir/theirs")
	[ "$(stat -c %a "$dir/ours")" = 600 ]
	grep -q "WARNING: SSLKEYLOGFILE is set.*$dir/ours" "$dir/log.err"
}

resumed_sessions_are_logged() {
	local client=(openssl s_client -connect localhost: -tls1_2 -ign_eof -keylogfile "$dir/theirs.3")
	SSLKEYLOGFILE=$dir/ours.3 serve log "${own[@]}"
	client[3]=localhost:$port
	printf 'GET / HTTP/1.0\r\n\r\n' | "${client[@]}" -sess_out "$dir/s_session" >/dev/null 2>&1
	printf 'GET / HTTP/1.0\r\n\r\n' | "${client[@]}" -sess_in "$dir/s_session" >"$dir/second" 2>&1
	end
	grep -q '^Reused' "$dir/second"
	[ "$(grep -c "$line" "$dir/ours.3")" = 2 ]
	cmp "$dir/ours.3" <(grep ^CLIENT_RANDOM "$dir/theirs.3")
}

get_logs_what_s_server_has() {
	s_server foreign "${own[@]}" -www -keylogfile "$dir/theirs.2"
	echo 'what was there' >"$dir/ours.2"
	chmod 644 "$dir/ours.2"
	SSLKEYLOGFILE=$dir/ours.2 get 2>"$dir/err"
	[ "$(head -n 1 "$dir/ours.2")" = 'what was there' ]
	grep -q "$line" "$dir/ours.2"
	cmp <(tail -n +2 "$dir/ours.2") <(grep ^CLIENT_RANDOM "$dir/theirs.2")
	grep -q 'WARNING.*Others than its owner may' "$dir/err"
}

a_file_that_cannot_be_is_said() {
	code=0
	SSLKEYLOGFILE=$dir/absent/file "$ringtls" get https://localhost:1/ 2>"$dir/err" || code=$?
	[ $code = 1 ]
	grep -q "SSLKEYLOGFILE: cannot open $dir/absent/file: No such file" "$dir/err"
	SSLKEYLOGFILE=/dev/full serve log "${own[@]}"
	fetch | grep -q hello
	fetch | grep -q hello
	end
	[ "$(grep -c "cannot write to SSLKEYLOGFILE's file: No space" "$dir/log.err")" = 1 ]
}

empty_is_as_good_as_unset() {
	SSLKEYLOGFILE='' serve log "${own[@]}"
	end
	fails grep . "$dir/log.err"
}

# A copy that runs as root whoever starts it, and one that does not.
raised_privileges_ignore_it() {
	local as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups env)
	[ "$(id -u)" = 0 ] || skip 'only root can make a program that others run as root'
	[[ ,$(findmnt -nro OPTIONS -T "$dir"), != *,nosuid,* ]] || skip "$dir is mounted nosuid"
	cp "$ringtls" "$dir/plain"
	cp "$ringtls" "$dir/raised"
	chmod 4755 "$dir/raised"
	chmod 755 "$dir"
	mkdir -m 1777 "$dir/logs"
	s_server foreign "${own[@]}" -www
	for copy in plain raised; do
		"${as_nobody[@]}" "SSLKEYLOGFILE=$dir/logs/$copy" "$dir/$copy" get --insecure \
			"https://localhost:$port/" >/dev/null 2>"$dir/$copy.err"
	done
	grep -q "$line" "$dir/logs/plain"
	[ ! -e "$dir/logs/raised" ]
	grep -q "SSLKEYLOGFILE=$dir/logs/raised is ignored: .*raised privileges" "$dir/raised.err"
	fails grep WARNING "$dir/raised.err"
}

for test in ${TESTS:-get_shows_the_figure without_it_nothing_is_shown serve_tells_clients_apart \
	client_certificates_are_shown resumption_is_shown refusals_are_shown \
	serve_logs_what_s_client_has resumed_sessions_are_logged get_logs_what_s_server_has \
	a_file_that_cannot_be_is_said empty_is_as_good_as_unset raised_privileges_ignore_it}; do
	tap $test
done
tap_end
