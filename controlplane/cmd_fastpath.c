/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about the fast path: show fastpath, fastpath detach; and what share of the frames it carried.
 * Control thread only.
 */
#include "controlplane/cmd.h"
#include "controlplane/gateway_fastpath.h"
#include "ebpf/fastpath.h"

#include <errno.h>
#include <stdio.h>

struct share {
    uint64_t fast, all; /* frames received, by all ports */
};

static struct share share_of(const struct gateway *g)
{
    struct fastpath_port_work work;
    struct dp_port_counters c;
    struct share s = {0};

    for (unsigned i = 0; i < g->n_ports; i++) {
        fwd_port_counters(g->fwd, g->ports[i].id, &c);
        s.all += c.rx.frames;
        fwd_port_fast(g->fwd, g->ports[i].id, &c, &work);
        s.fast += c.rx.frames;
    }
    return s;
}

void cmd_json_share(const struct gateway *g, cJSON *o)
{
    struct share s = share_of(g);

    json_u64(o, "carried", s.fast);
    json_u64(o, "by_worker", s.all - s.fast);
    if (s.all)
        cJSON_AddNumberToObject(o, "share_percent", (double)(s.fast * 1000 / s.all) / 10);
}

const char *cmd_fastpath_state(const struct gateway *g)
{
    return !gateway_fastpath_why_not(g) ? "on" : gateway_fastpath(g) ? "detached" : "off";
}

static const char *mode_text(enum conf_fastpath_mode mode)
{
    return mode == CONF_FASTPATH_ON ? "on" : mode == CONF_FASTPATH_OFF ? "off" : "auto";
}

static void port_punts(const struct fastpath_port_work *work, cJSON *row)
{
    cJSON *punts = json_object(row, "punts");
    uint64_t sum = 0;

    for (unsigned i = 0; i < fastpath_punt_reasons(); i++) {
        json_u64(punts, fastpath_punt_name(i), work->punts[i]);
        sum += work->punts[i];
    }
    json_u64(row, "punted", sum);
}

static void port_row(const struct gateway *g, unsigned i, cJSON *row)
{
    const struct gateway_port *p = &g->ports[i];
    const struct gateway_fast_port *f = gateway_fastpath_port(g, p->id);
    struct fastpath_port_work work;
    struct dp_port_counters c;
    struct xdp_status x;

    xdp_status(p->xdp, &x);
    fwd_port_fast(g->fwd, p->id, &c, &work);
    json_text(row, "port", p->name);
    json_text(row, "program", x.program);
    json_u64(row, "program_id", x.program_id);
    json_text(row, "mode", x.mode);
    json_bool(row, "fast", x.fast);
    json_bool(row, "pinned", x.pinned);
    json_bool(row, "taken_over", x.taken_over);
    json_bool(row, "target", f->served && !f->refuse);
    if (f->served && f->refuse)
        json_text(row, "no_target", f->refuse);
    json_count(row, "carried_in", c.rx);
    json_count(row, "carried_out", c.tx);
    json_u64(row, "drops", c.drops);
    port_punts(&work, row);
    json_u64(row, "passed", work.passed);
    json_u64(row, "unserved", work.unserved);
    json_u64(row, "lost", f->lost);
    json_u64(row, "shunned", f->shunned);
}

/* What the punts of all ports come to. */
static void all_punts(const struct gateway *g, cJSON *result)
{
    cJSON *rows = json_array(result, "punts");
    struct fastpath_port_work work;
    struct dp_port_counters c;

    for (unsigned reason = 0; reason < fastpath_punt_reasons(); reason++) {
        uint64_t sum = 0;
        cJSON *row;

        for (unsigned i = 0; i < g->n_ports; i++) {
            fwd_port_fast(g->fwd, g->ports[i].id, &c, &work);
            sum += work.punts[reason];
        }
        if (sum == 0)
            continue;
        row = json_row(rows);
        json_text(row, "reason", fastpath_punt_name(reason));
        json_u64(row, "count", sum);
        json_text(row, "text", fastpath_punt_text(reason));
    }
}

static void maps_fill(const struct gateway *g, cJSON *result)
{
    cJSON *maps = json_object(result, "maps");
    uint32_t used, capacity;
    unsigned vteps = 0;

    fastpath_fdb_usage(gateway_fastpath(g), &used, &capacity);
    for (unsigned i = 0; i < g->n_vteps; i++)
        vteps += g->vteps[i].address.family != 0;
    json_u64(maps, "macs", used);
    json_u64(maps, "macs_max", capacity);
    json_u64(maps, "macs_refused", fwd_refused(g->fwd));
    json_u64(maps, "networks", g->n_networks);
    json_u64(maps, "networks_max", DP_MAX_NETWORKS);
    json_u64(maps, "vteps", vteps);
    json_u64(maps, "vteps_max", DP_MAX_VTEPS - 1);
}

static void taken_over(const struct gateway *g, cJSON *result)
{
    struct gateway_takeover_info info = gateway_takeover_info(g);
    cJSON *o;

    if (!info.happened)
        return;
    o = json_object(result, "taken_over");
    json_bool(o, "waiting", info.waiting);
    json_u64(o, "vteps", info.vteps);
    json_u64(o, "macs_here", info.macs_here);
    json_u64(o, "macs_there", info.macs_there);
    json_u64(o, "dropped", info.dropped);
}

int cmd_show_fastpath(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const struct conf_fastpath *c = &g->conf->fastpath;
    const char *why_not = gateway_fastpath_why_not(g);
    bool pinned;
    cJSON *rows;

    (void)args, (void)err;
    json_text(result, "configured", mode_text(c->mode));
    json_text(result, "state", cmd_fastpath_state(g));
    if (why_not)
        json_text(result, "why_not", why_not);
    if (!gateway_fastpath(g))
        return 0;
    pinned = fastpath_pinned(gateway_fastpath(g), &why_not);
    json_bool(result, "pinned", pinned);
    json_text(result, "dir", c->dir);
    if (!pinned)
        json_text(result, "why_not_pinned", why_not);
    json_bool(result, "persist", c->persist);
    json_bool(result, "sees_lost", fastpath_sees_lost(gateway_fastpath(g), &why_not));
    if (*why_not)
        json_text(result, "why_blind", why_not);
    json_limit(result, "punt_limit", c->punt_limit);
    cmd_json_share(g, result);
    maps_fill(g, result);
    taken_over(g, result);
    rows = json_array(result, "ports");
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].xdp)
            port_row(g, i, json_row(rows));
    all_punts(g, result);
    return 0;
}

int cmd_fastpath_detach(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    struct gateway *g = ctx;
    const union api_value *name = api_arg(args, GATEWAY);
    int rc;

    if (name && strcmp(name->text, g->conf->gateway) != 0) {
        snprintf(err, API_ERR_LEN, "this is gateway %s", g->conf->gateway);
        return -EINVAL;
    }
    rc = gateway_fastpath_detach(g, err, API_ERR_LEN);
    if (rc == 0)
        json_text(result, "state", cmd_fastpath_state(g));
    return rc;
}
