/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's MAC table, written by fp_table.c: against a trivial reference, and read by another thread
 * as the XDP programs read it.
 */
#include "tests/unit/suite.h"

#include "ebpf/fp_table.h"

#include <errno.h>
#include <pthread.h>

#define BUCKETS 64u
#define SLOTS   (BUCKETS * FP_FDB_WAYS)
#define KEYS    240u

static struct fp_table t;
static struct fp_fdb_bucket *buckets;
static uint64_t *bounced;

static void setup(void)
{
    buckets = aligned_alloc(64, BUCKETS * sizeof(*buckets));
    bounced = calloc(SLOTS, sizeof(*bounced));
    ck_assert(buckets && bounced);
    memset(buckets, 0, BUCKETS * sizeof(*buckets));
    fp_table_init(&t, buckets, bounced, BUCKETS, 42);
}

static void teardown(void)
{
    free(buckets);
    free(bounced);
}

START_TEST(test_set_find_delete)
{
    struct fp_fdb_entry *e;

    ck_assert_ptr_null(fp_table_find(&t, 7));
    ck_assert_int_eq(fp_table_set(&t, 7, FP_WHERE(FP_WHERE_PORT, 1), 100), 0);
    e = fp_table_find(&t, 7);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->where, FP_WHERE(FP_WHERE_PORT, 1));
    ck_assert_uint_eq(e->seen, 100);
    ck_assert_uint_eq(t.used, 1);
    ck_assert(fp_table_del(&t, 7));
    ck_assert(!fp_table_del(&t, 7));
    ck_assert_ptr_null(fp_table_find(&t, 7));
    ck_assert_uint_eq(t.used, 0);
}
END_TEST

/* R4.10: the slot stays, and what a program wrote meanwhile, unless it is of another place. */
START_TEST(test_R4_10_a_move_is_one_store)
{
    struct fp_fdb_entry *e;

    ck_assert_int_eq(fp_table_set(&t, 7, FP_WHERE(FP_WHERE_PORT, 1), 100), 0);
    e = fp_table_find(&t, 7);
    e->seen = 500;
    *fp_table_bounced(&t, e) = 3;
    ck_assert_int_eq(fp_table_set(&t, 7, FP_WHERE(FP_WHERE_PORT, 1) | FP_SLOW | FP_STATIC, 600), 0);
    ck_assert_uint_eq(e->seen, 500);
    ck_assert_int_eq(fp_table_set(&t, 7, FP_WHERE(FP_WHERE_VTEP, 1), 700), 0);
    ck_assert_uint_eq(e->seen, 700);
    ck_assert_uint_eq(*fp_table_bounced(&t, e), 3);
    ck_assert_uint_eq(t.used, 1);
    /* another MAC in the same slot begins at nothing */
    ck_assert(fp_table_del(&t, 7));
    ck_assert_int_eq(fp_table_set(&t, 7, FP_WHERE(FP_WHERE_VTEP, 1), 800), 0);
    ck_assert_uint_eq(*fp_table_bounced(&t, fp_table_find(&t, 7)), 0);
}
END_TEST

START_TEST(test_key_zero_is_none)
{
    ck_assert_int_eq(fp_table_set(&t, 0, 1, 1), -EINVAL);
    ck_assert_ptr_null(fp_table_find(&t, 0));
    ck_assert(!fp_table_del(&t, 0));
}
END_TEST

START_TEST(test_full)
{
    uint32_t n = 0, cursor_n = 0;
    uint64_t cursor = 0;

    for (uint64_t key = 1; key <= 100000; key++)
        n += fp_table_set(&t, key, 1, 0) == 0;
    ck_assert_uint_eq(n, SLOTS); /* every slot gets its MAC in the end */
    ck_assert_uint_eq(t.used, SLOTS);
    ck_assert_int_eq(fp_table_set(&t, 1000000, 1, 0), -ENOSPC);
    while (fp_table_next(&t, &cursor))
        cursor_n++;
    ck_assert_uint_eq(cursor_n, SLOTS);
    fp_table_clear(&t);
    ck_assert_uint_eq(t.used, 0);
    cursor = 0;
    ck_assert_ptr_null(fp_table_next(&t, &cursor));
}
END_TEST

/* For so many MACs as it was made for there is room, whatever they are. */
START_TEST(test_room)
{
    static const uint32_t sizes[] = {1, 100, 1000, 65536, 100000, 131072};
    uint32_t macs = sizes[_i / 3], n = fp_table_buckets(macs);
    struct fp_fdb_bucket *b = aligned_alloc(64, n * sizeof(*b));
    uint64_t *c = calloc((size_t)n * FP_FDB_WAYS, sizeof(*c));
    struct fp_table big;

    ck_assert(b && c);
    memset(b, 0, n * sizeof(*b));
    fp_table_init(&big, b, c, n, 0x9e3779b97f4a7c15u * (unsigned)(_i + 1));
    for (uint32_t i = 0; i < macs; i++) {
        uint64_t key = _i % 3 == 0   ? (uint64_t)1 << 48 | (uint64_t)i << 24 /* counted in the last bytes */
                       : _i % 3 == 1 ? (uint64_t)(1 + i % 4095) << 48 | 0x0102030405u << 8
                                     : (i + 1) * UINT64_C(0xd6e8feb86659fd93) >> 4;

        if (_i % 3 == 1)
            key |= i / 4095;
        ck_assert_int_eq(fp_table_set(&big, key, 1, 0), 0);
    }
    ck_assert_uint_eq(big.used, macs);
    free(b);
    free(c);
}
END_TEST

