/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the single values of a configuration look like: names, devices, addresses, MACs. One reader each, for
 * the tables of conf_yaml.c; each judges its value alone. Inside conf/ only; any thread.
 */
#ifndef CONF_CONF_VALUE_H
#define CONF_CONF_VALUE_H

#include "conf/conf_read.h"

/* *out is ...                          */
conf_read_fn conf_read_name;      /* char[CONF_NAME_LEN]; keeps the text of a wrong one too */
conf_read_fn conf_read_reference; /* char[CONF_NAME_LEN]: the name of something else; conf_check says whether
                                     it is there */
conf_read_fn conf_read_interface; /* struct conf_port */
conf_read_fn conf_read_pci;       /* struct conf_port; as 0000:3b:00.1, lower case */
conf_read_fn conf_read_vdev;      /* struct conf_port */
conf_read_fn conf_read_tap;       /* char[IFACE_NAMELEN] */
conf_read_fn conf_read_path;      /* char[CONF_PATH_LEN], absolute */
conf_read_fn conf_read_mac;       /* struct mac: an individual address */
conf_read_fn conf_read_vtep;      /* struct ipaddr that a VTEP, and so a BGP peer, may have */
conf_read_fn conf_read_own;       /* struct conf_underlay: address and prefix_len from ADDR or ADDR/LEN */
conf_read_fn conf_read_prefix;    /* struct ipprefix, length and all */
conf_read_fn conf_read_via;       /* struct ipaddr: a next hop */
conf_read_fn conf_read_listen;    /* struct conf: metrics_address and metrics_port from ADDR:PORT */
conf_read_fn conf_read_router_id; /* uint32_t, host order, not 0 */
conf_read_fn conf_read_password;  /* char[CONF_PASSWORD_LEN]; never shows it in a message */
conf_read_fn conf_read_rd;        /* struct conf_rd; untouched for auto */
conf_read_fn conf_read_rt;        /* struct conf_rt */
conf_read_fn conf_read_fastpath;  /* struct conf_fastpath, by f->map; or its first member, by f->words */
conf_read_fn conf_read_targets;   /* struct conf_network, by f->map; untouched for auto */

#endif
