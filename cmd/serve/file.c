// SPDX-License-Identifier: MIT
/* file.c - the files below the root: the only place that opens and reads them */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../cmd.h"
#include "serve.h"

/* The first @len bytes of @path are one name in the directory @dir, which is closed. */
static int open_name(int dir, const char *path, size_t len, int flags)
{
	char name[NAME_MAX + 1];
	int fd = -1;

	errno = EXDEV;
	if (len <= NAME_MAX && !(len == 2 && memcmp(path, "..", 2) == 0)) {
		memcpy(name, path, len);
		name[len] = '\0';
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	}
	close(dir);
	return fd;
}

/*
 * For where openat2(2) is not implemented: Linux before 5.6, valgrind. Stricter, since it
 * cannot know where they lead: no symbolic link, and no "..", is followed.
 */
static int open_strictly(int root, const char *path, int flags)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
	size_t len;

	while (fd >= 0 && *path) {
		len = strcspn(path, "/");
		fd = open_name(fd, path, len, path[len] ? O_PATH | O_DIRECTORY : flags);
		path += len;
		path += strspn(path, "/");
	}
	return fd < 0 ? -errno : fd;
}

/* The kernel keeps the path below the root: "..", symbolic links, /proc, all of it. */
static int open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd, tries = 8;

	/* EAGAIN: something was renamed meanwhile, and ".." could not be trusted. */
	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries);
	if (fd < 0 && errno == ENOSYS)
		return open_strictly(root, path, flags);
	return fd < 0 ? -errno : fd;
}

int file_root_open(const char *path)
{
	char escaped[256];
	int root, probe;

	text_escape(escaped, sizeof(escaped), path, strlen(path));
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		cmd_error("--root %s: %s", escaped, strerror(errno));
		return -1;
	}
	probe = open_beneath(root, ".", O_PATH);
	if (probe < 0) {
		cmd_error("--root %s: openat2: %s (does a seccomp filter forbid it?)", escaped,
			  strerror(-probe));
		close(root);
		return -1;
	}
	close(probe);
	return root;
}

/* What a failure to open is called in HTTP. */
static int status_of(int error)
{
	switch (-error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case EXDEV: /* the path leads out of the root: for the client there is nothing */
		return 404;
	case EACCES:
	case EPERM:
	case ELOOP:
	case ENXIO: /* a socket */
	case ENODEV:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 500;
	}
}

static const char *content_type(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{ "css", "text/css; charset=utf-8" },
		{ "csv", "text/csv; charset=utf-8" },
		{ "gif", "image/gif" },
		{ "gz", "application/gzip" },
		{ "htm", "text/html; charset=utf-8" },
		{ "html", "text/html; charset=utf-8" },
		{ "ico", "image/x-icon" },
		{ "jpeg", "image/jpeg" },
		{ "jpg", "image/jpeg" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "json", "application/json" },
		{ "md", "text/markdown; charset=utf-8" },
		{ "mp4", "video/mp4" },
		{ "pdf", "application/pdf" },
		{ "png", "image/png" },
		{ "svg", "image/svg+xml" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "wasm", "application/wasm" },
		{ "webp", "image/webp" },
		{ "woff2", "font/woff2" },
		{ "xml", "application/xml" },
		{ "zip", "application/zip" },
	};
	const char *name = strrchr(path, '/'), *dot = strrchr(name ? name : path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++) {
		if (strcasecmp(dot + 1, types[i].suffix) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

/* Open a path and see what it is. O_NONBLOCK: a FIFO must not stop the thread. */
static int open_any(int root, const char *path, struct stat *st)
{
	int fd = open_beneath(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY), error;

	if (fd < 0 || !fstat(fd, st))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int file_open(struct file *file, int root, char *path, size_t room)
{
	static const char index[] = "/index.html";
	struct stat st;
	int fd = open_any(root, path, &st);

	if (fd >= 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		if (strlen(path) + sizeof(index) > room)
			return 404;
		strcat(path, index);
		fd = open_any(root, path, &st);
	}
	if (fd < 0)
		return status_of(fd);
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return 403;
	}
	*file = (struct file){ fd, st.st_size, st.st_mtime, content_type(path) };
	return 200;
}

bool file_read(const struct file *file, uint8_t *out)
{
	uint64_t done = 0;
	ssize_t got;

	while (done < file->size) {
		got = pread(file->fd, out + done, file->size - done, done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += got;
	}
	return true;
}
