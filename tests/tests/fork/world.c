/* The machine of one process: its clock and its disk, as a test sets them while the process runs. Loaded by LD_PRELOAD.
 *
 * WORLD_CLOCK names a file with a number of seconds: the wall clock is that much ahead. The monotonic clock is left alone,
 * as it is on a machine whose time is set. WORLD_FULL names a file: while it is there, nothing that is written below
 * WORLD_ROOT fits any more.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long ahead(void) {
    const char *path = getenv("WORLD_CLOCK");
    char text[32] = {0};
    int fd = path ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 ? atol(text) : 0;
}

int clock_gettime(clockid_t which, struct timespec *now) {
    int done = REAL(clock_gettime)(which, now);
    if (done == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    int done = REAL(gettimeofday)(now, zone);
    if (done == 0) now->tv_sec += ahead();
    return done;
}

static int full(int fd) {
    const char *flag = getenv("WORLD_FULL"), *root = getenv("WORLD_ROOT");
    char link[64], path[PATH_MAX];
    if (!flag || !root || access(flag, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, root, strlen(root)) == 0;
}

#define FULL(fd) \
    if (full(fd)) { \
        errno = ENOSPC; \
        return -1; \
    }

ssize_t write(int fd, const void *data, size_t length) {
    FULL(fd)
    return REAL(write)(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    FULL(fd)
    return REAL(pwrite)(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    FULL(fd)
    return REAL(pwrite64)(fd, data, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int number) {
    FULL(fd)
    return REAL(writev)(fd, parts, number);
}
