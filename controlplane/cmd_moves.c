/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about moves: show moves, move prepare, move commit, move cancel, watch. Control thread only.
 */
#include "controlplane/api.h"
#include "controlplane/cmd.h"
#include "controlplane/journal_text.h"
#include "controlplane/moves.h"
#include "controlplane/site.h"
#include "controlplane/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOVES_PAGE 200 /* entries of a reply */
#define MOVES_WALK 100000
#define MOVES_LAST 50

/* ---- show moves */

/* Where a page ends: behind which entry, and how many may follow. Of constant length and growing, as paging
 * wants it: ids fall. */
#define CURSOR_FORMAT "%016" PRIx64 "%08" PRIx32

static void write_cursor(cJSON *result, uint64_t id, uint32_t left)
{
    char text[32];

    snprintf(text, sizeof(text), CURSOR_FORMAT, UINT64_MAX - id, left);
    json_text(result, "next", text);
}

static bool read_cursor(const char *text, uint64_t *id, uint32_t *left)
{
    char again[32];

    if (sscanf(text, "%16" SCNx64 "%8" SCNx32, id, left) != 2)
        return false;
    snprintf(again, sizeof(again), CURSOR_FORMAT, *id, *left);
    *id = UINT64_MAX - *id;
    return strcmp(text, again) == 0 && *id != 0;
}

static bool passes(const struct api_args *args, const struct journal_entry *e)
{
    const union api_value *mac = api_arg(args, MAC), *net = api_arg(args, NETWORK);

    return (!mac || mac_eq(mac->mac, e->mac)) && (!net || strcmp(net->text, e->network) == 0);
}

static int show_prepared(const struct gateway *g, const struct api_args *args, cJSON *result)
{
    const union api_value *mac = api_arg(args, MAC), *net = api_arg(args, NETWORK);
    const struct prepared *p;
    cJSON *rows = json_array(result, "prepared");
    unsigned cursor = 0;

    while ((p = move_prepare_walk(moves_prepared(g->moves), &cursor)) != NULL) {
        const struct gateway_network *n = gateway_network(g, p->net);

        if ((!mac || mac_eq(mac->mac, p->mac)) && (!net || (n && strcmp(net->text, n->conf->name) == 0)))
            watch_prepared_json(g, p, json_row(rows));
    }
    return 0;
}

int cmd_show_moves(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const struct journal *j = moves_journal(g->moves);
    const union api_value *cursor = api_arg(args, CURSOR), *last = api_arg(args, LAST);
    uint32_t left = api_flag(args, ALL) ? UINT32_MAX : last ? last->number : MOVES_LAST;
    const struct journal_entry *e = NULL;
    unsigned n = 0, walked;
    uint64_t id = 0;
    cJSON *rows;

    if (api_flag(args, PREPARED))
        return show_prepared(g, args, result);
    if (cursor && !read_cursor(cursor->text, &id, &left)) {
        snprintf(err, API_ERR_LEN, "that is no cursor of \"show moves\"");
        return -EINVAL;
    }
    json_u64(result, "total", journal_count(j));
    json_u64(result, "left_out", journal_left_out(j));
    json_u64(result, "prepared", move_prepare_count(moves_prepared(g->moves)));
    json_bool(result, "details", api_arg(args, MAC) != NULL);
    rows = json_array(result, "moves");
    for (walked = 0; walked < MOVES_WALK && n < MOVES_PAGE && left > 0; walked++) {
        e = journal_walk(j, &id);
        if (!e)
            break;
        if (!passes(args, e))
            continue;
        struct journal_entry now = moves_entry_now(g->moves, e);
        journal_json(json_row(rows), &now);
        left -= left != UINT32_MAX;
        n++;
    }
    if (e && left > 0)
        write_cursor(result, id, left);
    return 0;
}

/* ---- move prepare, commit, cancel */

typedef bool holds_fn(const struct gateway *g, dp_net_id net, struct mac mac);

static bool is_known(const struct gateway *g, dp_net_id net, struct mac mac)
{
    return mactable_find(g->macs, net, mac) != NULL;
}

static bool is_prepared(const struct gateway *g, dp_net_id net, struct mac mac)
{
    return move_prepare_find(moves_prepared(g->moves), net, mac) != NULL;
}

/* The network that is meant: the one that is named, or the only one that holds the MAC. NULL: with a sentence
 * in err. */
static const struct gateway_network *find_one(const struct gateway *g, const struct api_args *args,
                                              holds_fn *holds, char err[API_ERR_LEN])
{
    const union api_value *mac = api_arg(args, MAC);
    const struct gateway_network *named, *found = NULL;

    if (!mac) {
        snprintf(err, API_ERR_LEN, "which MAC? (--mac)");
        return NULL;
    }
    if (cmd_find_network(g, args, &named, err) != 0)
        return NULL;
    for (unsigned i = 0; i < g->n_networks; i++) {
        const struct gateway_network *n = &g->networks[i];

        if ((named && n != named) || !holds(g, n->id, mac->mac))
            continue;
        if (found) {
            snprintf(err, API_ERR_LEN, "that MAC is in the networks %s and %s: say which one with --network",
                     found->conf->name, n->conf->name);
            return NULL;
        }
        found = n;
    }
    if (!found)
        snprintf(err, API_ERR_LEN,
                 holds == is_known ? "that MAC is not known%s; it must have sent something before it moves"
                                   : "no move of that MAC is prepared%s (show moves --prepared)",
                 named ? " in that network" : "");
    return found;
}

