/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The FDB against a trivial model, filled to its brim, and with a writer and readers at once; and the storm
 * limiter.
 */
#include "dataplane/dp.h"
#include "dataplane/fdb.h"
#include "dataplane/storm.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rte_rcu_qsbr.h>

static uint64_t rng_state;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

static void rng_seed(void)
{
    const char *given = getenv("SEED");

    rng_state = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("SEED=%llu\n", (unsigned long long)rng_state);
    rng_state = rng_state * 2 + 1;
}

static struct rte_rcu_qsbr *new_qsbr(unsigned threads)
{
    size_t size = (rte_rcu_qsbr_get_memsize(threads) + 63) & ~(size_t)63;
    struct rte_rcu_qsbr *v = aligned_alloc(64, size);

    ck_assert_ptr_nonnull(v);
    ck_assert_int_eq(rte_rcu_qsbr_init(v, threads), 0);
    return v;
}

START_TEST(test_layout)
{
    struct fdb f;
    struct mac m = {{1, 2, 3, 4, 5, 6}};

    ck_assert_uint_eq(sizeof(struct fdb_value), 8);
    ck_assert_uint_eq(sizeof(struct table_line), 64);
    ck_assert_uint_eq(fdb_key(0x0102, m.b), UINT64_C(0x0102060504030201));
    ck_assert_int_eq(fdb_init(&f, 0, NULL), -EINVAL);
    ck_assert_int_eq(fdb_init(&f, FDB_MAX_MACS + 1, NULL), -EINVAL);
    ck_assert_uint_eq(fdb_target(FDB_WHERE(DP_WHERE_VTEP, 0xabcd, true)), 0xabcd);
    ck_assert_uint_eq(fdb_kind(FDB_WHERE(DP_WHERE_VTEP, 0xabcd, true)), DP_WHERE_VTEP);
}
END_TEST

#define OPS (SCALE * 400000)

/* The model: an array indexed by a small key space. */
#define MODEL_KEYS 6000
#define MODEL_CAP  4096

/* What readers are told of keys that are not in their home line is what there is. */
static void check_strays(const struct table *t)
{
    uint32_t n = (uint32_t)(t->offsets / sizeof(struct table_line)) + 1;
    uint8_t *strays = calloc(n, 1);

    ck_assert_ptr_nonnull(strays);
    for (uint32_t i = 0; i < n * TABLE_LINE_SLOTS; i++) {
        const struct table_line *here = t->lines + i / TABLE_LINE_SLOTS, *home;
        uint64_t key = here->slot[i % TABLE_LINE_SLOTS].key;

        if (key == TABLE_EMPTY || key == TABLE_TOMBSTONE)
            continue;
        home = table_home(t, table_hash(t, key));
        strays[home - t->lines] += home != here;
    }
    for (uint32_t i = 0; i < n; i++)
        ck_assert(t->strays[i] == strays[i] || t->strays[i] == UINT8_MAX);
    free(strays);
}

/* _i 1: as after so many strays that they are not counted any more. */
START_TEST(test_random_operations_against_a_model)
{
    static uint32_t model[MODEL_KEYS];
    struct rte_rcu_qsbr *v = new_qsbr(1);
    struct fdb f;
    uint32_t used = 0;

    rng_seed();
    ck_assert_int_eq(fdb_init(&f, MODEL_CAP, v), 0);
    if (_i == 1)
        memset(f.t.strays, UINT8_MAX, f.t.offsets / sizeof(struct table_line) + 1);
    for (unsigned op = 0; op < OPS; op++) {
        unsigned i = (unsigned)(rng() % MODEL_KEYS);
        uint64_t key = UINT64_C(1) << 48 | (uint64_t)i * 7919 | UINT64_C(0x020000000000);
        uint32_t where = FDB_WHERE(DP_WHERE_PORT, rng() & 0xffff, false);
        const struct fdb_value *e;

        switch (rng() % 4) {
        case 0:
            if (!model[i] && used == MODEL_CAP) {
                ck_assert_int_eq(fdb_set(&f, key, where, (mono_t){(uint64_t)op * 1000000}), -ENOSPC);
                break;
            }
            ck_assert_int_eq(fdb_set(&f, key, where, (mono_t){(uint64_t)op * 1000000}), 0);
            used += model[i] == 0;
            model[i] = where;
            break;
        case 1:
            ck_assert_int_eq(fdb_del(&f, key), model[i] ? 0 : -ENOENT);
            used -= model[i] != 0;
            model[i] = 0;
            break;
        default:
            e = fdb_find(&f, key);
            ck_assert(model[i] ? e && fdb_where(e) == model[i] : !e);
        }
        ck_assert_uint_eq(f.t.used, used);
    }
    check_strays(&f.t);
    fdb_fini(&f);
    free(v);
}
END_TEST