/* Killed between the two stores of a move. */
START_TEST(test_an_entry_in_both_buckets)
{
    struct fp_fdb_home home = fp_fdb_home(42, BUCKETS - 1, 7);

    for (unsigned both = 0; both < 2; both++) {
        uint32_t bucket = both ? home.bucket : home.bucket ^ home.other;

        buckets[bucket].entry[2] = (struct fp_fdb_entry){.key = 7, .where = 9, .seen = 1};
    }
    fp_table_init(&t, buckets, bounced, BUCKETS, 42);
    ck_assert_uint_eq(t.used, 1);
    ck_assert_uint_eq(fp_table_find(&t, 7)->where, 9);
    ck_assert(fp_table_del(&t, 7));
    ck_assert_ptr_null(fp_table_find(&t, 7));
}
END_TEST

START_TEST(test_random_walk)
{
    uint32_t where[KEYS + 1] = {0};
    struct fp_table again;

    srandom(1);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t key = 1 + (uint64_t)random() % KEYS;
        uint32_t w = 1 + (uint32_t)random() % 1000;

        if (random() % 3 == 0) {
            ck_assert_int_eq(fp_table_del(&t, key << 20), where[key] != 0);
            where[key] = 0;
        } else if (fp_table_set(&t, key << 20, w, 0) == 0) {
            where[key] = w;
        } else {
            ck_assert_uint_eq(where[key], 0);
        }
        key = 1 + (uint64_t)random() % KEYS;
        ck_assert_int_eq(fp_table_find(&t, key << 20) != NULL, where[key] != 0);
        if (where[key])
            ck_assert_uint_eq(fp_table_find(&t, key << 20)->where, where[key]);
    }
    fp_table_init(&again, buckets, bounced, BUCKETS, 42); /* as a later process finds it */
    ck_assert_uint_eq(again.used, t.used);
    for (uint64_t key = 1; key <= KEYS; key++)
        ck_assert_ptr_eq(fp_table_find(&again, key << 20), fp_table_find(&t, key << 20));
}
END_TEST

/* ---- a reader as the programs are ---- */

static bool stop;

static bool look_in(uint32_t bucket, uint64_t key, uint32_t *where)
{
    for (unsigned way = 0; way < FP_FDB_WAYS; way++) {
        struct fp_fdb_entry *e = &buckets[bucket].entry[way];

        if (__atomic_load_n(&e->key, __ATOMIC_ACQUIRE) != key)
            continue;
        *where = __atomic_load_n(&e->where, __ATOMIC_ACQUIRE);
        return __atomic_load_n(&e->key, __ATOMIC_ACQUIRE) == key;
    }
    return false;
}

/* As fp_find() in fp_inner.bpf.h. */
static bool look_up(uint64_t key, uint32_t *where)
{
    struct fp_fdb_home home = fp_fdb_home(t.seed, t.mask, key);

    return look_in(home.bucket, key, where) || look_in(home.bucket ^ home.other, key, where);
}

/* Each MAC's place has its number in it: what a reader finds under a key is that key's. Returns how many were
 * another's. */
static void *reader(void *arg)
{
    uintptr_t wrong = 0;
    uint32_t where;

    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (uint64_t key = 1; key <= KEYS; key++) {
            if (look_up(key << 20, &where) && where >> 8 != key)
                wrong++;
        }
    }
    return (void *)wrong;
}

START_TEST(test_readers_never_see_another_mac)
{
    pthread_t thread;
    void *wrong;

    ck_assert_int_eq(pthread_create(&thread, NULL, reader, NULL), 0);
    srandom(2);
    for (unsigned i = 0; i < 2000000; i++) {
        uint64_t key = 1 + (uint64_t)random() % KEYS;

        if (i % 2)
            fp_table_del(&t, key << 20);
        else
            fp_table_set(&t, key << 20, (uint32_t)(key << 8) | (uint32_t)random() % 256, 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    ck_assert_int_eq(pthread_join(thread, &wrong), 0);
    ck_assert_ptr_null(wrong);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fp_table");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_set_find_delete);
    tcase_add_test(tc, test_R4_10_a_move_is_one_store);
    tcase_add_test(tc, test_key_zero_is_none);
    tcase_add_test(tc, test_full);
    tcase_add_loop_test(tc, test_room, 0, 18);
    tcase_add_test(tc, test_an_entry_in_both_buckets);
    tcase_add_test(tc, test_random_walk);
    tcase_add_test(tc, test_readers_never_see_another_mac);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
