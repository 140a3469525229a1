/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See xsk_sockets.h. Control thread only.
 */
#include "dataplane/xsk_sockets.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct xsk_open {
    int size;
    bool open[];
};

static bool is_socket(int fd, ino_t *inode)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    *inode = st.st_ino;
    return true;
}

/* Descriptors of this process but dir's own, one at a time; -1: that was all. */
static int next_fd(DIR *dir)
{
    struct dirent *e;

    while ((e = readdir(dir)) != NULL)
        if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && atoi(e->d_name) != dirfd(dir))
            return atoi(e->d_name);
    return -1;
}

struct xsk_open *xsk_open_list(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct xsk_open *list;
    int size = 0, fd;

    if (!dir)
        return NULL;
    while ((fd = next_fd(dir)) >= 0)
        size = fd >= size ? fd + 1 : size;
    list = calloc(1, sizeof(*list) + (size_t)size);
    if (list) {
        list->size = size;
        rewinddir(dir);
        while ((fd = next_fd(dir)) >= 0)
            if (fd < size)
                list->open[fd] = true;
    }
    closedir(dir);
    return list;
}

void xsk_sockets_since(struct xsk_open *list, struct xsk_sockets *out)
{
    DIR *dir = list ? opendir("/proc/self/fd") : NULL;
    ino_t inode;
    int fd;

    out->n = 0;
    while (dir && (fd = next_fd(dir)) >= 0 && out->n < XSK_SOCKETS_MAX) {
        if ((fd < list->size && list->open[fd]) || !is_socket(fd, &inode))
            continue;
        out->at[out->n].fd = fd;
        out->at[out->n++].inode = inode;
    }
    if (dir)
        closedir(dir);
    free(list);
}

void xsk_sockets_close(struct xsk_sockets *s)
{
    ino_t inode;

    for (unsigned i = 0; i < s->n; i++)
        if (is_socket(s->at[i].fd, &inode) && inode == s->at[i].inode)
            close(s->at[i].fd);
    s->n = 0;
}
