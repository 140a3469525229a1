/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The packet buffers of a port: how many, how large, and for AF_XDP so that the kernel takes every one of
 * them. Control thread only.
 *
 * A frame is one buffer, as far as it can be: those of a port hold the largest MTU that is known when the
 * data plane starts, and an outer header. Where that is more than an ordinary buffer has room for (2,048
 * bytes), a port whose driver has RTE_ETH_RX_OFFLOAD_SCATTER and RTE_ETH_TX_OFFLOAD_MULTI_SEGS is asked for
 * both (port.c) and gets ordinary buffers: a long frame is a chain of these (segments.h). net_memif,
 * net_vhost and net_pcap need not be asked, and our own TAP knows of it (tap.c). That saves memory, at 9,000
 * bytes 60 MB a port, and nothing a frame: a NIC puts a long frame into a large buffer as well, and many
 * drivers leave their fast receive and transmit functions when they are asked for chains. So `offloads: off`
 * gives such a port large buffers, and with ordinary MTUs nobody is asked. All other ports have large
 * buffers, AF_XDP pages; what leaves by them is one buffer.
 */
#ifndef DATAPLANE_PORT_POOL_H
#define DATAPLANE_PORT_POOL_H

#include "dataplane/dp.h"

#include <rte_mempool.h>

/* Memory in MB that DPDK needs for config->n_ports ports with their packet buffers. What drivers can do is
 * known later: all are taken to need large ones. */
unsigned port_pool_memory_mb(const struct dp_config *config);
/* The buffers of a port with so many receive queues. index: no other port ever had it, used in their name.
 * segments: ordinary ones, whatever the MTU. *longest: frame that a port may have. NULL with a sentence in
 * err. */
struct rte_mempool *port_pool_create(const struct dp_port_spec *spec, unsigned index, unsigned queues,
                                     const struct dp_config *config, bool segments, uint16_t *longest,
                                     char err[DP_ERR_LEN]);
/* Would frames of this MTU need several ordinary buffers, and no more than SEGMENTS_MAX? */
bool port_pool_wants_segments(uint16_t mtu);
/* AF_XDP: what net_af_xdp registers holds all buffers of the pool, and each is a page. */
bool port_pool_is_whole(struct rte_mempool *pool);

#endif
