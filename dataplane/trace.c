/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See trace.h. Each function follows the one of the same purpose in burst.c, access.c, wan.c, bicast.c or
 * forward.c.
 * Control thread only.
 */
#include "dataplane/trace.h"

#include "dataplane/forward.h"
#include "dataplane/proxy.h"

#define ETH_LEN 14u
#define TAG_LEN 4u

struct tracer {
    const struct worker *w;
    const struct snapshot *s;
    struct trace *t;
    struct frame f; /* m is not set */
    uint8_t frame[TRACE_FRAME_MAX];
    uint32_t len;
};

static struct trace_step *add(struct tracer *r, enum trace_kind kind)
{
    static struct trace_step lost;
    struct trace *t = r->t;
    struct trace_step *step = &lost;

    if (t->n < TRACE_STEPS)
        step = &t->step[t->n++];
    else
        t->more++;
    *step = (struct trace_step){.kind = kind};
    return step;
}

static void drop(struct tracer *r, enum drop_reason reason)
{
    add(r, TRACE_DROP)->reason = reason;
    r->t->dropped++;
}

static void drop_copy(struct tracer *r, enum dp_where where, uint16_t target, enum drop_reason reason)
{
    struct trace_step *step = add(r, TRACE_DROP);

    step->reason = reason;
    step->where = where;
    step->target = target;
    r->t->dropped++;
}

/* ---- out */

static void to_port(struct tracer *r, dp_port_id port)
{
    const struct snap_net *net = r->f.net;
    enum drop_reason reason = DROP_no_target;
    struct trace_step *step;

    if (net->vlan_of_port[port] == SNAP_NOT_A_MEMBER && port == DP_OWN_PORT) {
        add(r, TRACE_OUT_OWN);
        r->t->left++;
        return;
    }
    if (net->vlan_of_port[port] != SNAP_NOT_A_MEMBER)
        reason = forward_port_verdict(r->w, net, port, r->len, r->frame);
    if (reason != DROP_N) {
        drop_copy(r, DP_WHERE_PORT, port, reason);
        return;
    }
    step = add(r, TRACE_OUT_PORT);
    step->where = DP_WHERE_PORT;
    step->target = port;
    step->vlan = net->vlan_of_port[port];
    r->t->left++;
}

static void to_vtep(struct tracer *r, dp_vtep_id vtep)
{
    enum drop_reason reason = forward_vtep_verdict(r->s, vtep, r->len);
    struct trace_step *step;

    if (reason != DROP_N) {
        drop_copy(r, DP_WHERE_VTEP, vtep, reason);
        return;
    }
    step = add(r, TRACE_OUT_VTEP);
    step->where = DP_WHERE_VTEP;
    step->target = vtep;
    r->t->left++;
}

static void flood(struct tracer *r, bool to_wan, enum drop_reason nobody)
{
    const struct snap_net *net = r->f.net;

    if (forward_flood_targets(&r->f, to_wan) == 0) {
        drop(r, nobody);
        return;
    }
    for (unsigned i = 0; i < net->n_members; i++)
        if (r->f.from != DP_WHERE_PORT || net->members[i].port != r->f.place)
            to_port(r, net->members[i].port);
    for (unsigned i = 0; to_wan && i < net->n_flood; i++)
        to_vtep(r, net->flood[i]);
}

static void bicast(struct tracer *r, uint32_t also)
{
    struct trace_step *step = add(r, TRACE_BICAST);

    step->where = (enum dp_where)fdb_kind(also);
    step->target = fdb_target(also);
}

/* ---- the destination */

static uint32_t look_up(struct tracer *r)
{
    const struct fdb_value *v = r->frame[0] & 1 ? NULL : fdb_find(r->w->fdb, r->f.dst_key);
    uint32_t where = v ? fdb_where(v) : 0;
    struct trace_step *step;

    if (where == 0)
        return 0;
    step = add(r, TRACE_FOUND);
    step->where = (enum dp_where)fdb_kind(where);
    step->target = fdb_target(where);
    step->dest = (struct dp_dest){.where = step->where,
                                  .target = step->target,
                                  .is_static = (where & FDB_STATIC) != 0,
                                  .bounce = (where & FDB_BOUNCE) != 0,
                                  .watch = (where & FDB_WATCH) != 0};
    return where;
}

