// SPDX-License-Identifier: MIT
/* The ring: its set-up, why there is none, what the kernel has, SQEs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ur_internal.h"

#define CQES_PER_SQE 8

/* From the best to the oldest kernel's; each is tried until one is taken. */
static const unsigned int setups[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
	0,
};
#define SETUPS (sizeof(setups) / sizeof(*setups))

static const int needed_ops[] = {
	IORING_OP_ACCEPT, IORING_OP_CONNECT, IORING_OP_RECV,     IORING_OP_RECVMSG,
	IORING_OP_SEND,   IORING_OP_SENDMSG, IORING_OP_SPLICE,   IORING_OP_READ,
	IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
};

static const char too_old[] =
	"this kernel's io_uring is too old, or was cut down: Linux 6.1 or newer is meant";

/* ---- why there is none --------------------------------------------------------- */

/* kernel.io_uring_disabled; -1 where there is no such switch. */
static int disabled_switch(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static const char *why_forbidden(void)
{
	switch (disabled_switch()) {
	case 2:
		return "io_uring is switched off: sysctl kernel.io_uring_disabled=0 turns it on";
	case 1:
		return "io_uring is kept for CAP_SYS_ADMIN and the members of "
		       "kernel.io_uring_group: join that group, or sysctl "
		       "kernel.io_uring_disabled=0";
	default:
		return "a seccomp filter forbids io_uring, as containers have by default: allow "
		       "io_uring_setup, io_uring_enter and io_uring_register";
	}
}

static const char *why_not(int error)
{
	switch (error) {
	case -ENOSYS:
		/* A kernel that has the switch has io_uring: then a filter says this. */
		if (disabled_switch() >= 0)
			return why_forbidden();
		return "this kernel has no io_uring: Linux 6.1 or newer with CONFIG_IO_URING=y is "
		       "needed, and a container's seccomp filter must let it through";
	case -EPERM:
	case -EACCES:
		return why_forbidden();
	case -ENOMEM:
		return "no memory for a ring: before Linux 5.12 it counts as locked, so raise "
		       "RLIMIT_MEMLOCK (ulimit -l), or ask for fewer entries and buffers";
	case -EMFILE:
	case -ENFILE:
		return "no file descriptor is left for a ring: raise RLIMIT_NOFILE (ulimit -n)";
	case -EINVAL:
		return too_old;
	default:
		return "the ring could not be set up";
	}
}

/* ---- set-up -------------------------------------------------------------------- */

static int setup(struct rtls_engine *engine, unsigned int flags)
{
	/* Disabled until rtls_engine_run(), whose thread is to be the ring's. */
	struct io_uring_params params = {
		.flags = flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP |
			 IORING_SETUP_CQSIZE,
		.cq_entries = engine->params.entries * CQES_PER_SQE,
	};

	return io_uring_queue_init_params(engine->params.entries, &engine->ring, &params);
}

static bool has_what_is_needed(struct io_uring *ring)
{
	const unsigned int features = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP |
				      IORING_FEAT_SUBMIT_STABLE;
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool has = probe && (ring->features & features) == features;

	for (size_t i = 0; has && i < sizeof(needed_ops) / sizeof(*needed_ops); i++)
		has = io_uring_opcode_supported(probe, needed_ops[i]);
	io_uring_free_probe(probe);
	return has;
}

int ur_ring_init(struct rtls_engine *engine, const char **why)
{
	bool plain = engine->params.avoid & RTLS_AVOID_DEFER_TASKRUN;
	int ret = -EINVAL;

	for (size_t i = plain ? SETUPS - 1 : 0; ret == -EINVAL && i < SETUPS; i++)
		ret = setup(engine, setups[i]);
	if (ret < 0) {
		*why = why_not(ret);
		return ret;
	}
	if (!has_what_is_needed(&engine->ring)) {
		io_uring_queue_exit(&engine->ring);
		*why = too_old;
		return -ENOSYS;
	}
	return 0;
}

/* ---- trial --------------------------------------------------------------------- */

/*
 * Does the kernel know what this SQE, the only one, asks for? It names no file: EBADF says
 * yes, EINVAL says no. (Asked later an EINVAL might be the socket's own.)
 */
static int is_known(struct rtls_engine *engine, bool *known)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_submit(&engine->ring);

	if (ret < 0)
		return ret;
	do
		ret = io_uring_wait_cqe(&engine->ring, &cqe);
	while (ret == -EINTR);
	if (ret)
		return ret;
	*known = cqe->res != -EINVAL;
	engine->owner.flying = 0;
	io_uring_cqe_seen(&engine->ring, cqe);
	return 0;
}

static int try_multishot(struct rtls_engine *engine)
{
	struct io_uring_sqe *sqe = ur_sqe(&engine->owner, UR_ACCEPT);
	bool known;
	int ret;

	io_uring_prep_multishot_accept(sqe, -1, NULL, NULL, SOCK_CLOEXEC);
	ret = is_known(engine, &known);
	if (ret)
		return ret;
	if (!known)
		engine->params.avoid |= RTLS_AVOID_ACCEPT_MULTISHOT;

	sqe = ur_sqe(&engine->owner, UR_RECV);
	io_uring_prep_recvmsg_multishot(sqe, -1, &engine->recv_header, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	ret = is_known(engine, &known);
	if (!ret && !known)
		engine->params.avoid |= RTLS_AVOID_RECV_MULTISHOT;
	return ret;
}

int ur_ring_enable(struct rtls_engine *engine)
{
	int ret;

	if (engine->enabled)
		return 0;
	/* io_uring_enable_rings() is missing in liburing 2.3's shared library. */
	ret = io_uring_register(engine->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (ret < 0)
		return ret;
	engine->enabled = true;
	return try_multishot(engine);
}

/* ---- SQEs ---------------------------------------------------------------------- */

bool ur_ring_has_room(struct rtls_engine *engine, unsigned int count)
{
	if (io_uring_sq_space_left(&engine->ring) >= count)
		return true;
	/* A failure leaves the SQEs where they are: the loop comes back to it. */
	io_uring_submit_and_get_events(&engine->ring);
	return io_uring_sq_space_left(&engine->ring) >= count;
}

struct io_uring_sqe *ur_sqe(struct ur_owner *owner, unsigned int tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&owner->engine->ring);

	/* Whoever asks has looked for room: anything else is a fault of ours. */
	if (!sqe)
		abort();
	owner->flying |= 1U << tag;
	io_uring_sqe_set_data64(sqe, (uintptr_t)owner | tag);
	return sqe;
}

void ur_cancel(struct ur_owner *owner, enum ur_tag tag)
{
	struct io_uring_sqe *sqe;

	if (!ur_is_flying(owner, tag) || ur_is_flying(owner, UR_CANCEL | tag))
		return;
	sqe = ur_sqe(owner, UR_CANCEL | tag);
	io_uring_prep_cancel64(sqe, (uintptr_t)owner | tag, 0);
}
