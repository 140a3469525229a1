/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last steps that frames from both sides share: source check and learning, out by an access port, out to
 * a VTEP, flooding. Each takes the frame over: it is transmitted or dropped by name. Worker threads.
 */
#ifndef DATAPLANE_FORWARD_H
#define DATAPLANE_FORWARD_H

#include "dataplane/worker.h"

enum forward_flood { FORWARD_KNOWN, FORWARD_FLOODED };

/* Is the source where the FDB has it? Else report it, when learn says that this place may teach. False: the
 * MAC is static elsewhere and the frame must go (src_static). */
bool forward_check_source(struct worker *w, struct frame *f, bool learn);

/* The same of a source that is not there: new, or it has moved. v: what the FDB has of it, or NULL. */
static inline bool forward_source_elsewhere(struct worker *w, struct frame *f, const struct fdb_value *v,
                                            bool learn)
{
    if (v && (fdb_where(v) & FDB_STATIC))
        return false;
    if (learn)
        report_source(w, f, v);
    return true;
}

/* Where the destination is (FDB_WHERE()), or 0: unknown, or a group address. frame: its MACs. */
static inline uint32_t forward_look_up(const struct worker *w, const struct frame *f, const uint8_t *frame)
{
    const struct fdb_value *v;

    if (unlikely(frame[0] & 1))
        return 0;
    v = fdb_find_hashed(w->fdb, f->dst_key, f->dst_hash);
    return likely(v != NULL) ? fdb_where(v) : report_undecided(w, f->dst_key, f->dst_hash, 0);
}

/* Whether a frame of len bytes may leave to a VTEP; DROP_N: yes. */
static inline enum drop_reason forward_vtep_verdict(const struct snapshot *s, dp_vtep_id vtep, uint32_t len)
{
    const struct snap_vtep *v = &s->vteps[vtep];

    /* A FDB entry may outlive its VTEP by a moment. */
    if (unlikely(vtep >= s->n_vteps || !v->resolved))
        return DROP_vtep_unresolved;
    return unlikely(len > v->max_frame) ? DROP_path_mtu : DROP_N;
}

/* These two return whether the frame left. */
bool forward_to_port(struct worker *w, const struct frame *f, dp_port_id port, struct rte_mbuf *m,
                     enum forward_flood flood);
bool forward_to_vtep(struct worker *w, const struct snapshot *s, const struct snap_net *net, dp_vtep_id vtep,
                     struct rte_mbuf *m, const struct inner_info *info, enum forward_flood flood);
/* R6.5: may what came from a VTEP go on to another one, as far as its outer TTL says? */
static inline bool forward_may_go_on(const struct snapshot *s, const struct frame *f)
{
    return f->ttl > s->bounced_ttl;
}

/* R6.5: sends it on, with a lower outer TTL; m: the frame or a copy of it. True: it left. */
bool forward_on(struct worker *w, const struct snapshot *s, const struct frame *f, dp_vtep_id vtep,
                struct rte_mbuf *m);
/* A copy of a frame, counted as a replica; NULL without a buffer, which is counted, too. */
struct rte_mbuf *forward_copy(struct worker *w, struct rte_mbuf *m);
/* How many would get a flooded frame. */
unsigned forward_flood_targets(const struct frame *f, bool to_wan);
/* To all access ports of the network but the one it came from, and with to_wan to its flood list (R8.1): a
 * copy each. There must be at least one target. */
void forward_flood(struct worker *w, const struct snapshot *s, const struct frame *f, bool to_wan);

/* Which source MACs and destination MACs are refused on both sides; DROP_N: none of it. From the WAN
 * gateway_frame is no drop: such a frame is for us. macs: 12 bytes; ethertype_be: the one behind them, or
 * behind the tag. */
static inline enum drop_reason forward_check_macs(const uint8_t *macs, uint16_t ethertype_be)
{
    const struct mac oam = DP_OAM_MAC;

    if (unlikely(macs[0] & 1)) {
        /* R1.12: 01-80-C2-00-00-00 to -0F */
        if (inner_load32(macs) == RTE_BE32(0x0180c200) && macs[4] == 0 && macs[5] <= 0x0f)
            return DROP_link_local;
        if (memcmp(macs, oam.b, 6) == 0 && ethertype_be == RTE_BE16(DP_OAM_ETHERTYPE))
            return DROP_gateway_frame;
    }
    if (unlikely((macs[6] & 1) || (inner_load32(macs + 6) == 0 && inner_load16(macs + 10) == 0)))
        return DROP_src_invalid;
    return DROP_N;
}

/* Whether forward_check_macs() has nothing to say: from a host to a host. */
static inline bool forward_plain_macs(uint64_t dst_key, uint64_t src_key)
{
    return ((dst_key | src_key) & 1) == 0 && src_key << 16 != 0;
}

static inline bool forward_is_tag(uint16_t ethertype_be)
{
    if (likely(ethertype_be == ETHERTYPE_IPV4_BE))
        return false;
    return ethertype_be == RTE_BE16(0x8100) || ethertype_be == RTE_BE16(0x88a8) ||
           ethertype_be == RTE_BE16(0x9100);
}

/* The same for a port of the network; frame: its MACs and EtherType, len without tag. */
static inline enum drop_reason forward_port_verdict(const struct worker *w, const struct snap_net *net,
                                                    dp_port_id port, uint32_t len, const uint8_t *frame)
{
    if (unlikely(len > __atomic_load_n(&w->ports[port].max_frame, __ATOMIC_RELAXED)))
        return DROP_port_mtu;
    /* What goes out untagged may not bring a tag along: the site would take it for another VLAN. */
    if (unlikely(net->vlan_of_port[port] == 0 && forward_is_tag(inner_load16(frame + 12))))
        return DROP_inner_tagged;
    return DROP_N;
}

/* Hashes and prefetches for both look-ups of a frame that has its keys. */
static inline void forward_prefetch(const struct worker *w, struct frame *f)
{
    f->dst_hash = fdb_hash(w->fdb, f->dst_key);
    f->src_hash = fdb_hash(w->fdb, f->src_key);
    f->dst_home = fdb_prefetch(w->fdb, f->dst_hash);
    f->src_home = fdb_prefetch(w->fdb, f->src_hash);
}

/* The keys as well; macs: those of the frame. */
static inline void forward_prepare(const struct worker *w, struct frame *f, const uint8_t *macs)
{
    fdb_keys(f->net->id, inner_load64(macs), inner_load64(macs + 4), &f->dst_key, &f->src_key);
    forward_prefetch(w, f);
}

#endif