/* _i 0: random MACs, 1: one vendor's, counted up, 2: the same MAC in many networks. The full capacity must
 * fit. */
static uint64_t fill_key(int kind, uint32_t i)
{
    if (kind == 0)
        return UINT64_C(1) << 48 | (rng() & UINT64_C(0xffffffff0000)) | (i & 0xffff);
    if (kind == 1)
        return UINT64_C(1) << 48 | UINT64_C(0x540052) | (uint64_t)__builtin_bswap32(i) << 16;
    return (uint64_t)(1 + i % 4094) << 48 | UINT64_C(0x5254) | (uint64_t)(i / 4094) << 24;
}

START_TEST(test_a_million_macs)
{
    struct fdb f;
    uint32_t n = 0, tries = 0;

    rng_seed();
    ck_assert_int_eq(fdb_init(&f, FDB_MAX_MACS, NULL), 0);
    while (n < FDB_MAX_MACS) {
        uint64_t key = fill_key(_i, tries++);

        if (fdb_find(&f, key))
            continue;
        ck_assert_int_eq(fdb_set(&f, key, FDB_WHERE(DP_WHERE_VTEP, n & 0x3ff, false), (mono_t){0}), 0);
        n++;
    }
    ck_assert_int_eq(fdb_set(&f, UINT64_C(0x0fff) << 48 | 1, 1, (mono_t){0}), -ENOSPC);
    ck_assert_uint_eq(f.t.used, FDB_MAX_MACS);
    ck_assert_uint_eq((uintptr_t)f.t.lines % (2u << 20), 0); /* all of it can be in huge pages */
    fdb_fini(&f);
}
END_TEST

/* With each of these secrets a hash once had a pattern in the bits that choose the buckets. */
START_TEST(test_no_secret_is_bad_for_macs_that_count_up)
{
    static const uint64_t seeds[][2] = {
        {0xeae8aad9d44fc0e9, 0xf9d19087ea96de4a}, {0xfee698ac8d800e7f, 0x4394987c00434c44},
        {0x8bd2ddc5cb090f9d, 0x77aa21e712785996}, {0xb9cbd5409b7b5946, 0x74a7dfc14690e506},
        {0xc413baf3b645ebe6, 0x9b5652e6c39d419f}, {0x8a8e7036e366ed42, 0x6575f8a28d56cf1a},
    };
    struct fdb f;

    ck_assert_int_eq(fdb_init(&f, 1024, NULL), 0);
    memcpy(f.t.seed, seeds[_i], sizeof(f.t.seed));
    for (unsigned i = 0; i < 1000; i++) {
        struct mac m = {{i % 2 ? 6 : 2, 0, 0, 0, (uint8_t)(i / 2 >> 8), (uint8_t)(i / 2)}};

        ck_assert_msg(fdb_set(&f, fdb_key(1, m.b), 1, mono_now()) == 0, "MAC %u", i);
    }
    fdb_fini(&f);
}
END_TEST

START_TEST(test_tombstones_wait_for_the_grace_period)
{
    struct rte_rcu_qsbr *v = new_qsbr(1);
    struct fdb f;
    struct fdb_value *held;

    ck_assert_int_eq(fdb_init(&f, 1, v), 0); /* two buckets of eight */
    rte_rcu_qsbr_thread_register(v, 0);
    rte_rcu_qsbr_thread_online(v, 0);
    for (uint64_t i = 1; i <= 16; i++) {
        ck_assert_int_eq(fdb_set(&f, UINT64_C(1) << 48 | i, FDB_WHERE(DP_WHERE_PORT, i, false), (mono_t){0}),
                         0);
        held = fdb_find(&f, UINT64_C(1) << 48 | i);
        ck_assert_int_eq(fdb_del(&f, UINT64_C(1) << 48 | i), 0);
        ck_assert_ptr_null(fdb_find(&f, UINT64_C(1) << 48 | i));
        ck_assert_uint_eq(fdb_target(fdb_where(held)),
                          i); /* a reader that was on its way still reads its own */
    }
    ck_assert_int_eq(fdb_set(&f, UINT64_C(1) << 48 | 17, 1, (mono_t){0}), -ENOSPC);
    rte_rcu_qsbr_quiescent(v, 0);
    ck_assert_int_eq(fdb_set(&f, UINT64_C(1) << 48 | 17, 1, (mono_t){0}), 0);
    fdb_fini(&f);
    free(v);
}
END_TEST

/* ---- one writer, two readers ---- */

#define SHARED_KEYS 20000
#define PINNED_KEYS 1000 /* the first of them are moved, never deleted */

