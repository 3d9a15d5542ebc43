#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The main job, for eyes: curl, openssl s_client and ringtls get fetch real files from
# ringtls serve, and the kernel's own counters tell who encrypted them. Exits 1 if a file
# differs or if the kernel did not encrypt every connection, both ways.
set -eu
cd "$(dirname "$0")/.."

if ! build/ringtls probe >/dev/null; then
	[ -z "${RINGTLS_DEMO_IN_LAB-}" ] || { build/ringtls probe; exit 1; }
	echo "This kernel ($(uname -r)) cannot do TLS; the lab boots one that can, over the same files."
	export RINGTLS_DEMO_IN_LAB=1
	exec env LAB_ENV=RINGTLS_DEMO_IN_LAB selftests/lab/run -- selftests/demo.sh
fi

. selftests/tap.sh
. selftests/server.sh
heading() { printf '\n== %s\n' "$*"; }

heading "kernel and what it takes"
"$ringtls" probe

heading "a CA, a certificate, some files"
certificate ca -newkey ec -pkeyopt ec_paramgen_curve:P-256
signed_certificate server ca subjectAltName=DNS:localhost
for size in 1024 100000 1048576 67108864; do
	head -c $size /dev/urandom >"$root/$size.bin"
done
(cd "$root" && sha256sum ./*.bin) | tee "$dir/sums"

heading "ringtls serve"
serve log --cert "$dir/server.pem" --key "$dir/server.key" --threads 2
cat "$dir/log" "$dir/log.err"
counter() { awk -v name="$1" '$1 == name { print $2 }' /proc/net/tls_stat; }
tx_before=$(counter TlsTxSw) rx_before=$(counter TlsRxSw)

failed=0 fetched=0 bytes=0
compare() { # CLIENT FILE
	local have want
	have=$(sha256sum <"$dir/out" | cut -d' ' -f1)
	want=$(sed -n "s/ .*\/$2$//p" "$dir/sums")
	fetched=$((fetched + 1)) bytes=$((bytes + $(stat -c %s "$dir/out")))
	if [ "$have" = "$want" ]; then
		printf '%-18s %-14s %9d bytes  same SHA-256\n' "$1" "$2" "$(stat -c %s "$dir/out")"
	else
		printf '%-18s %-14s DIFFERS\n' "$1" "$2"
		failed=1
	fi
}

heading "fetched"
for file in 1024.bin 100000.bin 1048576.bin 67108864.bin; do
	curl -sS --cacert "$dir/ca.pem" -o "$dir/out" "https://localhost:$port/$file"
	compare curl $file
	"$ringtls" get --cacert "$dir/ca.pem" -o "$dir/out" "https://localhost:$port/$file"
	compare "ringtls get" $file
done
for suite in ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305; do
	curl -sS --cacert "$dir/ca.pem" --ciphers $suite --tls-max 1.2 -o "$dir/out" \
		"https://localhost:$port/1048576.bin"
	compare curl 1048576.bin
done
printf 'GET /100000.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
	openssl s_client -connect "localhost:$port" -CAfile "$dir/ca.pem" -verify_return_error \
		-quiet 2>/dev/null | tail -c 100000 >"$dir/out"
compare "openssl s_client" 100000.bin

heading "one connection as ss sees it, while it is being served"
curl -s --cacert "$dir/ca.pem" --limit-rate 100k -o /dev/null "https://localhost:$port/67108864.bin" &
slow=$!
seen=
for _ in $(seq 600); do
	seen=$(ss -tieHn state established "( sport = :$port )" | grep -o -m 1 'tcp-ulp-tls.*cipher.*') &&
		break
	sleep 0.1
done
echo "${seen:-nothing of it}"
[ -n "$seen" ] || failed=1
kill $slow
wait $slow 2>/dev/null || true

heading "hand-over, connection by connection"
kill "$server"
wait "$server" || failed=1
grep established "$dir/log.err" | sed 's/^[^ ]* //'

heading "evidence"
tx=$(($(counter TlsTxSw) - tx_before)) rx=$(($(counter TlsRxSw) - rx_before))
connections=$(grep -c established "$dir/log.err")
in_kernel=$(grep -c 'tx kernel.*rx kernel' "$dir/log.err" || true)
# ringtls get is a kernel TLS client too: its sockets count as well.
printf 'TlsTxSw %s -> %s, TlsRxSw %s -> %s: %d and %d sockets, %d of them the server'\''s\n' \
	"$tx_before" "$(counter TlsTxSw)" "$rx_before" "$(counter TlsRxSw)" "$tx" "$rx" "$connections"
printf '%d files, %d bytes\n' $fetched $bytes
if [ "$in_kernel" != "$connections" ] || [ "$tx" -lt "$connections" ] || [ "$rx" -lt "$connections" ]; then
	echo "FAILED: the kernel did not encrypt every connection"
	exit 1
fi
[ $failed = 0 ] || { echo "FAILED: a file differs, or the server did"; exit 1; }
echo "The kernel ($(uname -r)) encrypted and decrypted all $connections connections; every file is the same."
