/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The bpf_link by which a program of ours is on an interface, pinned in a gateway's directory
 * ("link_IFINDEX") so that it outlives the process; and what had to be changed on the interface for as long
 * as it is there
 * ("undo_IFINDEX", a note). Control thread only.
 *
 * A pinned link says which interface it is on by a number that means nothing in another network namespace. It
 * is on ours if the interface of that number here has the link's program on it.
 */
#ifndef EBPF_XDP_LINK_H
#define EBPF_XDP_LINK_H

#include "ebpf/fastpath_dir.h"

#include <stdint.h>

struct fastpath;

#define XDP_UNDO_PROMISC 0x01 /* IFF_PROMISC was set by us */
#define XDP_UNDO_RXVLAN  0x02 /* receive VLAN offload was switched off by us */

/* Looks at all of a directory: those whose interface is gone are taken away, and where a change is noted but
 * no link is, it is undone. 0; -EBUSY with a sentence in err: one is on an interface of another network
 * namespace. */
int xdp_link_check_all(const struct fastpath_dir *d, char *err, size_t err_len);
/* Takes all away, programs and changes included. 0, or as above: then nothing was done. */
int xdp_link_remove_all(const struct fastpath_dir *d, char *err, size_t err_len);

bool xdp_link_any(const struct fastpath_dir *d);

/* The pinned link on an interface: its file descriptor, *mode XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. Else
 * -ENOENT. */
int xdp_link_find(const struct fastpath_dir *d, unsigned ifindex, uint32_t *mode);
/* 0 or -errno. */
int xdp_link_pin(const struct fastpath_dir *d, unsigned ifindex, int fd);
/* From then on it ends with its file descriptor. Does nothing to the note. */
void xdp_link_unpin(const struct fastpath_dir *d, unsigned ifindex);

/* What is to be undone one day: XDP_UNDO_*. 0: nothing, no note. */
unsigned xdp_link_undo(const struct fastpath_dir *d, unsigned ifindex);
int xdp_link_set_undo(const struct fastpath_dir *d, unsigned ifindex, unsigned undo);
/* Undoes it. */
void xdp_link_settings_back(unsigned ifindex, unsigned undo);

/* A port has this link (by its file descriptor): xdp_link_sweep() leaves it. */
void xdp_link_claim(struct fastpath *fp, int fd);
/* Takes away the links of ports that are no more. */
void xdp_link_sweep(struct fastpath *fp);

#endif
