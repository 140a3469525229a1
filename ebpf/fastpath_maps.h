/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps (fp.h) as the kernel has them: created, pinned in a gateway's directory, found there
 * again and checked, and given to a BPF object before it is loaded. Control thread only.
 */
#ifndef EBPF_FASTPATH_MAPS_H
#define EBPF_FASTPATH_MAPS_H

#include "ebpf/fastpath_dir.h"
#include "ebpf/fp.h"
#include "ebpf/fp_table.h"

#include <stdint.h>

struct bpf_object;

enum fastpath_map_id {
    FASTPATH_FDB,
    FASTPATH_BOUNCED,
    FASTPATH_TOPOLOGY,
    FASTPATH_TX,
    FASTPATH_NET_COUNT,
    FASTPATH_VTEP_COUNT,
    FASTPATH_PORT_COUNT,
    FASTPATH_DROP_COUNT,
    FASTPATH_CONTROL, /* pinned last: with it they are complete */
    FASTPATH_MAPS
};

struct fastpath_maps {
    int fd[FASTPATH_MAPS];          /* -1: not there */
    struct fp_topology *topologies; /* [FP_TOPOLOGIES], mapped */
    struct fp_control *control;     /* mapped */
    struct fp_table macs;           /* in mapped memory */
};

const char *fastpath_map_name(enum fastpath_map_id id);

/* New ones, with no topology yet. 0 or -errno with a sentence in err; fastpath_maps_close() in both cases. */
int fastpath_maps_create(struct fastpath_maps *m, uint32_t max_macs, char *err, size_t err_len);
/* Those that are pinned. 0, -ENOENT: nothing is pinned; else something is wrong with them, as err says. */
int fastpath_maps_take_over(struct fastpath_maps *m, const struct fastpath_dir *d, char *err, size_t err_len);
/* 0 or -errno with a sentence in err. */
int fastpath_maps_pin(const struct fastpath_maps *m, const struct fastpath_dir *d, char *err, size_t err_len);
/* Takes the pins away, whatever they are. */
void fastpath_maps_unpin(const struct fastpath_dir *d);
/* Room for another number of MACs: the entries are copied, into maps that are pinned in place of the old ones
 * if d is not NULL. Programs that run have the old ones until they are replaced. *lost: entries that found no
 * room. 0 or -errno with a sentence in err: then it is as it was. */
int fastpath_maps_resize(struct fastpath_maps *m, uint32_t max_macs, const struct fastpath_dir *d,
                         uint32_t *lost, char *err, size_t err_len);
void fastpath_maps_close(struct fastpath_maps *m);

/* Before obj is loaded: its maps by these names are these. 0 or -errno. */
int fastpath_maps_use(const struct fastpath_maps *m, struct bpf_object *obj);

#endif
