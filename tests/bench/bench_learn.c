/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How many MACs a second a gateway learns, and what its forwarding loses meanwhile: a worker that forwards a
 * replay as fast as it can, and beside it hosts that nobody knows.
 *
 *   bench_learn new|move VARIANT FILE COUNT RATE   FILE: by bench_dp make; prints one line of JSON
 *
 * new: COUNT MACs show up on an access port with a frame each. move: the same, and then each shows up on
 * another port; only that is measured. RATE: frames with such sources a second; 0: as many as are learned,
 * 2,048 under way at a time. What forwarding loses is the difference to the rate with the same traffic by
 * hosts that are known, in turns within the run. The third turn says how much of that the machine takes: the
 * hosts are known, and the control thread learns as many others in tables of its own that no worker reads.
 *
 * What is real: worker, event ring, the control plane's MAC table with its ops, the FDB. What is not:
 * libevent around it, BGP and the announcements behind it. The main thread is the control thread, and makes
 * those frames as well, into the ring of a net_ring port; so what it learns is a little less than it could.
 * One frame for each MAC: where the event ring was full it is sent again at the end.
 */
#include "controlplane/mactable.h"
#include "dataplane/fdb.h"
#include "tests/bench/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#define NET       1
#define VLAN      100
#define FIRST     2 /* ids of the two access ports of the hosts */
#define BURST     32
#define UNDER_WAY 2048
#define EVENTS    64
#define WARM_US   300000
#define SLICES    5
#define KNOWN_NS  200000000
#define LATE_NS   20000000
#define LIMIT_S   20

struct learn {
    struct dp *dp;
    struct mactable *macs;
    struct mactable *aside; /* of no worker, as is its FDB */
    struct fdb aside_fdb;
    struct rte_mempool *pool;
    struct rte_ring *rings[2];
    unsigned frame_len;
    uint8_t frame[128];
    uint32_t count, learned; /* learned: at the place of now */
    unsigned place;          /* port FIRST + place */
    double rate;
};

struct sum {
    double s;
    uint64_t learned, frames;
};

/* ---- the MAC table's ops: as the gateway's, without BGP */

static int op_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    struct learn *l = arg;
    int rc = dp_fdb_set(l->dp, net, mac, dest);

    l->learned += rc == 0;
    return rc;
}

static void op_remove(void *arg, dp_net_id net, struct mac mac)
{
    dp_fdb_del(((struct learn *)arg)->dp, net, mac);
}

static bool op_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    return dp_fdb_seen(((struct learn *)arg)->dp, net, mac, seen);
}

static const struct mactable_ops ops = {.program = op_program, .remove = op_remove, .seen = op_seen};

static int aside_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    return fdb_set(&((struct learn *)arg)->aside_fdb, fdb_key(net, mac.b),
                   FDB_WHERE(dest.where, dest.target, dest.is_static), mono_now());
}

static void aside_remove(void *arg, dp_net_id net, struct mac mac)
{
    (void)fdb_del(&((struct learn *)arg)->aside_fdb, fdb_key(net, mac.b));
}

static bool aside_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    const struct fdb_value *v = fdb_find(&((struct learn *)arg)->aside_fdb, fdb_key(net, mac.b));

    if (v)
        *seen = fdb_seen(v, mono_now());
    return v != NULL;
}

static const struct mactable_ops aside_ops = {
    .program = aside_program, .remove = aside_remove, .seen = aside_seen};

static void take_events(struct learn *l)
{
    struct dp_event events[EVENTS];
    size_t n = dp_events_pop(l->dp, events, EVENTS);
    mono_t now = mono_now();

    for (size_t i = 0; i < n; i++)
        if (events[i].type == DP_EVENT_SOURCE)
            mactable_source_seen(l->macs, &events[i], now);
}

/* ---- the hosts */

