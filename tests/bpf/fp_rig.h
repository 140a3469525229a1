/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path without interfaces: its programs for two access ports and the underlay, loaded with shared
 * maps that fp_topology.c fills, and run by the kernel on frames from here (BPF_PROG_TEST_RUN). Port ids as
 * in tests/flow/flow.h. Needs root.
 */
#ifndef TESTS_BPF_FP_RIG_H
#define TESTS_BPF_FP_RIG_H

#include "ebpf/fastpath.h"
#include "ebpf/fp.h"
#include "ebpf/fp_table.h"

#include <linux/bpf.h>

#define FP_RIG_PORTS    3
#define FP_RIG_BUFFER   12288
#define FP_RIG_UNDERLAY 2

struct fp_rig {
    struct fp_access *access[2];
    struct fp_wan *wan;
    struct fastpath_port ports[DP_MAX_PORTS];
    struct fp_topology *topology;
    struct fp_table fdb;
    uint32_t punt_limit;
    uint32_t active;
    int socket;
};

/* Programs that fp_rig_open() loads have the fast path switched off. */
extern bool fp_rig_slow;

/* Aborts when the kernel does not take something. max_macs: of the FDB. */
struct fp_rig *fp_rig_open(const struct ipaddr *vtep, uint16_t vxlan_port, uint32_t max_macs);
void fp_rig_close(struct fp_rig *r);

/* Fills another copy of the topology and makes it the one. rc of fp_topology_build(). */
int fp_rig_publish(struct fp_rig *r, const struct dp_topology *t);
/* As before the first fp_rig_publish(). */
void fp_rig_unpublish(struct fp_rig *r);
void fp_rig_remove_sockets(struct fp_rig *r);
/* fp_tx has no such port any more. */
void fp_rig_remove_target(struct fp_rig *r, uint32_t port);
uint64_t fp_rig_key(dp_net_id net, struct mac mac);

/* The XDP action. out: FP_RIG_BUFFER bytes. */
uint32_t fp_rig_run(struct fp_rig *r, unsigned port, const void *frame, size_t len, uint8_t *out,
                    size_t *out_len);
/* False: the kernel does not run the frame. */
bool fp_rig_try(struct fp_rig *r, unsigned port, const void *frame, size_t len, uint8_t *out,
                size_t *out_len);
int fp_rig_program(const struct fp_rig *r, unsigned port);

void fp_rig_port_counters(const struct fp_rig *r, unsigned port, struct fp_port_counters *out);
void fp_rig_net_counters(const struct fp_rig *r, dp_net_id net, struct fp_net_counters *out);
void fp_rig_vtep_counters(const struct fp_rig *r, dp_vtep_id vtep, struct fp_vtep_counters *out);
uint64_t fp_rig_drops(const struct fp_rig *r, unsigned reason);

#endif
