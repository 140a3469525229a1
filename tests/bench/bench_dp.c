/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One worker, frames replayed from memory: a pcap vdev in, a null vdev out, the real data plane between them.
 *
 *   bench_dp make  VARIANT FILE             writes the frames to replay
 *   bench_dp run   VARIANT FILE SECONDS     forwards them; prints one line of JSON
 *   bench_dp ports VARIANT FILE SECONDS PACE  only receives and sends them: what the ports cost without us
 *
 * In a build made for it (make profile) the stages of dataplane/profile.h come before it, each as cycles and
 * marks a frame.
 *
 * VARIANT: replay_parse(). Tricky: `ports` runs the same bursts on the same devices from the same core as the
 * worker, but nobody reads a frame; the difference to `run` is our work, and the cache misses it causes. Only
 * what it spends on receiving and sending is counted, but it forwards at the worker's pace (PACE, cycles for
 * a frame) and waits between bursts: a replay of many frames is much cheaper to receive as quickly as it
 * goes, also if nothing is done between bursts but waiting (tests/bench/README.md).
 *
 * Both are measured in slices of 2 ms. `quiet` is the tenth of them that was quickest: whoever else has a
 * part of this core or of its caches comes and goes within milliseconds.
 */
#include "dataplane/eal.h"
#include "dataplane/profile.h"
#include "tests/bench/ascending.h"
#include "tests/bench/calm.h"
#include "tests/bench/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>

#define BURST   32
#define WARM_US 300000 /* caches and clock */

#define SLICE_US   2000
#define MAX_SLICES 10000
#define LOOKS      1000000

struct ports {
    double pace;            /* cycles for a frame, at least */
    uint64_t frames, spent; /* sent so far, and the cycles for that */
    bool stop;
};

struct sample {
    uint64_t frames, spent; /* cycles */
    mono_t at;
};

/* What it costs to look at the clock. */
static double look_cycles(void)
{
    uint64_t start = __builtin_ia32_rdtsc(), sum = 0;

    for (unsigned i = 0; i < LOOKS; i++)
        __asm__ volatile("rdtsc; add %%rax, %0" : "+m"(sum) : : "rax", "rdx");
    return (double)(__builtin_ia32_rdtsc() - start) / LOOKS;
}

/* What the worker does, without all that is between a receive burst and a transmit burst. */
static int poll_ports(void *arg)
{
    struct ports *p = arg;
    uint64_t look = (uint64_t)look_cycles(), frames = 0, spent = 0;

    while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
        uint64_t start = __builtin_ia32_rdtsc(), before = frames, until;
        struct rte_mbuf *m[BURST];

        for (uint16_t port = 0; port < 2; port++) {
            uint16_t n = rte_eth_rx_burst(port, 0, m, BURST), sent = rte_eth_tx_burst(1, 0, m, n);

            frames += sent;
            if (sent < n)
                rte_pktmbuf_free_bulk(m + sent, n - sent);
        }
        spent += __builtin_ia32_rdtsc() - start - look;
        __atomic_store_n(&p->spent, spent, __ATOMIC_RELAXED);
        __atomic_store_n(&p->frames, frames, __ATOMIC_RELAXED);
        until = start + (uint64_t)((double)(frames - before) * p->pace);
        while (__builtin_ia32_rdtsc() < until)
            ;
    }
    return 0;
}

static struct sample sample(const struct dp *dp, const struct ports *p)
{
    struct dp_port_counters out = {0};

    if (p)
        return (struct sample){.frames = __atomic_load_n(&p->frames, __ATOMIC_RELAXED),
                               .spent = __atomic_load_n(&p->spent, __ATOMIC_RELAXED),
                               .at = mono_now()};
    dp_port_counters(dp, 1, &out);
    return (struct sample){.frames = out.tx.frames, .spent = __builtin_ia32_rdtsc(), .at = mono_now()};
}

static double cycles_a_frame(const struct sample *from, const struct sample *to)
{
    return (double)(to->spent - from->spent) / (double)(to->frames - from->frames);
}

/* Watches for so long from `first` on; the last sample, and in *quiet the mean of the quickest tenth of its
 * slices. */
