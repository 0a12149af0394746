/*
 * Loaded before the C library, it is the disk of a machine that may lose its power: of every file
 * below the folder CRASH_DISK_FOLDER it notes in the folder CRASH_DISK_JOURNAL what is changed, with
 * the bytes that were there before, and what is synced. Nothing is synced really. What is taken away
 * stays there under a number, so that it can be put back. `journal.ts` reads what is noted.
 *
 * Where CRASH_DISK_LIES is "sync", a sync answers as ever, and is none.
 *
 * Changes of all processes of a machine are noted one after another, and a change is made while it
 * is noted. The index of a write-ahead log, whose name ends in -shm, is shared memory and not noted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
	WRITE = 1,
	TRUNCATE,
	SYNC,
	SYNC_FOLDER,
	CREATE,
	LINK,
	RENAME,
	REMOVE,
	MAKE_FOLDER,
	REMOVE_FOLDER,
	SYMLINK,
	DONE,
};

/* Followed by two runs of bytes: what was there and what is written, or two paths. */
struct record {
	uint32_t size;
	uint32_t kind;
	uint64_t inode;
	/* Of a write; the new length of what is truncated; what DONE answered. */
	int64_t at;
	int64_t old_length;
	/* Where what was taken away is kept; 0 where nothing was. */
	uint64_t kept;
	uint64_t parent;
	uint64_t other_parent;
	uint32_t first;
	uint32_t second;
};

static char folder[PATH_MAX], kept_folder[PATH_MAX];
static size_t folder_length;
static int journal = -1, lock = -1, lies;
static volatile uint64_t *length;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what)
{
	dprintf(2, "the disk of the crash harness: %s: %s\n", what, strerror(errno));
	abort();
}

