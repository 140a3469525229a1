/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A port's id is not another one's before nothing of the old one can be under way any more.
 */
#include "dataplane/port_slots.h"

#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>

static struct port_slots s;
static mono_t now;

static int take_wish(unsigned wish)
{
    int id = port_slots_next(&s, wish, now);

    if (id >= 0)
        port_slots_take(&s, (dp_port_id)id);
    return id;
}

static int take(void)
{
    return take_wish(0);
}

static void go(dp_port_id id)
{
    port_slots_give_back(&s, id, now);
}

static void setup(void)
{
    s = (struct port_slots){0};
    now.ns = 5000000000;
}

START_TEST(test_in_order)
{
    for (int i = 0; i < DP_OWN_PORT; i++) {
        ck_assert_int_eq(take(), i);
        ck_assert_uint_eq(s.n, (unsigned)i + 1);
        ck_assert(port_slots_used(&s, (dp_port_id)i));
    }
    ck_assert_int_eq(take(), -ENOSPC);
    ck_assert(!port_slots_used(&s, DP_OWN_PORT));
}
END_TEST

/* As an earlier process had it. */
START_TEST(test_wish)
{
    ck_assert_int_eq(take_wish(3 + 1), 3);
    ck_assert_uint_eq(s.n, 4);
    ck_assert_int_eq(take(), 0);
    ck_assert_int_eq(take_wish(1 + 1), 1);
    ck_assert_int_eq(take(), 2);
    ck_assert_int_eq(take(), 4);
    ck_assert_int_eq(take_wish(3 + 1), 5); /* it is another's */
    ck_assert_int_eq(take_wish(DP_OWN_PORT + 1), 6);
    port_slots_name(&s, 2);
    go(2);
    ck_assert_int_eq(take_wish(2 + 1), 7); /* it rests */
    now.ns += PORT_SLOTS_REST_NS;
    ck_assert_int_eq(take_wish(2 + 1), 2);
    go(7);
    ck_assert_int_eq(take_wish(7 + 1), 7); /* nobody named it */
    ck_assert_int_eq(take_wish(DP_OWN_PORT), DP_OWN_PORT - 1);
}
END_TEST

/* One that no topology named is given again at once, so that a reload that fails again and again finds room.
 */
START_TEST(test_one_that_nobody_named_comes_again)
{
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(take(), 0);
        go(0);
    }
}
END_TEST

START_TEST(test_one_that_was_named_rests)
{
    for (int i = 0; i < DP_OWN_PORT; i++) {
        ck_assert_int_eq(take(), i);
        port_slots_name(&s, (dp_port_id)i);
    }
    go(3);
    ck_assert_int_eq(take(), -ENOSPC);
    now.ns += PORT_SLOTS_REST_NS - 1;
    ck_assert_int_eq(take(), -ENOSPC);
    now.ns++;
    ck_assert_int_eq(take(), 3);
    ck_assert_uint_eq(s.n, DP_OWN_PORT);
}
END_TEST

START_TEST(test_fresh_ones_first)
{
    ck_assert_int_eq(take(), 0);
    port_slots_name(&s, 0);
    go(0);
    now.ns += PORT_SLOTS_REST_NS;
    ck_assert_int_eq(take(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port_slots");
    TCase *t = tcase_create("port_slots");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, test_in_order);
    tcase_add_test(t, test_wish);
    tcase_add_test(t, test_one_that_nobody_named_comes_again);
    tcase_add_test(t, test_one_that_was_named_rests);
    tcase_add_test(t, test_fresh_ones_first);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
