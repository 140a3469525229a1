/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See proxy.h. Questions to a unicast MAC are left alone (RFC 9161 section 3): they ask whether that host is
 * still there, which only it can say.
 */
#include "dataplane/proxy.h"

#include "dataplane/forward.h"
#include "dataplane/segments.h"

#define ETH_LEN      14u
#define IPV6_LEN     40u
#define ARP_FRAME    60u /* padded */
#define NA_FRAME     (ETH_LEN + IPV6_LEN + 24u + 8u)
#define ND_NA        136
#define NA_ROUTER    0x80
#define NA_SOLICITED 0x40
#define NA_OVERRIDE  0x20

static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1}, all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};

bool proxy_find(const struct worker *w, const struct frame *f, const struct snoop *sn,
                struct neigh_entry *entry)
{
    const struct fdb_value *v;
    uint32_t where;
    uint64_t key;

    if (!neigh_find(w->neigh, f->net->id, &sn->target, entry))
        return false;
    key = fdb_key(f->net->id, entry->mac.b);
    v = fdb_find(w->fdb, key);
    if (!v || key == f->src_key)
        return false;
    where = fdb_where(v);
    return fdb_kind(where) == DP_WHERE_VTEP ||
           (fdb_kind(where) == DP_WHERE_PORT && fdb_target(where) != f->place);
}

/* The buffer becomes a frame of len bytes, those beyond the old end being zero. NULL: no room. */
static uint8_t *resize(struct rte_mbuf *m, uint32_t len)
{
    uint32_t old = rte_pktmbuf_pkt_len(m);
    uint8_t *more;

    if (old > len) {
        segments_trim(m, len);
    } else if (old < len) {
        more = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(len - old));
        if (!more)
            return NULL;
        memset(more, 0, len - old);
    }
    return rte_pktmbuf_mtod(m, uint8_t *);
}

/* RFC 826: the question with sender and target exchanged. */
static bool make_arp_reply(struct rte_mbuf *m, const struct snoop *sn, struct mac mac)
{
    uint8_t *p = resize(m, ARP_FRAME), *arp;

    if (!p)
        return false;
    arp = p + ETH_LEN;
    memcpy(p, p + 6, 6);
    memcpy(p + 6, mac.b, 6);
    arp[7] = 2;
    memcpy(arp + 8, mac.b, 6);
    memcpy(arp + 14, sn->target.b, 4);
    memcpy(arp + 18, p, 6);
    memcpy(arp + 24, sn->asker.b, 4);
    memset(arp + 28, 0, ARP_FRAME - ETH_LEN - 28);
    return true;
}

/* RFC 4861 sections 4.4 and 7.2.4; to one that looks for a duplicate, to all nodes and not as solicited. */
static bool make_na(struct rte_mbuf *m, const struct snoop *sn, const struct neigh_entry *entry)
{
    static const uint8_t unspecified[16];
    bool dad = memcmp(sn->asker.b, unspecified, 16) == 0;
    uint8_t *p = resize(m, NA_FRAME), *ip, *na;
    uint16_t sum;

    if (!p)
        return false;
    ip = p + ETH_LEN;
    na = ip + IPV6_LEN;
    memcpy(p, dad ? all_nodes_mac : p + 6, 6);
    memcpy(p + 6, entry->mac.b, 6);
    memcpy(ip, (const uint8_t[8]){0x60, 0, 0, 0, 0, 32, 58, 255}, 8);
    memcpy(ip + 8, sn->target.b, 16);
    memcpy(ip + 24, dad ? all_nodes : sn->asker.b, 16);
    memset(na, 0, 8);
    na[0] = ND_NA;
    na[4] = (uint8_t)((entry->flags & DP_NEIGH_ROUTER ? NA_ROUTER : 0) | (dad ? 0 : NA_SOLICITED) |
                      (entry->flags & DP_NEIGH_OVERRIDE ? NA_OVERRIDE : 0));
    memcpy(na + 8, sn->target.b, 16);
    na[24] = 2; /* target link-layer address */
    na[25] = 1;
    memcpy(na + 26, entry->mac.b, 6);
    sum = snoop_icmp6_checksum(ip, 32);
    na[2] = (uint8_t)(sum >> 8);
    na[3] = (uint8_t)sum;
    return true;
}

bool proxy_answer(struct worker *w, struct frame *f, const struct snoop *sn)
{
    struct dp_net_counters *count = &w->counters.nets[f->net->id];
    uint32_t len = rte_pktmbuf_pkt_len(f->m);
    bool v4 = sn->target.family == 4;
    struct neigh_entry entry;

    if (!(*rte_pktmbuf_mtod(f->m, const uint8_t *) & 1) || !proxy_find(w, f, sn, &entry))
        return false;
    if (v4 ? !make_arp_reply(f->m, sn, entry.mac) : !make_na(f->m, sn, &entry))
        return false;
    worker_count(&count->access_in[1], len);
    *(v4 ? &count->proxy_arp : &count->proxy_nd) += 1;
    w->counters.totals.taken++;
    w->counters.totals.originated++;
    forward_to_port(w, f, f->port, f->m, FORWARD_KNOWN);
    return true;
}