static int open_really(const char *path, int flags, mode_t mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static void begin(void)
{
	const char *of = getenv("CRASH_DISK_FOLDER"), *in = getenv("CRASH_DISK_JOURNAL"), *lie = getenv("CRASH_DISK_LIES");
	char path[PATH_MAX + 16];
	if (of == NULL || in == NULL || strlen(of) >= sizeof folder - 1 || strlen(in) >= sizeof kept_folder - 16)
		return;
	lies = lie != NULL && strcmp(lie, "sync") == 0;
	snprintf(path, sizeof path, "%s/journal", in);
	journal = open_really(path, O_RDWR | O_CLOEXEC, 0);
	snprintf(path, sizeof path, "%s/lock", in);
	lock = open_really(path, O_RDWR | O_CLOEXEC, 0);
	snprintf(path, sizeof path, "%s/length", in);
	int file = open_really(path, O_RDWR | O_CLOEXEC, 0);
	if (journal < 0 || lock < 0 || file < 0)
		fail(in);
	length = mmap(NULL, sizeof *length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (length == MAP_FAILED)
		fail("mmap");
	syscall(SYS_close, file);
	snprintf(kept_folder, sizeof kept_folder, "%s/kept", in);
	snprintf(folder, sizeof folder, "%s/", of);
	folder_length = strlen(folder);
}

static int is_on(void)
{
	int saved = errno;
	pthread_once(&once, begin);
	errno = saved;
	return folder_length > 0;
}

static int is_ours(const char *path)
{
	size_t count = strlen(path);
	return strncmp(path, folder, folder_length) == 0 && !(count > 4 && strcmp(path + count - 4, "-shm") == 0);
}

/* Whether an open file is ours, and how it is. */
static int is_our_file(int file, struct stat *info)
{
	char name[64], path[PATH_MAX];
	int saved = errno, found = 0;
	if (is_on() && fstat(file, info) == 0 && (S_ISREG(info->st_mode) || S_ISDIR(info->st_mode))) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", file);
		ssize_t count = readlink(name, path, sizeof path - 2);
		if (count > 0) {
			path[count] = 0;
			if (S_ISDIR(info->st_mode))
				strcat(path, "/");
			found = is_ours(path);
		}
	}
	errno = saved;
	return found;
}

/* The one path of a name that is or may be ours; the folder that it is in must be there. */
static int place(int at, const char *name, char *path, uint64_t *parent)
{
	char whole[PATH_MAX], base[NAME_MAX + 1];
	struct stat info;
	int saved = errno, found = 0;
	if (!is_on() || name == NULL)
		return 0;
	if (name[0] == '/') {
		if (strlen(name) >= sizeof whole)
			return 0;
		strcpy(whole, name);
	} else {
		if (at == AT_FDCWD) {
			if (getcwd(whole, sizeof whole) == NULL)
				goto out;
		} else {
			char link[64];
			snprintf(link, sizeof link, "/proc/self/fd/%d", at);
			ssize_t count = readlink(link, whole, sizeof whole - 1);
			if (count <= 0)
				goto out;
			whole[count] = 0;
		}
		if (strlen(whole) + strlen(name) + 2 > sizeof whole)
			goto out;
		strcat(whole, "/");
		strcat(whole, name);
	}
	for (size_t end = strlen(whole); end > 1 && whole[end - 1] == '/'; end--)
		whole[end - 1] = 0;
	char *slash = strrchr(whole, '/');
	if (slash == NULL || slash == whole || strlen(slash + 1) > NAME_MAX)
		goto out;
	strcpy(base, slash + 1);
	*slash = 0;
	if (realpath(whole, path) == NULL || stat(path, &info) != 0 || strlen(path) + strlen(base) + 2 > PATH_MAX)
		goto out;
	*parent = info.st_ino;
	strcat(path, "/");
	strcat(path, base);
	found = is_ours(path);
out:
	errno = saved;
	return found;
}

static void take(void)
{
	pthread_mutex_lock(&mutex);
	while (flock(lock, LOCK_EX) != 0)
		if (errno != EINTR)
			fail("flock");
}

static void give(void)
{
	int saved = errno;
	flock(lock, LOCK_UN);
	pthread_mutex_unlock(&mutex);
	errno = saved;
}

static void append(const void *bytes, size_t count, uint64_t at)
{
	for (size_t done = 0; done < count;) {
		long wrote = syscall(SYS_pwrite64, journal, (const char *)bytes + done, count - done, at + done);
		if (wrote < 0 && errno != EINTR)
			fail("journal");
		if (wrote > 0)
			done += wrote;
	}
}

/* It counts once its length does: who is killed here leaves nothing. */
static void note(struct record *record, const void *first, size_t first_count, const void *second, size_t second_count)
{
	int saved = errno;
	uint64_t at = *length;
	record->first = first_count;
	record->second = second_count;
	record->size = sizeof *record + first_count + second_count;
	append(record, sizeof *record, at);
	append(first, first_count, at + sizeof *record);
	append(second, second_count, at + sizeof *record + first_count);
	*length = at + record->size;
	errno = saved;
}

static long done(long result)
{
	int saved = errno;
	struct record record = {.kind = DONE, .at = result};
	note(&record, NULL, 0, NULL, 0);
	errno = saved;
	return result;
}

static void *room(size_t count)
{
	void *bytes = malloc(count + 1);
	if (bytes == NULL)
		fail("no memory");
	return bytes;
}

/* What a file has there. One that is open for writing only is opened once more; no database is. */
static size_t read_there(int file, void *bytes, size_t count, off_t at)
{
	char name[64];
	int from = file;
	size_t have = 0;
	if ((fcntl(file, F_GETFL) & O_ACCMODE) == O_WRONLY) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", file);
		if ((from = open_really(name, O_RDONLY | O_CLOEXEC, 0)) < 0)
			fail(name);
	}
	while (have < count) {
		ssize_t some = pread(from, (char *)bytes + have, count - have, at + have);
		if (some <= 0)
			break;
		have += some;
	}
	if (from != file)
		syscall(SYS_close, from);
	return have;
}

static void note_sync(int file, const struct stat *info)
{
	(void)file;
	if (lies)
		return;
	struct record record = {.kind = S_ISDIR(info->st_mode) ? SYNC_FOLDER : SYNC, .inode = info->st_ino};
	note(&record, NULL, 0, NULL, 0);
}

/* Writes pieces, at a place or, with -1, where the file stands. */
static ssize_t write_noted(int file, const struct iovec *pieces, int count, off_t at)
{
	struct stat info;
	size_t total = 0, filled = 0;
	take();
	fstat(file, &info);
	int flags = fcntl(file, F_GETFL);
	off_t there = (flags & O_APPEND) ? info.st_size : at >= 0 ? at : lseek(file, 0, SEEK_CUR);
	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	char *bytes = room(total), *before = room(total);
	for (int i = 0; i < count; i++) {
		memcpy(bytes + filled, pieces[i].iov_base, pieces[i].iov_len);
		filled += pieces[i].iov_len;
	}
	size_t had = there < info.st_size ? read_there(file, before, total, there) : 0;
	struct record record = {.kind = WRITE, .inode = info.st_ino, .at = there, .old_length = info.st_size};
	note(&record, before, had, bytes, total);
	long result = at >= 0 ? syscall(SYS_pwrite64, file, bytes, total, at) : syscall(SYS_write, file, bytes, total);
	int saved = errno;
	free(bytes);
	free(before);
	errno = saved;
	done(result);
	if (result >= 0 && (flags & (O_SYNC | O_DSYNC)))
		note_sync(file, &info);
	give();
	return result;
}

