/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The packet buffers of a port: how many, how large, and for AF_XDP so that the kernel takes every one of
 * them. Control thread only.
 *
 * A frame is one buffer, everywhere: those of every port hold the largest MTU that is known when the data
 * plane starts, and an outer header. So no port is asked for RTE_ETH_RX_OFFLOAD_SCATTER or
 * RTE_ETH_TX_OFFLOAD_MULTI_SEGS. Chains of small buffers would save memory where MTUs are large (at 9,000
 * bytes 60 MB a port), but nothing a frame: a NIC puts a large frame into a large buffer as well, many
 * drivers leave their fast receive and transmit functions when they are asked for chains, a chain cannot
 * leave by AF_XDP, and what looks into frames would have to look for where they are cut. Drivers that make
 * chains without being asked (net_pcap, net_memif, net_vhost) do so with frames that are longer than a
 * buffer: the worker drops these where they come in (too_long).
 */
#ifndef DATAPLANE_PORT_POOL_H
#define DATAPLANE_PORT_POOL_H

#include "dataplane/dp.h"

#include <rte_mempool.h>

/* Memory in MB that DPDK needs for config->n_ports ports with their packet buffers. */
unsigned port_pool_memory_mb(const struct dp_config *config);
/* The buffers of a port with so many receive queues. index: no other port ever had it, used in their name.
 * *copy_max: as in struct worker_port. NULL with a sentence in err. */
struct rte_mempool *port_pool_create(const struct dp_port_spec *spec, unsigned index, unsigned queues,
                                     const struct dp_config *config, uint16_t *copy_max,
                                     char err[DP_ERR_LEN]);
/* AF_XDP: what net_af_xdp registers holds all buffers of the pool, and each is a page. */
bool port_pool_is_whole(struct rte_mempool *pool);

#endif