/* bicast_from_access(): true: that is all. */
static bool second_copy_from_access(struct tracer *r, uint32_t where)
{
    uint32_t also = where & FDB_BICAST ? bicast_also(r->w->bicast, r->f.dst_key) : 0;

    if (fdb_kind(also) == DP_WHERE_VTEP && (where & FDB_PLACE_MASK) != also &&
        fdb_kind(where) != DP_WHERE_FLOOD) {
        bicast(r, also);
        to_vtep(r, fdb_target(also));
        return fdb_kind(where) == DP_WHERE_PORT && fdb_target(where) == r->f.place;
    }
    if (fdb_kind(also) == DP_WHERE_FLOOD && fdb_kind(where) == DP_WHERE_VTEP &&
        forward_flood_targets(&r->f, false) > 0) {
        bicast(r, also);
        flood(r, false, DROP_no_target);
    }
    return false;
}

static void from_access(struct tracer *r)
{
    uint32_t where = look_up(r);
    bool group = r->frame[0] & 1;

    if (where == 0) {
        add(r, group ? TRACE_GROUP : TRACE_UNKNOWN)->yes = group || r->f.net->flood_unknown;
        flood(r, group || r->f.net->flood_unknown, group ? DROP_no_target : DROP_unknown_unicast);
        return;
    }
    if (second_copy_from_access(r, where))
        return;
    if (fdb_kind(where) == DP_WHERE_VTEP)
        to_vtep(r, fdb_target(where));
    else if (fdb_kind(where) != DP_WHERE_PORT)
        flood(r, true, DROP_unknown_unicast);
    else if (fdb_target(where) == r->f.place)
        drop(r, DROP_same_port);
    else
        to_port(r, fdb_target(where));
}

/* As long as it has not been sent on before, which its outer TTL says. */
static void send_on(struct tracer *r, dp_vtep_id vtep)
{
    if (vtep == r->f.place)
        drop(r, DROP_split_horizon);
    else
        to_vtep(r, vtep);
}

static void from_wan(struct tracer *r)
{
    uint32_t where = look_up(r), also = where & FDB_BICAST ? bicast_also(r->w->bicast, r->f.dst_key) : 0;

    if (fdb_kind(also) == DP_WHERE_VTEP && fdb_kind(where) == DP_WHERE_PORT &&
        fdb_target(also) != r->f.place) {
        bicast(r, also);
        to_vtep(r, fdb_target(also));
    }
    if (fdb_kind(also) == DP_WHERE_FLOOD && fdb_kind(where) == DP_WHERE_VTEP &&
        fdb_target(where) == r->f.place && forward_flood_targets(&r->f, false) > 0) {
        bicast(r, also);
        flood(r, false, DROP_no_target);
        return;
    }
    switch (fdb_kind(where)) {
    case DP_WHERE_PORT:
        to_port(r, fdb_target(where));
        break;
    case DP_WHERE_VTEP:
        if (where & FDB_BOUNCE) {
            add(r, TRACE_BOUNCE);
            send_on(r, fdb_target(where));
        } else {
            drop(r, DROP_split_horizon); /* R1.11 */
        }
        break;
    default:
        if (where == 0)
            add(r, r->frame[0] & 1 ? TRACE_GROUP : TRACE_UNKNOWN);
        flood(r, false, DROP_no_target);
    }
}

/* ---- the source */

/* False: dropped. */
static bool source(struct tracer *r, bool learn)
{
    const struct fdb_value *v = fdb_find(r->w->fdb, r->f.src_key);
    uint32_t where = v ? fdb_where(v) : 0;
    struct trace_step *step;

    if (v && (where & FDB_PLACE_MASK) == FDB_WHERE(r->f.from, r->f.place, 0)) {
        add(r, TRACE_SOURCE_KNOWN);
        return true;
    }
    if (where & FDB_STATIC) {
        drop(r, DROP_src_static);
        return false;
    }
    step = add(r, !learn ? TRACE_SOURCE_IGNORE : v ? TRACE_SOURCE_MOVES : TRACE_SOURCE_LEARN);
    step->where = (enum dp_where)fdb_kind(where);
    step->target = fdb_target(where);
    return true;
}