static struct mac new_mac(uint32_t i)
{
    return (struct mac){{0x0a, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

/* Frames of the MACs from `first` on, up to a burst; returns how many. */
static uint32_t speak(struct learn *l, uint32_t first, uint32_t n)
{
    struct rte_mbuf *m[BURST];
    uint32_t sent;

    n = n > BURST ? BURST : n;
    if (n == 0 || rte_pktmbuf_alloc_bulk(l->pool, m, n) != 0)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        struct mac mac = new_mac(first + i);
        uint8_t *p = (uint8_t *)rte_pktmbuf_append(m[i], (uint16_t)l->frame_len);

        memcpy(p, l->frame, l->frame_len);
        memcpy(p + 6, mac.b, 6);
    }
    sent = rte_ring_enqueue_burst(l->rings[l->place], (void **)m, n, NULL);
    rte_pktmbuf_free_bulk(m + sent, n - sent);
    return sent;
}

/* Those that were not learned at their first frame. */
static void speak_again(struct learn *l, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        struct dp_dest dest;

        if (!dp_fdb_get(l->dp, NET, new_mac(i), &dest) || dest.target != FIRST + l->place) {
            (void)speak(l, i, 1);
            take_events(l);
        }
    }
}

static uint64_t forwarded(const struct learn *l)
{
    struct dp_port_counters out;

    dp_port_counters(l->dp, 1, &out);
    return out.tx.frames;
}

static void learn_aside(struct learn *l, uint32_t first, uint32_t n)
{
    mono_t now = mono_now();

    for (uint32_t i = first; i < first + n; i++) {
        struct dp_event e = {.type = DP_EVENT_SOURCE,
                             .net = NET,
                             .mac = new_mac(i),
                             .where = DP_WHERE_PORT,
                             .target = (uint16_t)(FIRST + l->place),
                             .evidence = DP_EVIDENCE_DATA,
                             .at = now};

        mactable_source_seen(l->aside, &e, now);
    }
}

/* Hosts that are known, those before `first`, speak at the place of now, and the control thread learns `n`
 * MACs aside: as many as speak. n 0: none, for KNOWN_NS. */
static void measure_known(struct learn *l, uint32_t first, uint32_t n, struct sum *sum)
{
    uint64_t before = forwarded(l);
    mono_t start = mono_now(), now = start;
    uint32_t sent = 0, aside = 0;

    while (n > 0 ? aside < n : now.ns - start.ns < KNOWN_NS) {
        uint32_t due = (uint32_t)((double)(now.ns - start.ns) / 1e9 * l->rate), more;

        if (n > 0 && l->rate == 0)
            due = aside + UNDER_WAY;
        if (sent < due)
            sent += speak(l, sent % (first - BURST), due - sent);
        more = n > 0 ? RTE_MIN(RTE_MIN(sent, n) - aside, (uint32_t)EVENTS) : 0;
        learn_aside(l, first + aside, more);
        aside += more;
        take_events(l);
        now = mono_now();
    }
    sum->s += (double)(now.ns - start.ns) / 1e9;
    sum->learned += aside;
    sum->frames += forwarded(l) - before;
}

/* `n` MACs from `first` on show up at the place of now. */
static void measure(struct learn *l, uint32_t first, uint32_t n, struct sum *sum)
{
    uint64_t before;
    mono_t start = mono_now(), now = start, progress = start;
    uint32_t sent = 0, learned = 0;

    l->learned = 0;
    before = forwarded(l);
    while (l->learned < n) {
        double due =
            l->rate > 0 ? (double)(now.ns - start.ns) / 1e9 * l->rate : (double)l->learned + UNDER_WAY;

        if (sent < n && (double)sent < due)
            sent += speak(l, first + sent, (uint32_t)(due < n ? due : n) - sent);
        take_events(l);
        now = mono_now();
        if (learned != l->learned)
            progress = now;
        learned = l->learned;
        if (sent == n && now.ns - progress.ns > LATE_NS)
            speak_again(l, first, n);
        if (now.ns - start.ns > LIMIT_S * UINT64_C(1000000000))
            replay_die("they are not learned");
    }
    sum->s += (double)(now.ns - start.ns) / 1e9;
    sum->learned += l->learned;
    sum->frames += forwarded(l) - before;
}

/* In slices, with as much of the same traffic by known hosts between them: the machine's speed changes. */
static void all(struct learn *l, struct sum *known, struct sum *aside, struct sum *with)
{
    uint32_t n = l->count / (SLICES + 1);
    struct sum untold = {0};

    measure(l, 0, n, &untold);
    for (uint32_t i = 1; i <= SLICES; i++) {
        measure_known(l, i * n, 0, known);
        measure_known(l, i * n, n, aside);
        measure(l, i * n, n, with);
    }
}

/* ---- the gateway ---- */

static void start(struct learn *l, struct replay *r, const char *path)
{
    char in[DP_DEVARGS_LEN], err[DP_ERR_LEN];

    r->more_macs = l->count + 1024;
    snprintf(in, sizeof(in), "net_pcap0,rx_pcap=%s,infinite_rx=1", path);
    l->dp = replay_start(r, 4);
    replay_ports(r, l->dp, in, NULL, false);
    for (unsigned i = 0; i < 2; i++) {
        struct dp_port_spec spec = {.role = DP_PORT_ACCESS, .owner = DP_OWNER_VDEV};
        char name[RTE_RING_NAMESIZE];

        snprintf(spec.name, sizeof(spec.name), "hosts%u", i);
        snprintf(spec.device, sizeof(spec.device), "net_ring%u", i);
        if (dp_port_add(l->dp, &spec, err) != (int)(FIRST + i))
            replay_die(err);
        snprintf(name, sizeof(name), "ETH_RXTX0_net_ring%u", i);
        l->rings[i] = rte_ring_lookup(name);
    }
    replay_program(r, l->dp, 2);
    l->pool = rte_pktmbuf_pool_create("hosts", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    l->macs = mactable_new(r->macs + r->more_macs, &ops, l);
    l->aside = mactable_new(r->macs + r->more_macs, &aside_ops, l);
    if (!l->rings[0] || !l->rings[1] || !l->pool || !l->macs || !l->aside ||
        fdb_init(&l->aside_fdb, r->macs + r->more_macs, NULL) != 0)
        replay_die("no memory for the hosts");
    for (unsigned i = 0; i < 2; i++) {
        struct mactable *t = i == 0 ? l->macs : l->aside;

        mactable_set_network(t, NET, 300, UINT32_MAX);
        mactable_set_port(t, FIRST, UINT32_MAX);
        mactable_set_port(t, FIRST + 1, UINT32_MAX);
    }
    l->frame_len = replay_frame(l->frame, 60, VLAN, replay_mac(false, 0), new_mac(0), 1);
    if (dp_run(l->dp, err) < 0)
        replay_die(err);
    usleep(WARM_US);
}

static void report(const struct learn *l, const struct sum *known, const struct sum *aside,
                   const struct sum *with)
{
    double before = (double)known->frames / known->s, meanwhile = (double)with->frames / with->s;
    double machine = (double)aside->frames / aside->s;
    struct dp_totals totals;
    uint64_t drops = 0;

    dp_totals(l->dp, &totals);
    for (unsigned i = 0; i < DROP_N; i++)
        drops += totals.drops[i];
    printf("{\"per_s\": %.0f, \"known_mpps\": %.3f, \"mpps\": %.3f, \"loss\": %.4f, "
           "\"machine_loss\": %.4f, "
           "\"events_lost\": %llu, \"drops\": %llu, \"hugepages\": %s}\n",
           (double)with->learned / with->s, before / 1e6, meanwhile / 1e6, 1 - meanwhile / before,
           1 - machine / before, (unsigned long long)totals.events_lost, (unsigned long long)drops,
           dp_hugepages(l->dp) ? "true" : "false");
}

int main(int argc, char **argv)
{
    static struct learn l;
    struct sum known = {0}, aside = {0}, with = {0}, untold = {0};
    struct replay r;

    if (argc != 6 || !replay_parse(argv[2], &r) || r.direction != REPLAY_ENCAP || r.tags != REPLAY_TAGGED)
        replay_die("usage: bench_learn new|move VARIANT FILE COUNT RATE; VARIANT: encap,...,tagged,...");
    l.count = (uint32_t)atoi(argv[4]);
    l.rate = atof(argv[5]);
    start(&l, &r, argv[3]);
    if (strcmp(argv[1], "move") == 0) {
        measure(&l, 0, l.count, &untold);
        learn_aside(&l, 0, l.count);
        l.place = 1;
    }
    all(&l, &known, &aside, &with);
    report(&l, &known, &aside, &with);
    dp_stop(l.dp);
    mactable_free(l.macs);
    mactable_free(l.aside);
    fdb_fini(&l.aside_fdb);
    return 0;
}
