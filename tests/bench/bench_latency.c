/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long a frame is inside a gateway: the main thread puts frames into the ring of a net_ring port, evenly
 * spaced by the TSC, each with the time in its last bytes, and takes them from the ring that the worker sends
 * to.
 *
 *   bench_latency VARIANT FILE SECONDS LOAD...   FILE: by bench_dp make; LOAD: of the maximum, 0.1
 *
 * The maximum is measured first, with a ring that is never empty. Prints a line of JSON for each load. What
 * is measured begins before the frame is in the ring and ends after it was taken out, so it is a little more
 * than the truth. The source is one thread: when it was late (the machine took its core away) it goes on from
 * there and says how often. Not for a decapsulation over IPv6: the time would not fit the outer checksum.
 */
#include "tests/bench/replay.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define BURST     32
#define RING      4096
#define FRAMES    4096 /* of the file, in turn */
#define FRAME_MAX 128
#define WARM_S    0.3
#define MAX_S     0.5
#define SLICE_S   0.002
#define DRAIN_S   0.1
#define BUCKETS   (1u << 16)
#define BUCKET    8  /* cycles */
#define CATCH_UP  64 /* frames that may be due at once */

struct source {
    struct rte_mempool *pool;
    struct rte_ring *in, *out; /* as the gateway sees them */
    uint8_t frames[FRAMES][FRAME_MAX];
    uint16_t len[FRAMES];
    uint32_t n_frames, next;
};

struct seen {
    uint64_t sent, received, refused, late, most;
    unsigned slices, clean;
    double s;
    uint32_t buckets[BUCKETS];
};

static void read_frames(struct source *src, const char *path)
{
    FILE *f = fopen(path, "r");
    uint32_t head[6], record[4];

    if (!f || fread(head, sizeof(head), 1, f) != 1)
        replay_die("cannot read the pcap file");
    while (src->n_frames < FRAMES && fread(record, sizeof(record), 1, f) == 1) {
        if (record[2] > FRAME_MAX || fread(src->frames[src->n_frames], record[2], 1, f) != 1)
            replay_die("no frames of 64 bytes");
        src->len[src->n_frames++] = (uint16_t)record[2];
    }
    fclose(f);
}

static void send_frames(struct source *src, struct seen *seen, unsigned n)
{
    struct rte_mbuf *m[BURST];
    uint64_t now;
    unsigned sent;

    if (rte_pktmbuf_alloc_bulk(src->pool, m, n) != 0)
        return;
    for (unsigned i = 0; i < n; i++) {
        rte_pktmbuf_append(m[i], src->len[src->next]);
        memcpy(rte_pktmbuf_mtod(m[i], void *), src->frames[src->next], FRAME_MAX);
        src->next = src->next + 1 < src->n_frames ? src->next + 1 : 0;
    }
    now = rte_rdtsc();
    for (unsigned i = 0; i < n; i++)
        memcpy(rte_pktmbuf_mtod_offset(m[i], void *, m[i]->data_len - 8), &now, 8);
    sent = rte_ring_enqueue_burst(src->in, (void **)m, n, NULL);
    seen->sent += sent;
    seen->refused += n - sent;
    rte_pktmbuf_free_bulk(m + sent, n - sent);
}

static void take_frames(const struct source *src, struct seen *seen)
{
    struct rte_mbuf *m[BURST];
    unsigned n = rte_ring_dequeue_burst(src->out, (void **)m, BURST, NULL);
    uint64_t now = rte_rdtsc();

    for (unsigned i = 0; i < n; i++) {
        uint64_t then, took;

        memcpy(&then, rte_pktmbuf_mtod_offset(m[i], void *, m[i]->data_len - 8), 8);
        took = now - then;
        seen->most = took > seen->most ? took : seen->most;
        took /= BUCKET;
        seen->buckets[took < BUCKETS ? took : BUCKETS - 1]++;
    }
    seen->received += n;
    rte_pktmbuf_free_bulk(m, n);
}

/* How long the threads of this process have waited for a core so far, in ns. */
static uint64_t waited(void)
{
    DIR *dir = opendir("/proc/self/task");
    struct dirent *e;
    uint64_t sum = 0;

    while (dir && (e = readdir(dir)) != NULL) {
        char path[300];
        unsigned long long ran, wait;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", e->d_name);
        f = fopen(path, "r");
        if (f && fscanf(f, "%llu %llu", &ran, &wait) == 2)
            sum += wait;
        if (f)
            fclose(f);
    }
    if (dir)
        closedir(dir);
    return sum;
}

