# SPDX-License-Identifier: MIT
# Tests in shell, reported as TAP like the kselftest programs. A test is a function; what it
# prints is shown where it fails. `skip REASON` inside a test skips it. $dir goes with the suite.

tap_count=0
tap_failed=0
dir=$(mktemp -d)
tap_log=$dir/tap.log
servers=() # what end ends
# TERM, so that a test under way gets to kill what is its own.
trap 'kill_jobs TERM; rm -rf "$dir"' EXIT

kill_jobs() { kill -"$1" $(jobs -rp) 2>/dev/null || true; } # SIGNAL

# Ends the test's servers, which must end well. tap does so too: this is for what comes behind.
end() {
	for server in "${servers[@]}"; do
		kill "$server"
		wait "$server"
	done
	servers=()
}

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

# awaits COMMAND...: until COMMAND succeeds; it is given up only when it never will.
awaits() {
	for _ in $(seq 2400); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "awaited in vain: $*"
	return 1
}

# tap NAME: runs the function NAME in a subshell; it fails at the first command that does. Its
# servers end with it, and must end well; what else it leaves running is killed.
tap() {
	local code
	tap_count=$((tap_count + 1))
	(
		set -e
		trap 'kill_jobs KILL' EXIT
		servers=() # the suite's own go on
		"$1"
		end
	) >"$tap_log" 2>&1
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
