/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See capture.h.
 *
 * Tricky: the ring has one producer at a time (the worker that has the lock) and one consumer (the control
 * thread); each slot is written before head is stored with release, and read before tail is.
 */
#include "dataplane/capture.h"

#include "dataplane/vlan.h"
#include "dataplane/worker.h"

#include <stdlib.h>
#include <time.h>

#define ETH_LEN    14u
#define MACS_LEN   12u
#define IPPROTO_17 17
#define HEAD_LEN   128u /* an outer header with all options of IPv4, and the MACs inside */

struct capture {
    struct capture_filter filter;
    uint32_t head __attribute__((aligned(64))); /* workers, one at a time */
    uint64_t lost;
    rte_spinlock_t lock;
    uint32_t tail __attribute__((aligned(64))); /* control thread */
    struct capture_frame slots[CAPTURE_SLOTS];
};

struct capture *capture_new(void)
{
    struct capture *c = aligned_alloc(64, (sizeof(struct capture) + 63) & ~(size_t)63);

    if (c)
        rte_spinlock_init(&c->lock);
    return c;
}

void capture_free(struct capture *c)
{
    free(c);
}

void capture_reset(struct capture *c, const struct capture_filter *filter)
{
    c->filter = *filter;
    c->head = c->tail = 0;
    c->lost = 0;
}

bool capture_pop(struct capture *c, struct capture_frame *out)
{
    uint32_t tail = c->tail;

    if (tail == __atomic_load_n(&c->head, __ATOMIC_ACQUIRE))
        return false;
    *out = c->slots[tail % CAPTURE_SLOTS];
    __atomic_store_n(&c->tail, tail + 1, __ATOMIC_RELEASE);
    return true;
}

uint64_t capture_lost(const struct capture *c)
{
    return __atomic_load_n(&c->lost, __ATOMIC_RELAXED);
}

/* ---- worker ---- */

/* Its first bytes in one piece, *len of them: enough for what is looked at here. A frame that comes in may be
 * cut anywhere. */
static const uint8_t *head(const struct rte_mbuf *m, uint8_t buf[HEAD_LEN], uint32_t *len)
{
    *len = rte_pktmbuf_data_len(m);
    if (likely(m->nb_segs == 1) || *len >= HEAD_LEN)
        return rte_pktmbuf_mtod(m, const uint8_t *);
    *len = RTE_MIN(rte_pktmbuf_pkt_len(m), HEAD_LEN);
    return rte_pktmbuf_read(m, 0, *len, buf);
}

/* Where the frame's own MACs are, and its network (0: not known). */
struct inside {
    uint32_t offset;
    dp_net_id net;
};

/* An access port's frame: the tag says it. */
static struct inside of_access(const struct snapshot *s, dp_port_id port, const struct rte_mbuf *m,
                               const uint8_t *frame, uint32_t len)
{
    const struct snap_port_vlans *vlans = s->vlans[port];
    uint16_t vlan = 0;

    if (vlan_is_beside(m))
        vlan = m->vlan_tci & VLAN_ID;
    else if (len >= ETH_LEN + VLAN_TAG_LEN && inner_load16(frame + 12) == VLAN_TPID_BE)
        vlan = rte_be_to_cpu_16(inner_load16(frame + 14)) & VLAN_ID;
    return (struct inside){0, vlans ? vlans->net[vlan] : 0};
}

/* A packet of the WAN: if it is VXLAN, the VNI says it. Not checked any further. */
static struct inside of_wan(const struct snapshot *s, const uint8_t *frame, uint32_t len)
{
    uint16_t type = len >= ETH_LEN + 20u ? inner_load16(frame + 12) : 0;
    const struct snap_net *net;
    uint32_t udp = 0;

    if (type == RTE_BE16(0x0800) && frame[ETH_LEN + 9] == IPPROTO_17)
        udp = ETH_LEN + (frame[ETH_LEN] & 0xfu) * 4u;
    else if (type == RTE_BE16(0x86dd) && frame[ETH_LEN + 6] == IPPROTO_17)
        udp = ETH_LEN + 40u;
    if (udp == 0 || len < udp + 16u + ETH_LEN ||
        rte_be_to_cpu_16(inner_load16(frame + udp + 2)) != s->local.port)
        return (struct inside){0, 0};
    net = snapshot_net_by_vni(s, rte_be_to_cpu_32(inner_load32(frame + udp + 12)) >> 8);
    return (struct inside){udp + 16u, net ? net->id : 0};
}