/* period: cycles from frame to frame; 0: as many as go. */
static void slice(struct source *src, struct seen *seen, double period)
{
    double hz = (double)rte_get_tsc_hz(), next;
    uint64_t start = rte_rdtsc(), end = start + (uint64_t)(SLICE_S * hz), now = start;

    for (next = (double)start; now < end; now = rte_rdtsc()) {
        unsigned n = 0;

        if (period <= 0) {
            n = rte_ring_free_count(src->in) > RING - 4 * BURST ? BURST : 0;
        } else if ((double)now >= next) {
            double due = ((double)now - next) / period + 1;

            n = due > BURST ? BURST : (unsigned)due;
            if (due > CATCH_UP) {
                seen->late++;
                next = (double)now;
            }
            next += n * period;
        }
        if (n > 0)
            send_frames(src, seen, n);
        take_frames(src, seen);
    }
    seen->s = (double)(now - start) / hz;
    for (end = now + (uint64_t)(DRAIN_S * hz); now < end && seen->received < seen->sent; now = rte_rdtsc())
        take_frames(src, seen);
}

/* mpps 0: as many as go. */
static void flow(struct source *src, struct seen *seen, double seconds, double mpps)
{
    static struct seen one;
    uint64_t before = waited();

    memset(seen, 0, sizeof(*seen));
    while (seen->slices * SLICE_S < seconds) {
        uint64_t after;

        memset(&one, 0, sizeof(one));
        slice(src, &one, mpps > 0 ? (double)rte_get_tsc_hz() / (mpps * 1e6) : 0);
        after = waited();
        seen->slices++;
        if (after == before) {
            seen->clean++;
            seen->sent += one.sent;
            seen->received += one.received;
            seen->refused += one.refused;
            seen->late += one.late;
            seen->most = one.most > seen->most ? one.most : seen->most;
            seen->s += one.s;
            for (uint32_t i = 0; i < BUCKETS; i++)
                seen->buckets[i] += one.buckets[i];
        }
        before = after;
    }
    if (seen->clean == 0)
        replay_die("the threads do not have their cores to themselves");
}

static double percentile(const struct seen *seen, double p)
{
    uint64_t upto = 0, wanted = (uint64_t)((double)seen->received * p);

    for (uint32_t i = 0; i < BUCKETS; i++) {
        upto += seen->buckets[i];
        if (upto > wanted)
            return i * BUCKET / (double)rte_get_tsc_hz() * 1e6;
    }
    return 0;
}

static void report(const struct seen *seen, double load, double most)
{
    if (seen->received != seen->sent)
        replay_die("frames were lost");
    printf("{\"load\": %.2f, \"max_mpps\": %.3f, \"mpps\": %.3f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
           "\"p99.9_us\": %.3f, "
           "\"most_us\": %.1f, \"late\": %llu, \"refused\": %llu, \"slices\": %u, \"clean\": %u}\n",
           load, most, (double)seen->received / seen->s / 1e6, percentile(seen, 0.5), percentile(seen, 0.99),
           percentile(seen, 0.999), (double)seen->most / (double)rte_get_tsc_hz() * 1e6,
           (unsigned long long)seen->late, (unsigned long long)seen->refused, seen->slices, seen->clean);
}

static struct rte_ring *ring(const char *name)
{
    struct rte_ring *r = rte_ring_create(name, RING, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

    if (!r)
        replay_die("no memory for a ring");
    return r;
}

static struct dp *start(const struct replay *r, struct source *src)
{
    struct dp *dp = replay_start(r, 2);
    struct rte_ring *unused_in = ring("unused_in"), *unused_out = ring("unused_out");
    char err[DP_ERR_LEN];

    src->in = ring("in");
    src->out = ring("out");
    src->pool =
        rte_pktmbuf_pool_create("source", 4 * RING - 1, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (!src->pool || rte_eth_from_rings("in", &src->in, 1, &unused_in, 1, 0) < 0 ||
        rte_eth_from_rings("out", &unused_out, 1, &src->out, 1, 0) < 0)
        replay_die("no memory for the rings' ports");
    replay_ports(r, dp, "net_ring_in", "net_ring_out", true);
    replay_program(r, dp, 0);
    if (dp_run(dp, err) < 0)
        replay_die(err);
    return dp;
}

int main(int argc, char **argv)
{
    static struct source src;
    static struct seen seen;
    struct replay r;
    struct dp *dp;
    double most;

    if (argc < 5 || !replay_parse(argv[1], &r) || r.imix || (r.direction == REPLAY_DECAP && r.underlay == 6))
        replay_die("usage: bench_latency VARIANT FILE SECONDS LOAD...");
    read_frames(&src, argv[2]);
    dp = start(&r, &src);
    flow(&src, &seen, WARM_S, 0);
    flow(&src, &seen, MAX_S, 0);
    most = (double)seen.received / seen.s / 1e6;
    for (int i = 4; i < argc; i++) {
        flow(&src, &seen, atof(argv[3]), most * atof(argv[i]));
        report(&seen, atof(argv[i]), most);
    }
    dp_stop(dp);
    return 0;
}
