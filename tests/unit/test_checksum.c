/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sums for checksums, against the definition of RFC 1071. What newer processors have is tested where it is
 * compiled in: tests/flow/test_burst.c.
 */
#include "dataplane/checksum.h"
#include "dataplane/vxlan.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>

static uint32_t by_definition(const uint8_t *p, uint32_t len)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? (uint64_t)p[i] << 8 : p[i]; /* words as they lie in memory, on this machine */
    return (uint32_t)(sum % 0xffff);
}

START_TEST(test_every_length_at_every_place)
{
    uint8_t data[CHECKSUM_BEFORE + 8 + 300];

    srandom(1);
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)random();
    for (uint32_t len = 0; len <= 300; len++)
        for (unsigned at = 0; at < 8; at++)
            ck_assert_uint_eq(checksum_add(data + CHECKSUM_BEFORE + at, len) % 0xffff,
                              by_definition(data + CHECKSUM_BEFORE + at, len));
}
END_TEST

/* The longest packet, of the largest words. */
START_TEST(test_nothing_overflows)
{
    static uint8_t data[CHECKSUM_BEFORE + UINT16_MAX];

    memset(data, 0xff, sizeof(data));
    for (uint32_t len = UINT16_MAX - 40; len <= UINT16_MAX; len++)
        ck_assert_uint_eq(checksum_add(data + CHECKSUM_BEFORE, len) % 0xffff,
                          by_definition(data + CHECKSUM_BEFORE, len));
}
END_TEST

static uint32_t folded(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

START_TEST(test_a_sum_is_folded_with_all_its_carries)
{
    for (uint32_t high = 0; high <= 0xffff; high += 1 + high / 16)
        for (uint32_t low = 0; low <= 0xffff; low++)
            if (vxlan_fold(high << 16 | low) != folded(high << 16 | low))
                ck_abort_msg("of %x", high << 16 | low);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checksum");
    TCase *tc = tcase_create("checksum");

    tcase_add_test(tc, test_every_length_at_every_place);
    tcase_add_test(tc, test_nothing_overflows);
    tcase_add_test(tc, test_a_sum_is_folded_with_all_its_carries);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
