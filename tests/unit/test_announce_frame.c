/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The frames of announcements against bytes written by hand from the RFCs, and against tshark, which must
 * find nothing wrong with them.
 */
#include "controlplane/announce_frame.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct mac vm = {{0x02, 0x00, 0x00, 0x00, 0x0a, 0x05}};
static const struct mac own = {{0x02, 0x57, 0x00, 0x00, 0x00, 0x01}};
static const struct ipaddr ip4 = {4, {10, 1, 2, 3}};
static const struct ipaddr ip6 = {6, {0xfd, 0, 0, 0x10, [15] = 0x05}};
static const struct ipaddr ip6_ll = {6, {0xfe, 0x80, [8] = 0, 0, 0, 0xff, 0xfe, 0, 0x0a, 0x05}};
static const struct conf_router router4 = {{4, {10, 1, 0, 1}}, {{0x00, 0x00, 0x5e, 0x00, 0x01, 0x64}}};
static const struct conf_router router6 = {{6, {0xfe, 0x80, [15] = 1}},
                                           {{0x00, 0x00, 0x5e, 0x00, 0x02, 0x64}}};

#define ck_frame(frame, len, want)                                                                           \
    do {                                                                                                     \
        ck_assert_uint_eq(len, sizeof(want));                                                                \
        ck_assert_mem_eq(frame, want, sizeof(want));                                                         \
    } while (0)

/* ---- bytes */

/* RFC 5227 section 3: an ARP Announcement is a request with sender IP = target IP; the target MAC is zero. */
START_TEST(test_R6_3_garp_request)
{
    static const uint8_t want[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x08, 0x06, /* Ethernet */
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,                                     /* request */
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 10,   1,    2,    3,                            /* sender */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10,   1,    2,    3,                            /* target */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX];

    ck_frame(f, announce_frame_garp(f, vm, &ip4, false), want);
}
END_TEST

START_TEST(test_R6_3_garp_reply)
{
    static const uint8_t want[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x08, 0x06, /* Ethernet */
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,                                     /* reply */
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 10,   1,    2,    3,                            /* sender */
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 10,   1,    2,    3,                            /* target */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX];

    ck_frame(f, announce_frame_garp(f, vm, &ip4, true), want);
}
END_TEST

/* RFC 4861 section 7.2.6 and 4.4. The checksum by hand: fd00:0010+0005 twice, ff02+0001, 0020, 003a, 8800,
 * 2000, 0201, 0200, 0000, 0a05 add up to 3 af8d, folded af90, inverted 506f. */
START_TEST(test_R6_3_unsolicited_na)
{
    static const uint8_t want[] = {
        0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x86, 0xdd, /* Ethernet */
        0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58,   255,                                      /* IPv6 */
        0xfd, 0x00, 0x00, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x05, 0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x01, 136,  0,    0x50, 0x6f, 0x20, 0x00, 0x00, 0x00, /* O=1 S=0 R=0 */
        0xfd, 0x00, 0x00, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x05, 2,    1,    0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, /* target link-layer address */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX];

    ck_frame(f, announce_frame_na(f, vm, &ip6, false), want);
    /* A router says that it is one: 8000 more in the sum. */
    ck_assert_uint_eq(announce_frame_na(f, vm, &ip6, true), sizeof(want));
    ck_assert_uint_eq(f[58], 0xa0);
    ck_assert(f[56] == 0xd0 && f[57] == 0x6e);
}
END_TEST

/* What QEMU's announce_self and ESXi send: RARP request reverse, sender = target = MAC, IPs 0. */
START_TEST(test_R6_3_rarp)
{
    static const uint8_t want[] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x80, 0x35, /* Ethernet */
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x03,          /* request reverse */
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0,    0,    0,    0, /* sender */
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0,    0,    0,    0, /* target */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX];

    ck_frame(f, announce_frame_rarp(f, vm), want);
}
END_TEST

/* The Ethernet source is ours, all that a host looks at is the router's. */
START_TEST(test_R6_4_gateway_ipv4)
{
    static const uint8_t request[] = {
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x02, 0x57, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, /* Ethernet */
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,                                     /* request */
        0x00, 0x00, 0x5e, 0x00, 0x01, 0x64, 10,   1,    0,    1,                            /* sender */
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 10,   1,    0,    1,                            /* target */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX], reply[sizeof(request)];

    ck_frame(f, announce_frame_gateway(f, own, vm, &router4, false), request);
    memcpy(reply, request, sizeof(reply));
    reply[21] = 2;
    memcpy(reply + 32, router4.mac.b, 6);
    ck_frame(f, announce_frame_gateway(f, own, vm, &router4, true), reply);
}
END_TEST

/* The checksum by hand: fe80+0001 twice, ff02+0001, 0020, 003a, 8800, a000, 0201, 0000, 5e00, 0264 add up to
 * 4 86c4, folded 86c8, inverted 7937. */
START_TEST(test_R6_4_gateway_ipv6)
{
    static const uint8_t want[] = {
        0x02, 0x00, 0x00, 0x00, 0x0a, 0x05, 0x02, 0x57, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd, /* Ethernet */
        0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58,   255,                                      /* IPv6 */
        0xfe, 0x80, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x01, 0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x01, 136,  0,    0x79, 0x37, 0xa0, 0x00, 0x00, 0x00, /* R=1 O=1 S=0 */
        0xfe, 0x80, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x01, 2,    1,    0x00, 0x00, 0x5e, 0x00, 0x02, 0x64, /* target link-layer address */
    };
    uint8_t f[ANNOUNCE_FRAME_MAX];

    ck_frame(f, announce_frame_gateway(f, own, vm, &router6, false), want);
    ck_frame(f, announce_frame_gateway(f, own, vm, &router6, true), want);
}
END_TEST

