/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What holds when the file does not say (conf.c). Inside conf/ only.
 */
#ifndef CONF_CONF_DEFAULT_H
#define CONF_CONF_DEFAULT_H

#include "conf/conf.h"

#define CONF_DEFAULT_TAP "cw-wan" /* only with pci/dpdk */

/* Each sets the defaults of one zeroed struct. */
void conf_default(struct conf *c);
void conf_default_access(void *access);     /* struct conf_access */
void conf_default_network(void *network);   /* struct conf_network */
void conf_default_bgp_peer(void *bgp_peer); /* struct conf_bgp_peer */

/* Fills in what the file leaves out and other values say. What they cannot say stays zero. */
void conf_complete(struct conf *c);

#endif
