# SPDX-License-Identifier: MIT
# common.sh - what the lab's scripts share; sourced by bash, never run

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin # modprobe, for who is not root

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
build=$top/build
lab=$build/lab
name=${0##*/}

say() { printf '%s: %s\n' "$name" "$*" >&2; }
die() { say "${@:2}"; exit "$1"; }

# need COMMAND...: one line for all that is missing
need() {
	local missing=() command

	for command; do
		command -v "$command" >/dev/null || missing+=("$command")
	done
	((!${#missing[@]})) || die 2 "not found: ${missing[*]} (\`make deps\` installs what the lab needs)"
}

# lock FILE: held until this shell and what it started have ended
lock() {
	mkdir -p "${1%/*}"
	exec {lock_fd}>"$1"
	flock "$lock_fd"
}

# scratch DIR: an empty folder beside the final place, so that a rename puts the result there whole
# or not at all; gone at exit
scratch() {
	mkdir -p "$1"
	work=$(mktemp -d "$1/.${name}.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
