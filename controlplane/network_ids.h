/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which number each network has in the tables (dp_net_id): its own for as long as it lives. One that was
 * given back rests for a while before another network gets it, and those that nobody ever had are taken
 * first: what is still under way with an old number (events of the worker, messages of other gateways) must
 * not reach another network. When the gateway starts the numbers may be those of an earlier process. Pure;
 * control thread only.
 */
#ifndef CONTROLPLANE_NETWORK_IDS_H
#define CONTROLPLANE_NETWORK_IDS_H

#include "conf/conf.h"
#include "controlplane/gateway.h"

#define NETWORK_IDS_LEAST   256 /* room for networks to come */
#define NETWORK_IDS_REST_NS UINT64_C(2000000000)

struct network_ids;

/* The highest id of a gateway that starts with n networks. */
unsigned network_ids_max(size_t n);
/* NULL without memory. */
struct network_ids *network_ids_new(unsigned max);
void network_ids_free(struct network_ids *ids);

/* What an earlier process had: VNIs by id, below n; 0: none. Until network_ids_take() a network gets the id
 * that its VNI had, and no other gets that. */
void network_ids_had(struct network_ids *ids, const uint32_t *vnis, unsigned n);
/* The networks of a configuration: those that live on keep their ids, which are those of the same name, VNI
 * and route distinguisher among the n of now; the others get ids that are free. Nothing is taken yet. 0 and
 * *out (to be freed), -ENOMEM, or -ENOSPC: more than there are ids for. */
int network_ids_plan(const struct network_ids *ids, const struct gateway_network *now, unsigned n,
                     const struct conf *conf, mono_t at, struct gateway_network **out);
/* These are the networks from now on: what is not among them is given back. */
void network_ids_take(struct network_ids *ids, const struct gateway_network *networks, unsigned n, mono_t at);
/* The index of a network by its id, in what network_ids_take() got; -1: there is none. */
int network_ids_index(const struct network_ids *ids, dp_net_id id);

#endif
