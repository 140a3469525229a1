/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See burst.h. Two passes over a burst: the first checks each frame and starts the memory reads of both its
 * look-ups, the second decides. Worker threads.
 *
 * Tricky: every step of the usual way does all its checks before it changes the frame or a counter; so a
 * frame can still be handed to access.c or wan.c as it came. What a burst did is counted by runs of frames
 * that have the same way, when the run ends.
 */
#include "dataplane/burst.h"

#include "dataplane/forward.h"
#include "dataplane/profile.h"
#include "dataplane/vlan.h"
#include "dataplane/vxlan_usual.h"

#define ETH_LEN 14u

/* Frames and their bytes in one word, so that one addition counts both. */
#define SOME_FRAME (UINT64_C(1) << 32)
_Static_assert(WORKER_BURST *(uint64_t)UINT16_MAX < SOME_FRAME, "the bytes of a burst");

/* ---- a way: where the last frames of a burst went */

struct way {
    const struct snap_net *net;
    uint32_t where;                      /* FDB_WHERE() of the destination */
    uint32_t max_len;                    /* longer frames are odd; 0: all are */
    uint16_t vlan;                       /* to a port; 0: without tag */
    uint32_t tag;                        /* put in here; 0: none is */
    dp_port_id port;                     /* that they leave by */
    struct worker_tx *tx;                /* its queue */
    const struct vxlan_template *header; /* to a VTEP; NULL: to a port */
    uint64_t sent;                       /* not yet in the counters: SOME_FRAME and its bytes for each */
    const struct frame *end;             /* of the burst */
    bool looked_ahead;
};

static inline void add(struct dp_count *to, const struct dp_count *n)
{
    to->frames += n->frames;
    to->bytes += n->bytes;
}

static inline struct dp_count unpacked(uint64_t frames_and_bytes)
{
    return (struct dp_count){.frames = frames_and_bytes / SOME_FRAME, .bytes = frames_and_bytes % SOME_FRAME};
}

static inline void way_count(struct worker *w, struct way *way, bool from_wan)
{
    struct dp_count sent = unpacked(way->sent);
    struct dp_net_counters *net;

    if (way->sent == 0)
        return;
    net = &w->counters.nets[way->net->id];
    add(from_wan ? &net->wan_in[0] : &net->access_in[0], &sent);
    if (way->header) {
        add(&net->wan_out[FORWARD_KNOWN], &sent);
        add(&w->counters.vteps[fdb_target(way->where)].tx, &sent);
    } else {
        add(&net->access_out[FORWARD_KNOWN], &sent);
    }
    way->sent = 0;
}

/* here: the access port that the burst came in by, or SNAP_NOT_A_MEMBER. */
static __rte_noinline void way_turn(struct worker *w, const struct snapshot *s, struct way *way,
                                    const struct snap_net *net, uint32_t where, dp_port_id here)
{
    bool from_wan = here == SNAP_NOT_A_MEMBER;
    uint16_t target = fdb_target(where);

    way_count(w, way, from_wan);
    way->net = net;
    way->where = where;
    way->max_len = 0;
    way->header = NULL;
    if (fdb_kind_unmarked(where) == DP_WHERE_PORT && target != here &&
        net->vlan_of_port[target] != SNAP_NOT_A_MEMBER) {
        way->port = target;
        way->vlan = net->vlan_of_port[target];
        way->tag = way->vlan != 0 && !w->ports[target].inserts ? vlan_tag(way->vlan) : 0;
        way->max_len = __atomic_load_n(&w->ports[target].max_frame, __ATOMIC_RELAXED);
    } else if (fdb_kind_unmarked(where) == DP_WHERE_VTEP && !from_wan &&
               forward_vtep_verdict(s, target, 0) == DROP_N) {
        way->port = s->underlay;
        way->header = &s->vteps[target].header;
        way->max_len = s->vteps[target].max_frame;
    }
    way->tx = &w->tx[way->port];
}

/* ---- out */

static __rte_always_inline bool out_by_port(struct rte_mbuf *m, const uint8_t *frame, const struct way *way)
{
    if (way->tag != 0)
        return likely(vlan_insert(m, way->tag));
    if (way->vlan == 0) /* what goes out untagged may not bring a tag along */
        return likely(!forward_is_tag(inner_load16(frame + 12)));
    vlan_leave_to_nic(m, way->vlan);
    return true;
}

static __rte_always_inline bool out_to_vtep(struct rte_mbuf *m, const uint8_t *frame, const struct way *way,
                                            bool ipv6)
{
    struct inner_info info = inner_parse(frame, rte_pktmbuf_data_len(m));

    return (ipv6 ? vxlan_encapsulate6(m, way->header, way->net->vni, way->net->dscp, &info)
                 : vxlan_encapsulate4(m, way->header, way->net->vni, way->net->dscp, &info)) == 0;
}