struct shared {
    struct fdb f;
    struct rte_rcu_qsbr *qsbr;
    bool stop;
};

struct reader {
    struct shared *s;
    unsigned id;
    uint64_t looked, lost, foreign;
};

static uint64_t shared_key(uint64_t i)
{
    return UINT64_C(1) << 48 | i << 8 | 2;
}

static void *reader_main(void *arg)
{
    struct reader *r = arg;
    uint64_t x = r->id * UINT64_C(88172645463325252) + 1;

    rte_rcu_qsbr_thread_register(r->s->qsbr, r->id);
    rte_rcu_qsbr_thread_online(r->s->qsbr, r->id);
    while (!__atomic_load_n(&r->s->stop, __ATOMIC_RELAXED)) {
        for (unsigned n = 0; n < 32; n++) {
            uint64_t i;
            struct fdb_value *v;

            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            i = n & 1 ? x % PINNED_KEYS : x % SHARED_KEYS;
            v = fdb_find(&r->s->f, shared_key(i));
            r->looked++;
            if (!v)
                r->lost += i < PINNED_KEYS;
            else
                r->foreign +=
                    fdb_target(fdb_where(v)) % 256 != i % 256; /* every value carries its key's mark */
            if (v)
                fdb_touch(v, (uint32_t)x);
        }
        rte_rcu_qsbr_quiescent(r->s->qsbr, r->id);
    }
    rte_rcu_qsbr_thread_offline(r->s->qsbr, r->id);
    rte_rcu_qsbr_thread_unregister(r->s->qsbr, r->id);
    return NULL;
}

START_TEST(test_writer_and_readers_at_once)
{
    struct shared s = {.qsbr = new_qsbr(2)};
    struct reader r[2] = {{.s = &s, .id = 0}, {.s = &s, .id = 1}};
    pthread_t t[2];

    rng_seed();
    ck_assert_int_eq(fdb_init(&s.f, SHARED_KEYS, s.qsbr), 0);
    for (uint64_t i = 0; i < SHARED_KEYS; i++)
        ck_assert_int_eq(fdb_set(&s.f, shared_key(i), FDB_WHERE(DP_WHERE_PORT, i % 256, false), (mono_t){0}),
                         0);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, reader_main, &r[i]), 0);
    for (unsigned op = 0; op < OPS; op++) {
        uint64_t i = rng() % SHARED_KEYS;
        uint32_t where = FDB_WHERE(DP_WHERE_PORT, (rng() & 0xff00) | i % 256, false);
        int rc = 0;

        if (i >= PINNED_KEYS && rng() % 2)
            fdb_del(&s.f, shared_key(i));
        else
            rc = fdb_set(&s.f, shared_key(i), where, (mono_t){(uint64_t)op * 1000000});
        ck_assert_int_eq(rc, 0);
    }
    __atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(t[i], NULL);
        printf("reader %u: %llu look-ups\n", i, (unsigned long long)r[i].looked);
        ck_assert_uint_gt(r[i].looked, 100000);
        ck_assert_uint_eq(r[i].lost, 0);
        ck_assert_uint_eq(r[i].foreign, 0);
    }
    fdb_fini(&s.f);
    free(s.qsbr);
}
END_TEST

START_TEST(test_R8_3_storm_rate)
{
    const uint64_t hz = 1000000000;
    struct storm s = {0};
    uint64_t passed = 0, now = 12345;

    ck_assert(storm_pass(&s, UINT32_MAX, now, hz));
    ck_assert(!storm_pass(&s, 0, now, hz));
    /* ten seconds of ten times the rate: the rate, and one burst */
    for (unsigned i = 0; i < 100000; i++, now += hz / 10000)
        passed += storm_pass(&s, 1000, now, hz);
    ck_assert_uint_ge(passed, 10000);
    ck_assert_uint_le(passed, 10000 + 101);
    /* after a pause one burst, not more */
    now += 100 * hz;
    passed = 0;
    for (unsigned i = 0; i < 1000; i++)
        passed += storm_pass(&s, 1000, now, hz);
    ck_assert_uint_eq(passed, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fdb");
    TCase *t = tcase_create("fdb");

    tcase_set_timeout(t, 240);
    tcase_add_test(t, test_layout);
    tcase_add_loop_test(t, test_random_operations_against_a_model, 0, 2);
    tcase_add_loop_test(t, test_a_million_macs, 0, 3);
    tcase_add_loop_test(t, test_no_secret_is_bad_for_macs_that_count_up, 0, 6);
    tcase_add_test(t, test_tombstones_wait_for_the_grace_period);
    tcase_add_test(t, test_writer_and_readers_at_once);
    tcase_add_test(t, test_R8_3_storm_rate);
    suite_add_tcase(s, t);
    return run_suite(s);
}
