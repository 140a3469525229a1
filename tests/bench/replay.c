/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See replay.h. One thread.
 */
#include "tests/bench/replay.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_VNI   10100
#define FIRST_VLAN  100
#define MIN_FRAMES  4096
#define USUAL_MACS  131072u /* dataplane.max_macs where nothing else is said */
#define MORE_FRAMES 16384   /* packet buffers besides those of the replay */

static const struct mac wan_mac = {{0x02, 0xaa, 0, 0, 0, 1}}, hop_mac = {{0x02, 0xaa, 0, 0, 0, 2}};

void replay_die(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

bool replay_parse(const char *text, struct replay *out)
{
    static const char *const directions[] = {"encap", "decap", "flood"};
    static const char *const tags[] = {"untagged", "tagged", "translated"};
    char direction[8], size[8], spread[8], tag[16], underlay[8];
    unsigned d = 0, t = 0;

    memset(out, 0, sizeof(*out));
    if (sscanf(text, "%7[^,],%7[^,],%u,%7[^,],%15[^,],%7s", direction, size, &out->macs, spread, tag,
               underlay) != 6)
        return false;
    while (d < 3 && strcmp(directions[d], direction) != 0)
        d++;
    while (t < 3 && strcmp(tags[t], tag) != 0)
        t++;
    out->direction = d;
    out->imix = strcmp(size, "imix") == 0;
    out->zipf = strcmp(spread, "zipf") == 0;
    out->tags = t;
    out->underlay = strcmp(underlay, "ipv6") == 0 ? 6 : 4;
    return d < 3 && t < 3 && out->macs > 0 && out->macs <= (d == REPLAY_FLOOD ? REPLAY_MAX_VTEPS : 1u << 20);
}

/* One pair of tables for any number of MACs. */
struct mac replay_mac(bool local, uint32_t i)
{
    return (struct mac){{local ? 0x02 : 0x06, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

uint32_t replay_half(const struct replay *r)
{
    uint32_t macs = r->direction == REPLAY_FLOOD ? 1 : r->macs;

    return macs / 2 ? macs / 2 : 1;
}

static uint32_t frames_of(const struct replay *r)
{
    return replay_half(r) > MIN_FRAMES ? replay_half(r) : MIN_FRAMES;
}

static uint32_t networks_of(const struct replay *r)
{
    uint32_t half = replay_half(r);

    if (r->tags != REPLAY_TRANSLATED)
        return 1;
    return half < REPLAY_NETWORKS ? half : REPLAY_NETWORKS;
}

/* ---- frames ---- */

static void put32(FILE *f, uint32_t v)
{
    fwrite(&v, 4, 1, f);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *p, unsigned len)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void put_udp(uint8_t *p, unsigned len, unsigned sport, unsigned dport)
{
    memset(p, 0, 8);
    put16(p, sport);
    put16(p + 2, dport);
    put16(p + 4, len);
}

static void put_ipv4(uint8_t *ip, unsigned len, uint32_t src, uint32_t dst)
{
    uint32_t addr;

    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, len);
    ip[8] = 64;
    ip[9] = 17;
    addr = htonl(src);
    memcpy(ip + 12, &addr, 4);
    addr = htonl(dst);
    memcpy(ip + 16, &addr, 4);
    put16(ip + 10, checksum(sum16(ip, 20)));
}

/* fd00:198:18::n, 198.18.0.n */
static struct ipaddr vtep_address(const struct replay *r, uint8_t n)
{
    struct ipaddr a = {.family = r->underlay};

    if (r->underlay == 4)
        memcpy(a.b, (uint8_t[]){198, 18, 0, n}, 4);
    else
        memcpy(a.b, (uint8_t[]){0xfd, 0, 1, 0x98, 0, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, n}, 16);
    return a;
}

unsigned replay_frame(uint8_t *p, unsigned len, uint16_t vlan, struct mac dst, struct mac src, uint32_t flow)
{
    unsigned n = 12;

    memset(p, 0, len + 4);
    memcpy(p, dst.b, 6);
    memcpy(p + 6, src.b, 6);
    if (vlan != 0) {
        put16(p + n, 0x8100);
        put16(p + n + 2, vlan);
        n += 4;
    }
    put16(p + n, 0x0800);
    put_ipv4(p + n + 2, len - 14, 0x0a000001, 0x0a000002);
    put_udp(p + n + 22, len - 34, 1024 + flow % 60000, 7);
    return len + n - 12;
}

/* From the other site's VTEP to us. */
static unsigned outer(const struct replay *r, uint8_t *p, const uint8_t *frame, unsigned len, uint32_t vni)
{
    struct ipaddr src = vtep_address(r, 2), dst = vtep_address(r, 1);
    uint8_t *udp = p + (r->underlay == 4 ? 34 : 54);

    memcpy(p, wan_mac.b, 6);
    memcpy(p + 6, hop_mac.b, 6);
    put_udp(udp, len + 16, 50000, 4789);
    memset(udp + 8, 0, 8);
    udp[8] = 0x08;
    put16(udp + 13, vni);
    memcpy(udp + 16, frame, len);
    if (r->underlay == 4) {
        put16(p + 12, 0x0800);
        put_ipv4(p + 14, 36 + len, 0xc6120002, 0xc6120001);
    } else {
        put16(p + 12, 0x86dd);
        memset(p + 14, 0, 8);
        p[14] = 0x60;
        put16(p + 18, len + 16);
        p[20] = 17;
        p[21] = 64;
        memcpy(p + 22, src.b, 16);
        memcpy(p + 38, dst.b, 16);
        put16(udp + 6, checksum(sum16(p + 22, 32) + 17 + len + 16 + sum16(udp, len + 16)));
    }
    return (unsigned)(udp + 16 - p) + len;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(((uint64_t)random() * n) >> 31);
}

static void shuffle(uint32_t *p, uint32_t n)
{
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = below(i + 1), t = p[i];

        p[i] = p[j];
        p[j] = t;
    }
}

/* Which MAC each of n frames has, out of `range`: every one as often, or by Zipf's law. In random order. */
static uint32_t *choose(uint32_t n, uint32_t range, bool zipf)
{
    uint32_t *p = malloc((size_t)n * sizeof(*p));
    double *upto = calloc(range, sizeof(*upto)), total = 0;

    if (!p || !upto)
        replay_die("no memory");
    for (uint32_t i = 0; i < range; i++)
        upto[i] = total += 1.0 / (i + 1);
    for (uint32_t i = 0; i < n; i++) {
        double at = (double)random() / ((double)(1u << 31)) * total;
        uint32_t low = 0, high = range - 1;

        while (zipf && low < high) {
            uint32_t middle = (low + high) / 2;

            if (upto[middle] > at)
                high = middle;
            else
                low = middle + 1;
        }
        p[i] = zipf ? low : i % range;
    }
    shuffle(p, n);
    free(upto);
    return p;
}

static FILE *pcap_open(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        replay_die("cannot write the pcap file");
    put32(f, 0xa1b2c3d4);
    put32(f, 0x00040002);
    put32(f, 0);
    put32(f, 0);
    put32(f, 65535);
    put32(f, 1);
    return f;
}

void replay_write(const struct replay *r, const char *path)
{
    static const unsigned mix[] = {60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60};
    bool access = r->direction != REPLAY_DECAP;
    uint32_t frames = frames_of(r), half = replay_half(r), nets = networks_of(r);
    uint32_t *dst = choose(frames, half, r->zipf), *src = choose(frames, half, r->zipf);
    FILE *f = pcap_open(path);

    for (uint32_t i = 0; i < frames; i++) {
        uint32_t net = src[i] % nets, to = dst[i] - dst[i] % nets + net; /* a MAC's network is its number's */
        struct mac from = replay_mac(access, src[i]), dest = replay_mac(!access, to < half ? to : net);
        uint16_t vlan = access && r->tags != REPLAY_UNTAGGED ? (uint16_t)(FIRST_VLAN + net) : 0;
        uint8_t frame[1600], packet[1700];
        unsigned len;

        if (r->direction == REPLAY_FLOOD)
            memset(dest.b, 0xff, 6);
        len = replay_frame(frame, r->imix ? mix[i % 12] : 60, vlan, dest, from, i);
        if (!access)
            len = outer(r, packet, frame, len, FIRST_VNI + net);
        put32(f, 0);
        put32(f, 0);
        put32(f, len);
        put32(f, len);
        fwrite(access ? frame : packet, len, 1, f);
    }
    free(dst);
    free(src);
    if (fclose(f) != 0)
        replay_die("cannot write the pcap file");
}

/* ---- the gateway ---- */

/* The caller is not to share the worker's CPU. */
static void keep_off(int cpu)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1) {
        CPU_CLR(cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}

struct dp *replay_start(const struct replay *r, unsigned ports)
{
    struct dp_config config = {.max_macs = (r->macs > USUAL_MACS ? r->macs : USUAL_MACS) + r->more_macs,
                               .cpu = -1,
                               .busy_poll = true,
                               .hugepages = DP_HUGEPAGES_AUTO,
                               .max_mtu = 1600,
                               .packet_buffers = frames_of(r) + MORE_FRAMES,
                               .n_ports = ports,
                               .n_networks = REPLAY_NETWORKS,
                               .n_vteps = REPLAY_MAX_VTEPS};
    const char *cpu = getenv("BENCH_CPU");
    char err[DP_ERR_LEN];
    struct dp *dp;

    if (cpu)
        config.cpu = atoi(cpu);
    if (dp_start(&config, &dp, err) < 0)
        replay_die(err);
    if (cpu)
        keep_off(config.cpu);
    return dp;
}

void replay_ports(const struct replay *r, struct dp *dp, const char *in, const char *out, bool existing)
{
    bool access = r->direction != REPLAY_DECAP;
    enum dp_port_owner owner = existing ? DP_OWNER_PCI : DP_OWNER_VDEV;
    struct dp_port_spec ports[] = {
        {.name = "in", .role = access ? DP_PORT_ACCESS : DP_PORT_UNDERLAY, .owner = owner},
        {.name = "out", .role = access ? DP_PORT_UNDERLAY : DP_PORT_ACCESS, .owner = owner},
    };
    char err[DP_ERR_LEN];

    snprintf(ports[0].device, sizeof(ports[0].device), "%s", in);
    snprintf(ports[1].device, sizeof(ports[1].device), "%s", out ? out : "net_null0,no-rx=1");
    for (unsigned i = 0; i < 2; i++)
        if (dp_port_add(dp, &ports[i], err) < 0)
            replay_die(err);
}

static void publish(const struct replay *r, struct dp *dp, unsigned ports)
{
    bool access = r->direction != REPLAY_DECAP;
    uint32_t n_vteps = r->direction == REPLAY_FLOOD ? r->macs : 1, nets = networks_of(r);
    struct dp_member members[REPLAY_NETWORKS][DP_MAX_PORTS];
    struct dp_net_vtep net_vteps[REPLAY_MAX_VTEPS];
    struct dp_network networks[REPLAY_NETWORKS];
    struct dp_vtep vteps[REPLAY_MAX_VTEPS];
    struct dp_topology t = {.underlay = access ? 1 : 0,
                            .address = vtep_address(r, 1),
                            .underlay_mac = wan_mac,
                            .vxlan_port = 4789,
                            .ttl = 64,
                            .networks = networks,
                            .n_networks = nets,
                            .vteps = vteps,
                            .n_vteps = n_vteps};

    for (uint32_t i = 0; i < n_vteps; i++) {
        net_vteps[i] = (struct dp_net_vtep){.vtep = (dp_vtep_id)(REPLAY_FIRST_REMOTE + i), .flood = true};
        vteps[i] = (struct dp_vtep){.id = net_vteps[i].vtep,
                                    .resolved = true,
                                    .next_hop = hop_mac,
                                    .source = wan_mac,
                                    .mtu = 1600,
                                    .address = vtep_address(r, (uint8_t)(2 + i))};
    }
    for (uint32_t i = 0; i < nets; i++) {
        for (unsigned k = 0; k <= ports; k++) {
            uint16_t port = (uint16_t)(k == 0 ? !access : k + 1);

            members[i][k] = (struct dp_member){
                .port = port, .vlan = r->tags == REPLAY_UNTAGGED ? 0 : (uint16_t)(FIRST_VLAN + i)};
        }
        networks[i] =
            (struct dp_network){.id = (dp_net_id)(i + 1),
                                .vni = FIRST_VNI + i,
                                .dscp = DP_DSCP_INHERIT,
                                .limit_broadcast = r->direction == REPLAY_FLOOD ? UINT32_MAX - 1 : 1000,
                                .limit_multicast = 1000,
                                .limit_unknown_unicast = 1000,
                                .members = members[i],
                                .n_members = ports + 1,
                                .vteps = net_vteps,
                                .n_vteps = n_vteps};
    }
    if (dp_publish(dp, &t) != 0)
        replay_die("topology refused");
}

void replay_program(const struct replay *r, struct dp *dp, unsigned ports)
{
    uint16_t port = r->direction == REPLAY_DECAP;
    struct dp_dest here = {.where = DP_WHERE_PORT, .target = port};
    struct dp_dest there = {.where = DP_WHERE_VTEP, .target = REPLAY_FIRST_REMOTE};

    publish(r, dp, ports);
    for (uint32_t i = 0; i < replay_half(r); i++) {
        dp_net_id net = (dp_net_id)(1 + i % networks_of(r));

        if (dp_fdb_set(dp, net, replay_mac(true, i), here) != 0 ||
            dp_fdb_set(dp, net, replay_mac(false, i), there) != 0)
            replay_die("FDB full");
    }
}
