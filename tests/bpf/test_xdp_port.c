/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The XDP program of a kernel-owned port, run by the kernel on frames from here (BPF_PROG_TEST_RUN): what it
 * takes for the worker and what it leaves to the kernel. A table of cases, every length of each, and random
 * damage, compared with a model that reads the frame byte by byte. Needs root; touches no interface.
 */
#include "ebpf/xdp_port.h"
#include "ebpf/xdp_port.skel.h"
#include "tests/unit/suite.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define PORT         4789
#define FRAME_LEN    128
#define SHORTEST     14 /* the kernel runs nothing shorter than an Ethernet header */
#define MUTATIONS    20000
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t vtep4[4] = {198, 18, 0, 1};
static const uint8_t vtep6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6};

static struct xdp_port *port;

/* ---- frames
 * -------------------------------------------------------------------------------------------------- */

struct frame_case {
    const char *name;
    bool taken;
    int family;         /* of the frame */
    uint16_t ethertype; /* 0: by family */
    uint8_t protocol;   /* 0: UDP */
    uint8_t ihl;        /* 0: 5 */
    uint8_t version;    /* 0: by family */
    uint16_t fragment;  /* IPv4: flags and offset; IPv6: the fragment header's field */
    bool fragment_header;
    uint16_t dport; /* 0: ours */
    int other_byte; /* 1..: this byte of the destination address is another */
};

#define MORE4 0x2000
#define MORE6 0x0001

static const struct frame_case cases4[] = {
    {"VXLAN for us", true, .family = 4},
    {"VXLAN for us, don't fragment", true, .family = 4, .fragment = 0x4000},
    {"IP options, shortest", true, .family = 4, .ihl = 6},
    {"IP options, longest", true, .family = 4, .ihl = 15},
    {"first fragment", true, .family = 4, .fragment = MORE4},
    {"middle fragment", false, .family = 4, .fragment = MORE4 | 1},
    {"last fragment", false, .family = 4, .fragment = 0x1fff},
    {"header length below 5", false, .family = 4, .ihl = 3},
    {"IP version 6 in an IPv4 frame", false, .family = 4, .version = 6},
    {"other port", false, .family = 4, .dport = PORT + 1},
    {"port with its bytes swapped", false, .family = 4, .dport = 0xb512},
    {"old Linux port", false, .family = 4, .dport = 8472},
    {"first byte of the address", false, .family = 4, .other_byte = 1},
    {"last byte of the address", false, .family = 4, .other_byte = 4},
    {"TCP", false, .family = 4, .protocol = 6},
    {"UDP-Lite", false, .family = 4, .protocol = 136},
    {"ARP", false, .family = 4, .ethertype = 0x0806},
    {"802.1Q", false, .family = 4, .ethertype = 0x8100},
    {"LLDP", false, .family = 4, .ethertype = 0x88cc},
    {"IPv6", false, .family = 6},
};

static const struct frame_case cases6[] = {
    {"VXLAN for us", true, .family = 6},
    {"first fragment", true, .family = 6, .fragment_header = true, .fragment = MORE6},
    {"atomic fragment", true, .family = 6, .fragment_header = true},
    {"second fragment", false, .family = 6, .fragment_header = true, .fragment = 8 | MORE6},
    {"last fragment", false, .family = 6, .fragment_header = true, .fragment = 0xfff8},
    {"fragment of TCP", false, .family = 6, .fragment_header = true, .protocol = 6, .fragment = MORE6},
    {"fragment, other port", false, .family = 6, .fragment_header = true, .dport = 4790, .fragment = MORE6},
    {"hop-by-hop options", false, .family = 6, .protocol = 0xff}, /* 0xff stands for 0 */
    {"neighbour discovery", false, .family = 6, .protocol = 58},
    {"TCP", false, .family = 6, .protocol = 6},
    {"other port", false, .family = 6, .dport = 4790},
    {"first byte of the address", false, .family = 6, .other_byte = 1},
    {"fifth byte of the address", false, .family = 6, .other_byte = 5},
    {"twelfth byte of the address", false, .family = 6, .other_byte = 12},
    {"last byte of the address", false, .family = 6, .other_byte = 16},
    {"IP version 4 in an IPv6 frame", false, .family = 6, .version = 4},
    {"802.1Q", false, .family = 6, .ethertype = 0x8100},
    {"IPv4", false, .family = 4},
};

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint8_t *build_ipv4(uint8_t *ip, const struct frame_case *c, uint8_t protocol)
{
    unsigned ihl = c->ihl ? c->ihl : 5;

    ip[0] = (uint8_t)((c->version ? c->version : 4) << 4 | ihl);
    put16(ip + 2, FRAME_LEN - 14);
    put16(ip + 6, c->fragment);
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 16, vtep4, sizeof(vtep4));
    if (c->other_byte)
        ip[16 + c->other_byte - 1] ^= 0x10;
    return ip + 4 * ihl;
}

