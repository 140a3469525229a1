/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands about moves, on a gateway made up in cmd_rig.h: what is shown of the journal, page by page,
 * and what may be prepared.
 */
#include "controlplane/rehearse.h"
#include "tests/unit/cmd_rig.h"
#include "tests/unit/journal_sample.h"

static const char conf[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
    "access: [ { name: trunk, interface: lan0 } ]\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100, peers: [ { address: 198.18.0.3, learning: on },\n"
    "      { address: 198.18.0.4 } ] }\n"
    "  - { name: db, vlan: 200, vni: 10200, peers: [ { address: 198.18.0.4 } ],\n"
    "      static_macs: [ { mac: '02:00:5e:00:00:63', port: trunk } ] }\n"
    "sites: [ { name: london, vteps: [ 198.18.0.9, 198.18.0.3 ] },\n"
    "  { name: rome, vteps: [ 198.18.0.4 ] } ]\n";

#define WEB    1
#define DB     2
#define TRUNK  1
#define LONDON 1 /* VTEP ids */
#define MAC1   "\"mac\":\"02:00:5e:00:00:01\""

static void setup(void)
{
    start(conf);
}

#define ck_refused(request, sentence)                                                                        \
    do {                                                                                                     \
        char *text = raw(request);                                                                           \
        ck_assert_str_eq(text, "{\"ok\":false,\"error\":\"" sentence "\"}");                                 \
        cJSON_free(text);                                                                                    \
    } while (0)

static void add_moves(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        struct journal_entry e = sample(i % 10, 100);

        strcpy(e.network, i % 2 ? "web" : "db");
        journal_open(rig_journal, &e);
    }
}

/* ---- show moves */

START_TEST(test_moves_empty)
{
    ck_ask("{\"cmd\":\"show moves\"}", {"total", "0"}, {"moves", "[]"}, {"prepared", "0"}, {"left_out", "0"},
           {"next", "missing"});
    ck_ask("{\"cmd\":\"show moves\",\"prepared\":true}", {"prepared", "[]"}, {"moves", "missing"});
}
END_TEST

START_TEST(test_moves_newest_first)
{
    add_moves(1, 60);
    ck_ask("{\"cmd\":\"show moves\",\"last\":2}", {"total", "60"}, {"details", "false"}, {"moves/0/id", "60"},
           {"moves/1/id", "59"}, {"moves/2", "missing"}, {"next", "missing"}, {"moves/0/network", "\"db\""},
           {"moves/0/from/site", "\"paris\""}, {"moves/0/to/port", "\"trunk\""},
           {"moves/0/detected", "\"rarp\""}, {"moves/0/stages/bgp_ns", "null"},
           {"moves/0/stages/silent_ns", "230000000"}, {"moves/0/dark_ns", "230371000"},
           {"moves/0/dark_complete", "true"}, {"moves/0/time", "\"2026-05-01T12:00:00.123456789Z\""},
           {"moves/0/ips/1", "\"2001:db8::7\""}, {"moves/0/open", "true"},
           {"moves/0/announcements", "99"}); /* as it is now */
    ck_ask("{\"cmd\":\"show moves\"}", {"moves/49/id", "11"}, {"moves/50", "missing"}, {"next", "missing"});
    ck_ask("{\"cmd\":\"show moves\",\"network\":\"web\",\"last\":1}", {"moves/0/id", "59"});
    ck_ask("{\"cmd\":\"show moves\"," MAC1 ",\"last\":2}", {"details", "true"}, {"moves/0/id", "51"},
           {"moves/1/id", "41"}, {"moves/2", "missing"});
    ck_ask("{\"cmd\":\"show moves\",\"last\":0}", {"moves", "[]"}, {"next", "missing"});
}
END_TEST

/* Asks for all pages; returns how many entries came, each with an id one lower than the last. */
static unsigned pages(const char *more, unsigned first_id, unsigned step)
{
    char request[256], next[128] = "";
    unsigned n = 0;

    do {
        const cJSON *rows, *row;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"show moves\"%s%s}", more, next);
        r = ask(request);
        rows = cJSON_GetObjectItem(r, "moves");
        cJSON_ArrayForEach(row, rows)
        {
            ck_assert_uint_eq((unsigned)cJSON_GetObjectItem(row, "id")->valuedouble, first_id - step * n);
            n++;
        }
        next[0] = '\0';
        if (cJSON_GetObjectItem(r, "next"))
            snprintf(next, sizeof(next), ",\"cursor\":%s", at(r, "next"));
        cJSON_Delete(r);
        /* What comes meanwhile is not in it. */
        if (next[0])
            add_moves(1, 1);
    } while (next[0]);
    return n;
}

START_TEST(test_moves_pages)
{
    add_moves(1, 1000);
    ck_assert_uint_eq(pages(",\"all\":true", 1000, 1), 1000);
    ck_assert_uint_eq(pages(",\"last\":450", (unsigned)journal_last_id(rig_journal), 1), 450);
    ck_refused("{\"cmd\":\"show moves\",\"cursor\":\"x\"}", "that is no cursor of \\\"show moves\\\"");
    ck_refused("{\"cmd\":\"show moves\",\"cursor\":\"ffffffffffffffff00000001\"}",
               "that is no cursor of \\\"show moves\\\"");
}
END_TEST