static int refuse(const struct gateway *g, const struct gateway_network *net, const struct api_args *args,
                  int rc, char err[API_ERR_LEN])
{
    const struct mac_entry *e = mactable_find(g->macs, net->id, api_arg(args, MAC)->mac);
    const struct gateway_vtep *at = e && e->where == DP_WHERE_VTEP ? gateway_vtep(g, e->target) : NULL;
    char vtep[IPADDR_STRLEN] = "?";

    if (at)
        ipaddr_format(&at->address, vtep);
    switch (rc) {
    case -EALREADY:
        snprintf(err, API_ERR_LEN, "that MAC is there already");
        break;
    case -EPERM:
        snprintf(err, API_ERR_LEN,
                 "that MAC is configured where it is (static, sticky or flooded): it does not move");
        break;
    case -EBUSY:
        snprintf(err, API_ERR_LEN,
                 "that MAC is frozen as a duplicate: it is at two places; \"clear duplicate\" ends that");
        break;
    case -EXDEV:
        snprintf(err, API_ERR_LEN, "that MAC is at VTEP %s: tell that gateway, or the one that it moves to",
                 vtep);
        break;
    case -EEXIST:
        snprintf(err, API_ERR_LEN,
                 "it is prepared to move between here and another site; \"move cancel\" ends that");
        break;
    case -ENOSPC:
        snprintf(err, API_ERR_LEN, "%d moves are prepared already", MOVE_PREPARE_MAX);
        break;
    case -ENOTUNIQ:
        snprintf(err, API_ERR_LEN,
                 "network %s is on several access ports here: at which one it is, its first frame will say",
                 net->conf->name);
        break;
    case -EACCES:
        snprintf(err, API_ERR_LEN,
                 "the MAC table does not take it here (frozen, or the port's limit is reached)");
        break;
    default:
        snprintf(err, API_ERR_LEN, "%s", strerror(-rc));
    }
    return rc;
}

int cmd_move_prepare(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *to = api_arg(args, TO), *timeout = api_arg(args, TIMEOUT);
    uint32_t seconds = timeout ? timeout->number : MOVE_PREPARE_SECONDS;
    const struct gateway_network *net = find_one(g, args, is_known, err);
    const struct prepared *p;
    dp_vtep_id vtep;
    int rc;

    if (!net)
        return -ENOENT;
    if (!to) {
        snprintf(err, API_ERR_LEN, "to which site? (--to)");
        return -EINVAL;
    }
    if (seconds == 0 || seconds > MOVE_PREPARE_LONGEST) {
        snprintf(err, API_ERR_LEN, "the timeout must be 1 to %d seconds", MOVE_PREPARE_LONGEST);
        return -EINVAL;
    }
    rc = cmd_find_target(g, net, to->text, &vtep, err);
    if (rc < 0)
        return rc;
    rc = moves_prepare(g->moves, net->id, api_arg(args, MAC)->mac, vtep, seconds, &p);
    if (rc < 0)
        return refuse(g, net, args, rc, err);
    /* The other gateway's word decides what the answer is. */
    if (args->call && p->state == PREPARED_ASKING && moves_wait(g->moves, p->id, args->call) == 0)
        return API_LATER;
    watch_prepared_json(g, p, result);
    return 0;
}

int cmd_move_commit(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const struct gateway_network *net = find_one(g, args, is_prepared, err);
    const struct prepared *p;
    int rc;

    if (!net)
        return -ENOENT;
    rc = moves_commit(g->moves, net->id, api_arg(args, MAC)->mac);
    if (rc < 0)
        return refuse(g, net, args, rc, err);
    p = move_prepare_find(moves_prepared(g->moves), net->id, api_arg(args, MAC)->mac);
    json_text(result, "network", net->conf->name);
    json_mac(result, "mac", api_arg(args, MAC)->mac);
    json_text(result, "state", p ? prepared_state_text(p) : "committed");
    return 0;
}

/* Whether the move that is prepared goes to that site. 0; -EXDEV: to another one. */
static int check_target(const struct gateway *g, const struct gateway_network *net, struct mac mac,
                        const char *to, char err[API_ERR_LEN])
{
    const struct prepared *p = move_prepare_find(moves_prepared(g->moves), net->id, mac);
    const struct gateway_vtep *peer = p ? gateway_vtep(g, p->peer) : NULL;
    struct site site;
    int rc = site_find(g->conf, to, &site, err, API_ERR_LEN);
    bool there = rc == 0 && p && p->role == PREPARED_NEW && site.own;

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < site.n_vteps && peer && p->role == PREPARED_OLD && !site.own; i++)
        there |= ipaddr_eq(&site.vteps[i], &peer->address);
    if (there)
        return 0;
    snprintf(err, API_ERR_LEN, "that MAC is prepared to move to another site (show moves --prepared)");
    return -EXDEV;
}

int cmd_move_cancel(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *to = api_arg(args, TO);
    const struct gateway_network *net = find_one(g, args, is_prepared, err);
    int rc;

    if (!net)
        return -ENOENT;
    rc = to ? check_target(g, net, api_arg(args, MAC)->mac, to->text, err) : 0;
    if (rc < 0)
        return rc;
    rc = moves_cancel(g->moves, net->id, api_arg(args, MAC)->mac);
    if (rc < 0)
        return refuse(g, net, args, rc, err);
    json_text(result, "network", net->conf->name);
    json_mac(result, "mac", api_arg(args, MAC)->mac);
    json_text(result, "state", "cancelled");
    return 0;
}

/* ---- watch */

int cmd_watch(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;

    if (api_watch(g->api, args->call) < 0) {
        snprintf(err, API_ERR_LEN, "nobody is there to be told");
        return -ENOTCONN;
    }
    json_bool(result, "watching", true);
    json_text(result, "site", g->conf->site);
    json_text(result, "gateway", g->conf->gateway);
    return 0;
}
