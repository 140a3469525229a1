/* SPDX-License-Identifier: BSD-3-Clause
 *
 * DPDK ethdevs: created from what the operator named, configured with as many receive queues as the interface
 * has (or, of a NIC that DPDK drives, as there are workers) and a transmit queue for each worker as far as
 * there are some, started and stopped. Control thread only.
 */
#ifndef DATAPLANE_PORT_H
#define DATAPLANE_PORT_H

#include "dataplane/dp.h"
#include "dataplane/tap.h"
#include "dataplane/worker.h"
#include "dataplane/xsk_sockets.h"

struct port {
    struct dp_port_spec spec;
    uint16_t ethdev;
    uint16_t queues, tx_queues;
    rte_spinlock_t tx_lock[DP_MAX_WORKERS]; /* by transmit queue; where there are more workers than queues */
    bool kernel_up;                         /* DP_OWNER_INTERFACE: as the control plane said */
    bool hotplugged;                        /* a vdev of ours, to be removed at the end */
    char vdev_name[64];
    uint16_t longest;     /* as in struct worker_port */
    bool segments;        /* its buffers are ordinary ones, and long frames chains of these */
    bool nic_csum;        /* it fills in UDP checksums */
    bool strips, inserts; /* as in struct worker_port */
    struct rte_mempool *pool;
    struct tap tap;         /* DP_PORT_KERNEL */
    struct xsk_sockets xsk; /* DP_OWNER_INTERFACE */
};

/* Creates and starts the ethdev. index: no other port ever had it, used in names. 0 or -errno with a sentence
 * in err.
 */
int port_open(struct port *p, unsigned index, const struct dp_port_spec *spec, const struct dp_config *config,
              char err[DP_ERR_LEN]);
/* Configures and starts an ethdev that exists already (tests: rings). */
int port_start(struct port *p, unsigned index, const struct dp_config *config, char err[DP_ERR_LEN]);
void port_close(struct port *p);
/* What a worker (of n) needs to know of a started port; it receives from all queues. */
void port_to_worker(struct port *p, unsigned worker, unsigned n, struct worker_port *wp);

bool port_is_up(const struct port *p);
void port_mac(const struct port *p, struct mac *mac);
/* Frames that the device lost before anybody took them. */
uint64_t port_missed(const struct port *p);
uint16_t port_mtu(const struct port *p);
const char *port_driver(const struct port *p);

#endif
