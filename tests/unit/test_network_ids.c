/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Networks keep their ids whatever comes and goes, and an id rests before another network gets it.
 */
#include "controlplane/network_ids.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX 8

static struct network_ids *ids;
static struct gateway_network *now;
static unsigned n;
static struct conf confs[64];
static unsigned n_confs;
static mono_t clock_now;

/* "abc": networks a, b, c, with VNIs of their own. A capital letter: another VNI under the same name. */
static struct conf *conf_of(const char *names)
{
    struct conf *c = &confs[n_confs++];

    ck_assert_uint_lt(n_confs, 64);
    c->n_networks = strlen(names);
    c->networks = calloc(c->n_networks + 1, sizeof(*c->networks));
    for (size_t i = 0; i < c->n_networks; i++) {
        bool other = names[i] >= 'A' && names[i] <= 'Z';

        c->networks[i].name[0] = (char)(other ? names[i] - 'A' + 'a' : names[i]);
        c->networks[i].vni = (uint32_t)names[i];
    }
    return c;
}

static int plan(const char *names, struct gateway_network **out)
{
    return network_ids_plan(ids, now, n, conf_of(names), clock_now, out);
}

static void become(const char *names)
{
    struct gateway_network *next;

    ck_assert_int_eq(plan(names, &next), 0);
    free(now);
    now = next;
    n = (unsigned)strlen(names);
    network_ids_take(ids, now, n, clock_now);
}

static dp_net_id id_of(char name)
{
    for (unsigned i = 0; i < n; i++) {
        if (now[i].conf->name[0] == name) {
            ck_assert_int_eq(network_ids_index(ids, now[i].id), (int)i);
            return now[i].id;
        }
    }
    return 0;
}

static void setup(void)
{
    ids = network_ids_new(MAX);
    ck_assert_ptr_nonnull(ids);
    now = NULL;
    n = n_confs = 0;
    clock_now.ns = 1000000000;
}

static void teardown(void)
{
    free(now);
    network_ids_free(ids);
    for (unsigned i = 0; i < n_confs; i++)
        free(confs[i].networks);
    memset(confs, 0, sizeof(confs));
}

START_TEST(test_start_counts_from_one)
{
    become("abc");
    ck_assert_uint_eq(id_of('a'), 1);
    ck_assert_uint_eq(id_of('b'), 2);
    ck_assert_uint_eq(id_of('c'), 3);
    ck_assert_int_eq(network_ids_index(ids, 0), -1);
    ck_assert_int_eq(network_ids_index(ids, 4), -1);
    ck_assert_int_eq(network_ids_index(ids, MAX + 1), -1);
}
END_TEST

START_TEST(test_who_stays_keeps_its_id)
{
    become("abc");
    become("cxa");
    ck_assert_uint_eq(id_of('a'), 1);
    ck_assert_uint_eq(id_of('c'), 3);
    ck_assert_uint_eq(id_of('x'), 4); /* not b's, which rests */
    ck_assert_int_eq(network_ids_index(ids, 2), -1);
    become("bac");
    ck_assert_uint_eq(id_of('b'), 5);
    ck_assert_uint_eq(id_of('a'), 1);
}
END_TEST

/* What is pinned means a VNI by an id. */
START_TEST(test_an_earlier_process_had_ids)
{
    static const uint32_t had[] = {0, 0, 'c', 'x', 'a'};

    network_ids_had(ids, had, 5);
    become("abc");
    ck_assert_uint_eq(id_of('a'), 4);
    ck_assert_uint_eq(id_of('b'), 1);
    ck_assert_uint_eq(id_of('c'), 2);
    become("abcde"); /* then they are no longer kept for x */
    ck_assert_uint_eq(id_of('d'), 3);
    ck_assert_uint_eq(id_of('e'), 5);
}
END_TEST

START_TEST(test_an_earlier_process_had_too_many)
{
    static const uint32_t had[] = {0, '1', '2', '3', '4', '5', '6', '7', 'a', '9', '0'};
    struct gateway_network *next;

    network_ids_had(ids, had, 11);
    ck_assert_int_eq(plan("ab", &next), -ENOSPC);
    network_ids_had(ids, NULL, 0);
    become("ab");
    ck_assert_uint_eq(id_of('a'), 1);
    ck_assert_uint_eq(id_of('b'), 2);
}
END_TEST

START_TEST(test_another_vni_is_another_network)
{
    become("ab");
    become("Ab");
    ck_assert_uint_eq(id_of('a'), 3);
    ck_assert_uint_eq(id_of('b'), 2);
}
END_TEST

START_TEST(test_ids_rest)
{
    struct gateway_network *next;

    become("abcdefgh");
    become("");
    ck_assert_int_eq(plan("a", &next), -ENOSPC);
    clock_now.ns += NETWORK_IDS_REST_NS - 1;
    ck_assert_int_eq(plan("a", &next), -ENOSPC);
    clock_now.ns++;
    become("a");
    ck_assert_uint_eq(id_of('a'), 1);
    /* Planning takes nothing. */
    ck_assert_int_eq(plan("abc", &next), 0);
    free(next);
    become("az");
    ck_assert_uint_eq(id_of('z'), 2);
    ck_assert_int_eq(plan("abcdefghi", &next), -ENOSPC);
}
END_TEST

START_TEST(test_room)
{
    ck_assert_uint_eq(network_ids_max(0), NETWORK_IDS_LEAST);
    ck_assert_uint_eq(network_ids_max(1000), 2000);
    ck_assert_uint_eq(network_ids_max(CONF_MAX_NETWORKS), DP_MAX_NETWORKS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("network_ids");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_start_counts_from_one);
    tcase_add_test(t, test_who_stays_keeps_its_id);
    tcase_add_test(t, test_an_earlier_process_had_ids);
    tcase_add_test(t, test_an_earlier_process_had_too_many);
    tcase_add_test(t, test_another_vni_is_another_network);
    tcase_add_test(t, test_ids_rest);
    tcase_add_test(t, test_room);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