/* Those of the burst from `first` on whose source is not where it is looked for first: then the rest of what
 * a new source needs is on its way to the cache. */
static void look_ahead(const struct worker *w, const struct frame *first, const struct frame *end)
{
    for (const struct frame *f = first; f < end; f++) {
        if (table_line_hits(f->src_home, f->src_key) != 0)
            continue;
        if (table_has_strays(&w->fdb->t, f->src_home))
            table_prefetch_strays(&w->fdb->t, f->src_hash);
        report_prefetch(w, f->src_hash);
    }
}

/* The source is not where this frame came from: new, or it has moved. False: there is more to it. */
static __rte_noinline bool elsewhere(struct worker *w, struct frame *f, struct way *way,
                                     const struct fdb_value *src)
{
    if (!way->looked_ahead) {
        way->looked_ahead = true;
        look_ahead(w, f + 1, way->end);
    }
    f->checked = forward_source_elsewhere(
        w, f, src, f->from == DP_WHERE_PORT || snapshot_bit(f->net->learning, f->place));
    return f->checked;
}

/* Of look-ups that found nothing where they begin. Out of line: else all frames load what these few need. */
static __rte_noinline struct fdb_value *find_src_elsewhere(const struct worker *w, const struct frame *f)
{
    return fdb_find_elsewhere(w->fdb, f->src_home, f->src_key, f->src_hash);
}

static __rte_noinline struct fdb_value *find_dst_elsewhere(const struct worker *w, const struct frame *f)
{
    return fdb_find_elsewhere(w->fdb, f->dst_home, f->dst_key, f->dst_hash);
}

/* Both look-ups and out. False: there is something odd about it. source: FDB_WHERE() of where it came from.
 * from_wan: here is SNAP_NOT_A_MEMBER, and nothing goes back there. ipv6: the underlay is, and so is every
 * VTEP (snapshot_build() takes no other). */
static __rte_always_inline bool usual(struct worker *w, const struct snapshot *s, struct frame *f,
                                      struct way *way, dp_port_id here, uint32_t source, bool from_wan,
                                      bool ipv6)
{
    struct fdb_value *src = fdb_find_home(f->src_home, f->src_key);
    const struct fdb_value *dst = fdb_find_home(f->dst_home, f->dst_key);
    struct rte_mbuf *m = f->m;
    const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
    uint32_t len = rte_pktmbuf_pkt_len(m), where;

    if (unlikely(!src))
        src = find_src_elsewhere(w, f);
    if (unlikely(!dst))
        dst = find_dst_elsewhere(w, f);
    if (unlikely(!src || (fdb_where(src) & FDB_PLACE_MASK) != source)) {
        if (!elsewhere(w, f, way, src))
            return false;
        src = NULL;
    }
    if (unlikely(!dst))
        return false;
    PROFILE(look_up);
    if (!from_wan && unlikely(snoop_maybe(frame, rte_pktmbuf_data_len(m))))
        return false;
    where = fdb_where(dst);
    if (unlikely(where != way->where || f->net != way->net))
        way_turn(w, s, way, f->net, where, here);
    if (unlikely(len > way->max_len))
        return false;
    PROFILE(way);
    if (!from_wan && way->header ? !out_to_vtep(m, frame, way, ipv6) : !out_by_port(m, frame, way))
        return false;
    if (likely(src != NULL))
        fdb_touch(src, w->now_ms);
    way->sent += SOME_FRAME + len;
    worker_enqueue(w, way->tx, way->port, m);
    PROFILE(out);
    return true;
}

/* ---- from an access port */

/* Takes the tag off and finds the network. DROP_N: f is ready for its look-ups. vlans: the port's.
 * strips: its NIC has taken tags off, not of all frames perhaps. */
static __rte_always_inline enum drop_reason classify(struct worker *w, const struct snapshot *s,
                                                     const struct snap_port_vlans *vlans, dp_port_id port,
                                                     struct rte_mbuf *m, struct frame *f, bool strips)
{
    uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
    uint32_t len = rte_pktmbuf_data_len(m);
    uint64_t first, last; /* of the MACs: read back from where they are moved to, they would cost a stall */
    enum drop_reason reason;
    uint16_t vlan = 0, type;
    dp_net_id net;

