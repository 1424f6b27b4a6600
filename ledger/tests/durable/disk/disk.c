/* A disk that is watched, and that fails when it is told to: stands between a process and its C library.
 *
 * Loaded by LD_PRELOAD into the child that a test starts; the test compiles it. Looks only at files below DISK_ROOT.
 * Each operation that changes them is written to DISK_LOG after it went well, so that the test can work out every
 * state in which a power cut might have left the disk:
 *
 *   u8 operation, u32 length of path, path, u64 offset, u64 length of data, data     (all numbers little-endian)
 *
 * operations: W write, T set length (offset), S sync of a file or folder, R rename (data: new path), U remove a file,
 * M make a folder, C make a file, D remove a folder, A what the child says on its standard output (no path).
 *
 * DISK_FAIL_AT=n: operation n (from 1) fails with the errno DISK_ERRNO; DISK_FAIL_ON=1: and all writes after it.
 * A write that fails is torn: half of it reaches the file first.
 * DISK_NO_FOLDER_SYNC=1: fsync of a folder is EINVAL, as on file systems that know no such thing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const char *root;
static size_t root_length;
static int log_fd = -1, fail_errno, fail_on, no_folder_sync;
static long fail_at, count;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    root = getenv("DISK_ROOT");
    root_length = root ? strlen(root) : 0;
    const char *path = getenv("DISK_LOG");
    if (path) log_fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char *at = getenv("DISK_FAIL_AT"), *number = getenv("DISK_ERRNO");
    fail_at = at ? atol(at) : 0;
    fail_errno = number ? atoi(number) : EIO;
    fail_on = getenv("DISK_FAIL_ON") != NULL;
    no_folder_sync = getenv("DISK_NO_FOLDER_SYNC") != NULL;
    /* Children of this child, such as its probe, are watched too, and none of their operations fails. */
    unsetenv("DISK_FAIL_AT");
}

static int ours(const char *path) {
    return root && path && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return ours(path);
}

static void note(char what, const char *path, uint64_t offset, const void *data, uint64_t length) {
    if (log_fd < 0) return;
    uint32_t path_length = (uint32_t)strlen(path);
    uint64_t numbers[2] = {offset, length};
    struct iovec parts[5] = {{&what, 1}, {&path_length, 4}, {(void *)path, path_length}, {numbers, 16}, {(void *)data, length}};
    ssize_t written = REAL(writev)(log_fd, parts, 5);
    (void)written;
}

/* Whether this operation shall fail. */
static int fails(int is_write) {
    count++;
    if (!fail_at) return 0;
    if (count == fail_at || (fail_on && is_write && count > fail_at)) {
        errno = fail_errno;
        return 1;
    }
    return 0;
}

static ssize_t put(int fd, const void *data, size_t length, off_t offset, int positioned) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) {
        ssize_t done = positioned ? REAL(pwrite)(fd, data, length, offset) : REAL(write)(fd, data, length);
        if (fd == 1 && done > 0) {
            pthread_mutex_lock(&lock);
            note('A', "", 0, data, (uint64_t)done);
            pthread_mutex_unlock(&lock);
        }
        return done;
    }
    pthread_mutex_lock(&lock);
    if (!positioned) {
        struct stat now;
        int appends = fcntl(fd, F_GETFL) & O_APPEND;
        offset = appends && fstat(fd, &now) == 0 ? now.st_size : lseek(fd, 0, SEEK_CUR);
    }
    int failed = fails(1), why = errno;
    size_t allowed = failed ? length / 2 : length;
    ssize_t done = positioned ? REAL(pwrite)(fd, data, allowed, offset) : REAL(write)(fd, data, allowed);
    if (done > 0) note('W', path, (uint64_t)offset, data, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    if (failed) {
        errno = why;
        return -1;
    }
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return put(fd, data, length, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return put(fd, data, length, offset, 1); }

ssize_t writev(int fd, const struct iovec *parts, int number) {
    ssize_t sum = 0;
    for (int i = 0; i < number; i++) {
        ssize_t done = put(fd, parts[i].iov_base, parts[i].iov_len, 0, 0);
        if (done < 0) return sum ? sum : done;
        sum += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return sum;
}

static int cut(int fd, off_t length) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(ftruncate)(fd, length);
    pthread_mutex_lock(&lock);
    int done = fails(1) ? -1 : REAL(ftruncate)(fd, length);
    if (done == 0) note('T', path, (uint64_t)length, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int keep(int fd, int data_only) {
    char path[PATH_MAX];
    int is_ours = path_of(fd, path);
    if (!is_ours) return data_only ? REAL(fdatasync)(fd) : REAL(fsync)(fd);
    struct stat what;
    if (no_folder_sync && fstat(fd, &what) == 0 && S_ISDIR(what.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&lock);
    int done = fails(0) ? -1 : 0; /* nothing here is to survive a real power cut */
    if (done == 0) note('S', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

/* DISK_FAIL_RANGE=n: call n (from 1) of sync_file_range fails with EIO; the database flushes with it, we never do. */
int sync_file_range(int fd, off64_t from, off64_t length, unsigned flags) {
    static long calls;
    char path[PATH_MAX];
    const char *at = getenv("DISK_FAIL_RANGE");
    (void)from, (void)length, (void)flags;
    if (at && path_of(fd, path)) {
        pthread_mutex_lock(&lock);
        int failed = ++calls == atol(at);
        pthread_mutex_unlock(&lock);
        if (failed) {
            errno = EIO;
            return -1;
        }
    }
    return 0; /* nothing here is to survive a real power cut */
}

int fsync(int fd) { return keep(fd, 0); }
int fdatasync(int fd) { return keep(fd, 1); }

int rename(const char *from, const char *to) {
    if (!ours(from) && !ours(to)) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    int done = fails(0) ? -1 : REAL(rename)(from, to);
    if (done == 0) note('R', from, 0, to, strlen(to));
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    if (!ours(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    int done = fails(0) ? -1 : REAL(unlink)(path);
    if (done == 0) note('U', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int rmdir(const char *path) {
    if (!ours(path)) return REAL(rmdir)(path);
    pthread_mutex_lock(&lock);
    int done = fails(0) ? -1 : REAL(rmdir)(path);
    if (done == 0) note('D', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    if (!ours(path)) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&lock);
    int done = fails(1) ? -1 : REAL(mkdir)(path, mode);
    if (done == 0) note('M', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return done;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    int plain = folder == AT_FDCWD && ours(path) && (flags & (O_CREAT | O_TRUNC));
    if (!plain) return REAL(openat)(folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat before;
    int there = stat(path, &before) == 0;
    int fd;
    if ((!there || (flags & O_TRUNC)) && fails(1)) {
        fd = -1;
    } else {
        fd = REAL(openat)(folder, path, flags, mode);
        if (fd >= 0 && !there) note('C', path, 0, "", 0);
        if (fd >= 0 && there && (flags & O_TRUNC)) note('T', path, 0, "", 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode_t mode = mode_of(flags, rest);                   \
        va_end(rest);                                         \
        return opened(AT_FDCWD, path, flags, mode);           \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                          \
    int name(int folder, const char *path, int flags, ...) {  \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode_t mode = mode_of(flags, rest);                   \
        va_end(rest);                                         \
        return opened(folder, path, flags, mode);             \
    }
OPENAT(openat64)
