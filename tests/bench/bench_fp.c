/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long the fast path's programs take for a frame of known unicast: run by the kernel (BPF_PROG_TEST_RUN,
 * repeated) with real maps, every frame with a source and a destination of its own out of the table. What
 * putting each frame back costs is measured with a program that does only this, and subtracted. Prints one
 * line of JSON for each case. Root.
 *
 *   bench_fp [ROUNDS]      rounds of 100,000 frames for each case; the best counts: others use the CPU, too
 */
#include "ebpf/fp_table.h"
#include "ebpf/fp_topology.h"

#include "tests/bench/fp_bench_access.skel.h"
#include "tests/bench/fp_bench_wan.skel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define FRAMES    100000
#define VNI       10100
#define VLAN      100
#define LO        1
#define SEED      0x123456789abcdefull
#define ETH_LEN   14u
#define MAX_FRAME 2048

enum { PORT_ACCESS, PORT_WAN };

static const struct mac wan_mac = {{0x02, 0xaa, 0, 0, 0, 1}}, hop_mac = {{0x02, 0xaa, 0, 0, 0, 2}};

static struct ipaddr vteps[2];

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench_fp: %s\n", what);
    exit(1);
}

static void require(bool ok, const char *what)
{
    if (!ok)
        die(what);
}

/* ---- frames ---- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t checksum(const uint8_t *p, unsigned len, uint32_t sum)
{
    for (unsigned i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* From IP on: IPv4 or IPv6 and UDP; src, dst: their addresses. */
static unsigned udp_packet(uint8_t *ip, const struct ipaddr *src, const struct ipaddr *dst, unsigned dport,
                           unsigned payload)
{
    unsigned header = src->family == 4 ? 20 : 40, size = src->family == 4 ? 4 : 16;

    memset(ip, 0, header + 8);
    if (src->family == 4) {
        ip[0] = 0x45;
        put16(ip + 2, header + 8 + payload);
        ip[8] = 64;
        ip[9] = 17;
    } else {
        ip[0] = 0x60;
        put16(ip + 4, 8 + payload);
        ip[6] = 17;
        ip[7] = 64;
    }
    memcpy(ip + header - 2 * size, src->b, size);
    memcpy(ip + header - size, dst->b, size);
    if (src->family == 4)
        put16(ip + 10, checksum(ip, 20, 0));
    put16(ip + header, 50000);
    put16(ip + header + 2, dport);
    put16(ip + header + 4, 8 + payload);
    return header + 8 + payload;
}

/* len: without tag; the MACs are the program's business. */
static unsigned inner(uint8_t *p, unsigned len, bool tagged)
{
    struct ipaddr a, b;
    unsigned n = 12;

    require(ipaddr_parse("10.0.0.1", &a) && ipaddr_parse("10.0.0.2", &b), "addresses");
    memcpy(p, "\x06\0\0\0\0\0\x02\0\0\0\0\0", 12);
    if (tagged) {
        put16(p + n, 0x8100);
        put16(p + n + 2, VLAN);
        n += 4;
    }
    put16(p + n, 0x0800);
    return n + 2 + udp_packet(p + n + 2, &a, &b, 7, len - ETH_LEN - 28);
}

static unsigned outer(uint8_t *p, unsigned len)
{
    unsigned header = vteps[0].family == 4 ? 50 : 70, udp = header - 16;

    memcpy(p, wan_mac.b, 6);
    memcpy(p + 6, hop_mac.b, 6);
    put16(p + 12, vteps[0].family == 4 ? 0x0800 : 0x86dd);
    memset(p + udp + 8, 0, 8);
    p[udp + 8] = 0x08;
    put16(p + udp + 13, VNI);
    inner(p + header, len, false);
    memcpy(p + header, "\x02\0\0\0\0\0\x06\0\0\0\0\0", 12);
    udp_packet(p + ETH_LEN, &vteps[1], &vteps[0], 4789, 8 + len);
    if (vteps[0].family == 6) {
        uint32_t pseudo = 17 + 16 + len + (uint16_t)~checksum(p + 22, 32, 0);

        put16(p + udp + 6, checksum(p + udp, 16 + len, pseudo));
    }
    return header + len;
}

/* ---- maps ---- */

/* The FDB for so many MACs of each kind, at load as a gateway has it. */
static void size_fdb(struct bpf_map *fdb, struct bpf_map *bounced, uint32_t macs)
{
    uint32_t buckets = fp_table_buckets(2 * macs);

    require(bpf_map__set_max_entries(fdb, buckets) == 0 &&
                bpf_map__set_max_entries(bounced, buckets * FP_FDB_WAYS) == 0,
            "the FDB's size");
}