static int is_our_regular(int file)
{
	struct stat info;
	return is_our_file(file, &info) && S_ISREG(info.st_mode);
}

ssize_t write(int file, const void *bytes, size_t count)
{
	struct iovec piece = {(void *)bytes, count};
	return is_our_regular(file) ? write_noted(file, &piece, 1, -1) : syscall(SYS_write, file, bytes, count);
}

ssize_t writev(int file, const struct iovec *pieces, int count)
{
	return is_our_regular(file) ? write_noted(file, pieces, count, -1) : syscall(SYS_writev, file, pieces, count);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
	struct iovec piece = {(void *)bytes, count};
	return is_our_regular(file) ? write_noted(file, &piece, 1, at) : syscall(SYS_pwrite64, file, bytes, count, at);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
	return pwrite64(file, bytes, count, at);
}

ssize_t pwritev64(int file, const struct iovec *pieces, int count, off64_t at)
{
	return is_our_regular(file) ? write_noted(file, pieces, count, at) : syscall(SYS_pwritev, file, pieces, count, at, 0);
}

ssize_t pwritev(int file, const struct iovec *pieces, int count, off_t at)
{
	return pwritev64(file, pieces, count, at);
}

/* With the lock. */
static void note_truncate(int file, const struct stat *info, off_t to)
{
	size_t count = to < info->st_size ? info->st_size - to : 0;
	char *tail = room(count);
	size_t had = count > 0 ? read_there(file, tail, count, to) : 0;
	struct record record = {.kind = TRUNCATE, .inode = info->st_ino, .at = to, .old_length = info->st_size};
	note(&record, tail, had, NULL, 0);
	free(tail);
}

int ftruncate64(int file, off64_t to)
{
	struct stat info;
	if (!is_our_file(file, &info))
		return syscall(SYS_ftruncate, file, to);
	take();
	fstat(file, &info);
	note_truncate(file, &info, to);
	long result = done(syscall(SYS_ftruncate, file, to));
	give();
	return result;
}

int ftruncate(int file, off_t to)
{
	return ftruncate64(file, to);
}

static int sync_noted(int file, long number)
{
	struct stat info;
	if (!is_our_file(file, &info))
		return syscall(number, file);
	take();
	note_sync(file, &info);
	give();
	return 0;
}

int fsync(int file)
{
	return sync_noted(file, SYS_fsync);
}

int fdatasync(int file)
{
	return sync_noted(file, SYS_fdatasync);
}

static int open_noted(int at, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	struct stat info;
	uint64_t parent = 0;
	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE || !place(at, name, path, &parent))
		return syscall(SYS_openat, at, name, flags, mode);
	take();
	int is_new = (flags & O_CREAT) && stat(path, &info) != 0;
	/* An existing one is emptied by itself, so that what it had is noted. */
	int file = syscall(SYS_openat, at, name, is_new ? flags : flags & ~O_TRUNC, mode);
	if (file >= 0 && fstat(file, &info) == 0) {
		if (is_new) {
			struct record record = {.kind = CREATE, .inode = info.st_ino, .parent = parent};
			note(&record, path, strlen(path), NULL, 0);
			done(0);
		} else if ((flags & O_TRUNC) && S_ISREG(info.st_mode) && info.st_size > 0) {
			note_truncate(file, &info, 0);
			done(syscall(SYS_ftruncate, file, 0));
		}
	}
	give();
	return file;
}

#define MODE_OF(flags)                                                                                                 \
	mode_t mode = 0;                                                                                                   \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
		va_list rest;                                                                                                  \
		va_start(rest, flags);                                                                                         \
		mode = va_arg(rest, mode_t);                                                                                   \
		va_end(rest);                                                                                                  \
	}

int open64(const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_noted(AT_FDCWD, name, flags, mode);
}

int open(const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_noted(AT_FDCWD, name, flags, mode);
}

int openat64(int at, const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_noted(at, name, flags, mode);
}

int openat(int at, const char *name, int flags, ...)
{
	MODE_OF(flags)
	return open_noted(at, name, flags, mode);
}

/* With the lock: another name for what is about to lose one. Nothing of that inode is reused before the harness is done. */
static uint64_t keep(const char *path)
{
	char name[PATH_MAX + 32];
	uint64_t number = *length + 1;
	snprintf(name, sizeof name, "%s/%llu", kept_folder, (unsigned long long)number);
	return syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, name, 0) == 0 ? number : 0;
}