/* True: the proxy answers, and that is all. */
static bool question(struct tracer *r)
{
    struct neigh_entry entry;
    struct trace_step *step;
    struct snoop sn;

    if (!snoop_maybe(r->frame, r->len))
        return false;
    snoop_look(r->frame, r->len, &sn);
    if (sn.ip.family)
        add(r, TRACE_SHOWS_IP)->ip = sn.ip;
    if (!sn.target.family)
        return false;
    if (!r->f.net->proxy || !(r->frame[0] & 1) || !proxy_find(r->w, &r->f, &sn, &entry)) {
        add(r, TRACE_ASKS)->ip = sn.target;
        return false;
    }
    step = add(r, TRACE_PROXY);
    step->ip = sn.target;
    step->mac = entry.mac;
    to_port(r, r->f.place);
    return true;
}

/* ---- in */

/* False: dropped. */
static bool network_of_port(struct tracer *r, dp_port_id port)
{
    const struct snap_port_vlans *vlans = r->s->vlans[port];
    uint16_t vlan = 0;
    dp_net_id net;
    struct trace_step *step;

    if (r->len < ETH_LEN || (inner_load16(r->frame + 12) == RTE_BE16(0x8100) && r->len < ETH_LEN + TAG_LEN)) {
        drop(r, DROP_truncated);
        return false;
    }
    if (inner_load16(r->frame + 12) == RTE_BE16(0x8100)) {
        vlan = rte_be_to_cpu_16(inner_load16(r->frame + 14)) & 0xfff;
        memmove(r->frame + 12, r->frame + 12 + TAG_LEN, r->len - 12 - TAG_LEN);
        r->len -= TAG_LEN;
    }
    net = vlans ? vlans->net[vlan] : 0;
    if (net == 0) {
        drop(r, DROP_vlan_unknown);
        return false;
    }
    r->f.net = &r->s->nets[net];
    step = add(r, TRACE_NETWORK);
    step->vlan = vlan;
    step->net = net;
    return true;
}

static bool network_of_vtep(struct tracer *r, dp_net_id net, dp_vtep_id vtep)
{
    if (net >= r->s->n_nets || r->s->nets[net].id == 0) {
        drop(r, DROP_vni_unknown);
        return false;
    }
    r->f.net = &r->s->nets[net];
    if (vtep >= DP_MAX_VTEPS || !snapshot_bit(r->f.net->known, vtep)) {
        drop(r, DROP_vtep_unknown);
        return false;
    }
    add(r, TRACE_TUNNEL)->target = vtep;
    if (r->len < ETH_LEN) {
        drop(r, DROP_inner_truncated);
        return false;
    }
    return true;
}

static bool macs(struct tracer *r)
{
    enum drop_reason reason = forward_check_macs(r->frame, inner_load16(r->frame + 12));

    if (reason == DROP_gateway_frame && r->f.from == DP_WHERE_VTEP) {
        add(r, TRACE_OUT_OWN);
        r->t->left++;
        return false;
    }
    if (reason == DROP_N && forward_is_tag(inner_load16(r->frame + 12)) && !r->f.net->qinq)
        reason = DROP_inner_tagged; /* R1.6 */
    if (reason != DROP_N)
        drop(r, reason);
    return reason == DROP_N;
}

void trace_frame(const struct worker *w, const struct snapshot *s, const struct trace_frame *f,
                 struct trace *out)
{
    struct tracer r = {.w = w, .s = s, .t = out, .len = f->len};
    bool port = f->from == DP_WHERE_PORT;

    memset(out, 0, sizeof(*out));
    memcpy(r.frame, f->frame, f->len);
    r.f.from = (uint8_t)f->from;
    r.f.place = r.f.port = f->source;
    if (!(port ? network_of_port(&r, f->source) : network_of_vtep(&r, f->net, f->source)))
        return;
    out->net = r.f.net->id;
    r.f.dst_key = fdb_key(r.f.net->id, r.frame);
    r.f.src_key = fdb_key(r.f.net->id, r.frame + 6);
    if (!macs(&r) || !source(&r, port || snapshot_bit(r.f.net->learning, f->source)))
        return;
    if (port && question(&r))
        return;
    if (port)
        from_access(&r);
    else
        from_wan(&r);
}
