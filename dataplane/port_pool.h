/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The packet buffers of a port: how many, how large, and for AF_XDP so that the kernel takes every one of
 * them. Control thread only.
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
