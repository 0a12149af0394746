/*
 * Loaded before the C library, it makes the trouble whose name is that of a file in the folder
 * TROUBLED_DISK, for files whose path contains TROUBLED_PATH:
 *   full   a write leaves half of its bytes, and the next finds no space left
 *   write  a write fails
 *   fsync  what was written cannot be brought to the disk
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int wanted(int file, const char *trouble)
{
	const char *folder = getenv("TROUBLED_DISK"), *part = getenv("TROUBLED_PATH");
	char name[512], path[1024] = {0};
	int saved = errno;
	if (folder == NULL || part == NULL)
		return 0;
	snprintf(name, sizeof name, "%s/%s", folder, trouble);
	int asked = access(name, F_OK) == 0;
	if (asked) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", file);
		asked = readlink(name, path, sizeof path - 1) > 0 && strstr(path, part) != NULL;
	}
	errno = saved;
	return asked;
}

typedef ssize_t (*pwrite_function)(int, const void *, size_t, off_t);
typedef ssize_t (*pwritev_function)(int, const struct iovec *, int, off_t);
typedef int (*sync_function)(int);

static ssize_t troubled_pwrite(const char *name, int file, const void *bytes, size_t count, off_t at)
{
	pwrite_function real = (pwrite_function)dlsym(RTLD_NEXT, name);
	if (wanted(file, "write")) {
		errno = EIO;
		return -1;
	}
	if (wanted(file, "full")) {
		if (count > 1024)
			return real(file, bytes, count / 2, at);
		errno = ENOSPC;
		return -1;
	}
	return real(file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
	return troubled_pwrite("pwrite", file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
	return troubled_pwrite("pwrite64", file, bytes, count, at);
}

/* Of several pieces at once only the first comes to the disk: its caller writes the rest again. */
static ssize_t troubled_pwritev(const char *name, int file, const struct iovec *pieces, int count, off_t at)
{
	pwritev_function real = (pwritev_function)dlsym(RTLD_NEXT, name);
	if ((wanted(file, "write") || wanted(file, "full")) && count > 0)
		return troubled_pwrite("pwrite64", file, pieces[0].iov_base, pieces[0].iov_len, at);
	return real(file, pieces, count, at);
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t at)
{
	return troubled_pwritev("pwritev", file, pieces, count, at);
}

ssize_t pwritev64(int file, const struct iovec *pieces, int count, off64_t at)
{
	return troubled_pwritev("pwritev64", file, pieces, count, at);
}

static int troubled_sync(const char *name, int file)
{
	sync_function real = (sync_function)dlsym(RTLD_NEXT, name);
	if (wanted(file, "fsync")) {
		errno = EIO;
		return -1;
	}
	return real(file);
}

int fsync(int file)
{
	return troubled_sync("fsync", file);
}

int fdatasync(int file)
{
	return troubled_sync("fdatasync", file);
}
