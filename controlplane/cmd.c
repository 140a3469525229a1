/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the commands share: finding what the arguments name, writing JSON members; and api_start(), which
 * binds the command list to a gateway. Control thread only.
 */
#include "controlplane/cmd.h"

#include "controlplane/api.h"
#include "controlplane/overlay.h"
#include "controlplane/site.h"

#include <errno.h>
#include <stdio.h>

#define MAX_CLIENTS 64
#define IDLE_MS     60000
#define WRITE_MS    10000

static const struct api_command commands[] = {
#define X(id, name, args, words, help) {name, args, help, cmd_##id, words},
    API_COMMANDS(X)
#undef X
};

struct api *api_start(struct event_base *base, struct gateway *g, const char *socket_path, char *err,
                      size_t err_len)
{
    const struct api_config config = {
        .commands = commands,
        .n_commands = sizeof(commands) / sizeof(commands[0]),
        .ctx = g,
        .max_clients = MAX_CLIENTS,
        .idle_ms = IDLE_MS,
        .write_ms = WRITE_MS,
    };

    return g->api = api_open(base, &config, socket_path, err, err_len);
}

int cmd_find_network(const struct gateway *g, const struct api_args *args, const struct gateway_network **net,
                     char err[API_ERR_LEN])
{
    const union api_value *name = api_arg(args, NETWORK);

    *net = NULL;
    if (!name)
        return 0;
    for (unsigned i = 0; i < g->n_networks; i++) {
        if (strcmp(g->networks[i].conf->name, name->text) == 0) {
            *net = &g->networks[i];
            return 0;
        }
    }
    snprintf(err, API_ERR_LEN, "no network of that name; \"show networks\" lists them");
    return -ENOENT;
}

/* The VTEP with this address, if it serves the network; else 0. */
static dp_vtep_id serves(const struct gateway *g, dp_net_id net, const struct ipaddr *address)
{
    size_t n;
    const struct gateway_peer *peers = gateway_peers(g, net, &n);

    for (size_t i = 0; i < n; i++) {
        const struct gateway_vtep *v = gateway_vtep(g, peers[i].vtep);

        if (v && ipaddr_eq(&v->address, address))
            return v->id;
    }
    return 0;
}

int cmd_find_target(const struct gateway *g, const struct gateway_network *net, const char *to,
                    dp_vtep_id *out, char err[API_ERR_LEN])
{
    struct site site;
    int rc = site_find(g->conf, to, &site, err, API_ERR_LEN);

    *out = 0;
    if (rc < 0 || site.own)
        return rc;
    for (size_t i = 0; i < site.n_vteps; i++) {
        *out = serves(g, net->id, &site.vteps[i]);
        if (*out)
            return 0;
    }
    snprintf(err, API_ERR_LEN, "no gateway of %s serves network %s now (show networks --network %s)", to,
             net->conf->name, net->conf->name);
    return -ENOENT;
}

int cmd_need_bgp(const struct gateway *g, char err[API_ERR_LEN])
{
    if (g->overlay && overlay_bgp(g->overlay))
        return 0;
    snprintf(err, API_ERR_LEN, "no BGP on this gateway: its configuration has no \"bgp\" section");
    return -ENOTSUP;
}

static const struct conf_bgp_peer *find_conf_peer(const struct gateway *g, const char *name)
{
    for (size_t i = 0; i < g->conf->bgp.n_peers; i++)
        if (strcmp(g->conf->bgp.peers[i].name, name) == 0)
            return &g->conf->bgp.peers[i];
    return NULL;
}

int cmd_find_peer(const struct gateway *g, const struct api_args *args, struct bgp_session **peer,
                  char err[API_ERR_LEN])
{
    const union api_value *which = api_arg(args, PEER);
    const struct conf_bgp_peer *conf;
    struct ipaddr address;

    *peer = NULL;
    if (!which)
        return 0;
    conf = find_conf_peer(g, which->text);
    if (conf)
        address = conf->address;
    if (conf || ipaddr_parse(which->text, &address))
        *peer = bgp_peer_find(overlay_bgp(g->overlay), &address);
    if (*peer)
        return 0;
    snprintf(err, API_ERR_LEN, "no BGP peer with that address or name; \"show bgp peers\" lists them");
    return -ENOENT;
}

unsigned cmd_count_peers(const struct bgp *bgp, unsigned n[BGP_N_STATES])
{
    unsigned total = 0;

    memset(n, 0, BGP_N_STATES * sizeof(*n));
    for (const struct bgp_session *s = bgp_peer_next(bgp, NULL); s; s = bgp_peer_next(bgp, s)) {
        struct bgp_session_status status;

        bgp_session_status(s, &status);
        total++;
        if ((unsigned)status.state < BGP_N_STATES)
            n[status.state]++;
    }
    return total;
}

uint32_t cmd_page_start(const struct api_args *args)
{
    const union api_value *after = api_arg(args, AFTER);

    return after ? after->number : 0;
}

uint64_t cmd_seconds_since(mono_t then)
{
    mono_t now = mono_now();

    return now.ns > then.ns ? (now.ns - then.ns) / 1000000000u : 0;
}

void json_id(cJSON *o, const char *name, uint32_t id)
{
    char text[BGP_ID_TEXT];

    cJSON_AddStringToObject(o, name, bgp_id_format(id, text));
}

void json_count(cJSON *o, const char *name, struct dp_count c)
{
    cJSON *count = json_object(o, name);

    json_u64(count, "frames", c.frames);
    json_u64(count, "bytes", c.bytes);
}