static bool has_mac(const struct mac *mac, const uint8_t *frame, uint32_t len)
{
    return len >= 12 && (memcmp(frame, mac->b, 6) == 0 || memcmp(frame + 6, mac->b, 6) == 0);
}

/* Bytes of the mbuf; false: they are not there. */
static bool copy(const struct rte_mbuf *m, uint32_t from, uint32_t n, uint8_t *to)
{
    const void *data = rte_pktmbuf_read(m, from, n, to);

    if (data && data != to)
        memcpy(to, data, n);
    return data != NULL;
}

/* The first n bytes as they are on the wire, with a tag that lies beside the frame. */
static bool copy_wire(const struct rte_mbuf *m, uint32_t n, uint8_t *to)
{
    const uint8_t tag[VLAN_TAG_LEN] = {0x81, 0, (uint8_t)(m->vlan_tci >> 8), (uint8_t)m->vlan_tci};
    uint32_t end = MACS_LEN + VLAN_TAG_LEN;

    if (!vlan_is_beside(m) || n <= MACS_LEN)
        return copy(m, 0, n, to);
    if (!copy(m, 0, MACS_LEN, to))
        return false;
    memcpy(to + MACS_LEN, tag, RTE_MIN(n - MACS_LEN, VLAN_TAG_LEN));
    return n <= end || copy(m, MACS_LEN, n - end, to + end);
}

static void put_locked(struct capture *c, const struct rte_mbuf *m, const struct capture_frame *about)
{
    uint32_t head = c->head, len = vlan_wire_len(m);
    struct capture_frame *slot = &c->slots[head % CAPTURE_SLOTS];
    struct timespec ts;

    if (head - __atomic_load_n(&c->tail, __ATOMIC_ACQUIRE) == CAPTURE_SLOTS) {
        __atomic_store_n(&c->lost, c->lost + 1, __ATOMIC_RELAXED);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &ts); /* vDSO */
    memcpy(slot, about, offsetof(struct capture_frame, data));
    slot->unix_ns = (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
    slot->len = len;
    slot->snapped = (uint16_t)RTE_MIN(len, c->filter.snap);
    if (!copy_wire(m, slot->snapped, slot->data))
        return;
    __atomic_store_n(&c->head, head + 1, __ATOMIC_RELEASE);
}

static void put(struct capture *c, const struct rte_mbuf *m, const struct capture_frame *about)
{
    rte_spinlock_lock(&c->lock);
    put_locked(c, m, about);
    rte_spinlock_unlock(&c->lock);
}

void capture_burst(const struct worker *w, struct capture *c, enum capture_what what, dp_port_id port,
                   struct rte_mbuf *const *m, unsigned n)
{
    const struct snapshot *s = __atomic_load_n(&w->snapshot, __ATOMIC_ACQUIRE);
    const struct capture_filter *f = &c->filter;
    bool wan = w->ports[port].role != DP_PORT_ACCESS;

    if (f->drops || (f->port != DP_NO_PORT && f->port != port))
        return;
    for (unsigned i = 0; i < n; i++) {
        uint8_t buf[HEAD_LEN];
        uint32_t len;
        const uint8_t *frame = head(m[i], buf, &len);
        struct inside in = wan ? of_wan(s, frame, len) : of_access(s, port, m[i], frame, len);

        if ((f->net != 0 && in.net != f->net) ||
            (f->by_mac && !has_mac(&f->mac, frame + in.offset, len - in.offset)))
            continue;
        put(c, m[i], &(struct capture_frame){.what = what, .port = port, .net = in.net});
    }
}

/* The port that it came in by; what was made here has none. */
static dp_port_id port_of(const struct worker *w, const struct rte_mbuf *m)
{
    for (unsigned i = 0; i < w->n_ports; i++)
        if (w->ports[i].pool && w->ports[i].pool == m->pool && w->ports[i].ethdev == m->port)
            return (dp_port_id)i;
    return DP_NO_PORT;
}

void capture_dropped(const struct worker *w, struct capture *c, const struct rte_mbuf *m,
                     enum drop_reason reason)
{
    const struct capture_filter *f = &c->filter;
    dp_port_id port = port_of(w, m);
    uint8_t buf[HEAD_LEN];
    uint32_t len;
    const uint8_t *frame = head(m, buf, &len);

    if (!f->drops || (f->reason != DROP_N && f->reason != reason) ||
        (f->port != DP_NO_PORT && f->port != port) || (f->by_mac && !has_mac(&f->mac, frame, len)))
        return;
    put(c, m, &(struct capture_frame){.what = CAPTURE_DROP, .reason = reason, .port = port});
}
