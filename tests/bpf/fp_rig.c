/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fp_rig.h.
 */
#include "tests/bpf/fp_rig.h"

#include "ebpf/fp_access.skel.h"
#include "ebpf/fp_topology.h"
#include "ebpf/fp_wan.skel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MAX_CPUS 1024
#define SEED     0xfeedfacecafebeefull
#define LO       1 /* where fp_tx points: test runs send nothing */

#define REQUIRE(x)                                                                                           \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #x, strerror(errno));                     \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

bool fp_rig_slow;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static void configure(struct fp_program_config *c, unsigned port, const struct ipaddr *vtep,
                      uint16_t vxlan_port)
{
    c->port = port;
    c->fast = !fp_rig_slow;
    c->family = vtep->family;
    memcpy(c->vtep, vtep->b, sizeof(c->vtep));
    c->vxlan_port = htons(vxlan_port);
}

/* All maps of b but its own two are those of a. */
static void share(const struct bpf_object *a, struct bpf_object *b)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, b)
    {
        const char *name = bpf_map__name(map);

        if (strncmp(name, "fp_", 3) == 0 && !strchr(name, '.'))
            REQUIRE(bpf_map__reuse_fd(map, bpf_map__fd(bpf_object__find_map_by_name(a, name))) == 0);
    }
}

static void add_socket(struct fp_rig *r, struct bpf_map *map)
{
    uint32_t key = 0;

    REQUIRE(bpf_map_update_elem(bpf_map__fd(map), &key, &r->socket, 0) == 0);
}

static void size_fdb(struct fp_rig *r, uint32_t buckets)
{
    REQUIRE(bpf_map__set_max_entries(r->access[0]->maps.fp_fdb, buckets) == 0);
    REQUIRE(bpf_map__set_max_entries(r->access[0]->maps.fp_bounced, buckets * FP_FDB_WAYS) == 0);
}

static void *map_memory(const struct bpf_map *map)
{
    size_t size = (size_t)bpf_map__max_entries(map) * bpf_map__value_size(map);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

    REQUIRE(p != MAP_FAILED);
    return p;
}

static void map_fdb(struct fp_rig *r)
{
    const struct bpf_map *fdb = r->access[0]->maps.fp_fdb;

    fp_table_init(&r->fdb, map_memory(fdb), map_memory(r->access[0]->maps.fp_bounced),
                  bpf_map__max_entries(fdb), SEED);
}

struct fp_rig *fp_rig_open(const struct ipaddr *vtep, uint16_t vxlan_port, uint32_t max_macs)
{
    struct fp_rig *r = calloc(1, sizeof(*r));

    REQUIRE(r);
    libbpf_set_print(quiet);
    r->topology = calloc(1, sizeof(*r->topology));
    REQUIRE(r->topology);
    r->socket = socket(AF_XDP, SOCK_RAW, 0);
    REQUIRE(r->socket >= 0);
    for (unsigned i = 0; i < 2; i++) {
        r->access[i] = fp_access__open();
        REQUIRE(r->access[i]);
        configure((struct fp_program_config *)&r->access[i]->rodata->config, i, vtep, vxlan_port);
        if (i == 0)
            size_fdb(r, fp_table_buckets(max_macs));
        else
            share(r->access[0]->obj, r->access[i]->obj);
        REQUIRE(fp_access__load(r->access[i]) == 0);
        add_socket(r, r->access[i]->maps.xsks_map);
    }
    r->wan = fp_wan__open();
    REQUIRE(r->wan);
    configure((struct fp_program_config *)&r->wan->rodata->config, FP_RIG_UNDERLAY, vtep, vxlan_port);
    share(r->access[0]->obj, r->wan->obj);
    REQUIRE(fp_wan__load(r->wan) == 0);
    add_socket(r, r->wan->maps.xsks_map);
    for (uint32_t i = 0; i < FP_RIG_PORTS; i++) {
        uint32_t ifindex = LO;

        r->ports[i] = (struct fastpath_port){.ifindex = ifindex, .target = true, .mtu = 1500};
        REQUIRE(bpf_map_update_elem(bpf_map__fd(r->access[0]->maps.fp_tx), &i, &ifindex, 0) == 0);
    }
    map_fdb(r);
    r->active = FP_TOPOLOGIES;
    return r;
}

void fp_rig_close(struct fp_rig *r)
{
    munmap(r->fdb.buckets, (size_t)(r->fdb.mask + 1) * sizeof(struct fp_fdb_bucket));
    munmap(r->fdb.bounced, (size_t)(r->fdb.mask + 1) * FP_FDB_WAYS * 8);
    fp_wan__destroy(r->wan);
    fp_access__destroy(r->access[0]);
    fp_access__destroy(r->access[1]);
    close(r->socket);
    free(r->topology);
    free(r);
}

