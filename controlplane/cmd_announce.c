/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about announcements: announce, show announcements. Control thread only.
 */
#include "controlplane/announce.h"
#include "controlplane/cmd.h"

#include <errno.h>
#include <stdio.h>

#define NETWORKS_PAGE 1000

/* ---- announce */

/* In one network; false: the MAC is not known there. */
static bool announce_in(const struct gateway *g, const struct gateway_network *net, struct mac mac,
                        cJSON *rows, uint64_t *sent)
{
    const struct mac_entry *e = mactable_find(g->macs, net->id, mac);
    unsigned n;
    cJSON *row;

    if (!e)
        return false;
    n = announce_mac(g->announce, net->id, mac, e->where == DP_WHERE_PORT, mono_now());
    row = json_row(rows);
    json_text(row, "network", net->conf->name);
    json_u64(row, "sent", n);
    *sent += n;
    return true;
}

int cmd_announce(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *mac = api_arg(args, MAC);
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);
    bool known = false;
    uint64_t sent = 0;
    cJSON *rows;

    if (rc != 0)
        return rc;
    if (!mac) {
        snprintf(err, API_ERR_LEN, "which MAC?");
        return -EINVAL;
    }
    rows = json_array(result, "networks");
    for (unsigned i = 0; i < g->n_networks; i++) {
        if (!net || net == &g->networks[i])
            known |= announce_in(g, &g->networks[i], mac->mac, rows, &sent);
    }
    if (!known) {
        snprintf(err, API_ERR_LEN, "that MAC is not known %s", net ? "in that network" : "here");
        return -ENOENT;
    }
    json_u64(result, "sent", sent);
    return 0;
}

/* ---- show announcements */

static void counts_row(const struct gateway *g, const struct gateway_network *net, cJSON *row)
{
    static const char *const kinds[ANNOUNCE_KINDS] = {
        [ANNOUNCE_GARP_REQUEST] = "garp_request",
        [ANNOUNCE_GARP_REPLY] = "garp_reply",
        [ANNOUNCE_NA] = "na",
        [ANNOUNCE_RARP] = "rarp",
        [ANNOUNCE_GATEWAY] = "gateway",
    };
    struct announce_counts c = announce_counts(g->announce, net->id);
    cJSON *sent;

    json_text(row, "network", net->conf->name);
    sent = json_object(row, "sent");
    for (unsigned i = 0; i < ANNOUNCE_KINDS; i++)
        json_u64(sent, kinds[i], c.sent[i]);
    json_u64(row, "waiting", c.waiting);
    json_u64(row, "limited", c.limited);
    json_u64(row, "failed", c.failed);
}

int cmd_show_announcements(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *after = api_arg(args, AFTER);
    const struct conf_moves *settings = &g->conf->moves;
    uint32_t first = after ? after->number : 0, i;
    const struct gateway_network *net;
    int rc = cmd_find_network(g, args, &net, err);
    cJSON *rows;

    if (rc != 0)
        return rc;
    json_u64(result, "repeats", settings->repeats);
    json_u64(result, "interval_ms", settings->interval_ms);
    json_limit(result, "limit", settings->limit);
    rows = json_array(result, "networks");
    if (net) {
        counts_row(g, net, json_row(rows));
        return 0;
    }
    for (i = first; i < g->n_networks && i - first < NETWORKS_PAGE; i++)
        counts_row(g, &g->networks[i], json_row(rows));
    if (i < g->n_networks)
        json_u64(result, "next", i);
    return 0;
}
