/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Configured MACs of one configuration after another, a part at a time. The MAC table is real, and its FDB is
 * that of mactable_fixture.h.
 */
#include "controlplane/gateway_private.h"
#include "tests/unit/mactable_fixture.h"
#include "tests/unit/suite.h"

#include <limits.h>

#define NETS 3
#define ROOM 1000

static struct gateway g;
static struct gateway_private priv;
static struct gateway_network networks[NETS];
static struct conf_network confs[2][NETS]; /* of before and of now, in turns */
static struct conf_static_mac macs[2][NETS][ROOM];
static struct mac floods[2][NETS][ROOM];
static unsigned now;
static struct conf_access trunks[2] = {{.name = "trunk"}, {.name = "vm"}};
static struct gateway_vtep vtep;
static unsigned warnings;
static char warned[GATEWAY_ERR_LEN];

static void warn(void *arg, const char *text)
{
    ck_assert_ptr_eq(arg, &g);
    warnings++;
    snprintf(warned, sizeof(warned), "%s", text);
}

static struct conf_network *conf_of(unsigned net)
{
    return &confs[now][net];
}

/* n MACs from first on, at a port. */
static void list_statics(unsigned net, unsigned first, unsigned n, const char *port)
{
    struct conf_network *c = conf_of(net);

    for (unsigned i = 0; i < n; i++) {
        struct conf_static_mac *m = &c->static_macs[c->n_static_macs++];

        *m = (struct conf_static_mac){.mac = mac_n(first + i)};
        snprintf(m->port, sizeof(m->port), "%s", port);
    }
}

/* An empty configuration, beside that of before. */
static void next_conf(void)
{
    now = !now;
    for (unsigned i = 0; i < NETS; i++) {
        confs[now][i] = (struct conf_network){.static_macs = macs[now][i], .flood_macs = floods[now][i]};
        snprintf(confs[now][i].name, sizeof(confs[now][i].name), "net%u", i);
        networks[i] = (struct gateway_network){.id = (dp_net_id)(i + 1), .conf = &confs[now][i]};
    }
}

static struct gateway_statics *begin(bool first)
{
    const struct conf_network **before = first ? NULL : calloc(NETS + 1, sizeof(*before));
    struct gateway_statics *s;

    for (unsigned i = 0; !first && i < NETS; i++)
        before[i + 1] = &confs[!now][i];
    s = gateway_statics_begin(&g, before);
    ck_assert_ptr_nonnull(s);
    return s;
}

/* In how many parts all is done; none is larger than the budget, and each brings it nearer to its end. */
static unsigned apply(bool first, unsigned budget)
{
    struct gateway_statics *s = begin(first);
    size_t left = gateway_statics_left(s), after;
    unsigned parts = 0, done;
    bool more = true;

    while (more) {
        done = fdb.programs + fdb.removes;
        more = gateway_statics_more(s, budget, warn, &g);
        ck_assert_uint_le(fdb.programs + fdb.removes - done, budget);
        after = gateway_statics_left(s);
        ck_assert_uint_le(left - after, budget);
        ck_assert(more ? after < left : after == 0);
        left = after;
        parts++;
    }
    gateway_statics_free(s);
    return parts;
}

static void at_gateway(void)
{
    static const struct neighbor_ops no_ips;

    setup();
    vtep = (struct gateway_vtep){.id = 1, .is_static = true};
    ck_assert(ipaddr_parse("198.18.0.2", &vtep.address));
    priv = (struct gateway_private){0};
    g = (struct gateway){.macs = table,
                         .neighbors = neighbor_new(16, &no_ips, NULL),
                         .networks = networks,
                         .n_networks = NETS,
                         .max_networks = NETS,
                         .vteps = &vtep,
                         .n_vteps = 1,
                         .max_vteps = 1,
                         .n_ports = 2,
                         .priv = &priv};
    for (unsigned i = 0; i < 2; i++)
        g.ports[i] = (struct gateway_port){.id = (dp_port_id)(i + 1), .access = &trunks[i]};
    warnings = 0;
    next_conf();
}

static void gateway_gone(void)
{
    neighbor_free(g.neighbors);
    teardown();
}

static unsigned total(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < NETS; i++)
        n += (unsigned)(conf_of(i)->n_static_macs + conf_of(i)->n_flood_macs);
    return n;
}

/* The table has what the configuration of now says, and nothing else. */
static void check_all(void)
{
    ck_assert_uint_eq(mactable_count(table), total());
    for (unsigned i = 0; i < NETS; i++) {
        const struct conf_network *c = conf_of(i);

        for (size_t k = 0; k < c->n_static_macs; k++) {
            const struct mac_entry *e = mactable_find(table, networks[i].id, c->static_macs[k].mac);

            ck_assert(e && e->origin == MAC_STATIC);
            if (c->static_macs[k].port[0])
                ck_assert(e->where == DP_WHERE_PORT &&
                          e->target == (strcmp(c->static_macs[k].port, "vm") == 0 ? 2 : 1));
            else
                ck_assert(e->where == DP_WHERE_VTEP && e->target == 1);
        }
        for (size_t k = 0; k < c->n_flood_macs; k++) {
            const struct mac_entry *e = mactable_find(table, networks[i].id, c->flood_macs[k]);

            ck_assert(e && e->origin == MAC_FLOOD);
        }
    }
    check_consistent();
}

