/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of bounces (R6.5): each ends in its time, once, and there are never too many.
 */
#include "controlplane/move_bounce.h"

#include <check.h>
#include <stdlib.h>

#define S 1000000000ull

static struct move_bounces *b;

static void setup(void)
{
    b = move_bounces_new(5 * S);
    ck_assert_ptr_nonnull(b);
}

static void teardown(void)
{
    move_bounces_free(b);
}

static struct mac mac_n(unsigned n)
{
    return (struct mac){{2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static bool begin(dp_net_id net, unsigned n, uint64_t s, struct move_bounce *ended)
{
    return move_bounces_begin(b, net, mac_n(n), n % 2, (mono_t){s * S}, ended);
}

/* The MAC whose bounce is over then; -1: none. */
static int over(uint64_t s, dp_net_id net)
{
    struct move_bounce m;

    if (!move_bounces_over(b, (mono_t){s * S}, &m))
        return -1;
    ck_assert_uint_eq(m.net, net);
    return m.mac.b[3] << 16 | m.mac.b[4] << 8 | m.mac.b[5];
}

START_TEST(test_R6_5_ends_in_time)
{
    struct move_bounce ended;
    mono_t at;

    ck_assert(!move_bounces_next(b, &at));
    ck_assert(!begin(1, 1, 100, &ended));
    ck_assert(!begin(2, 1, 101, &ended));
    ck_assert(!begin(1, 2, 102, &ended));
    ck_assert(move_bounces_next(b, &at));
    ck_assert_uint_eq(at.ns, 105 * S);
    ck_assert_uint_eq(move_bounces_with(b, 1), 2);
    ck_assert_uint_eq(move_bounces_with(b, 0), 1);
    ck_assert_int_eq(over(104, 1), -1);
    ck_assert_int_eq(over(105, 1), 1);
    ck_assert_int_eq(over(105, 1), -1);
    ck_assert_int_eq(over(200, 2), 1);
    ck_assert_int_eq(over(200, 1), 2);
    ck_assert_int_eq(over(200, 1), -1);
    ck_assert_uint_eq(move_bounces_with(b, 1), 0);
    ck_assert_uint_eq(move_bounces_count(b), 0);
}
END_TEST

/* It came back and left again: the second one has its whole time. */
START_TEST(test_R6_5_begins_again)
{
    struct move_bounce ended;

    begin(1, 1, 100, &ended);
    begin(1, 2, 101, &ended);
    begin(1, 1, 103, &ended);
    ck_assert_uint_eq(move_bounces_count(b), 2);
    ck_assert_int_eq(over(107, 1), 2);
    ck_assert_int_eq(over(107, 1), -1);
    ck_assert_int_eq(over(108, 1), 1);
    begin(1, 1, 110, &ended);
    move_bounces_drop(b, 1, mac_n(1));
    move_bounces_drop(b, 1, mac_n(9));
    ck_assert_int_eq(over(1000, 1), -1);
}
END_TEST

START_TEST(test_R6_5_bounded)
{
    struct move_bounce ended;

    for (unsigned i = 0; i < MOVE_BOUNCES; i++)
        ck_assert(!begin(1, i, 100, &ended));
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(begin(2, i, 100, &ended));
        ck_assert(ended.net == 1 && mac_eq(ended.mac, mac_n(i)));
    }
    ck_assert(!begin(2, 3, 100, &ended)); /* its own place */
    ck_assert_uint_eq(move_bounces_count(b), MOVE_BOUNCES);
    ck_assert_uint_eq(move_bounces_with(b, 0) + move_bounces_with(b, 1), MOVE_BOUNCES);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("move_bounce");
    TCase *c = tcase_create("list");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_R6_5_ends_in_time);
    tcase_add_test(c, test_R6_5_begins_again);
    tcase_add_test(c, test_R6_5_bounded);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