static uint8_t *build_ipv6(uint8_t *ip, const struct frame_case *c, uint8_t protocol)
{
    uint8_t *next = ip + 40;

    ip[0] = (uint8_t)((c->version ? c->version : 6) << 4);
    put16(ip + 4, FRAME_LEN - 54);
    ip[6] = protocol;
    ip[7] = 64;
    memcpy(ip + 24, vtep6, sizeof(vtep6));
    if (c->other_byte)
        ip[24 + c->other_byte - 1] ^= 0x10;
    if (c->fragment_header) {
        ip[6] = 44;
        next[0] = protocol;
        put16(next + 2, c->fragment);
        next += 8;
    }
    return next;
}

static void build(uint8_t frame[FRAME_LEN], const struct frame_case *c)
{
    uint8_t protocol = c->protocol == 0 ? 17 : c->protocol == 0xff ? 0 : c->protocol;
    uint8_t *udp;

    memset(frame, 0, FRAME_LEN);
    memcpy(frame, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02", 12);
    put16(frame + 12, c->ethertype ? c->ethertype : c->family == 4 ? 0x0800 : 0x86dd);
    udp = c->family == 4 ? build_ipv4(frame + 14, c, protocol) : build_ipv6(frame + 14, c, protocol);
    put16(udp, 50000);
    put16(udp + 2, c->dport ? c->dport : PORT);
}

/* ---- the model
 * ----------------------------------------------------------------------------------------------- */

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static bool model(int family, const uint8_t *f, size_t len)
{
    size_t udp;

    if (family == 4) {
        if (len < 34 || get16(f + 12) != 0x0800 || f[14] >> 4 != 4 || (f[14] & 15) < 5 || f[23] != 17)
            return false;
        if (memcmp(f + 30, vtep4, 4) != 0 || (get16(f + 20) & 0x1fff) != 0)
            return false;
        udp = 14 + 4 * (size_t)(f[14] & 15);
    } else {
        if (len < 54 || get16(f + 12) != 0x86dd || f[14] >> 4 != 6 || memcmp(f + 38, vtep6, 16) != 0)
            return false;
        udp = 54;
        if (f[20] == 44) {
            if (len < 62 || f[54] != 17 || get16(f + 56) >> 3 != 0)
                return false;
            udp = 62;
        } else if (f[20] != 17) {
            return false;
        }
    }
    return len >= udp + 4 && get16(f + udp + 2) == PORT;
}

/* ---- running it
 * ---------------------------------------------------------------------------------------------- */

static uint64_t counter(uint32_t key)
{
    uint64_t values[1024] = {0}, sum = 0;

    ck_assert_int_le(libbpf_num_possible_cpus(), (int)ARRAY_LEN(values));
    ck_assert_int_eq(bpf_map_lookup_elem(bpf_map__fd(port->maps.counters), &key, values), 0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        sum += values[i];
    return sum;
}

static uint32_t run(const uint8_t *frame, size_t len)
{
    uint8_t out[256] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    int rc;

    opts.data_in = frame;
    opts.data_size_in = (uint32_t)len;
    opts.data_out = out;
    opts.data_size_out = sizeof(out);
    rc = bpf_prog_test_run_opts(bpf_program__fd(port->progs.xsk_def_prog), &opts);
    ck_assert_msg(rc == 0, "%zu bytes: %s", len, strerror(-rc));
    ck_assert_uint_eq(opts.data_size_out, len);
    ck_assert_msg(memcmp(out, frame, len) == 0, "%zu bytes: the frame was changed", len);
    return opts.retval;
}

/* With no socket in the map, only the counters tell a frame for the worker from another: both end with the
 * kernel. */
static bool taken_unserved(const uint8_t *frame, size_t len)
{
    uint64_t unserved = counter(XDP_PORT_UNSERVED), passed = counter(XDP_PORT_PASSED);
    bool taken;

    ck_assert_uint_eq(run(frame, len), XDP_PASS);
    taken = counter(XDP_PORT_UNSERVED) == unserved + 1;
    ck_assert_uint_eq(counter(XDP_PORT_PASSED), passed + !taken);
    ck_assert_uint_eq(counter(XDP_PORT_TAKEN), 0);
    return taken;
}

static void load(bool take_all, int family)
{
    struct xdp_port_config *config;

    port = xdp_port__open();
    ck_assert_ptr_nonnull(port);
    config = (struct xdp_port_config *)&port->rodata->config;
    config->take_all = take_all;
    config->family = (uint32_t)family;
    memcpy(config->vtep, family == 4 ? vtep4 : vtep6, family == 4 ? sizeof(vtep4) : sizeof(vtep6));
    config->vxlan_port = htons(PORT);
    ck_assert_int_eq(xdp_port__load(port), 0);
}

/* A socket on queue 0, which is where BPF_PROG_TEST_RUN's frames come from. */
static void add_socket(void)
{
    int fd = socket(AF_XDP, SOCK_RAW, 0);
    uint32_t key = 0;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(port->maps.xsks_map), &key, &fd, 0), 0);
}