START_TEST(test_so_many_at_a_time)
{
    list_statics(0, 0, 250, "trunk");
    list_statics(2, 0, 3, "vm");
    ck_assert_uint_eq(apply(true, 100), 3);
    check_all();
    next_conf();
    list_statics(1, 100, 200, "trunk");
    ck_assert_uint_eq(apply(false, 100), 5); /* 253 go, 200 come */
    check_all();
    next_conf();
    ck_assert_uint_eq(apply(false, UINT_MAX), 1);
    check_all();
    next_conf();
    ck_assert_uint_eq(apply(false, 1), 1);
    ck_assert_uint_eq(warnings, 0);
}
END_TEST

/* What goes makes room for what comes, in whatever networks they are. */
START_TEST(test_those_that_go_go_first)
{
    fdb.capacity = ROOM;
    for (unsigned round = 0; round < 4; round++) {
        if (round > 0)
            next_conf();
        list_statics(round % 2 ? 0 : NETS - 1, 0, ROOM, "trunk");
        (void)apply(round == 0, 7);
        check_all();
    }
    ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(test_what_is_the_same_is_left_alone)
{
    list_statics(0, 0, 50, "trunk");
    conf_of(1)->flood_macs[conf_of(1)->n_flood_macs++] = mac_n(5);
    (void)apply(true, 10);
    check_all();
    unsigned programs = fdb.programs, advertises = fdb.advertises;

    next_conf();
    list_statics(0, 49, 1, "vm"); /* elsewhere, and in another order */
    list_statics(0, 0, 49, "trunk");
    conf_of(1)->flood_macs[conf_of(1)->n_flood_macs++] = mac_n(5);
    (void)apply(false, 10);
    check_all();
    ck_assert_uint_eq(fdb.programs, programs + 1);
    ck_assert_uint_eq(fdb.advertises, advertises + 1);
    ck_assert_uint_eq(fdb.removes, 0);
    next_conf();
    list_statics(0, 0, 50, "");
    for (unsigned i = 0; i < 50; i++)
        conf_of(0)->static_macs[i].vtep = vtep.address;
    (void)apply(false, 10);
    check_all();
    ck_assert(fdb.removes == 1 && fdb.n_routes == 0);
}
END_TEST

/* What was learned is configured from now on, and then forgotten: frames will say where it is. */
START_TEST(test_what_was_learned)
{
    see(1, 3, DP_WHERE_PORT, 2, 0);
    see(1, 4, DP_WHERE_PORT, 2, 0);
    list_statics(0, 3, 1, "trunk");
    (void)apply(true, 10);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 1), 1);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 2), 1);
    next_conf();
    (void)apply(false, 10);
    ck_assert_uint_eq(mactable_count(table), 1);
    check_consistent();
}
END_TEST

/* Of each network one line, and all the others are there. */
START_TEST(test_places_that_are_not_here)
{
    for (unsigned i = 0; i < NETS; i++) {
        list_statics(i, 0, 5, i == 1 ? "trunk" : "nowhere");
        list_statics(i, 5, 20, "trunk");
    }
    (void)apply(true, 4);
    ck_assert_uint_eq(warnings, 2);
    ck_assert_str_eq(warned, "network net2: configured MAC 02:00:00:00:00:00: its port or VTEP is not one of "
                             "this gateway");
    ck_assert_uint_eq(mactable_count(table), 65);
    check_consistent();
}
END_TEST

/* Ended before it was through: nothing is leaked (the sanitizers say), and another one goes on from there. */
START_TEST(test_given_up)
{
    list_statics(0, 0, 50, "trunk");
    (void)apply(true, 50);
    next_conf();
    list_statics(0, 100, 50, "trunk");
    struct gateway_statics *s = begin(false);

    ck_assert(gateway_statics_more(s, _i == 0 ? 20 : 70, warn, &g));
    gateway_statics_free(s);
    next_conf();
    list_statics(0, 20, 60, "vm");
    (void)apply(false, 9);
    ck_assert_uint_eq(mactable_count_at(table, DP_WHERE_PORT, 2), 60);
    gateway_statics_free(NULL);
}
END_TEST

START_TEST(test_any_configuration_after_any_other)
{
    srand((unsigned)_i);
    for (unsigned round = 0; round < 20; round++) {
        if (round > 0)
            next_conf();
        for (unsigned i = 0; i < NETS; i++) {
            unsigned first = (unsigned)rand() % 100, n = (unsigned)rand() % 100;

            list_statics(i, first, n, rand() % 2 ? "trunk" : "vm");
            for (unsigned k = (unsigned)rand() % 30; k > 0; k--)
                conf_of(i)->flood_macs[conf_of(i)->n_flood_macs++] = mac_n(500 + k);
        }
        (void)apply(round == 0, 1 + (unsigned)rand() % 150);
        check_all();
    }
    ck_assert_uint_eq(warnings, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gateway_statics");
    TCase *c = tcase_create("gateway_statics");

    tcase_add_checked_fixture(c, at_gateway, gateway_gone);
    tcase_add_test(c, test_so_many_at_a_time);
    tcase_add_test(c, test_those_that_go_go_first);
    tcase_add_test(c, test_what_is_the_same_is_left_alone);
    tcase_add_test(c, test_what_was_learned);
    tcase_add_test(c, test_places_that_are_not_here);
    tcase_add_loop_test(c, test_given_up, 0, 2);
    tcase_add_loop_test(c, test_any_configuration_after_any_other, 0, 10);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
