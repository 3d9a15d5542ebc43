#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the sanitizers and valgrind see? Each fault of faults.c must fail its test and leave a report
# of its kind.
cd "$(dirname "$0")/.." || exit 1
. selftests/tap.sh

# noticed TEST PATTERN
noticed() {
	fails selftests/sanitized build/asan/selftests/faults -t "$1" >"$dir/out" 2>&1
	cat "$dir/out"
	grep -q "^not ok 1 global.$1" "$dir/out"
	grep -q '^not ok - 1 reports of the sanitizers' "$dir/out"
	grep -q "^# .*$2" "$dir/out"
}

leak() { noticed leak 'LeakSanitizer: detected memory leaks'; }
leak_of_a_certificate() { noticed leak_of_a_certificate 'LeakSanitizer: detected memory leaks'; }
read_past_the_end() { noticed read_past_the_end 'AddressSanitizer: heap-buffer-overflow'; }
use_after_free() { noticed use_after_free 'AddressSanitizer: heap-use-after-free'; }
use_of_a_stack_that_is_gone() {
	noticed use_of_a_stack_that_is_gone 'AddressSanitizer: stack-use-after-scope'
}
signed_overflow() { noticed signed_overflow __ubsan_handle_add_overflow; }
shift_too_far() { noticed shift_too_far __ubsan_handle_shift_out_of_bounds; }

# The same, by valgrind, with the suppressions of constant_time.c.
valgrind_notices() {
	fails selftests/memcheck --suppressions=selftests/constant_time.supp \
		build/selftests/faults -t "$1" >"$dir/out" 2>&1
	cat "$dir/out"
	grep -q "^not ok 1 global.$1" "$dir/out"
	grep -q '^not ok - 1 reports of valgrind' "$dir/out"
	grep -q "^# .*$2" "$dir/out"
	grep -q "^# .*by.* $1 (faults.c:\|^# .*at.* $1 (faults.c:" "$dir/out"
}

jump='Conditional jump or move depends on uninitialised'
leak_to_valgrind() { valgrind_notices leak 'definitely lost'; }
branch_on_an_uninitialised_byte() { valgrind_notices branch_on_an_uninitialised_byte "$jump"; }
branch_on_a_secret() { valgrind_notices branch_on_a_secret "$jump"; }
address_made_of_a_secret() {
	valgrind_notices address_made_of_a_secret 'Use of uninitialised value'
}
comparison_of_a_secret() { valgrind_notices comparison_of_a_secret "$jump"; }
no_fault_no_report_of_valgrind() {
	selftests/memcheck build/selftests/faults -t no_fault >"$dir/out" 2>&1 || cat "$dir/out"
	[ "$(grep -c '^ok' "$dir/out")" = 2 ]
	fails grep '^not ok' "$dir/out"
}

# Do the secrets of a whole handshake get to where they are compared? There the verdict is made
# known on purpose; if it is not, that place is reported.
finished_is_compared_in_sight() {
	fails env KEEP_VERDICT=1 selftests/memcheck --suppressions=selftests/constant_time.supp \
		build/selftests/constant_time -v x25519_aes_128_gcm >"$dir/out" 2>&1
	cat "$dir/out"
	grep -q '^not ok 1 secrets.x25519' "$dir/out"
	grep -q '^# .* at .* finished_recv (msg_finished.c' "$dir/out"
}

no_fault_no_report() {
	selftests/sanitized build/asan/selftests/faults -t no_fault >"$dir/out" 2>&1 || cat "$dir/out"
	[ "$(grep -c '^ok' "$dir/out")" = 2 ]
	fails grep '^not ok' "$dir/out"
}

# A program that fails as it is meant to cannot hide a report.
report_of_a_program_that_should_fail() {
	fails selftests/sanitized bash -c 'build/asan/selftests/faults -t leak >/dev/null || true' \
		>"$dir/out" 2>&1
	grep -q '^not ok' "$dir/out"
}

# Every object of ours is watched: none was compiled without.
all_is_watched() {
	for file in build/asan/{handshake,ktls,uring,cmd,cmd/serve,selftests}/*.o; do
		nm "$file" | grep -q __asan_ || { echo "$file is not"; return 1; }
	done
}

for test in leak leak_of_a_certificate read_past_the_end use_after_free \
	use_of_a_stack_that_is_gone signed_overflow shift_too_far no_fault_no_report \
	report_of_a_program_that_should_fail all_is_watched leak_to_valgrind \
	branch_on_an_uninitialised_byte branch_on_a_secret address_made_of_a_secret \
	comparison_of_a_secret no_fault_no_report_of_valgrind finished_is_compared_in_sight; do
	tap $test
done
tap_end