/* ---- move prepare */

START_TEST(test_prepare)
{
    learn(WEB, 1, DP_WHERE_PORT, TRUNK);
    learn(WEB, 2, DP_WHERE_VTEP, LONDON);
    ck_ask("{\"cmd\":\"move prepare\"," MAC1 ",\"to\":\"london\"}", {"network", "\"web\""},
           {"direction", "\"away\""}, {"state", "\"asking\""}, {"site", "\"london\""},
           {"vtep", "\"198.18.0.3\""}, {"seconds_left", "60"}, {"asked", "\"here\""});
    ck_ask("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"paris\",\"timeout\":\"5m\"}",
           {"direction", "\"here\""}, {"vtep", "\"198.18.0.3\""}, {"seconds_left", "300"});
    ck_assert_uint_eq(rig_waits, 0); /* there is no connection to answer on later */
    ck_ask("{\"cmd\":\"show moves\",\"prepared\":true}", {"prepared/0/mac", "\"02:00:5e:00:00:01\""},
           {"prepared/1/mac", "\"02:00:5e:00:00:02\""}, {"prepared/2", "missing"});
    ck_ask("{\"cmd\":\"show moves\",\"prepared\":true,\"network\":\"db\"}", {"prepared", "[]"});
    ck_ask("{\"cmd\":\"show moves\"}", {"prepared", "2"});
    /* What was prepared to move elsewhere is not meant. */
    ck_refused("{\"cmd\":\"move cancel\"," MAC1 ",\"to\":\"paris\"}",
               "that MAC is prepared to move to another site (show moves --prepared)");
    ck_refused("{\"cmd\":\"move cancel\"," MAC1 ",\"to\":\"rome\"}",
               "that MAC is prepared to move to another site (show moves --prepared)");
    ck_refused("{\"cmd\":\"move cancel\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"london\"}",
               "that MAC is prepared to move to another site (show moves --prepared)");
    ck_ask("{\"cmd\":\"move cancel\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"paris\"}",
           {"state", "\"cancelled\""});
    ck_ask("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"paris\"}",
           {"state", "\"asking\""});
    ck_ask("{\"cmd\":\"move cancel\"," MAC1 ",\"to\":\"london\"}", {"state", "\"cancelled\""},
           {"network", "\"web\""});
    ck_refused("{\"cmd\":\"move cancel\"," MAC1 "}",
               "no move of that MAC is prepared (show moves --prepared)");
    ck_ask("{\"cmd\":\"move commit\",\"mac\":\"02:00:5e:00:00:02\"}", {"state", "\"asking\""});
    ck_assert_uint_eq(rig_arrivals, 1);
    /* By the address of a VTEP. */
    ck_ask("{\"cmd\":\"move prepare\"," MAC1 ",\"to\":\"198.18.0.4\"}", {"site", "\"rome\""});
}
END_TEST

START_TEST(test_prepare_refused)
{
    learn(WEB, 1, DP_WHERE_PORT, TRUNK);
    learn(DB, 1, DP_WHERE_PORT, TRUNK);
    learn(DB, 3, DP_WHERE_PORT, TRUNK);
    learn(WEB, 2, DP_WHERE_VTEP, LONDON);
    ck_refused("{\"cmd\":\"move prepare\",\"to\":\"london\"}", "which MAC? (--mac)");
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"to\":\"london\"}",
               "that MAC is in the networks web and db: say which one with --network");
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"dmz\",\"to\":\"london\"}",
               "no network of that name; \\\"show networks\\\" lists them");
    ck_refused("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:09\",\"to\":\"london\"}",
               "that MAC is not known; it must have sent something before it moves");
    ck_refused(
        "{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:03\",\"network\":\"web\",\"to\":\"london\"}",
        "that MAC is not known in that network; it must have sent something before it moves");
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\"}", "to which site? (--to)");
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\",\"to\":\"berlin\"}",
               "no site \\\"berlin\\\": there are paris (this one), london, rome");
    /* London's VTEP is no peer of this network. */
    ck_refused("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:03\",\"to\":\"london\"}",
               "no gateway of london serves network db now (show networks --network db)");
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\",\"to\":\"paris\"}",
               "that MAC is there already");
    ck_refused("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"london\"}",
               "that MAC is there already");
    ck_refused("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"rome\"}",
               "that MAC is at VTEP 198.18.0.3: tell that gateway, or the one that it moves to");
    for (int i = 0; i < 2; i++) {
        const char *const times[] = {"0", "3601"};
        char request[256];

        snprintf(request, sizeof(request),
                 "{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\",\"to\":\"london\",\"timeout\":%s}",
                 times[i]);
        ck_refused(request, "the timeout must be 1 to 3600 seconds");
    }
    ck_assert_int_eq(mactable_add_static(gw.macs, DB, (struct mac){{2, 0, 0x5e, 0, 0, 0x63}},
                                         (struct dp_dest){DP_WHERE_PORT, TRUNK, true, false, false},
                                         mono_now()),
                     0);
    ck_refused("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:63\",\"to\":\"rome\"}",
               "that MAC is configured where it is (static, sticky or flooded): it does not move");
    ck_assert_uint_eq(move_prepare_count(rig_prepared), 0);
    ck_ask("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\",\"to\":\"london\"}",
           {"state", "\"asking\""});
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"network\":\"web\",\"to\":\"rome\"}",
               "it is prepared to move between here and another site; \\\"move cancel\\\" ends that");
    rig_arrive_rc = -ENOTUNIQ;
    ck_ask("{\"cmd\":\"move prepare\",\"mac\":\"02:00:5e:00:00:02\",\"to\":\"paris\"}",
           {"direction", "\"here\""});
    ck_refused("{\"cmd\":\"move commit\",\"mac\":\"02:00:5e:00:00:02\"}",
               "network web is on several access ports here: at which one it is, its first frame will say");
}
END_TEST