static void unload(void)
{
    xdp_port__destroy(port);
    port = NULL;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

/* ---- tests
 * --------------------------------------------------------------------------------------------------- */

static void check_cases(int family, const struct frame_case *cases, size_t n)
{
    uint8_t frame[FRAME_LEN];

    load(false, family);
    for (size_t i = 0; i < n; i++) {
        build(frame, &cases[i]);
        ck_assert_msg(taken_unserved(frame, FRAME_LEN) == cases[i].taken, "%s", cases[i].name);
        ck_assert_msg(model(family, frame, FRAME_LEN) == cases[i].taken, "model: %s", cases[i].name);
        for (size_t len = SHORTEST; len <= FRAME_LEN; len++)
            ck_assert_msg(taken_unserved(frame, len) == model(family, frame, len), "%s, %zu bytes",
                          cases[i].name, len);
    }
    add_socket();
    for (size_t i = 0; i < n; i++) {
        build(frame, &cases[i]);
        ck_assert_msg(run(frame, FRAME_LEN) == (cases[i].taken ? XDP_REDIRECT : XDP_PASS), "%s",
                      cases[i].name);
    }
    ck_assert_uint_gt(counter(XDP_PORT_TAKEN), 0);
    unload();
}

START_TEST(test_R1_9_underlay_ipv4)
{
    check_cases(4, cases4, ARRAY_LEN(cases4));
}
END_TEST

START_TEST(test_R1_9_underlay_ipv6)
{
    check_cases(6, cases6, ARRAY_LEN(cases6));
}
END_TEST

/* Random bytes, and good frames with up to three bytes changed; a fixed seed so that a failure can be
 * repeated. */
static void check_random(int family, const struct frame_case *cases, size_t n)
{
    uint8_t frame[FRAME_LEN];
    unsigned taken = 0;

    load(false, family);
    add_socket();
    srandom(1);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t len = SHORTEST + (size_t)random() % (FRAME_LEN - SHORTEST + 1);
        bool want;

        build(frame, &cases[(size_t)random() % n]);
        if (i % 8 == 0) {
            for (size_t b = 12; b < FRAME_LEN; b++)
                frame[b] = (uint8_t)random();
        }
        for (long m = random() % 4; m > 0; m--)
            frame[12 + random() % 60] = (uint8_t)random();
        want = model(family, frame, len);
        taken += want;
        ck_assert_msg((run(frame, len) == XDP_REDIRECT) == want, "frame %d, %zu bytes", i, len);
    }
    ck_assert_uint_gt(taken, MUTATIONS / 50);
    ck_assert_uint_eq(counter(XDP_PORT_TAKEN), taken);
    ck_assert_uint_eq(counter(XDP_PORT_PASSED), MUTATIONS - taken);
    unload();
}

START_TEST(test_random_ipv4)
{
    check_random(4, cases4, ARRAY_LEN(cases4));
}
END_TEST

START_TEST(test_random_ipv6)
{
    check_random(6, cases6, ARRAY_LEN(cases6));
}
END_TEST

START_TEST(test_access_takes_all)
{
    uint8_t frame[FRAME_LEN];

    load(true, 4);
    srandom(2);
    for (size_t len = SHORTEST; len <= FRAME_LEN; len++) {
        for (size_t b = 0; b < FRAME_LEN; b++)
            frame[b] = (uint8_t)random();
        ck_assert(taken_unserved(frame, len));
    }
    add_socket();
    for (size_t i = 0; i < ARRAY_LEN(cases4); i++) {
        build(frame, &cases4[i]);
        ck_assert_msg(run(frame, FRAME_LEN) == XDP_REDIRECT, "%s", cases4[i].name);
    }
    ck_assert_uint_eq(counter(XDP_PORT_PASSED), 0);
    unload();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xdp_port");
    TCase *t = tcase_create("program");

    if (geteuid() != 0) {
        printf("skipped: BPF programs need root\n");
        return 0;
    }
    libbpf_set_print(quiet);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_R1_9_underlay_ipv4);
    tcase_add_test(t, test_R1_9_underlay_ipv6);
    tcase_add_test(t, test_random_ipv4);
    tcase_add_test(t, test_random_ipv6);
    tcase_add_test(t, test_access_takes_all);
    suite_add_tcase(s, t);
    return run_suite(s);
}