static void *map_memory(const struct bpf_map *map, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

    require(p != MAP_FAILED, "the FDB cannot be mapped");
    return p;
}

static uint32_t fill_fdb(const struct bpf_map *fdb, const struct bpf_map *bounced, uint32_t macs)
{
    uint32_t n = bpf_map__max_entries(fdb);
    struct fp_table t;

    fp_table_init(&t, map_memory(fdb, (size_t)n * sizeof(struct fp_fdb_bucket)),
                  map_memory(bounced, (size_t)n * FP_FDB_WAYS * 8), n, SEED);
    for (uint32_t i = 0; i < 2 * macs; i++) {
        bool local = i & 1;
        uint8_t mac[8] = {local ? 0x02 : 0x06};
        uint32_t where = local ? FP_WHERE(FP_WHERE_PORT, PORT_ACCESS) : FP_WHERE(FP_WHERE_VTEP, 1);
        uint32_t number = htonl(i / 2);
        uint64_t key = 0;

        memcpy(mac + 2, &number, 4);
        memcpy(&key, mac, 6);
        key |= (uint64_t)1 << 48;
        require(fp_table_set(&t, key, where, 0) == 0, "the FDB does not take a MAC");
    }
    return t.mask;
}

static void publish(int topology_fd, int control_fd, int tx_fd, uint32_t fdb_mask)
{
    struct dp_member member = {PORT_ACCESS, VLAN};
    struct dp_net_vtep known = {.vtep = 1};
    struct dp_network net = {.id = 1,
                             .vni = VNI,
                             .dscp = DP_DSCP_INHERIT,
                             .members = &member,
                             .n_members = 1,
                             .vteps = &known,
                             .n_vteps = 1};
    struct dp_vtep vtep = {
        .id = 1, .address = vteps[1], .resolved = true, .next_hop = hop_mac, .source = wan_mac, .mtu = 1600};
    struct dp_topology t = {.underlay = PORT_WAN,
                            .address = vteps[0],
                            .underlay_mac = wan_mac,
                            .vxlan_port = 4789,
                            .ttl = 64,
                            .networks = &net,
                            .n_networks = 1,
                            .vteps = &vtep,
                            .n_vteps = 1};
    struct fastpath_port ports[DP_MAX_PORTS] = {{.ifindex = LO, .target = true, .mtu = 1500},
                                                {.ifindex = LO, .target = true, .mtu = 1600}};
    struct fp_topology *out = malloc(sizeof(*out));
    struct fp_control control = {.version = FP_VERSION, .fdb_seed = SEED, .fdb_mask = fdb_mask};
    struct fp_topology_used used;
    uint32_t zero = 0, lo = LO;

    require(out && fp_topology_build(&t, ports, 0, out, &used) == 0, "the topology is refused");
    require(bpf_map_update_elem(topology_fd, &zero, out, 0) == 0 &&
                bpf_map_update_elem(control_fd, &zero, &control, 0) == 0,
            "the topology cannot be stored");
    for (uint32_t i = 0; i < 2; i++)
        require(bpf_map_update_elem(tx_fd, &i, &lo, 0) == 0, "no redirect target");
    free(out);
}

/* ---- runs ---- */

static double run(int prog, const uint8_t *frame, unsigned len, unsigned rounds)
{
    static uint8_t out[2 * MAX_FRAME];
    double best = 0;

    for (unsigned i = 0; i < rounds; i++) {
        LIBBPF_OPTS(bpf_test_run_opts, opts);

        opts.data_in = frame;
        opts.data_size_in = len;
        opts.data_out = out;
        opts.data_size_out = sizeof(out);
        opts.repeat = FRAMES;
        require(bpf_prog_test_run_opts(prog, &opts) == 0 && opts.retval == XDP_PASS, "the run failed");
        if (i == 0 || opts.duration < best)
            best = opts.duration;
    }
    return best;
}

struct programs {
    int frames, nothing, saved;
};

static void measure(const char *direction, unsigned size, uint32_t macs, const struct programs *p,
                    const uint8_t *frame, unsigned len, unsigned rounds, const __u64 *bad)
{
    uint32_t zero = 0;
    double all, nothing;

    require(bpf_map_update_elem(p->saved, &zero, frame, 0) == 0, "the frame cannot be stored");
    nothing = run(p->nothing, frame, len, rounds);
    all = run(p->frames, frame, len, rounds);
    require(*(const volatile __u64 *)bad == 0, "frames were not carried");
    printf("{\"bench\": \"fp\", \"direction\": \"%s\", \"underlay\": %u, \"size\": %u, \"macs\": %u, "
           "\"ns\": %.0f, \"put_back_ns\": %.0f}\n",
           direction, vteps[0].family, size, macs, all - nothing, nothing);
    fflush(stdout);
}