    if (unlikely(len < ETH_LEN))
        return DROP_truncated;
    first = inner_load64(frame);
    last = inner_load64(frame + 4);
    type = inner_load16(frame + 12);
    /* VLAN 0 is a priority tag (802.1Q): the frame belongs where untagged ones do. */
    if (strips && vlan_was_taken_off(m)) {
        vlan = vlan_take(m);
    } else if (type == VLAN_TPID_BE) {
        if (unlikely(len < ETH_LEN + VLAN_TAG_LEN))
            return DROP_truncated;
        vlan = rte_be_to_cpu_16(inner_load16(frame + 14)) & VLAN_ID;
        type = inner_load16(frame + 16);
        frame = front_take(m, VLAN_TAG_LEN);
        memcpy(frame + 4, &last, 8);
        memcpy(frame, &first, 4);
    }
    net = vlans->net[vlan];
    if (unlikely(net == 0))
        return DROP_vlan_unknown;
    fdb_keys(net, first, last, &f->dst_key, &f->src_key);
    if (unlikely(!forward_plain_macs(f->dst_key, f->src_key))) {
        reason = forward_check_macs(frame, type);
        if (reason != DROP_N)
            return reason;
    }
    f->net = &s->nets[net];
    if (unlikely(forward_is_tag(type) && !f->net->qinq))
        return DROP_inner_tagged; /* R1.6 */
    f->m = m;
    f->from = DP_WHERE_PORT;
    f->told = f->checked = false;
    f->place = f->port = port;
    forward_prefetch(w, f);
    return DROP_N;
}

/* How many are left. */
static __rte_always_inline unsigned classify_all(struct worker *w, const struct snapshot *s, dp_port_id port,
                                                 struct rte_mbuf **m, unsigned n, struct frame *frames,
                                                 bool strips)
{
    static const struct snap_port_vlans none;
    const struct snap_port_vlans *vlans = s->vlans[port] ? s->vlans[port] : &none;
    struct frame *end = frames;

    for (unsigned i = 0; i < n; i++) {
        enum drop_reason reason = classify(w, s, vlans, port, m[i], end, strips);

        if (unlikely(reason != DROP_N))
            worker_drop_received(w, port, m[i], reason);
        else
            end++;
    }
    return (unsigned)(end - frames);
}

static __rte_noinline unsigned classify_stripped(struct worker *w, const struct snapshot *s, dp_port_id port,
                                                 struct rte_mbuf **m, unsigned n, struct frame *frames)
{
    return classify_all(w, s, port, m, n, frames, true);
}

static __rte_always_inline void access_all(struct worker *w, const struct snapshot *s, dp_port_id port,
                                           struct rte_mbuf **m, unsigned n, bool ipv6)
{
    struct frame frames[WORKER_BURST];
    struct way way = {0};
    unsigned n_frames;

    if (unlikely(w->ports[port].strips))
        n_frames = classify_stripped(w, s, port, m, n, frames);
    else
        n_frames = classify_all(w, s, port, m, n, frames, false);
    way.end = frames + n_frames;
    PROFILE(check);
    for (unsigned i = 0; i < n_frames; i++)
        if (unlikely(!usual(w, s, &frames[i], &way, port, FDB_WHERE(DP_WHERE_PORT, port, 0), false, ipv6))) {
            access_forward(w, s, &frames[i]);
            PROFILE(odd);
        }
    way_count(w, &way, false);
    PROFILE(count);
}

static __rte_noinline void access_burst_ipv6(struct worker *w, const struct snapshot *s, dp_port_id port,
                                             struct rte_mbuf **m, unsigned n)
{
    access_all(w, s, port, m, n, true);
}

static void access_burst(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                         unsigned n)
{
    if (s->local.address.family == 6)
        access_burst_ipv6(w, s, port, m, n);
    else
        access_all(w, s, port, m, n, false);
}

/* ---- from the underlay */

/* The VNI and the sender of the last packets of a burst. */
struct tunnel {
    struct vxlan_expect expect;
#ifdef __AVX2__             /* without wide compares it is as quick to look at each field */
    struct vxlan_like like; /* the last one, where there is a net */
#endif
    struct vxlan_tunnel id;
    const struct snap_net *net; /* NULL: unknown, or not allowed */
    dp_vtep_id vtep;
    uint64_t received; /* not yet in the counters: as struct way.sent */
};

static inline void tunnel_count(struct worker *w, struct tunnel *t)
{
    struct dp_count received = unpacked(t->received);

    if (t->received != 0)
        add(&w->counters.vteps[t->vtep].rx, &received);
    t->received = 0;
}

/* R1.9 */
static void tunnel_turn(struct worker *w, const struct snapshot *s, struct tunnel *t,
                        const struct vxlan_tunnel *id)
{
    struct ipaddr source = vxlan_tunnel_source(id, t->expect.ipv6);

    tunnel_count(w, t);
    t->id = *id;
    t->net = snapshot_net_by_vni(s, vxlan_tunnel_vni(id));
    t->vtep = snapshot_vtep_by_addr(s, &source);
    if (t->vtep == 0 || (t->net && !snapshot_bit(t->net->known, t->vtep)))
        t->net = NULL;
}

