/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pinned links of our XDP programs; see xdp_link.h. Control thread only.
 *
 * Tricky: a pin may be anything, and a link's interface may be gone, renamed or in another namespace; a name
 * proves nothing, what the kernel says of the link does.
 */
#include "ebpf/xdp_link.h"

#include "conf/log.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/nic.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define SUBSYSTEM   "xdp"
#define LINK_PREFIX "link_"
#define UNDO_PREFIX "undo_"

struct link {
    uint32_t id, prog_id;
    unsigned ifindex; /* 0: its interface is gone */
    uint32_t mode;    /* 0: the interface of that number here has another program, or none */
};

static void name_of(char name[FASTPATH_NAME_LEN], const char *prefix, unsigned ifindex)
{
    snprintf(name, FASTPATH_NAME_LEN, "%s%u", prefix, ifindex);
}

/* 0; -EINVAL: it is no XDP link, or another -errno. */
static int look_at(int fd, struct link *out)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    struct bpf_link_info info = {0};
    uint32_t len = sizeof(info);

    if (bpf_obj_get_info_by_fd(fd, &info, &len))
        return -errno;
    if (info.type != BPF_LINK_TYPE_XDP)
        return -EINVAL;
    *out = (struct link){.id = info.id, .prog_id = info.prog_id, .ifindex = info.xdp.ifindex};
    if (out->ifindex == 0 || bpf_xdp_query((int)out->ifindex, 0, &query))
        return 0;
    if (query.drv_prog_id == out->prog_id)
        out->mode = XDP_FLAGS_DRV_MODE;
    else if (query.skb_prog_id == out->prog_id)
        out->mode = XDP_FLAGS_SKB_MODE;
    return 0;
}

/* What the kernel says of a program looks like what it says of a link: so the link is asked for once more, by
 * its id. */
static int get(const struct fastpath_dir *d, const char *name, struct link *out)
{
    int fd = fastpath_dir_get(d, name), by_id;
    struct link again;
    int rc;

    if (fd < 0)
        return fd;
    rc = look_at(fd, out);
    close(fd);
    if (rc < 0)
        return rc;
    by_id = bpf_link_get_fd_by_id(out->id);
    if (by_id < 0)
        return by_id;
    rc = look_at(by_id, &again);
    if (rc == 0 && again.prog_id == out->prog_id)
        return by_id;
    close(by_id);
    return -EINVAL;
}

/* Numbers of interfaces mean something in one network namespace only. */
static unsigned long long this_namespace(void)
{
    struct stat st;

    return stat("/proc/self/ns/net", &st) ? 0 : (unsigned long long)st.st_ino;
}

/* ---- what was changed on the interface
 * ----------------------------------------------------------------------- */

unsigned xdp_link_undo(const struct fastpath_dir *d, unsigned ifindex)
{
    char name[FASTPATH_NAME_LEN], text[FASTPATH_NOTE_LEN];
    unsigned undo = 0;

    name_of(name, UNDO_PREFIX, ifindex);
    if (!fastpath_dir_read_note(d, name, text))
        return 0;
    undo |= strstr(text, "promisc") ? XDP_UNDO_PROMISC : 0;
    undo |= strstr(text, "rxvlan") ? XDP_UNDO_RXVLAN : 0;
    return undo;
}

int xdp_link_set_undo(const struct fastpath_dir *d, unsigned ifindex, unsigned undo)
{
    char name[FASTPATH_NAME_LEN], text[FASTPATH_NOTE_LEN];
    int rc;

    name_of(name, UNDO_PREFIX, ifindex);
    if (undo == 0) {
        rc = fastpath_dir_unpin(d, name);
        return rc == -ENOENT ? 0 : rc;
    }
    snprintf(text, sizeof(text), "%s %s in %llu", undo & XDP_UNDO_PROMISC ? "promisc" : "-",
             undo & XDP_UNDO_RXVLAN ? "rxvlan" : "-", this_namespace());
    return fastpath_dir_note(d, name, text);
}

void xdp_link_settings_back(unsigned ifindex, unsigned undo)
{
    char name[IF_NAMESIZE];
    int rc;

    /* By index: the interface may have another name by now, or the name another interface. */
    if (undo == 0 || !if_indextoname(ifindex, name))
        return;
    if (undo & XDP_UNDO_PROMISC) {
        rc = nic_set_promiscuous(name, false);
        if (rc < 0)
            log_warning(SUBSYSTEM, "interface %s stays promiscuous: %s", name, strerror(-rc));
    }
    if (undo & XDP_UNDO_RXVLAN) {
        rc = nic_set_rxvlan(name, true);
        if (rc < 0)
            log_warning(SUBSYSTEM, "interface %s: receive VLAN offload cannot be switched on again: %s", name,
                        strerror(-rc));
    }
}

/* ---- one link
 * ------------------------------------------------------------------------------------------------ */

int xdp_link_find(const struct fastpath_dir *d, unsigned ifindex, uint32_t *mode)
{
    char name[FASTPATH_NAME_LEN];
    struct link link;
    int fd;

    name_of(name, LINK_PREFIX, ifindex);
    fd = get(d, name, &link);
    if (fd < 0)
        return -ENOENT;
    if (link.ifindex != ifindex || link.mode == 0) {
        close(fd);
        return -ENOENT;
    }
    *mode = link.mode;
    return fd;
}

int xdp_link_pin(const struct fastpath_dir *d, unsigned ifindex, int fd)
{
    char name[FASTPATH_NAME_LEN];

    name_of(name, LINK_PREFIX, ifindex);
    return fastpath_dir_pin(d, name, fd);
}

