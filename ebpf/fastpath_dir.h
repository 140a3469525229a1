/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The directory of a gateway in a bpffs, DIR/GATEWAY: what is pinned there goes on while no process runs. One
 * process at a time has it, by a lock that ends with the process. Names may hold anything: what a bpffs does
 * not take is written as %XX. Notes are short texts kept beside the pins (as symbolic links: a bpffs has no
 * plain files). Control thread only.
 */
#ifndef EBPF_FASTPATH_DIR_H
#define EBPF_FASTPATH_DIR_H

#include <stdbool.h>
#include <stddef.h>

#define FASTPATH_DIR_LEN  400
#define FASTPATH_NAME_LEN 128
#define FASTPATH_NOTE_LEN 64

struct fastpath_dir {
    int fd; /* -1: not open */
    char path[FASTPATH_DIR_LEN];
};

/* Opens and locks it; create: makes it, and DIR, when they are not there. 0, -ENOENT, -EBUSY: another process
 * has it, or another -errno; always with a sentence in err. */
int fastpath_dir_open(struct fastpath_dir *d, const char *dir, const char *gateway, bool create, char *err,
                      size_t err_len);
void fastpath_dir_close(struct fastpath_dir *d);
/* Takes the directory itself away, and DIR if that is empty then; still locked until it is closed. 0 or
 * -errno. */
int fastpath_dir_remove(struct fastpath_dir *d);

/* A file descriptor, or -errno. */
int fastpath_dir_get(const struct fastpath_dir *d, const char *name);
/* Replaces what has the name. 0 or -errno. */
int fastpath_dir_pin(const struct fastpath_dir *d, const char *name, int fd);
/* Pins and notes. 0 or -errno. */
int fastpath_dir_unpin(const struct fastpath_dir *d, const char *name);

int fastpath_dir_note(const struct fastpath_dir *d, const char *name, const char *text);
/* False: there is none. */
bool fastpath_dir_read_note(const struct fastpath_dir *d, const char *name, char text[FASTPATH_NOTE_LEN]);

/* Calls fn for each name that begins with the prefix, until it returns something else than 0; returns that, 0
 * or -errno. fn may take the name away. */
int fastpath_dir_each(const struct fastpath_dir *d, const char *prefix,
                      int (*fn)(const char *name, void *arg), void *arg);

#endif
