/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One worker, frames replayed from memory: a pcap vdev in, a null vdev out, the real data plane between them.
 *
 *   bench_dp make DIRECTION SIZE MACS FILE     writes the frames to replay
 *   bench_dp run  DIRECTION MACS FILE SECONDS  forwards them; prints one line of JSON
 *
 * DIRECTION: encap | decap. SIZE: 64 | imix (7:4:1 of 64, 594 and 1518 bytes, FCS included). MACS: entries of
 * the FDB, half of them at this site and half at the other; every frame has a source and a destination of its
 * own among them, in random order, so that both look-ups range over the whole table. Source check, ageing
 * stamps, limits and counters are on, as in production.
 */
#include "dataplane/dp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define VNI        10100
#define VLAN       100
#define MIN_FRAMES 4096
#define DROP_IT    "frames were dropped"

static const struct mac wan_mac = {{0x02, 0xaa, 0, 0, 0, 1}}, hop_mac = {{0x02, 0xaa, 0, 0, 0, 2}};

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "bench_dp: %s\n", what);
    exit(1);
}

/* local: at this site; else at the other. One pair of tables for any number of MACs. */
static struct mac mac_of(bool local, uint32_t i)
{
    return (struct mac){{local ? 0x02 : 0x06, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static uint32_t half(uint32_t macs)
{
    return macs / 2 ? macs / 2 : 1;
}

/* ---- make ---- */

static void put32(FILE *f, uint32_t v)
{
    fwrite(&v, 4, 1, f);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t ip_checksum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void ipv4_udp(uint8_t *ip, unsigned len, uint32_t src, uint32_t dst, unsigned sport, unsigned dport)
{
    uint32_t addr;

    memset(ip, 0, 28);
    ip[0] = 0x45;
    put16(ip + 2, len);
    ip[8] = 64;
    ip[9] = 17;
    addr = htonl(src);
    memcpy(ip + 12, &addr, 4);
    addr = htonl(dst);
    memcpy(ip + 16, &addr, 4);
    put16(ip + 10, ip_checksum(ip));
    put16(ip + 20, sport);
    put16(ip + 22, dport);
    put16(ip + 24, len - 20);
}

/* An inner frame of `len` bytes without FCS and tag; returns bytes written, tag included. */
static unsigned inner(uint8_t *p, unsigned len, bool tagged, struct mac dst, struct mac src, uint32_t flow)
{
    unsigned n = 12;

    memset(p, 0, len + 4);
    memcpy(p, dst.b, 6);
    memcpy(p + 6, src.b, 6);
    if (tagged) {
        put16(p + n, 0x8100);
        put16(p + n + 2, VLAN);
        n += 4;
    }
    put16(p + n, 0x0800);
    ipv4_udp(p + n + 2, len - 14, 0x0a000001, 0x0a000002, 1024 + flow % 60000, 7);
    return len + n - 12;
}

static unsigned outer(uint8_t *p, const uint8_t *frame, unsigned len)
{
    memcpy(p, wan_mac.b, 6);
    memcpy(p + 6, hop_mac.b, 6);
    put16(p + 12, 0x0800);
    ipv4_udp(p + 14, 36 + len, 0xc6120002, 0xc6120001, 50000, 4789);
    memset(p + 42, 0, 8);
    p[42] = 0x08;
    put16(p + 47, VNI);
    memcpy(p + 50, frame, len);
    return 50 + len;
}

static uint32_t *permutation(uint32_t n, uint32_t range)
{
    uint32_t *p = malloc((size_t)n * sizeof(*p));

    if (!p)
        die("no memory");
    for (uint32_t i = 0; i < n; i++)
        p[i] = i % range;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = (uint32_t)random() % (i + 1), t = p[i];

        p[i] = p[j];
        p[j] = t;
    }
    return p;
}

static void make(bool encap, bool imix, uint32_t macs, const char *path)
{
    static const unsigned mix[] = {60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60};
    uint32_t frames = half(macs) > MIN_FRAMES ? half(macs) : MIN_FRAMES;
    uint32_t *dst = permutation(frames, half(macs)), *src = permutation(frames, half(macs));
    FILE *f = fopen(path, "w");

    if (!f)
        die("cannot write the pcap file");
    put32(f, 0xa1b2c3d4);
    put32(f, 0x00040002);
    put32(f, 0);
    put32(f, 0);
    put32(f, 65535);
    put32(f, 1);
    for (uint32_t i = 0; i < frames; i++) {
        uint8_t frame[1600], packet[1700];
        unsigned len = imix ? mix[i % 12] : 60;

        len = inner(frame, len, encap, mac_of(!encap, dst[i]), mac_of(encap, src[i]), i);
        if (!encap)
            len = outer(packet, frame, len);
        put32(f, 0);
        put32(f, 0);
        put32(f, len);
        put32(f, len);
        fwrite(encap ? frame : packet, len, 1, f);
    }
    free(dst);
    free(src);
    if (fclose(f) != 0)
        die("cannot write the pcap file");
}

/* ---- run ---- */

static struct dp *start(uint32_t macs, bool encap, const char *path)
{
    struct dp_config config = {.max_macs = macs < 1024 ? 1024 : macs,
                               .cpu = -1,
                               .busy_poll = true,
                               .hugepages = DP_HUGEPAGES_AUTO,
                               .max_mtu = 1600,
                               .packet_buffers = (half(macs) > MIN_FRAMES ? half(macs) : MIN_FRAMES) + 16384,
                               .n_ports = 2,
                               .n_networks = 1,
                               .n_vteps = 1};
    struct dp_port_spec in = {
        .name = "in", .role = encap ? DP_PORT_ACCESS : DP_PORT_UNDERLAY, .owner = DP_OWNER_VDEV};
    struct dp_port_spec out = {.name = "out",
                               .role = encap ? DP_PORT_UNDERLAY : DP_PORT_ACCESS,
                               .owner = DP_OWNER_VDEV,
                               .device = "net_null0,no-rx=1"};
    const char *cpu = getenv("BENCH_CPU");
    char err[DP_ERR_LEN];
    struct dp *dp;

    if (cpu)
        config.cpu = atoi(cpu);
    snprintf(in.device, sizeof(in.device), "net_pcap0,rx_pcap=%s,infinite_rx=1", path);
    if (dp_start(&config, &dp, err) < 0 || dp_port_add(dp, &in, err) < 0 || dp_port_add(dp, &out, err) < 0)
        die(err);
    return dp;
}

static void program(struct dp *dp, bool encap, uint32_t macs)
{
    struct dp_member member = {.port = encap ? 0 : 1, .vlan = VLAN};
    struct dp_net_vtep net_vtep = {.vtep = 1, .flood = true};
    struct dp_network net = {.id = 1,
                             .vni = VNI,
                             .dscp = DP_DSCP_INHERIT,
                             .limit_broadcast = 1000,
                             .limit_multicast = 1000,
                             .limit_unknown_unicast = 1000,
                             .members = &member,
                             .n_members = 1,
                             .vteps = &net_vtep,
                             .n_vteps = 1};
    struct dp_vtep vtep = {.id = 1,
                           .resolved = true,
                           .next_hop = hop_mac,
                           .source = wan_mac,
                           .mtu = 1600,
                           .address = {4, {198, 18, 0, 2}}};
    struct dp_topology t = {.underlay = encap ? 1 : 0,
                            .address = {4, {198, 18, 0, 1}},
                            .underlay_mac = wan_mac,
                            .vxlan_port = 4789,
                            .ttl = 64,
                            .networks = &net,
                            .n_networks = 1,
                            .vteps = &vtep,
                            .n_vteps = 1};

    if (dp_publish(dp, &t) != 0)
        die("topology refused");
    for (uint32_t i = 0; i < half(macs); i++)
        if (dp_fdb_set(dp, 1, mac_of(true, i),
                       (struct dp_dest){.where = DP_WHERE_PORT, .target = member.port}) != 0 ||
            dp_fdb_set(dp, 1, mac_of(false, i), (struct dp_dest){.where = DP_WHERE_VTEP, .target = 1}) != 0)
            die("FDB full");
}

static uint64_t rdtsc(void)
{
    return __builtin_ia32_rdtsc();
}

static void run(bool encap, uint32_t macs, const char *path, double seconds)
{
    struct dp *dp = start(macs, encap, path);
    struct dp_port_counters before, after, out0, out1;
    struct dp_totals totals;
    uint64_t t0, t1, drops = 0, frames;
    double elapsed;
    mono_t m0, m1;
    char err[DP_ERR_LEN];

    program(dp, encap, macs);
    if (dp_run(dp, err) < 0)
        die(err);
    usleep(300000); /* caches and clock */
    dp_port_counters(dp, 0, &before);
    dp_port_counters(dp, 1, &out0);
    t0 = rdtsc();
    m0 = mono_now();
    usleep((useconds_t)(seconds * 1e6));
    dp_port_counters(dp, 0, &after);
    dp_port_counters(dp, 1, &out1);
    t1 = rdtsc();
    m1 = mono_now();
    dp_totals(dp, &totals);
    for (unsigned i = 0; i < DROP_N; i++)
        drops += totals.drops[i];
    elapsed = (double)(m1.ns - m0.ns) / 1e9;
    frames = out1.tx.frames - out0.tx.frames;
    if (drops != 0 || frames == 0)
        die(DROP_IT);
    printf("{\"mpps\": %.3f, \"cycles\": %.1f, \"hugepages\": %s}\n", (double)frames / elapsed / 1e6,
           (double)(t1 - t0) / (double)frames, dp_hugepages(dp) ? "true" : "false");
    dp_stop(dp);
}

int main(int argc, char **argv)
{
    bool encap = argc > 2 && strcmp(argv[2], "encap") == 0;

    if (argc == 6 && strcmp(argv[1], "make") == 0)
        make(encap, strcmp(argv[3], "imix") == 0, (uint32_t)atoi(argv[4]), argv[5]);
    else if (argc == 6 && strcmp(argv[1], "run") == 0)
        run(encap, (uint32_t)atoi(argv[3]), argv[4], atof(argv[5]));
    else
        die("usage: bench_dp make encap|decap 64|imix MACS FILE | bench_dp run encap|decap MACS FILE "
            "SECONDS");
    return 0;
}
