# SPDX-License-Identifier: MIT
# NSS's tstclnt and selfserv

# Two databases for each kind: the root, and the root and the key; whoever has a key gives it.
# One for all kinds would not do, as they have one name. A kind that NSS cannot read is not there.
prepare() {
	local kind
	for kind in rsa rsa-pss p256 p384 p521 ed25519 ed448; do
		mkdir "$pki/nss.$kind"
		certutil -N -d "sql:$pki/nss.$kind" --empty-password
		certutil -A -d "sql:$pki/nss.$kind" -n root -t CT,C,C -a -i "$pki/$kind.ca" ||
			continue
		cp -r "$pki/nss.$kind" "$pki/nss.$kind.key"
		pk12util -i "$pki/$kind.p12" -d "sql:$pki/nss.$kind.key" -W changeit
	done
}

nss_options() { # what both take
	local names=${groups//secp/P} db=$pki/nss.$kind
	[ "$role$credentials" = client ] || db+=.key
	rm -rf "$work/nss"
	cp -r "$db" "$work/nss"
	names=${names//r1/} names=${names//ffdhe/FF}
	printf '%s\n' -p $port -d "sql:$work/nss" -V tls1.2:tls1.2 -G
	# With -c or -I tstclnt dies on its way to a second connection: what it offers is enough.
	case $role-$resume in
	client-ticket | client-id) ;;
	*)
		printf '%s\n' -c ":$number"
		[ "$group" = - ] || printf '%s\n' -I "${names//:/,}"
		;;
	esac
	[ "$resume" != ticket ] || echo -u
	# These it has, but does not offer.
	[ $kind != rsa-pss ] || printf '%s\n' -J rsa_pss_pss_sha256,rsa_pss_pss_sha384
}

client() {
	local i options
	mapfile -t options < <(nss_options)
	options+=(-4 -h localhost)
	[ -z "$credentials" ] || options+=(-n $kind)
	if [ "$resume" != - ]; then
		# Its sessions end with it, so it has to connect twice, with the same request.
		request 100k >"$work/request"
		tstclnt "${options[@]}" -A "$work/request" -L 2 >"$work/both"
		half=$(($(stat -c %s "$work/both") / 2))
		head -c $half "$work/both" | body >"$1/1"
		tail -c +$((half + 1)) "$work/both" | body >"$1/2"
		return
	fi
	for i in 1 2; do
		request "${files[i - 1]}" >"$work/request"
		tstclnt "${options[@]}" -A "$work/request" | body >"$1/$i"
	done
}
case $role-$resume in client-ticket | client-id) files=(100k 100k) ;; esac

# It wants to hear where the files are.
[ "$role" = client ] || files=("${pki#/}/root/100k" "${pki#/}/root/1k")
server() {
	local options
	mapfile -t options < <(nss_options)
	case $kind in
	rsa*) options+=(-n $kind) ;;
	*) options+=(-e $kind) ;;
	esac
	[ "$auth" = - ] || options+=(-r -r)
	[ "$resume" = id ] || options+=(-N)
	selfserv "${options[@]}" -H 1 -w ''
}