/* ---- tshark */

static void put32(FILE *f, uint32_t v)
{
    fwrite(&v, sizeof(v), 1, f);
}

static void pcap_put(FILE *f, const uint8_t *frame, size_t len)
{
    static uint32_t second;
    uint8_t padded[ANNOUNCE_FRAME_MAX] = {0};
    uint32_t n = len < 60 ? 60 : (uint32_t)len;

    memcpy(padded, frame, len);
    put32(f, ++second);
    put32(f, 0);
    put32(f, n);
    put32(f, n);
    fwrite(padded, n, 1, f);
}

static void pcap_write(const char *path)
{
    uint8_t b[ANNOUNCE_FRAME_MAX];
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    put32(f, 0xa1b2c3d4);
    put32(f, 4 << 16 | 2); /* 2.4; little endian, as all that this runs on */
    put32(f, 0);
    put32(f, 0);
    put32(f, 65535);
    put32(f, 1); /* Ethernet */
    pcap_put(f, b, announce_frame_garp(b, vm, &ip4, false));
    pcap_put(f, b, announce_frame_garp(b, vm, &ip4, true));
    pcap_put(f, b, announce_frame_na(b, vm, &ip6, false));
    pcap_put(f, b, announce_frame_na(b, vm, &ip6_ll, true));
    pcap_put(f, b, announce_frame_rarp(b, vm));
    pcap_put(f, b, announce_frame_gateway(b, own, vm, &router4, false));
    pcap_put(f, b, announce_frame_gateway(b, own, vm, &router4, true));
    pcap_put(f, b, announce_frame_gateway(b, own, vm, &router6, false));
    ck_assert_int_eq(fclose(f), 0);
}

/* What it prints for the file; the caller frees it. */
static char *tshark(const char *path, const char *args)
{
    char command[512], *text = NULL, line[512];
    size_t len;
    FILE *out = open_memstream(&text, &len), *p;

    snprintf(command, sizeof(command), "tshark -n -r %s %s 2>/dev/null", path, args);
    p = popen(command, "r");
    ck_assert(out && p);
    while (fgets(line, sizeof(line), p))
        fputs(line, out);
    ck_assert_msg(pclose(p) == 0, "%s", command);
    fclose(out);
    return text;
}

START_TEST(test_R6_3_R6_4_tshark_reads_them)
{
    static const char want[] =
        "1|ff:ff:ff:ff:ff:ff|02:00:00:00:0a:05|1|1|10.1.2.3|02:00:00:00:0a:05||||||\n"
        "2|ff:ff:ff:ff:ff:ff|02:00:00:00:0a:05|2|1|10.1.2.3|02:00:00:00:0a:05||||||\n"
        "3|33:33:00:00:00:01|02:00:00:00:0a:05|||||fd00:10::5|0|0|1|1|02:00:00:00:0a:05\n"
        "4|33:33:00:00:00:01|02:00:00:00:0a:05|||||fe80::ff:fe00:a05|1|0|1|1|02:00:00:00:0a:05\n"
        "5|ff:ff:ff:ff:ff:ff|02:00:00:00:0a:05|3||0.0.0.0|02:00:00:00:0a:05||||||\n"
        "6|02:00:00:00:0a:05|02:57:00:00:00:01|1|1|10.1.0.1|00:00:5e:00:01:64||||||\n"
        "7|02:00:00:00:0a:05|02:57:00:00:00:01|2|1|10.1.0.1|00:00:5e:00:01:64||||||\n"
        "8|02:00:00:00:0a:05|02:57:00:00:00:01|||||fe80::1|1|0|1|1|00:00:5e:00:02:64\n";
    char path[] = "/tmp/announce-XXXXXX", *text;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    pcap_write(path);
    text = tshark(path, "-Y '_ws.malformed || _ws.expert.severity >= 0x600000'");
    ck_assert_msg(text[0] == '\0', "tshark objects: %s", text);
    free(text);
    text = tshark(path, "-T fields -E separator='|' -e frame.number -e eth.dst -e eth.src -e arp.opcode "
                        "-e arp.isgratuitous -e arp.src.proto_ipv4 -e arp.src.hw_mac "
                        "-e icmpv6.nd.na.target_address -e icmpv6.nd.na.flag.r -e icmpv6.nd.na.flag.s "
                        "-e icmpv6.nd.na.flag.o -e icmpv6.checksum.status -e icmpv6.opt.linkaddr");
    unlink(path);
    ck_assert_str_eq(text, want);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("announce_frame");
    TCase *tc = tcase_create("announce_frame"), *reader = tcase_create("tshark");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_R6_3_garp_request);
    tcase_add_test(tc, test_R6_3_garp_reply);
    tcase_add_test(tc, test_R6_3_unsolicited_na);
    tcase_add_test(tc, test_R6_3_rarp);
    tcase_add_test(tc, test_R6_4_gateway_ipv4);
    tcase_add_test(tc, test_R6_4_gateway_ipv6);
    suite_add_tcase(s, tc);
    tcase_set_timeout(reader, 60); /* it starts slowly on a busy machine */
    tcase_add_test(reader, test_R6_3_R6_4_tshark_reads_them);
    suite_add_tcase(s, reader);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
