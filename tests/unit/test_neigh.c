/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The table of neighbours against a trivial model, and the hash that makes its keys.
 */
#include "dataplane/dp.h"
#include "dataplane/neigh.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct neigh n;

static void setup(void)
{
    ck_assert_int_eq(neigh_init(&n, 1000, NULL), 0);
}

static void teardown(void)
{
    neigh_fini(&n);
}

static struct ipaddr ip4(uint32_t i)
{
    return (struct ipaddr){4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct ipaddr ip6(uint32_t i)
{
    return (struct ipaddr){6, {0xfd, [13] = (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct neigh_entry entry(uint32_t i, uint8_t flags)
{
    return (struct neigh_entry){{{2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}}, flags};
}

/* Published test vectors: the key is 00 01 .. 0f, the message 00 01 .. of 0 and 8 bytes. */
START_TEST(test_siphash)
{
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

    ck_assert_uint_eq(neigh_siphash(key, NULL, 0), UINT64_C(0x726fdb47dd0e0e31));
    ck_assert_uint_eq(neigh_siphash(key, key, 1), UINT64_C(0x93f5f5799a932462));
}
END_TEST

START_TEST(test_keys)
{
    struct ipaddr a = ip4(1), b = ip6(1), c;
    struct neigh other;

    ck_assert_uint_ne(neigh_key(&n, 1, &a), neigh_key(&n, 2, &a));
    ck_assert_uint_ne(neigh_key(&n, 1, &b), neigh_key(&n, 2, &b));
    /* every bit of an address counts */
    for (unsigned bit = 0; bit < 160; bit++) {
        c = bit < 32 ? a : b;
        c.b[bit < 32 ? bit / 8 : (bit - 32) / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_uint_ne(neigh_key(&n, 1, &c), neigh_key(&n, 1, bit < 32 ? &a : &b));
    }
    /* and where an IPv6 address goes is a secret of this table */
    ck_assert_int_eq(neigh_init(&other, 1000, NULL), 0);
    ck_assert_uint_ne(neigh_key(&n, 1, &b), neigh_key(&other, 1, &b));
    neigh_fini(&other);
}
END_TEST

START_TEST(test_set_replace_delete)
{
    struct ipaddr a = ip4(1), b = ip6(1);
    struct neigh_entry e;

    ck_assert(!neigh_find(&n, 1, &a, &e) && !neigh_find(&n, 1, &b, &e));
    ck_assert_int_eq(neigh_del(&n, 1, &a), -ENOENT);
    ck_assert_int_eq(neigh_set(&n, 1, &a, entry(7, 0)), 0);
    ck_assert_int_eq(neigh_set(&n, 1, &b, entry(8, DP_NEIGH_ROUTER)), 0);
    ck_assert(neigh_find(&n, 1, &a, &e) && mac_eq(e.mac, entry(7, 0).mac) && e.flags == 0);
    ck_assert(neigh_find(&n, 1, &b, &e) && mac_eq(e.mac, entry(8, 0).mac) && e.flags == DP_NEIGH_ROUTER);
    ck_assert(!neigh_find(&n, 2, &a, &e));
    ck_assert_int_eq(neigh_set(&n, 1, &b, entry(9, DP_NEIGH_OVERRIDE)), 0);
    ck_assert(neigh_find(&n, 1, &b, &e) && mac_eq(e.mac, entry(9, 0).mac) && e.flags == DP_NEIGH_OVERRIDE);
    ck_assert_uint_eq(n.t.used, 2);
    ck_assert_int_eq(neigh_del(&n, 1, &b), 0);
    ck_assert(!neigh_find(&n, 1, &b, &e) && neigh_find(&n, 1, &a, &e));
}
END_TEST

/* A table for a thousand holds a thousand, of both kinds, and says when it is full. */
START_TEST(test_capacity)
{
    for (uint32_t i = 0; i < 1000; i++) {
        struct ipaddr a = i & 1 ? ip4(i) : ip6(i);

        ck_assert_int_eq(neigh_set(&n, (uint16_t)(1 + i % 4095), &a, entry(i, 0)), 0);
    }
    ck_assert_int_eq(neigh_set(&n, 1, &(struct ipaddr){4, {11}}, entry(1, 0)), -ENOSPC);
    ck_assert_int_eq(neigh_init(&(struct neigh){0}, TABLE_MAX + 1, NULL), -EINVAL);
}
END_TEST

#define MODEL 700

START_TEST(test_random_operations_against_a_model)
{
    static struct neigh_entry model[2][MODEL];
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    uint32_t used = 0;

    printf("SEED=%llu\n", (unsigned long long)seed);
    srandom((unsigned)seed);
    for (unsigned op = 0; op < 400000; op++) {
        uint32_t i = (uint32_t)random() % MODEL;
        bool six = random() & 1;
        struct ipaddr a = six ? ip6(i) : ip4(i);
        struct neigh_entry *m = &model[six][i], e = {0},
                           add = entry((uint32_t)random() | 1, (uint8_t)(i & 3));
        bool known = !mac_is_zero(m->mac);

        if (op % 3 == 0) {
            ck_assert_int_eq(neigh_set(&n, 7, &a, add), !known && used == 1000 ? -ENOSPC : 0);
            if (known || used < 1000) {
                used += !known;
                *m = add;
            }
        } else if (op % 5 == 0) {
            ck_assert_int_eq(neigh_del(&n, 7, &a), known ? 0 : -ENOENT);
            used -= known;
            *m = (struct neigh_entry){0};
        } else {
            ck_assert_int_eq(neigh_find(&n, 7, &a, &e), known);
            ck_assert(!known || (mac_eq(e.mac, m->mac) && e.flags == m->flags));
        }
        ck_assert_uint_eq(n.t.used, used);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("neigh");
    TCase *t = tcase_create("neigh");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_siphash);
    tcase_add_test(t, test_keys);
    tcase_add_test(t, test_set_replace_delete);
    tcase_add_test(t, test_capacity);
    tcase_add_test(t, test_random_operations_against_a_model);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