static void configure(struct fp_program_config *c, unsigned port)
{
    c->port = port;
    c->fast = 1;
    c->family = vteps[0].family;
    memcpy(c->vtep, vteps[0].b, sizeof(c->vtep));
    c->vxlan_port = htons(4789);
}

/* size: of the inner frame, without tag and FCS. */
static void access_case(unsigned size, uint32_t macs, unsigned rounds)
{
    struct fp_bench_access *s = fp_bench_access__open();
    uint8_t frame[MAX_FRAME] = {0};
    unsigned len = inner(frame, size, true);
    struct programs p;

    require(s, "the program cannot be opened");
    configure((struct fp_program_config *)&s->rodata->config, PORT_ACCESS);
    s->rodata->bench.macs = macs / 2 ? macs / 2 : 1;
    s->rodata->bench.grow = (vteps[0].family == 4 ? 50 : 70) - 4;
    s->rodata->bench.words = 2;
    s->rodata->bench.dst = 0x06;
    s->rodata->bench.src = 0x02;
    size_fdb(s->maps.fp_fdb, s->maps.fp_bounced, s->rodata->bench.macs);
    require(fp_bench_access__load(s) == 0, "the kernel does not take the program");
    publish(bpf_map__fd(s->maps.fp_topology), bpf_map__fd(s->maps.fp_control), bpf_map__fd(s->maps.fp_tx),
            fill_fdb(s->maps.fp_fdb, s->maps.fp_bounced, s->rodata->bench.macs));
    p = (struct programs){bpf_program__fd(s->progs.bench_frames), bpf_program__fd(s->progs.bench_nothing),
                          bpf_map__fd(s->maps.bench_saved)};
    measure("encap", size, macs, &p, frame, len, rounds, &s->bss->bench_bad);
    fp_bench_access__destroy(s);
}

static void wan_case(unsigned size, uint32_t macs, unsigned rounds)
{
    struct fp_bench_wan *s = fp_bench_wan__open();
    uint8_t frame[MAX_FRAME] = {0};
    unsigned header = vteps[0].family == 4 ? 50 : 70, len = outer(frame, size);
    struct programs p;

    require(s, "the program cannot be opened");
    configure((struct fp_program_config *)&s->rodata->config, PORT_WAN);
    s->rodata->bench.macs = macs / 2 ? macs / 2 : 1;
    s->rodata->bench.at = header;
    s->rodata->bench.grow = 4 - header;
    s->rodata->bench.words = (header + 12 + 7) / 8;
    s->rodata->bench.dst = 0x02;
    s->rodata->bench.src = 0x06;
    size_fdb(s->maps.fp_fdb, s->maps.fp_bounced, s->rodata->bench.macs);
    require(fp_bench_wan__load(s) == 0, "the kernel does not take the program");
    publish(bpf_map__fd(s->maps.fp_topology), bpf_map__fd(s->maps.fp_control), bpf_map__fd(s->maps.fp_tx),
            fill_fdb(s->maps.fp_fdb, s->maps.fp_bounced, s->rodata->bench.macs));
    p = (struct programs){bpf_program__fd(s->progs.bench_frames), bpf_program__fd(s->progs.bench_nothing),
                          bpf_map__fd(s->maps.bench_saved)};
    measure("decap", size, macs, &p, frame, len, rounds, &s->bss->bench_bad);
    fp_bench_wan__destroy(s);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = {64, 1400};
    static const uint32_t macs[] = {1, 100000};
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20;

    libbpf_set_print(quiet);
    require(ipaddr_parse("198.18.0.1", &vteps[0]) && ipaddr_parse("198.18.0.2", &vteps[1]), "addresses");
    for (unsigned m = 0; m < 2; m++) {
        for (unsigned i = 0; i < 2; i++) {
            access_case(sizes[i], macs[m], rounds);
            wan_case(sizes[i], macs[m], rounds);
        }
    }
    /* Over IPv6, where there is a checksum over all of the frame. With one MAC: another would change it. */
    require(ipaddr_parse("fd00::1", &vteps[0]) && ipaddr_parse("fd00::2", &vteps[1]), "addresses");
    for (unsigned i = 0; i < 2; i++) {
        access_case(sizes[i], 1, rounds);
        wan_case(sizes[i], 1, rounds);
    }
    return 0;
}
