/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Log lines that are held back: which are written, and how many are said to be missing.
 */
#include "controlplane/quiet.h"

#include <check.h>
#include <stdlib.h>

static mono_t at(unsigned s)
{
    return (mono_t){s * UINT64_C(1000000000)};
}

static struct ipaddr source(unsigned n)
{
    return (struct ipaddr){4, {198, 18, (uint8_t)(n >> 8), (uint8_t)n}};
}

static bool written(struct quiet_sources *q, unsigned n, unsigned s, uint64_t held)
{
    struct ipaddr from = source(n);
    uint64_t h = 0;
    bool now = quiet_source_over(q, &from, at(s), 60, &h);

    ck_assert(!now || h == held);
    return now;
}

START_TEST(test_one_line_in_a_while)
{
    struct quiet q = {0};
    char text[QUIET_TEXT];
    uint64_t held;

    ck_assert(quiet_over(&q, at(1), 60, &held) && held == 0);
    ck_assert(!quiet_over(&q, at(2), 60, &held) && !quiet_over(&q, at(60), 60, &held));
    ck_assert(quiet_over(&q, at(61), 60, &held) && held == 2);
    ck_assert_str_eq(quiet_more(held, text), " (and 2 more before)");
    ck_assert_str_eq(quiet_more(0, text), "");
}
END_TEST

START_TEST(test_each_source_by_itself)
{
    struct quiet_sources q = {0};

    for (unsigned n = 1; n <= 3; n++)
        ck_assert(written(&q, n, n, 0));
    for (unsigned i = 0; i < 5; i++)
        ck_assert(!written(&q, 2, 10 + i, 0));
    ck_assert(written(&q, 2, 62, 5));
    ck_assert(written(&q, 1, 62, 0));
}
END_TEST

START_TEST(test_many_sources_are_bounded)
{
    struct quiet_sources q = {0};
    unsigned lines = 0;

    for (unsigned n = 0; n < 1000; n++)
        lines += written(&q, n, 1, 0);
    ck_assert_uint_eq(lines, QUIET_SOURCES + 1);
    /* Those that were named are known still; a minute later there is room for others. */
    ck_assert(!written(&q, 3, 30, 0));
    ck_assert(written(&q, 3, 61, 1));
    ck_assert(written(&q, 5000, 61, 0));
    ck_assert(!written(&q, 5000, 62, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("quiet");
    TCase *tc = tcase_create("quiet");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_one_line_in_a_while);
    tcase_add_test(tc, test_each_source_by_itself);
    tcase_add_test(tc, test_many_sources_are_bounded);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
