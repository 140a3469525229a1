/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kernel does not say who uses a BPF program, but /proc/PID/fdinfo/FD of a program and of a link has a
 * line "prog_id:\tN". Processes come and go while this looks: whatever cannot be read is not there. Control
 * thread only.
 */
#include "ebpf/xdp_holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads at most size - 1 bytes of a small file and ends them with a zero. */
static bool read_file(int dir, const char *path, char *buf, size_t size)
{
    int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, buf, size - 1);
    close(fd);
    if (n < 0)
        return false;
    buf[n] = '\0';
    return true;
}

static bool has_program(int proc, const char *pid, uint32_t prog_id, bool *blind)
{
    char path[64], line[32], text[1024];
    bool found = false;
    struct dirent *e;
    int fd;
    DIR *d;

    snprintf(path, sizeof(path), "%.20s/fdinfo", pid);
    fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        else
            /* init may have rights that we have not, but it holds no programs for others. */
            *blind |= (errno == EACCES || errno == EPERM) && strcmp(pid, "1") != 0;
        return false;
    }
    snprintf(line, sizeof(line), "prog_id:\t%" PRIu32 "\n", prog_id);
    while (!found && (e = readdir(d))) {
        if (e->d_name[0] != '.' && read_file(fd, e->d_name, text, sizeof(text)))
            found = strstr(text, line) != NULL;
    }
    closedir(d);
    return found;
}

bool xdp_holder_find(uint32_t prog_id, struct xdp_holder *out, bool *blind)
{
    DIR *d = opendir("/proc");
    bool found = false;
    struct dirent *e;
    char path[64];

    *blind = !d;
    if (!d)
        return false;
    while (!found && (e = readdir(d))) {
        char *end;
        long pid = strtol(e->d_name, &end, 10);

        if (*end || pid <= 0 || pid == getpid() || !has_program(dirfd(d), e->d_name, prog_id, blind))
            continue;
        found = true;
        out->pid = (pid_t)pid;
        snprintf(path, sizeof(path), "%.20s/comm", e->d_name);
        if (!read_file(dirfd(d), path, out->name, sizeof(out->name)))
            snprintf(out->name, sizeof(out->name), "?");
        out->name[strcspn(out->name, "\n")] = '\0';
    }
    closedir(d);
    return found;
}
