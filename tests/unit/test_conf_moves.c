/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What moves need of the configuration: proxy and site gateways of networks, the other sites, the moves
 * section. What loads, what it prints as, and what does not load (marked as conf_expect.h says).
 */
#include "tests/unit/conf_expect.h"

#define NETWORK_V6(text) HEAD "underlay: { address: \"fd00::1\", port: { interface: wan0 } }\n" ACC NETS text

static const char all_keys[] = HEAD UNDER ACC
    "networks:\n"
    "  - name: a\n"
    "    vlan: 1\n"
    "    vni: 1\n"
    "    proxy: off\n"
    "    site_gateways:\n"
    "      - { address: 10.0.0.1, mac: \"00:00:5E:00:01:01\" }\n"
    "      - { address: \"fe80::1\", mac: 00-00-5e-00-01-01 }\n"
    "  - { name: b, vlan: 2, vni: 2, site_gateways: [ { address: 10.0.0.1, mac: 02:00:00:00:00:01 } ] }\n"
    "sites:\n"
    "  - { name: london, vteps: [ 198.18.0.2, 198.18.0.3 ] }\n"
    "  - { name: \"on\", vteps: [ 198.18.1.1 ] }\n"
    "moves:\n"
    "  announce: { repeats: 10, interval: 60000, limit: unlimited }\n"
    "  bounce: 60\n"
    "  journal: \"/var/lib/causeway/moves #1\"\n"
    "  journal_size: 1000000\n";

static struct conf *load(const char *yaml)
{
    struct conf_errors errors;
    struct conf *c = conf_load_string("FILE", yaml, strlen(yaml), &errors);

    ck_assert_msg(c, "%s\n%s", errors.n ? errors.text[0] : "no message", yaml);
    conf_errors_free(&errors);
    return c;
}

static bool is(const struct ipaddr *a, const char *text)
{
    struct ipaddr b;

    return ipaddr_parse(text, &b) && ipaddr_eq(a, &b);
}

