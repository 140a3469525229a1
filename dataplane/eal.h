/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Starts DPDK's environment for one gateway: alone in its file prefix, with hugepages when they are there and
 * without when not. Control thread, once in a process.
 */
#ifndef DATAPLANE_EAL_H
#define DATAPLANE_EAL_H

#include "dataplane/dp.h"

#define EAL_WORKER_LCORE 1 /* the first one; the others follow */

/* 0 or -errno with a sentence in err. *hugepages: whether they are used. */
int eal_start(const struct dp_config *config, unsigned memory_mb, bool *hugepages, char err[DP_ERR_LEN]);
void eal_stop(void);

#endif