static struct sample watch(const struct dp *dp, const struct ports *p, struct sample first, double seconds,
                           double *quiet)
{
    static double slices[MAX_SLICES];
    struct sample last = first, now;
    unsigned n = 0;

    do {
        usleep(SLICE_US);
        now = sample(dp, p);
        if (now.frames == last.frames)
            continue;
        if (n < MAX_SLICES)
            slices[n++] = cycles_a_frame(&last, &now);
        last = now;
    } while ((double)(now.at.ns - first.at.ns) < seconds * 1e9);
    if (n == 0)
        replay_die("no frame left");
    qsort(slices, n, sizeof(*slices), ascending);
    *quiet = 0;
    for (unsigned i = 0; i < (n + 9) / 10; i++)
        *quiet += slices[i] / ((n + 9) / 10);
    return last;
}

/* Since the worker began: all of it is the same. */
static void print_stages(const struct dp *dp)
{
#ifdef DATAPLANE_PROFILE
#define NAME(name) #name,
    static const char *const names[] = {PROFILE_STAGES(NAME)};
    struct dp_port_counters out;
    struct profile now = profile;

    dp_port_counters(dp, 1, &out);
    printf("{\"mark\": %.2f", look_cycles());
    for (unsigned i = 0; i < PROFILE_N; i++)
        printf(", \"%s\": [%.2f, %.4f]", names[i], (double)now.stage[i].cycles / (double)out.tx.frames,
               (double)now.stage[i].marks / (double)out.tx.frames);
    printf("}\n");
#else
    (void)dp;
#endif
}

static void check_drops(const struct dp *dp)
{
    struct dp_totals totals;

    dp_totals(dp, &totals);
    for (unsigned i = 0; i < DROP_N; i++)
        if (totals.drops[i] != 0)
            replay_die("frames were dropped");
}

static void run(const struct replay *r, const char *path, double seconds, struct ports *p)
{
    char in[DP_DEVARGS_LEN], err[DP_ERR_LEN];
    uint64_t tsc;
    struct sample s0, s1;
    double ns, calm, quiet;
    bool hugepages;
    struct dp *dp;

    snprintf(in, sizeof(in), "net_pcap0,rx_pcap=%s,infinite_rx=1", path);
    dp = replay_start(r, 2);
    replay_ports(r, dp, in, NULL, false);
    replay_program(r, dp, 0);
    calm = calm_cycles();
#ifdef DATAPLANE_PROFILE
    profile.last = __builtin_ia32_rdtsc();
#endif
    if (p ? rte_eal_remote_launch(poll_ports, p, EAL_WORKER_LCORE) != 0 : dp_run(dp, err) < 0)
        replay_die(p ? "the core does not start" : err);
    usleep(WARM_US);
    s0 = sample(dp, p);
    tsc = __builtin_ia32_rdtsc();
    s1 = watch(dp, p, s0, seconds, &quiet);
    tsc = __builtin_ia32_rdtsc() - tsc;
    check_drops(dp);
    hugepages = dp_hugepages(dp);
    if (!p)
        print_stages(dp);
    if (p) {
        __atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
        rte_eal_wait_lcore(EAL_WORKER_LCORE);
    }
    dp_stop(dp);
    ns = (double)(s1.at.ns - s0.at.ns);
    printf("{\"mpps\": %.3f, \"cycles\": %.2f, \"quiet\": %.2f, \"tsc_ghz\": %.3f, \"hugepages\": %s, "
           "\"calm\": [%.3f, %.3f]}\n",
           (double)(s1.frames - s0.frames) / ns * 1e3, cycles_a_frame(&s0, &s1), quiet, (double)tsc / ns,
           hugepages ? "true" : "false", calm, calm_cycles());
}

int main(int argc, char **argv)
{
    struct ports ports = {0};
    struct replay r;

    if (argc < 4 || !replay_parse(argv[2], &r))
        replay_die(
            "usage: bench_dp make VARIANT FILE | bench_dp run VARIANT FILE SECONDS |\n"
            "       bench_dp ports VARIANT FILE SECONDS PACE\n"
            "VARIANT: encap|decap|flood,64|imix,MACS,uniform|zipf,untagged|tagged|translated,ipv4|ipv6; "
            "flood: VTEPs instead of MACs");
    if (strcmp(argv[1], "make") == 0)
        replay_write(&r, argv[3]);
    else if (strcmp(argv[1], "run") == 0 && argc == 5)
        run(&r, argv[3], atof(argv[4]), NULL);
    else if (strcmp(argv[1], "ports") == 0 && argc == 6) {
        ports.pace = atof(argv[5]);
        run(&r, argv[3], atof(argv[4]), &ports);
    } else
        replay_die("how many seconds, and at which pace?");
    return 0;
}