static char *print(const struct conf *c)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    conf_print(c, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

/* ---- what loads */

START_TEST(test_defaults)
{
    struct conf *c = load(BASE);

    ck_assert(c->networks[0].proxy); /* R7.2 */
    ck_assert_uint_eq(c->networks[0].n_routers, 0);
    ck_assert_uint_eq(c->n_sites, 0);
    ck_assert_uint_eq(c->moves.repeats, 2); /* R6.3 */
    ck_assert_uint_eq(c->moves.interval_ms, 1100);
    ck_assert_uint_eq(c->moves.limit, 1000);
    ck_assert_uint_eq(c->moves.bounce, 5); /* R6.5 */
    ck_assert_uint_eq(c->moves.journal_size, 10000);
    ck_assert_str_eq(c->moves.journal, "");
    conf_free(c);
}
END_TEST

static void check_all_keys(const struct conf *c)
{
    const struct conf_network *a = &c->networks[0];
    static const struct mac vrrp = {{0, 0, 0x5e, 0, 1, 1}};

    ck_assert(!a->proxy && c->networks[1].proxy);
    ck_assert_uint_eq(a->n_routers, 2);
    ck_assert(is(&a->routers[0].address, "10.0.0.1") && mac_eq(a->routers[0].mac, vrrp));
    ck_assert(is(&a->routers[1].address, "fe80::1") && mac_eq(a->routers[1].mac, vrrp));
    ck_assert_uint_eq(c->networks[1].n_routers, 1);
    ck_assert_uint_eq(c->n_sites, 2);
    ck_assert_str_eq(c->sites[0].name, "london");
    ck_assert_uint_eq(c->sites[0].n_vteps, 2);
    ck_assert(is(&c->sites[0].vteps[0], "198.18.0.2") && is(&c->sites[0].vteps[1], "198.18.0.3"));
    ck_assert_str_eq(c->sites[1].name, "on");
    ck_assert(c->sites[1].n_vteps == 1 && is(&c->sites[1].vteps[0], "198.18.1.1"));
    ck_assert_uint_eq(c->moves.repeats, 10);
    ck_assert_uint_eq(c->moves.interval_ms, 60000);
    ck_assert_uint_eq(c->moves.limit, CONF_NO_LIMIT);
    ck_assert_uint_eq(c->moves.bounce, 60);
    ck_assert_str_eq(c->moves.journal, "/var/lib/causeway/moves #1");
    ck_assert_uint_eq(c->moves.journal_size, 1000000);
}

/* As written, and as printed and read again. */
START_TEST(test_all_keys)
{
    struct conf *c = load(all_keys), *d;
    char *text = print(c), *again;

    check_all_keys(c);
    d = load(text);
    check_all_keys(d);
    again = print(d);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
    conf_free(c);
    conf_free(d);
}
END_TEST

START_TEST(test_smallest_values)
{
    struct conf *c = load(BASE "sites: []\nmoves: { announce: { repeats: 0, interval: 1000, limit: 1 }, "
                               "bounce: off, journal_size: 16 }\n");
    char *text = print(c);

    ck_assert(c->n_sites == 0 && c->moves.repeats == 0 && c->moves.interval_ms == 1000);
    ck_assert(c->moves.limit == 1 && c->moves.bounce == 0 && c->moves.journal_size == 16);
    ck_assert_ptr_nonnull(strstr(text, "\n  bounce: off\n"));
    ck_assert_ptr_null(strstr(text, "sites:"));
    free(text);
    conf_free(c);
    conf_free(load(BASE "moves: {}\n"));
    conf_free(load(BASE "moves: { announce: {}, bounce: 0 }\n"));
}
END_TEST

START_TEST(test_print_says_the_defaults)
{
    static const char *const lines[] = {
        "    proxy: on\n",
        "moves:\n  announce:\n    repeats: 2\n    interval: 1100\n    limit: 1000\n  bounce: 5\n  "
        "journal_size: "
        "10000\n",
    };
    struct conf *c = load(BASE);
    char *text = print(c);

    for (size_t i = 0; i < COUNT(lines); i++)
        ck_assert_msg(strstr(text, lines[i]), "no %sin\n%s", lines[i], text);
    free(text);
    conf_free(c);
}
END_TEST

/* ---- what does not */

#define ROUTERS(text) NETWORK("site_gateways: [ " text " ]")

static const struct mistake mistakes[] = {
    {"proxy", NETWORK("proxy: @maybe"), "proxy: found \"maybe\", expected on or off"},

    {"router without address", ROUTERS("@{ mac: 02:00:00:00:00:01 }"),
     "address is missing in a site gateway"},
    {"router without MAC", ROUTERS("@{ address: 10.0.0.1 }"),
     "mac is missing in a site gateway, expected mac: a host's MAC"},
    {"unknown key of a router", ROUTERS("{ address: 10.0.0.1, mac: 02:00:00:00:00:01, @macc: 1 }"),
     "unknown key \"macc\" in a site gateway, did you mean \"mac\"?"},
    {"router's address a group's", ROUTERS("{ address: @224.0.0.1, mac: 02:00:00:00:00:01 }"),
     "is not the unicast address of a router, expected the unicast address of the site's router"},
    {"router's address broadcast", ROUTERS("{ address: @255.255.255.255, mac: 02:00:00:00:00:01 }"),
     "is not the unicast address"},
    {"router's address unspecified", ROUTERS("{ address: @\"::\", mac: 02:00:00:00:00:01 }"),
     "is not the unicast address"},
    {"router's address no address", ROUTERS("{ address: @10.0.0, mac: 02:00:00:00:00:01 }"),
     "is no IP address"},
    {"router's MAC a group's", ROUTERS("{ address: 10.0.0.1, mac: @33:33:00:00:00:01 }"),
     "is a group address (multicast or broadcast), expected a host's MAC"},
    {"router's MAC zero", ROUTERS("{ address: 10.0.0.1, mac: @00:00:00:00:00:00 }"), "is the zero address"},
    {"router twice",
     ROUTERS("{ address: 10.0.0.1, mac: 02:00:00:00:00:01 },\n"
             "                  { address: @10.0.0.1, mac: 02:00:00:00:00:02 }"),
     "site gateway 10.0.0.1 is there twice in this network (first on line 6), keep one"},
    {"nine routers",
     ROUTERS("{ address: 10.0.0.1, mac: 02:00:00:00:00:01 }, { address: 10.0.0.2, mac: 02:00:00:00:00:01 }, "
             "{ address: 10.0.0.3, mac: 02:00:00:00:00:01 }, { address: 10.0.0.4, mac: 02:00:00:00:00:01 }, "
             "{ address: 10.0.0.5, mac: 02:00:00:00:00:01 }, { address: 10.0.0.6, mac: 02:00:00:00:00:01 }, "
             "{ address: 10.0.0.7, mac: 02:00:00:00:00:01 }, { address: 10.0.0.8, mac: 02:00:00:00:00:01 }, "
             "@{ address: 10.0.0.9, mac: 02:00:00:00:00:01 }"),
     "site_gateways: more than 8"},
    {"routers no list", NETWORK("site_gateways: @{ address: 10.0.0.1 }"),
     "site_gateways: found a mapping, expected a list"},

    {"site without name", BASE "sites: [ @{ vteps: [ 198.18.0.2 ] } ]\n", "name is missing in a site"},
    {"site without VTEPs", BASE "sites: [ @{ name: a } ]\n",
     "vteps is missing in a site, expected vteps: a list"},
    {"site with no VTEP", BASE "sites: [ { name: a, vteps: @[] } ]\n",
     "vteps: the list is empty, give at least one"},
    {"site of a bad name", BASE "sites: [ { name: @\"a b\", vteps: [ 198.18.0.2 ] } ]\n",
     "has characters that a name cannot have"},
    {"our own site", BASE "sites: [ { name: @s, vteps: [ 198.18.0.2 ] } ]\n",
     "name: s is this gateway's own site (line 1), expected another one's"},
    {"a site twice",
     BASE "sites:\n  - { name: a, vteps: [ 198.18.0.2 ] }\n  - { name: @a, vteps: [ 198.18.0.3 ] }\n",
     "name: site a is there twice (first on line 7), keep one"},
    {"a VTEP at two sites",
     BASE "sites:\n  - { name: a, vteps: [ 198.18.0.2 ] }\n  - { name: b, vteps: [ @198.18.0.2 ] }\n",
     "vteps: 198.18.0.2 is listed twice (first on line 7), a gateway is at one site"},
    {"a VTEP twice at one site", BASE "sites: [ { name: a, vteps: [ 198.18.0.2, @198.18.0.2 ] } ]\n",
     "vteps: 198.18.0.2 is listed twice (first on line 6)"},
    {"our own VTEP", BASE "sites: [ { name: a, vteps: [ @198.18.0.1 ] } ]\n",
     "vteps: 198.18.0.1 is this gateway's own address, expected another one's"},
    {"a VTEP of the other family", BASE "sites: [ { name: a, vteps: [ @\"fd00::2\" ] } ]\n",
     "vteps: fd00::2 is IPv6 but the underlay's address is IPv4, expected an IPv4 address"},
    {"a VTEP of the other family, IPv6", NETWORK_V6("sites: [ { name: a, vteps: [ @198.18.0.2 ] } ]\n"),
     "vteps: 198.18.0.2 is IPv4 but the underlay's address is IPv6, expected an IPv6 address"},
    {"a link-local VTEP", NETWORK_V6("sites: [ { name: a, vteps: [ @\"fe80::2\" ] } ]\n"),
     "is a link-local address, which no other site can reach"},
    {"a VTEP that is none", BASE "sites: [ { name: a, vteps: [ @london ] } ]\n",
     "vteps: \"london\" is no IP address, expected an IPv4 or IPv6 address"},

    {"unknown key in moves", BASE "moves: { @bonce: 5 }\n",
     "unknown key \"bonce\" in the moves section, did you mean \"bounce\"?"},
    {"unknown key in announce", BASE "moves: { announce: { @intervall: 2000 } }\n",
     "unknown key \"intervall\" in the announce section, did you mean \"interval\"?"},
    {"repeats", BASE "moves: { announce: { repeats: @11 } }\n",
     "repeats: 11 is out of range, expected a whole number from 0 to 10"},
    {"interval too short", BASE "moves: { announce: { interval: @999 } }\n",
     "interval: 999 is out of range, expected a whole number from 1000 to 60000"},
    {"interval too long", BASE "moves: { announce: { interval: @60001 } }\n",
     "interval: 60001 is out of range"},
    {"limit", BASE "moves: { announce: { limit: @0 } }\n",
     "limit: 0 is out of range, expected a whole number from 1 to 1000000000 or unlimited"},
    {"bounce", BASE "moves: { bounce: @61 }\n",
     "bounce: 61 is out of range, expected a whole number from 0 to 60 or off"},
    {"bounce on", BASE "moves: { bounce: @on }\n", "bounce: found \"on\", expected"},
    {"journal relative", BASE "moves: { journal: @moves.json }\n",
     "is not the absolute path of a file, expected an absolute path"},
    {"journal a folder", BASE "moves: { journal: @/var/lib/ }\n", "is not the absolute path of a file"},
    {"journal too long",
     BASE
     "moves: { journal: @/12345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "123456789012345678901234567 }\n",
     "is too long, expected an absolute path of at most 107 characters"},
    {"journal small", BASE "moves: { journal_size: @15 }\n",
     "journal_size: 15 is out of range, expected a whole number from 16 to 1000000"},
    {"journal large", BASE "moves: { journal_size: @1000001 }\n", "journal_size: 1000001 is out of range"},
    {"journal is the socket", BASE "moves: { journal: @/run/causeway/api.sock }\n",
     "/run/causeway/api.sock is the path of moves.journal and of api.socket, each needs its own"},
    {"socket is the journal", BASE "moves: { journal: /run/a }\napi: { socket: @/run/a }\n",
     "/run/a is the path of moves.journal and of api.socket"},
};

