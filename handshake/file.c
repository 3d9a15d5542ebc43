// SPDX-License-Identifier: MIT
/* Files of keys, tickets and the like, which are read whole and wiped. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hs_internal.h"

int hs_read_file(const char *file, size_t max, struct wire_out *out)
{
	/* What is no file must not make us wait for somebody who writes. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct stat st;
	uint8_t *room;

	if (fd < 0)
		return -errno;
	ret = fstat(fd, &st) ? -errno : 0;
	if (!ret && !S_ISREG(st.st_mode))
		ret = -EINVAL;
	if (!ret && st.st_size > (off_t)max)
		ret = -EFBIG;
	for (off_t left = st.st_size; !ret && left;) {
		ssize_t n = (room = wire_put_room(out, left)) ? read(fd, room, left) : -1;

		if (n <= 0) {
			ret = room ? (n ? -errno : -EIO) : -ENOMEM;
			break;
		}
		out->len -= left - n;
		left -= n;
	}
	close(fd);
	if (ret)
		wire_clear(out);
	return ret;
}

const char *hs_file_error(int error)
{
	switch (error) {
	case -EINVAL:
		return "not a regular file";
	case -EFBIG:
		return "longer than anything that is of use here";
	default:
		return strerror(-error);
	}
}