static int unlink_noted(int at, const char *name, int flags)
{
	char path[PATH_MAX];
	struct stat info;
	uint64_t parent = 0;
	if (!place(at, name, path, &parent))
		return syscall(SYS_unlinkat, at, name, flags);
	take();
	long result;
	if (lstat(path, &info) != 0)
		result = syscall(SYS_unlinkat, at, name, flags);
	else {
		struct record record = {.kind = flags & AT_REMOVEDIR ? REMOVE_FOLDER : REMOVE, .inode = info.st_ino, .parent = parent};
		if (!(flags & AT_REMOVEDIR) && !S_ISDIR(info.st_mode))
			record.kept = keep(path);
		note(&record, path, strlen(path), NULL, 0);
		result = done(syscall(SYS_unlinkat, at, name, flags));
	}
	give();
	return result;
}

int unlink(const char *name)
{
	return unlink_noted(AT_FDCWD, name, 0);
}

int rmdir(const char *name)
{
	return unlink_noted(AT_FDCWD, name, AT_REMOVEDIR);
}

int unlinkat(int at, const char *name, int flags)
{
	return unlink_noted(at, name, flags);
}

int remove(const char *name)
{
	struct stat info;
	return unlink_noted(AT_FDCWD, name, lstat(name, &info) == 0 && S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
}

static int rename_noted(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char old_path[PATH_MAX], new_path[PATH_MAX];
	struct stat info, other;
	uint64_t parent = 0, other_parent = 0;
	if (!place(from_at, from, old_path, &parent) || !place(to_at, to, new_path, &other_parent))
		return syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	take();
	long result;
	if (lstat(old_path, &info) != 0)
		result = syscall(SYS_renameat2, from_at, from, to_at, to, flags);
	else {
		struct record record = {.kind = RENAME, .inode = info.st_ino, .parent = parent, .other_parent = other_parent};
		if (lstat(new_path, &other) == 0 && !S_ISDIR(other.st_mode))
			record.kept = keep(new_path);
		note(&record, old_path, strlen(old_path), new_path, strlen(new_path));
		result = done(syscall(SYS_renameat2, from_at, from, to_at, to, flags));
	}
	give();
	return result;
}

int rename(const char *from, const char *to)
{
	return rename_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
	return rename_noted(from_at, from, to_at, to, 0);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	return rename_noted(from_at, from, to_at, to, flags);
}

static int link_noted(int from_at, const char *from, int to_at, const char *to, int flags)
{
	char path[PATH_MAX];
	struct stat info;
	uint64_t parent = 0;
	if (!place(to_at, to, path, &parent))
		return syscall(SYS_linkat, from_at, from, to_at, to, flags);
	take();
	struct record record = {.kind = LINK, .parent = parent};
	if (fstatat(from_at, from, &info, AT_SYMLINK_NOFOLLOW) == 0)
		record.inode = info.st_ino;
	note(&record, path, strlen(path), NULL, 0);
	long result = done(syscall(SYS_linkat, from_at, from, to_at, to, flags));
	give();
	return result;
}

int link(const char *from, const char *to)
{
	return link_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	return link_noted(from_at, from, to_at, to, flags);
}

/* A name that is made of nothing: a folder or a symbolic link. */
static int make_noted(enum kind kind, int at, const char *name, const char *target, mode_t mode)
{
	char path[PATH_MAX];
	struct stat info;
	uint64_t parent = 0;
	int is_our = place(at, name, path, &parent);
	if (is_our)
		take();
	long result = kind == SYMLINK ? syscall(SYS_symlinkat, target, at, name) : syscall(SYS_mkdirat, at, name, mode);
	if (is_our) {
		if (result == 0 && lstat(path, &info) == 0) {
			struct record record = {.kind = kind, .inode = info.st_ino, .parent = parent};
			note(&record, path, strlen(path), NULL, 0);
			done(0);
		}
		give();
	}
	return result;
}

int symlink(const char *target, const char *name)
{
	return make_noted(SYMLINK, AT_FDCWD, name, target, 0);
}

int symlinkat(const char *target, int at, const char *name)
{
	return make_noted(SYMLINK, at, name, target, 0);
}

int mkdir(const char *name, mode_t mode)
{
	return make_noted(MAKE_FOLDER, AT_FDCWD, name, NULL, mode);
}

int mkdirat(int at, const char *name, mode_t mode)
{
	return make_noted(MAKE_FOLDER, at, name, NULL, mode);
}
