/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From what the control plane wants to what the XDP programs read: struct dp_topology to struct fp_topology,
 * as dataplane/snapshot.h for the worker. All that the programs take for granted is checked here, once. Pure.
 */
#ifndef EBPF_FP_TOPOLOGY_H
#define EBPF_FP_TOPOLOGY_H

#include "ebpf/fastpath.h"
#include "ebpf/fp.h"

/* How much of a struct fp_topology is in use; what is beyond is zero, and nothing refers to it. */
struct fp_topology_used {
    unsigned nets, vteps; /* highest ids + 1 */
};

/* Fills all of *out. ports: DP_MAX_PORTS of them, by id. punt_limit: frames/s, 0: none. 0; -EINVAL when ids,
 * ports or VLANs contradict each other; -E2BIG: no seed puts every VNI or address within FP_PROBES slots. */
int fp_topology_build(const struct dp_topology *t, const struct fastpath_port *ports, uint32_t punt_limit,
                      struct fp_topology *out, struct fp_topology_used *used);

/* Whether one that somebody else has written makes sense: no network and no VTEP is there twice. */
bool fp_topology_is_sound(const struct fp_topology *t);

#endif
