# SPDX-License-Identifier: MIT
# wget (with GnuTLS)

client() {
	local i options=(--quiet --output-document=- --ca-certificate="$ca" --no-hsts
		--ciphers="$(priority)")
	[ -z "$credentials" ] || options+=(--certificate="$cert" --private-key="$key")
	for i in 1 2; do
		wget "${options[@]}" "https://localhost:$port/${files[i - 1]}" >"$1/$i"
	done
}

. "$interop/peers/gnutls-priority.sh"