START_TEST(test_one_mistake)
{
    const struct mistake *m = &mistakes[_i];

    expect(m->what, m->yaml, &m->needle);
}
END_TEST

/* What is wrong already says nothing more: a bad own address, a bad site name, a bad VTEP. */
START_TEST(test_no_follow_up_mistakes)
{
    static const char *const needles[] = {"name", "address", "name", "vteps", "bounce"};

    expect("no follow-ups",
           "site: @\"a b\"\ngateway: g\n"
           "underlay: { address: @nowhere, port: { interface: wan0 } }\n" ACC NETS
           "sites:\n  - { name: @\"a b\", vteps: [ \"fd00::1\", @x, 198.18.0.1 ] }\n"
           "moves: { bounce: @x, journal: /run/causeway/x }\n",
           needles);
}
END_TEST

/* As many sites as VTEPs: linear. */
START_TEST(test_largest)
{
    char *text = NULL, *printed;
    struct conf *c, *d;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    fputs(BASE "sites:\n", f);
    for (int i = 0; i < CONF_MAX_VTEPS; i++)
        fprintf(f, "  - { name: site-%d, vteps: [ 198.19.%d.%d ] }\n", i, i / 250, i % 250 + 1);
    fclose(f);
    c = load(text);
    ck_assert_uint_eq(c->n_sites, CONF_MAX_VTEPS);
    printed = print(c);
    d = load(printed);
    ck_assert_uint_eq(d->n_sites, CONF_MAX_VTEPS);
    ck_assert_str_eq(d->sites[1022].name, "site-1022");
    free(text);
    free(printed);
    conf_free(c);
    conf_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf_moves");
    TCase *tc = tcase_create("conf_moves");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_defaults);
    tcase_add_test(tc, test_all_keys);
    tcase_add_test(tc, test_smallest_values);
    tcase_add_test(tc, test_print_says_the_defaults);
    tcase_add_loop_test(tc, test_one_mistake, 0, (int)COUNT(mistakes));
    tcase_add_test(tc, test_no_follow_up_mistakes);
    tcase_add_test(tc, test_largest);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
