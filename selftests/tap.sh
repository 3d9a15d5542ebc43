# SPDX-License-Identifier: MIT
# Tests in shell, reported as TAP like the kselftest programs. A test is a function; what it
# prints is shown where it fails. `skip REASON` inside a test skips it.

tap_count=0
tap_failed=0
tap_log=$(mktemp)
trap 'rm -f "$tap_log"' EXIT

skip() {
	echo "SKIP $*"
	exit 4
}

# fails COMMAND...: COMMAND must not succeed. (`! COMMAND` does not stop a shell with set -e.)
fails() {
	if "$@"; then
		echo "succeeded, but should not have: $*"
		return 1
	fi
}

# tap NAME: runs the function NAME in a subshell; it fails at the first command that does.
tap() {
	local code
	tap_count=$((tap_count + 1))
	(set -e; "$1") >"$tap_log" 2>&1
	code=$?
	# Only what skip() said is a skip: other commands exit with 4 as well.
	[ $code != 4 ] || grep -q '^SKIP ' "$tap_log" || code=1
	case $code in
	0) echo "ok $tap_count $1" ;;
	4) echo "ok $tap_count $1 # SKIP $(sed -n 's/^SKIP //p' "$tap_log")" ;;
	*)
		tap_failed=1
		sed 's/^/# /' "$tap_log"
		echo "not ok $tap_count $1 (exit $code)"
		;;
	esac
}

tap_end() {
	echo "1..$tap_count"
	exit $tap_failed
}