START_TEST(test_prepare_of_a_duplicate)
{
    learn(WEB, 1, DP_WHERE_PORT, TRUNK);
    mactable_set_duplicates(gw.macs, 1, 180, 0);
    mactable_remote(gw.macs, WEB, (struct mac){{2, 0, 0x5e, 0, 0, 1}},
                    &(struct mac_route){.vtep = LONDON, .seq = 9, .address = gw.vteps[0].address},
                    mono_now());
    ck_refused("{\"cmd\":\"move prepare\"," MAC1 ",\"to\":\"paris\"}",
               "that MAC is frozen as a duplicate: it is at two places; \\\"clear duplicate\\\" ends that");
}
END_TEST

START_TEST(test_watch_without_a_connection)
{
    ck_refused("{\"cmd\":\"watch\"}", "nobody is there to be told");
}
END_TEST

/* ---- move rehearse */

static int no_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    (void)arg, (void)net, (void)vtep, (void)frame, (void)len;
    return 0;
}

static void no_forget(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
}

/* It serves other networks, not this one: no synthetic MAC would come there. */
START_TEST(test_rehearse_where_the_network_is)
{
    ck_refused("{\"cmd\":\"move rehearse\",\"network\":\"db\",\"to\":\"london\"}",
               "no gateway of london serves network db now (show networks --network db)");
    ck_refused("{\"cmd\":\"move rehearse\",\"network\":\"web\",\"to\":\"london\"}",
               "a rehearsal needs BGP, and the configuration has no bgp section");
    ck_refused("{\"cmd\":\"move rehearse\",\"network\":\"web\",\"to\":\"paris\"}",
               "paris is this gateway's own site");
}
END_TEST

/* Hosts may have any address of 169.254.0.0/16 but one; or all. */
START_TEST(test_rehearse_takes_nobodys_address)
{
    static const struct oam_ops oam_ops = {.send = no_send};
    static const struct rehearse_ops ops = {.forget = no_forget};
    bool all = _i;
    char ip[32];

    gw.oam = oam_new((struct mac){{2}}, 1, &oam_ops, NULL);
    gw.rehearse = rehearse_new(gw.oam, &ops, NULL);
    gw.overlay = (struct overlay *)&gw; /* nobody looks into it */
    ck_assert(gw.oam && gw.rehearse);
    for (unsigned i = 0; i < 254 * 256; i++) {
        unsigned host = 1000 + i / 30;

        if (i % 30 == 0)
            learn(WEB, host, DP_WHERE_PORT, TRUNK);
        snprintf(ip, sizeof(ip), "169.254.%u.%u", 1 + i / 256, i % 256);
        if (all || i != 254 * 100 + 7)
            ck_assert_int_eq(show_ip(WEB, host, ip, 0, 1), 0);
    }
    snprintf(ip, sizeof(ip), "\"169.254.%u.%u\"", 1 + (254 * 100 + 7) / 256, (254 * 100 + 7) % 256);
    if (all)
        ck_refused("{\"cmd\":\"move rehearse\",\"network\":\"web\",\"to\":\"london\"}",
                   "hosts of that network have all addresses of 169.254.0.0/16");
    else
        ck_ask("{\"cmd\":\"move rehearse\",\"network\":\"web\",\"to\":\"london\"}", {"ip", ip},
               {"vtep", "\"198.18.0.3\""});
    rehearse_free(gw.rehearse);
    oam_free(gw.oam);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cmd_moves");
    TCase *c = tcase_create("commands");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_moves_empty);
    tcase_add_test(c, test_moves_newest_first);
    tcase_add_test(c, test_moves_pages);
    tcase_add_test(c, test_prepare);
    tcase_add_test(c, test_prepare_refused);
    tcase_add_test(c, test_prepare_of_a_duplicate);
    tcase_add_test(c, test_watch_without_a_connection);
    tcase_add_test(c, test_rehearse_where_the_network_is);
    tcase_add_loop_test(c, test_rehearse_takes_nobodys_address, 0, 2);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
