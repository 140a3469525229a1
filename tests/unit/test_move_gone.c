/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What routes took away a moment ago: found while it is lately, bounded, and of many the last ones.
 */
#include "controlplane/move_gone.h"

#include <check.h>
#include <stdlib.h>

#define NET 3

static struct move_gones *t;

static void setup(void)
{
    t = move_gones_new();
    ck_assert_ptr_nonnull(t);
}

static void teardown(void)
{
    move_gones_free(t);
}

static mono_t ms(uint64_t n)
{
    return (mono_t){UINT64_C(5000000000) + n * 1000000};
}

static struct mac mac_no(unsigned i)
{
    return (struct mac){{2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static void gone(unsigned i, dp_vtep_id from, mono_t at)
{
    move_gones_add(
        t, &(struct move_gone){.net = NET, .mac = mac_no(i), .from = {from, DP_WHERE_VTEP}, .at = at});
}

START_TEST(test_R6_3_lately)
{
    const struct move_gone *g;

    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(1), ms(0)));
    gone(1, 7, ms(0));
    g = move_gones_find(t, NET, mac_no(1), ms(1999));
    ck_assert_ptr_nonnull(g);
    ck_assert_uint_eq(g->from.target, 7);
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(1), ms(2000)));
    ck_assert_ptr_null(move_gones_find(t, NET + 1, mac_no(1), ms(1)));
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(2), ms(1)));
    gone(1, 8, ms(1500)); /* again, from another place */
    ck_assert_uint_eq(move_gones_find(t, NET, mac_no(1), ms(3000))->from.target, 8);
    gone(2, 9, ms(3600)); /* another one makes it no younger */
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(1), ms(3600)));
    move_gones_drop(t, NET, mac_no(2));
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(2), ms(3600)));
    move_gones_drop(t, NET, mac_no(2));
}
END_TEST

/* A later withdrawal does not shorten the time of those whose port went down. */
START_TEST(test_R6_3_port_down_is_remembered_longer)
{
    move_gones_add(
        t, &(struct move_gone){.net = NET, .mac = mac_no(1), .from = {2, DP_WHERE_PORT}, .at = ms(0)});
    gone(2, 7, ms(100));
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(2), ms(2100)));
    ck_assert_ptr_nonnull(move_gones_find(t, NET, mac_no(1), ms(59999)));
    ck_assert_ptr_null(move_gones_find(t, NET, mac_no(1), ms(60000)));
}
END_TEST

START_TEST(test_bounded)
{
    unsigned found = 0, late = 0;

    for (unsigned i = 0; i < 10 * MOVE_GONES; i++)
        gone(i, 7, ms(i / 1000));
    for (unsigned i = 0; i < 10 * MOVE_GONES; i++) {
        bool is = move_gones_find(t, NET, mac_no(i), ms(82)) != NULL;

        found += is;
        late += is && i >= 10 * MOVE_GONES - MOVE_GONES / 4;
    }
    ck_assert_uint_le(found, MOVE_GONES);
    ck_assert_uint_ge(found, MOVE_GONES * 9 / 10);
    ck_assert_uint_ge(late, MOVE_GONES / 4 * 9 / 10);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("move_gone");
    TCase *c = tcase_create("move_gone");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_R6_3_lately);
    tcase_add_test(c, test_R6_3_port_down_is_remembered_longer);
    tcase_add_test(c, test_bounded);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