int fp_rig_publish(struct fp_rig *r, const struct dp_topology *t)
{
    uint32_t slot = r->active >= FP_TOPOLOGIES ? 0 : (r->active + 1) % FP_TOPOLOGIES, zero = 0;
    struct fp_control control = {
        .version = FP_VERSION, .active = slot, .fdb_seed = SEED, .fdb_mask = r->fdb.mask};
    struct fp_topology_used used;
    int rc = fp_topology_build(t, r->ports, r->punt_limit, r->topology, &used);

    if (rc != 0)
        return rc;
    REQUIRE(bpf_map_update_elem(bpf_map__fd(r->access[0]->maps.fp_topology), &slot, r->topology, 0) == 0);
    REQUIRE(bpf_map_update_elem(bpf_map__fd(r->access[0]->maps.fp_control), &zero, &control, 0) == 0);
    r->active = slot;
    return 0;
}

void fp_rig_unpublish(struct fp_rig *r)
{
    struct fp_control control = {.version = FP_VERSION, .active = FP_TOPOLOGIES};
    uint32_t zero = 0;

    REQUIRE(bpf_map_update_elem(bpf_map__fd(r->access[0]->maps.fp_control), &zero, &control, 0) == 0);
    r->active = FP_TOPOLOGIES;
}

void fp_rig_remove_sockets(struct fp_rig *r)
{
    uint32_t zero = 0;

    for (unsigned i = 0; i < 2; i++)
        REQUIRE(bpf_map_delete_elem(bpf_map__fd(r->access[i]->maps.xsks_map), &zero) == 0);
    REQUIRE(bpf_map_delete_elem(bpf_map__fd(r->wan->maps.xsks_map), &zero) == 0);
}

void fp_rig_remove_target(struct fp_rig *r, uint32_t port)
{
    REQUIRE(bpf_map_delete_elem(bpf_map__fd(r->access[0]->maps.fp_tx), &port) == 0);
}

uint64_t fp_rig_key(dp_net_id net, struct mac mac)
{
    uint64_t key = 0;

    memcpy(&key, mac.b, sizeof(mac.b));
    return key | (uint64_t)net << 48;
}

/* ---- frames ---- */

int fp_rig_program(const struct fp_rig *r, unsigned port)
{
    return bpf_program__fd(port == FP_RIG_UNDERLAY ? r->wan->progs.xsk_def_prog
                                                   : r->access[port]->progs.xsk_def_prog);
}

static int run(struct fp_rig *r, unsigned port, const void *frame, size_t len, uint8_t *out, size_t *out_len,
               uint32_t *action)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    int rc;

    opts.data_in = frame;
    opts.data_size_in = (uint32_t)len;
    opts.data_out = out;
    opts.data_size_out = FP_RIG_BUFFER;
    rc = bpf_prog_test_run_opts(fp_rig_program(r, port), &opts);
    *out_len = opts.data_size_out;
    *action = opts.retval;
    return rc;
}

uint32_t fp_rig_run(struct fp_rig *r, unsigned port, const void *frame, size_t len, uint8_t *out,
                    size_t *out_len)
{
    uint32_t action;

    REQUIRE(run(r, port, frame, len, out, out_len, &action) == 0);
    return action;
}

bool fp_rig_try(struct fp_rig *r, unsigned port, const void *frame, size_t len, uint8_t *out, size_t *out_len)
{
    uint32_t action;

    return run(r, port, frame, len, out, out_len, &action) == 0;
}

/* ---- counters: sums of all CPUs ---- */

static void sum(const struct bpf_map *map, uint32_t key, void *out, size_t size)
{
    static uint64_t values[MAX_CPUS * 32];
    size_t words = size / 8;
    uint64_t *to = out;
    int cpus = libbpf_num_possible_cpus();

    REQUIRE(cpus > 0 && (size_t)cpus * words <= sizeof(values) / 8);
    REQUIRE(bpf_map_lookup_elem(bpf_map__fd(map), &key, values) == 0);
    memset(out, 0, size);
    for (size_t cpu = 0; cpu < (size_t)cpus; cpu++) {
        for (size_t i = 0; i < words; i++)
            to[i] += values[cpu * words + i];
    }
}

void fp_rig_port_counters(const struct fp_rig *r, unsigned port, struct fp_port_counters *out)
{
    sum(r->access[0]->maps.fp_port_count, port, out, sizeof(*out));
}

void fp_rig_net_counters(const struct fp_rig *r, dp_net_id net, struct fp_net_counters *out)
{
    sum(r->access[0]->maps.fp_net_count, net, out, sizeof(*out));
}

void fp_rig_vtep_counters(const struct fp_rig *r, dp_vtep_id vtep, struct fp_vtep_counters *out)
{
    sum(r->access[0]->maps.fp_vtep_count, vtep, out, sizeof(*out));
}

uint64_t fp_rig_drops(const struct fp_rig *r, unsigned reason)
{
    uint64_t n;

    sum(r->access[0]->maps.fp_drop_count, reason, &n, sizeof(n));
    return n;
}
