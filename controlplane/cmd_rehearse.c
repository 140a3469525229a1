/* SPDX-License-Identifier: BSD-3-Clause
 *
 * move rehearse, show rehearsal. A rehearsal takes some seconds: the first starts it, the second says how far
 * it is, and causewayctl asks until it is over (ctl_follow.h). Control thread only.
 */
#include "controlplane/cmd.h"
#include "controlplane/rehearse.h"
#include "controlplane/site.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define ETH_LEN     14
#define FRAME_LIMIT 9216

#define LINK_LOCALS (254u * 256u)

/* 169.254.1.0 to 169.254.254.255 (RFC 3927 section 2.1). */
static struct ipaddr link_local(uint32_t i)
{
    return (struct ipaddr){.family = 4, .b = {169, 254, (uint8_t)(1 + i / 256 % 254), (uint8_t)i}};
}

/* One that no host of the network, at any site, is known to have. 0 or -EADDRINUSE. */
static int pick_ip(const struct gateway *g, dp_net_id net, uint32_t session, struct ipaddr *out)
{
    struct neighbor_info n;

    for (uint32_t i = 0; i < LINK_LOCALS; i++) {
        *out = link_local((session + i) % LINK_LOCALS);
        if (!neighbor_find(g->neighbors, net, out, &n))
            return 0;
    }
    return -EADDRINUSE;
}

static void json_ns(cJSON *o, const char *name, uint64_t ns)
{
    if (ns != UINT64_MAX)
        json_u64(o, name, ns);
}

static void json_view(cJSON *o, const char *name, uint64_t there, uint64_t back, uint32_t probes,
                      uint32_t answered, uint32_t lost, uint32_t announced)
{
    cJSON *v = json_object(o, name);

    json_ns(v, "dark_there_ns", there);
    json_ns(v, "dark_back_ns", back);
    json_u64(v, "probes", probes);
    json_u64(v, "answered", answered);
    json_u64(v, "lost", lost);
    json_u64(v, "announcements_sent", announced);
}

int cmd_show_rehearsal(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const struct gateway_network *net;
    const struct gateway_vtep *vtep;
    struct rehearse_result r;
    cJSON *path;

    (void)args;
    rehearse_result(g->rehearse, &r);
    if (r.stage == REHEARSE_IDLE) {
        snprintf(err, API_ERR_LEN, "nothing was rehearsed yet (move rehearse)");
        return -ENOENT;
    }
    net = gateway_network(g, r.net);
    vtep = gateway_vtep(g, r.vtep);
    json_text(result, "stage", rehearse_stage_name(r.stage));
    json_bool(result, "finished", r.stage >= REHEARSE_DONE);
    if (r.stage == REHEARSE_FAILED)
        json_text(result, "error", r.error);
    json_text(result, "network", net ? net->conf->name : "unknown");
    if (vtep) {
        json_text(result, "site", site_name(g->conf, &vtep->address));
        json_address(result, "vtep", &vtep->address);
    }
    json_mac(result, "mac", r.mac);
    json_address(result, "ip", &r.ip);
    path = json_object(result, "path");
    json_ns(path, "round_trip_ns", r.rtt);
    json_u64(path, "mtu", r.frame_max > ETH_LEN ? r.frame_max - ETH_LEN : 0);
    json_u64(path, "mtu_wanted", r.frame_wanted - ETH_LEN);
    json_view(result, "here", r.dark_there, r.dark_back, r.probes, r.answered, r.lost, r.announced);
    json_view(result, "there", r.dark_there_away, r.dark_back_away, r.probes_away, r.answered_away,
              r.lost_away, r.announced_away);
    return 0;
}

int cmd_move_rehearse(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;
    const union api_value *to = api_arg(args, TO);
    const struct gateway_network *net;
    dp_vtep_id vtep;
    uint32_t session, mtu;
    struct ipaddr ip;
    int rc = cmd_find_network(g, args, &net, err);

    if (rc < 0)
        return rc;
    if (!net || !to) {
        snprintf(err, API_ERR_LEN, "in which network, and to which site? --network NAME --to SITE");
        return -EINVAL;
    }
    rc = cmd_find_target(g, net, to->text, &vtep, err);
    if (rc < 0)
        return rc;
    if (!vtep) {
        snprintf(err, API_ERR_LEN, "%s is this gateway's own site", to->text);
        return -EINVAL;
    }
    if (!g->overlay) {
        snprintf(err, API_ERR_LEN, "a rehearsal needs BGP, and the configuration has no bgp section");
        return -ENOTSUP;
    }
    if (getrandom(&session, sizeof(session), 0) != sizeof(session))
        session = (uint32_t)mono_now().ns;
    mtu = conf_network_mtu(net->conf);
    rc = pick_ip(g, net->id, session, &ip);
    if (rc < 0) {
        snprintf(err, API_ERR_LEN, "hosts of that network have all addresses of 169.254.0.0/16");
        return rc;
    }
    rc = rehearse_start(g->rehearse, net->id, vtep, &ip,
                        (uint16_t)(mtu + ETH_LEN > FRAME_LIMIT ? FRAME_LIMIT : mtu + ETH_LEN), session,
                        mono_now());
    if (rc == -EBUSY)
        snprintf(err, API_ERR_LEN, "a rehearsal is under way (show rehearsal)");
    if (rc < 0)
        return rc;
    gateway_oam_changed(g);
    return cmd_show_rehearsal(ctx, args, result, err);
}
