/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the fast path counted. Every CPU counts for itself; here they are added up. Maps that were taken over
 * have counts from before: those are left out, so that all counters of a process begin at zero, as the
 * worker's do. Control thread only.
 */
#include "ebpf/fastpath_private.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define WORDS(type) (sizeof(type) / sizeof(uint64_t))
#define MAX_WORDS   32

_Static_assert(WORDS(struct fp_port_counters) <= MAX_WORDS && WORDS(struct fp_net_counters) <= MAX_WORDS,
               "room for one element");
_Static_assert(FP_PUNT_N <= FASTPATH_PUNTS, "fastpath.h");

static const struct {
    uint32_t entries, words;
} shapes[FASTPATH_MAPS] = {
    [FASTPATH_NET_COUNT] = {FP_NETS, WORDS(struct fp_net_counters)},
    [FASTPATH_VTEP_COUNT] = {FP_VTEPS, WORDS(struct fp_vtep_counters)},
    [FASTPATH_PORT_COUNT] = {FP_PORTS, WORDS(struct fp_port_counters)},
    [FASTPATH_DROP_COUNT] = {DROP_N, 1},
};

/* sum: the element's words, all of them 64 bits long. */
static void read_sum(const struct fastpath *fp, enum fastpath_map_id map, uint32_t key, void *sum)
{
    uint32_t words = shapes[map].words;
    const uint64_t *base = fp->base[map];
    uint64_t *out = sum;

    memset(out, 0, words * sizeof(*out));
    if (key >= shapes[map].entries || bpf_map_lookup_elem(fp->maps.fd[map], &key, fp->percpu))
        return;
    for (size_t cpu = 0; cpu < fp->n_cpus; cpu++)
        for (uint32_t i = 0; i < words; i++)
            out[i] += fp->percpu[cpu * words + i];
    for (uint32_t i = 0; base && i < words; i++)
        out[i] -= base[(size_t)key * words + i];
}

static int keep_base(struct fastpath *fp, enum fastpath_map_id map)
{
    uint64_t *base = calloc((size_t)shapes[map].entries * shapes[map].words, sizeof(*base));

    if (!base)
        return -ENOMEM;
    for (uint32_t key = 0; key < shapes[map].entries; key++)
        read_sum(fp, map, key, base + (size_t)key * shapes[map].words);
    fp->base[map] = base;
    return 0;
}

int fastpath_count_init(struct fastpath *fp)
{
    int cpus = libbpf_num_possible_cpus(), rc = 0;

    if (cpus < 0)
        return cpus;
    fp->n_cpus = (size_t)cpus;
    fp->percpu = calloc(fp->n_cpus * MAX_WORDS, sizeof(*fp->percpu));
    if (!fp->percpu)
        return -ENOMEM;
    for (unsigned i = 0; fp->taken_over && i < FASTPATH_MAPS && rc == 0; i++)
        rc = shapes[i].entries ? keep_base(fp, i) : 0;
    return rc;
}

void fastpath_count_fini(struct fastpath *fp)
{
    free(fp->percpu);
    fp->percpu = NULL;
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        free(fp->base[i]);
        fp->base[i] = NULL;
    }
}

static struct dp_count count_of(const struct fp_count *c)
{
    return (struct dp_count){.frames = c->frames, .bytes = c->bytes};
}

void fastpath_port_counters(const struct fastpath *fp, dp_port_id port, struct dp_port_counters *out)
{
    struct fp_port_counters sum;

    read_sum(fp, FASTPATH_PORT_COUNT, port, &sum);
    *out = (struct dp_port_counters){.rx = count_of(&sum.rx), .tx = count_of(&sum.tx), .drops = sum.drops};
}

void fastpath_port_work(const struct fastpath *fp, dp_port_id port, struct fastpath_port_work *out)
{
    struct fp_port_counters sum;

    read_sum(fp, FASTPATH_PORT_COUNT, port, &sum);
    *out = (struct fastpath_port_work){.passed = sum.passed, .unserved = sum.unserved};
    memcpy(out->punts, sum.punts, sizeof(sum.punts));
}

uint64_t fastpath_lost(const struct fastpath *fp, dp_port_id port)
{
    return xdp_lost_frames(fp->lost, port);
}

bool fastpath_sees_lost(const struct fastpath *fp, const char **why_not)
{
    if (why_not)
        *why_not = fp->why_blind;
    return fp->lost != NULL;
}

/* Known unicast is all that it carries. */
void fastpath_net_counters(const struct fastpath *fp, dp_net_id net, struct dp_net_counters *out)
{
    struct fp_net_counters sum;

    read_sum(fp, FASTPATH_NET_COUNT, net, &sum);
    *out = (struct dp_net_counters){.bounced = sum.bounced};
    out->access_in[0] = count_of(&sum.access_in);
    out->access_out[0] = count_of(&sum.access_out);
    out->wan_in[0] = count_of(&sum.wan_in);
    out->wan_out[0] = count_of(&sum.wan_out);
}

void fastpath_vtep_counters(const struct fastpath *fp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    struct fp_vtep_counters sum;

    read_sum(fp, FASTPATH_VTEP_COUNT, vtep, &sum);
    *out = (struct dp_vtep_counters){.rx = count_of(&sum.rx), .tx = count_of(&sum.tx)};
}

void fastpath_totals(const struct fastpath *fp, struct dp_totals *out)
{
    *out = (struct dp_totals){0};
    for (uint32_t reason = 0; reason < DROP_N; reason++)
        read_sum(fp, FASTPATH_DROP_COUNT, reason, &out->drops[reason]);
}

/* ---- why frames went to the worker
 * ---------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
} punts[FP_PUNT_N] = {
#define X(n, t) {#n, t},
    FP_PUNTS(X)
#undef X
};

unsigned fastpath_punt_reasons(void)
{
    return FP_PUNT_N;
}

const char *fastpath_punt_name(unsigned reason)
{
    return reason < FP_PUNT_N ? punts[reason].name : "?";
}

const char *fastpath_punt_text(unsigned reason)
{
    return reason < FP_PUNT_N ? punts[reason].text : "?";
}
