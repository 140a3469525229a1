/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API on a running gateway, one function per line of api_commands.h. Each reads struct
 * gateway and fills a JSON object; ctx is the struct gateway. What is long is given in pages, so that no
 * request holds up the loop for more than some milliseconds.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_CMD_H
#define CONTROLPLANE_CMD_H

#include "controlplane/api_request.h"
#include "controlplane/bgp.h"
#include "controlplane/gateway.h"
#include "controlplane/json.h"

#define X(id, name, args, words, help)                                                                       \
    int cmd_##id(void *ctx, const struct api_args *args_given, cJSON *result, char err[API_ERR_LEN]);
API_COMMANDS(X)
#undef X

/* The network that the arguments name: 0 and *net NULL when none is named; -ENOENT with a sentence in err. */
int cmd_find_network(const struct gateway *g, const struct api_args *args, const struct gateway_network **net,
                     char err[API_ERR_LEN]);

/* A VTEP of the site that serves the network; 0: the site is this one. 0, or -errno with a sentence in err.
 */
int cmd_find_target(const struct gateway *g, const struct gateway_network *net, const char *to,
                    dp_vtep_id *out, char err[API_ERR_LEN]);

/* BGP as the commands need it: 0, or -ENOTSUP with a sentence in err when the gateway runs without. */
int cmd_need_bgp(const struct gateway *g, char err[API_ERR_LEN]);
/* The BGP peer that the arguments name, by address or by its configured name: 0 and *peer NULL when none is
 * named; -ENOENT with a sentence in err. */
int cmd_find_peer(const struct gateway *g, const struct api_args *args, struct bgp_session **peer,
                  char err[API_ERR_LEN]);
/* "ignored":[{"reason":R,"count":N},...] of an array by enum evpn_rib_ignored, without those of zero. */
void cmd_json_ignored(cJSON *o, const uint64_t *ignored);
/* How many peers there are, and in n[] how many of each state. */
unsigned cmd_count_peers(const struct bgp *bgp, unsigned n[BGP_N_STATES]);
/* Where the page begins that the arguments ask for (`after`); 0: at the beginning. */
uint32_t cmd_page_start(const struct api_args *args);
/* "port":NAME, "vtep":ADDRESS, or neither when it is flooded on purpose. */
void cmd_json_where(const struct gateway *g, enum dp_where where, uint16_t target, cJSON *o);
/* "ips":[...], when it has any. */
void cmd_json_ips(const struct gateway *g, const struct mac_entry *e, cJSON *row);
/* "carried", "by_worker" and "share_percent": frames that came in since the start. */
void cmd_json_share(const struct gateway *g, cJSON *o);
/* "on", "off" or "detached". */
const char *cmd_fastpath_state(const struct gateway *g);
/* Whole seconds since a time of the past. */
uint64_t cmd_seconds_since(mono_t then);

/* A router id and the like, host order, as dotted quad. */
void json_id(cJSON *o, const char *name, uint32_t id);
/* "name":{"frames":F,"bytes":B} */
void json_count(cJSON *o, const char *name, struct dp_count c);

#endif
