/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is read out of an inner frame: hash of its flow (R1.2) and traffic class (R1.8), against the same
 * written out word by word, for frames of all sorts cut after every byte.
 */
#include "dataplane/inner.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

#define LONGEST 96

/* n bytes, the first one the least. */
static uint64_t word(const uint8_t *p, unsigned n)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < n; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

static uint64_t mix(uint64_t h, const uint8_t *p, unsigned n)
{
    h = (h ^ word(p, n)) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static bool has_ports(uint8_t proto)
{
    return proto == 6 || proto == 17 || proto == 132 || proto == 136;
}

static struct inner_info by_definition(const uint8_t *frame, uint32_t len)
{
    unsigned type = (unsigned)frame[12] << 8 | frame[13], ip_len = len - 14;
    const uint8_t *ip = frame + 14;
    struct inner_info info = {0};
    uint64_t h;

    if (type == 0x0800 && ip_len >= 20 && ip[0] >> 4 == 4 && (ip[0] & 15) >= 5) {
        unsigned header = (ip[0] & 15u) * 4;
        bool fragment = (ip[6] & 0x3f) != 0 || ip[7] != 0;

        h = mix(ip[9], ip + 12, 8);
        if (has_ports(ip[9]) && !fragment && ip_len >= header + 4)
            h = mix(h, ip + header, 4);
        info.is_ip = true;
        info.tos = ip[1];
    } else if (type == 0x86dd && ip_len >= 40 && ip[0] >> 4 == 6) {
        h = ip[6];
        for (unsigned at = 8; at < 40; at += 8)
            h = mix(h, ip + at, 8);
        if (has_ports(ip[6]) && ip_len >= 44)
            h = mix(h, ip + 40, 4);
        info.is_ip = true;
        info.tos = (uint8_t)((ip[0] & 15) << 4 | ip[1] >> 4);
    } else {
        h = mix(word(frame, 8), frame + 8, 4);
    }
    info.hash = (uint32_t)(h * UINT64_C(0xd6e8feb86659fd93) >> 32);
    return info;
}

static void check_info(struct inner_info is, struct inner_info wanted)
{
    ck_assert_uint_eq(is.hash, wanted.hash);
    ck_assert_uint_eq(is.tos, wanted.tos);
    ck_assert_int_eq(is.is_ip, wanted.is_ip);
}

static void check_all_lengths(const uint8_t *frame)
{
    for (uint32_t len = 14; len <= LONGEST; len++) {
        struct inner_info wanted = by_definition(frame, len);
        uint8_t *exact = malloc(len); /* so that ASan sees what reads too far */

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, frame, len);
        check_info(inner_parse(exact, len), wanted);
        check_info(inner_parse_any(exact, len), wanted);
        free(exact);
    }
}

START_TEST(test_R1_2_every_kind_of_frame_cut_after_every_byte)
{
    static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8100};
    static const uint8_t versions[] = {0,    0x35, 0x40, 0x44, 0x45, 0x46, 0x4a, 0x4e, 0x4f,
                                       0x50, 0x55, 0x60, 0x65, 0x6f, 0x70, 0xff}; /* and IPv4's length */
    static const uint8_t protocols[] = {1, 6, 17, 50, 58, 132, 136, 255};

    srandom(1);
    for (unsigned type = 0; type < 4; type++)
        for (unsigned first = 0; first < sizeof(versions); first++)
            for (unsigned proto = 0; proto < sizeof(protocols); proto++) {
                uint8_t frame[LONGEST];

                for (unsigned i = 0; i < LONGEST; i++)
                    frame[i] = (uint8_t)random();
                frame[12] = (uint8_t)(types[type] >> 8);
                frame[13] = (uint8_t)types[type];
                frame[14] = versions[first];
                frame[type == 1 ? 20 : 23] = protocols[proto];
                if (type == 0 && random() % 2 == 0) { /* no fragment */
                    frame[20] &= 0xc0;
                    frame[21] = 0;
                }
                check_all_lengths(frame);
            }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("inner");
    TCase *tc = tcase_create("inner");

    tcase_add_test(tc, test_R1_2_every_kind_of_frame_cut_after_every_byte);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
