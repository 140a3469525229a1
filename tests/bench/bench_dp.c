/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One worker, frames replayed from memory: a pcap vdev in, a null vdev out, the real data plane between them.
 *
 *   bench_dp make  VARIANT FILE             writes the frames to replay
 *   bench_dp run   VARIANT FILE SECONDS     forwards them; prints one line of JSON
 *   bench_dp ports VARIANT FILE SECONDS     only receives and sends them: what the ports cost without us
 *
 * In a build made for it (make profile) the stages of dataplane/profile.h come before it, each as cycles and
 * marks a frame.
 *
 * VARIANT: replay_parse(). Tricky: `ports` runs the same bursts on the same devices from the same core as the
 * worker, but nobody reads a frame; the difference to `run` is our work, and the cache misses it causes.
 */
#include "dataplane/eal.h"
#include "dataplane/profile.h"
#include "tests/bench/calm.h"
#include "tests/bench/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>

#define BURST   32
#define WARM_US 300000 /* caches and clock */

struct ports {
    uint64_t frames; /* sent so far */
    bool stop;
};

struct sample {
    uint64_t frames, tsc;
    mono_t at;
};

/* What the worker does, without all that is between a receive burst and a transmit burst. */
static int poll_ports(void *arg)
{
    struct ports *p = arg;
    uint64_t frames = 0;

    while (!__atomic_load_n(&p->stop, __ATOMIC_RELAXED)) {
        struct rte_mbuf *m[BURST];

        for (uint16_t port = 0; port < 2; port++) {
            uint16_t n = rte_eth_rx_burst(port, 0, m, BURST), sent = rte_eth_tx_burst(1, 0, m, n);

            frames += sent;
            if (sent < n)
                rte_pktmbuf_free_bulk(m + sent, n - sent);
        }
        __atomic_store_n(&p->frames, frames, __ATOMIC_RELAXED);
    }
    return 0;
}

static struct sample sample(const struct dp *dp, const struct ports *p)
{
    struct dp_port_counters out = {0};

    if (!p)
        dp_port_counters(dp, 1, &out);
    return (struct sample){.frames = p ? __atomic_load_n(&p->frames, __ATOMIC_RELAXED) : out.tx.frames,
                           .tsc = __builtin_ia32_rdtsc(),
                           .at = mono_now()};
}

/* Since the worker began: all of it is the same. */
static void print_stages(const struct dp *dp)
{
#ifdef DATAPLANE_PROFILE
#define NAME(name) #name,
    static const char *const names[] = {PROFILE_STAGES(NAME)};
    struct dp_port_counters out;
    struct profile now = profile;
    uint64_t start = __builtin_ia32_rdtsc();

    dp_port_counters(dp, 1, &out);
    for (unsigned i = 0; i < 1000000; i++)
        __asm__ volatile("rdtsc; add %%rax, %0" : "+m"(now.last) : : "rax", "rdx");
    printf("{\"mark\": %.2f", (double)(__builtin_ia32_rdtsc() - start) / 1e6);
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
    struct sample s0, s1;
    double ns, calm;
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
    usleep((useconds_t)(seconds * 1e6));
    s1 = sample(dp, p);
    check_drops(dp);
    if (s1.frames == s0.frames)
        replay_die("no frame left");
    hugepages = dp_hugepages(dp);
    if (!p)
        print_stages(dp);
    if (p) {
        __atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
        rte_eal_wait_lcore(EAL_WORKER_LCORE);
    }
    dp_stop(dp);
    ns = (double)(s1.at.ns - s0.at.ns);
    printf(
        "{\"mpps\": %.3f, \"cycles\": %.2f, \"tsc_ghz\": %.3f, \"hugepages\": %s, \"calm\": [%.3f, %.3f]}\n",
        (double)(s1.frames - s0.frames) / ns * 1e3,
        (double)(s1.tsc - s0.tsc) / (double)(s1.frames - s0.frames), (double)(s1.tsc - s0.tsc) / ns,
        hugepages ? "true" : "false", calm, calm_cycles());
}

int main(int argc, char **argv)
{
    struct ports ports = {0};
    struct replay r;

    if (argc < 4 || !replay_parse(argv[2], &r))
        replay_die(
            "usage: bench_dp make VARIANT FILE | bench_dp run|ports VARIANT FILE SECONDS\n"
            "VARIANT: encap|decap|flood,64|imix,MACS,uniform|zipf,untagged|tagged|translated,ipv4|ipv6; "
            "flood: VTEPs instead of MACs");
    if (strcmp(argv[1], "make") == 0)
        replay_write(&r, argv[3]);
    else if (argc == 5)
        run(&r, argv[3], atof(argv[4]), strcmp(argv[1], "ports") == 0 ? &ports : NULL);
    else
        replay_die("how many seconds?");
    return 0;
}