/* A packet that is not like the last one. False: there is something odd about it. */
static __rte_noinline bool unlike(struct worker *w, const struct snapshot *s, const struct rte_mbuf *m,
                                  struct tunnel *t, struct vxlan_usual *p)
{
    bool ipv6 = t->expect.ipv6;

    if (!vxlan_parse_usual(m, &t->expect, ipv6, p) || (p->tos & ECN_MASK) != ECN_NOT_ECT)
        return false;
    if (!vxlan_tunnel_same(&p->tunnel, &t->id, ipv6))
        tunnel_turn(w, s, t, &p->tunnel);
    if (!t->net)
        return false;
#ifdef __AVX2__
    vxlan_like_set(&t->like, m, &t->expect);
#endif
    return true;
}

static __rte_always_inline bool alike(const struct rte_mbuf *m, const struct tunnel *t, bool ipv6,
                                      struct vxlan_usual *p)
{
#ifdef __AVX2__
    return t->net && vxlan_alike(m, &t->like, ipv6, p);
#else
    return vxlan_parse_usual(m, &t->expect, ipv6, p) && (p->tos & ECN_MASK) == ECN_NOT_ECT && t->net &&
           vxlan_tunnel_same(&p->tunnel, &t->id, ipv6);
#endif
}

/* True: f is the inner frame, ready for its look-ups. False: there is something odd about it. */
static __rte_always_inline bool unpack(struct worker *w, const struct snapshot *s, dp_port_id port,
                                       struct rte_mbuf *m, struct tunnel *tunnel, struct frame *f, bool ipv6)
{
    uint16_t outer = ipv6 ? VXLAN_OUTER_IPV6 : VXLAN_OUTER_IPV4;
    uint8_t *frame = rte_pktmbuf_mtod_offset(m, uint8_t *, outer);
    uint64_t dst_key, src_key;
    struct vxlan_usual p;

    if (unlikely(!alike(m, tunnel, ipv6, &p)) && !unlike(w, s, m, tunnel, &p))
        return false;
    if (unlikely(forward_is_tag(inner_load16(frame + 12))))
        return false;
    fdb_keys(tunnel->net->id, inner_load64(frame), inner_load64(frame + 4), &dst_key, &src_key);
    if (unlikely(!forward_plain_macs(dst_key, src_key)))
        return false;
    m->data_off = (uint16_t)(m->data_off + outer);
    m->pkt_len = m->data_len = p.inner_len;
    f->m = m;
    f->net = tunnel->net;
    f->src_key = src_key;
    f->dst_key = dst_key;
    f->place = tunnel->vtep;
    f->port = port;
    f->from = DP_WHERE_VTEP;
    f->told = f->checked = false;
    f->ttl = p.ttl;
    tunnel->received += SOME_FRAME + p.inner_len;
    forward_prefetch(w, f);
    return true;
}

static __rte_always_inline void wan_all(struct worker *w, const struct snapshot *s, dp_port_id port,
                                        struct rte_mbuf **m, unsigned n, bool ipv6)
{
    struct frame frames[WORKER_BURST], *end = frames;
    struct tunnel tunnel = {.expect = vxlan_expect(&s->local)};
    struct way way = {0};

    for (unsigned i = 0; i < n; i++)
        if (likely(unpack(w, s, port, m[i], &tunnel, end, ipv6)) || wan_unpack(w, s, port, m[i], end))
            end++;
    tunnel_count(w, &tunnel);
    way.end = end;
    PROFILE(check);
    for (struct frame *f = frames; f < end; f++)
        if (unlikely(!usual(w, s, f, &way, SNAP_NOT_A_MEMBER, FDB_WHERE(DP_WHERE_VTEP, f->place, 0), true,
                            ipv6))) {
            wan_forward(w, s, f);
            PROFILE(odd);
        }
    way_count(w, &way, true);
    PROFILE(count);
}

static __rte_noinline void wan_burst_ipv6(struct worker *w, const struct snapshot *s, dp_port_id port,
                                          struct rte_mbuf **m, unsigned n)
{
    wan_all(w, s, port, m, n, true);
}

static void wan_burst(struct worker *w, const struct snapshot *s, dp_port_id port, struct rte_mbuf **m,
                      unsigned n)
{
    if (s->local.address.family == 6)
        wan_burst_ipv6(w, s, port, m, n);
    else
        wan_all(w, s, port, m, n, false);
}

#ifndef BURST_NAME
#define BURST_NAME burst_base
#define BURST_ISA  "base"
#endif
extern const struct burst BURST_NAME;
const struct burst BURST_NAME = {BURST_ISA, access_burst, wan_burst};