void xdp_link_unpin(const struct fastpath_dir *d, unsigned ifindex)
{
    char name[FASTPATH_NAME_LEN];

    name_of(name, LINK_PREFIX, ifindex);
    (void)fastpath_dir_unpin(d, name);
}

/* ---- all of them
 * --------------------------------------------------------------------------------------------- */

struct sentence {
    const struct fastpath_dir *d;
    char *err;
    size_t err_len;
};

static int check_one(const char *name, void *arg)
{
    const struct sentence *s = arg;
    char expected[FASTPATH_NAME_LEN];
    struct link link = {0};
    int fd = get(s->d, name, &link);

    if (fd >= 0)
        close(fd);
    name_of(expected, LINK_PREFIX, link.ifindex);
    if (fd < 0 || link.ifindex == 0 || strcmp(name, expected) != 0) {
        log_info(SUBSYSTEM, "%s/%s is taken away: %s", s->d->path, name,
                 fd < 0              ? "it is no link of an XDP program"
                 : link.ifindex == 0 ? "its interface is gone"
                                     : "it is another interface's");
        (void)fastpath_dir_unpin(s->d, name);
        return 0;
    }
    if (link.mode != 0)
        return 0;
    snprintf(s->err, s->err_len,
             "%s belongs to a gateway of the same name in another network namespace: %s there is on an "
             "interface that is not here",
             s->d->path, name);
    return -EBUSY;
}

/* Whether an interface of this namespace is meant. */
static bool is_note_of_here(const struct fastpath_dir *d, const char *name)
{
    char text[FASTPATH_NOTE_LEN];
    unsigned long long in = 0;

    return fastpath_dir_read_note(d, name, text) && sscanf(text, "%*s %*s in %llu", &in) == 1 && in != 0 &&
           in == this_namespace();
}

/* Notes of links that are gone: a process was killed between changing the interface and pinning the link, or
 * somebody else has taken that away. */
static int check_note(const char *name, void *arg)
{
    const struct fastpath_dir *d = ((const struct sentence *)arg)->d;
    unsigned ifindex = (unsigned)strtoul(name + strlen(UNDO_PREFIX), NULL, 10);
    uint32_t mode;
    int fd = xdp_link_find(d, ifindex, &mode);

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (is_note_of_here(d, name))
        xdp_link_settings_back(ifindex, xdp_link_undo(d, ifindex));
    (void)fastpath_dir_unpin(d, name);
    return 0;
}

int xdp_link_check_all(const struct fastpath_dir *d, char *err, size_t err_len)
{
    struct sentence s = {d, err, err_len};
    int rc = fastpath_dir_each(d, LINK_PREFIX, check_one, &s);

    if (rc == 0)
        rc = fastpath_dir_each(d, UNDO_PREFIX, check_note, &s);
    if (rc < 0 && rc != -EBUSY)
        snprintf(err, err_len, "%s cannot be read: %s", d->path, strerror(-rc));
    return rc;
}

/* Detached and not only unpinned: the kernel may take its time with the last reference. */
static void remove_link(const struct fastpath_dir *d, const char *name, int fd, const struct link *link)
{
    char ifname[IF_NAMESIZE] = "?";
    unsigned undo = xdp_link_undo(d, link->ifindex);

    (void)if_indextoname(link->ifindex, ifname);
    if (bpf_link_detach(fd))
        log_warning(SUBSYSTEM, "interface %s: our XDP program cannot be detached: %s", ifname,
                    strerror(errno));
    else
        log_info(SUBSYSTEM, "interface %s: the XDP program that was pinned is taken away", ifname);
    (void)fastpath_dir_unpin(d, name);
    xdp_link_settings_back(link->ifindex, undo);
    (void)xdp_link_set_undo(d, link->ifindex, 0);
}

static int remove_one(const char *name, void *arg)
{
    const struct fastpath_dir *d = arg;
    struct link link;
    int fd = get(d, name, &link);

    if (fd < 0)
        return 0;
    remove_link(d, name, fd, &link);
    close(fd);
    return 0;
}

int xdp_link_remove_all(const struct fastpath_dir *d, char *err, size_t err_len)
{
    int rc = xdp_link_check_all(d, err, err_len);

    if (rc == 0)
        rc = fastpath_dir_each(d, LINK_PREFIX, remove_one, (void *)d);
    return rc;
}

static int stop(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    return 1;
}

bool xdp_link_any(const struct fastpath_dir *d)
{
    return fastpath_dir_each(d, LINK_PREFIX, stop, NULL) == 1;
}

/* ---- those of this process
 * ------------------------------------------------------------------------------------ */

void xdp_link_claim(struct fastpath *fp, int fd)
{
    struct link link;

    if (look_at(fd, &link) == 0 && fp->n_links < FP_PORTS)
        fp->links[fp->n_links++] = link.id;
}

static int sweep_one(const char *name, void *arg)
{
    const struct fastpath *fp = arg;
    struct link link;
    int fd = get(&fp->dir, name, &link);
    bool ours = false;

    if (fd < 0)
        return 0;
    for (unsigned i = 0; i < fp->n_links; i++)
        ours |= fp->links[i] == link.id;
    if (!ours)
        remove_link(&fp->dir, name, fd, &link);
    close(fd);
    return 0;
}

void xdp_link_sweep(struct fastpath *fp)
{
    (void)fastpath_dir_each(&fp->dir, LINK_PREFIX, sweep_one, fp);
}
