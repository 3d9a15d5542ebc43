# SPDX-License-Identifier: MIT
# The suite and the groups as GnuTLS wants to be told.

priority() {
	local kx=ECDHE-RSA cipher=AES-128-GCM all=NONE:+VERS-TLS1.2:+COMP-NULL:+MAC-ALL:+SIGN-ALL
	case $suite in
	ECDHE-ECDSA-*) kx=ECDHE-ECDSA ;;
	DHE-*) kx=DHE-RSA ;;
	AES*) kx=RSA ;;
	esac
	case $suite in
	*AES256-GCM*) cipher=AES-256-GCM ;;
	*CCM) cipher=AES-128-CCM ;;
	*CHACHA20*) cipher=CHACHA20-POLY1305 ;;
	esac
	# Kinds of signature that are not in SIGN-ALL cost nothing to name.
	all+=:+SIGN-EDDSA-ED25519:+SIGN-EDDSA-ED448:+CTYPE-X509:+$kx:+$cipher
	for name in ${groups//[:-]/ }; do
		all+=:+GROUP-${name^^}
	done
	echo "$all"
}
