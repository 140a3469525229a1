/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP EVPN part of a configuration: what it means, its defaults, what is said about mistakes, and that
 * conf_print() writes what loads to the same.
 */
#include "conf/conf_rt.h"
#include "tests/unit/conf_expect.h"

#define BGP(text)   BASE "bgp: { asn: 65000, " text " }\n"
#define PEER(text)  BGP("peers: [ { address: 198.18.0.2, " text " } ]")
#define PEERS(text) BGP("peers: [ " text " ]")
#define UNDER6      "underlay: { address: fd00::1, port: { interface: wan0 } }\n"
#define BASE6       HEAD UNDER6 ACC NETS
#define TARGETS(text)                                                                                        \
    HEAD UNDER ACC "networks: [ { name: web, vlan: 100, vni: 1, route_targets: " text " } ]\n"

static struct conf *load(const char *yaml)
{
    struct conf_errors errors;
    struct conf *c = conf_load_string("FILE", yaml, strlen(yaml), &errors);

    ck_assert_msg(c, "%s\n%s", errors.n ? errors.text[0] : "no message", yaml);
    conf_errors_free(&errors);
    return c;
}

static char *print(const struct conf *c, bool masked)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(f);
    (masked ? conf_print_masked : conf_print)(c, f);
    ck_assert_int_eq(fclose(f), 0);
    return text;
}

/* Prints c, which it frees, and loads that. */
static struct conf *reload(struct conf *c)
{
    char *text = print(c, false), *again;
    struct conf *d = load(text);

    again = print(d, false);
    ck_assert_str_eq(text, again);
    free(text);
    free(again);
    conf_free(c);
    return d;
}

#define ck_address(a, text)                                                                                  \
    do {                                                                                                     \
        char buf_[IPADDR_STRLEN];                                                                            \
        ck_assert_str_eq(ipaddr_format((a), buf_), (text));                                                  \
    } while (0)

#define ck_rd(rd, text)                                                                                      \
    do {                                                                                                     \
        char buf_[CONF_RT_STRLEN];                                                                           \
        ck_assert_str_eq(conf_rd_format((rd), buf_), (text));                                                \
    } while (0)

/* ---- defaults */

START_TEST(test_defaults)
{
    struct conf *c = reload(load(PEERS("{ address: 198.18.0.2 }")));
    const struct conf_bgp *b = &c->bgp;
    const struct conf_bgp_peer *p = b->peers;

    ck_assert(b->on);
    ck_assert_uint_eq(b->asn, 65000);
    ck_assert_uint_eq(b->router_id, 0xc6120001);
    ck_address(&b->source, "198.18.0.1");
    ck_assert_uint_eq(b->port, 179);
    ck_assert_uint_eq(b->hold_time, 9);
    ck_assert_uint_eq(b->keepalive, 3);
    ck_assert_uint_eq(b->connect_retry, 5);
    ck_assert_uint_eq(b->graceful_restart, 120);
    ck_assert_int_eq(b->rt_form, CONF_RT_AUTO);
    ck_assert_uint_eq(b->duplicate_moves, 5); /* R5.1 */
    ck_assert_uint_eq(b->duplicate_seconds, 180);
    ck_assert_uint_eq(b->duplicate_hold_down, 0);
    ck_assert_uint_eq(b->n_peers, 1);
    ck_address(&p->address, "198.18.0.2");
    ck_assert_uint_eq(p->asn, 65000);
    ck_assert_str_eq(p->name, "");
    ck_address(&p->source, "198.18.0.1");
    ck_assert_uint_eq(p->port, 179);
    ck_assert(!p->passive);
    ck_assert_str_eq(p->password, "");
    ck_assert_uint_eq(p->ttl_security, 0);
    ck_assert_uint_eq(p->multihop, 0);
    ck_assert_uint_eq(p->max_prefixes, 3 * 131072); /* R2.6 */
    ck_assert_uint_eq(p->max_prefixes_warning, 80);
    ck_assert(p->graceful_restart);
    ck_assert(p->default_vxlan); /* R3.4 */
    conf_free(c);
}
END_TEST

/* A section alone; a network without static peers; all of it on an IPv6 underlay. */
START_TEST(test_small_sections)
{
    struct conf *c = reload(load(BASE "bgp: { asn: 1 }\n"));

    ck_assert(c->bgp.on && c->bgp.n_peers == 0);
    conf_free(c);
    c = reload(load(BASE6 "bgp: { asn: 1, router_id: 10.0.0.1, peers: [ { address: fd00::2 } ] }\n"));
    ck_assert_uint_eq(c->bgp.router_id, 0x0a000001);
    ck_address(&c->bgp.source, "fd00::1");
    ck_address(&c->bgp.peers[0].source, "fd00::1");
    conf_free(c);
}
END_TEST

START_TEST(test_timers)
{
    static const struct {
        const char *keys;
        unsigned hold, keepalive;
    } t[] = {
        {"hold_time: 180", 180, 60},
        {"hold_time: 180, keepalive: 7", 180, 7},
        {"hold_time: 3", 3, 1},
        {"hold_time: 0", 0, 0},
        {"hold_time: 65535", 65535, 21845},
        {"hold_time: 11, keepalive: 3", 11, 3},
        {"keepalive: 1", 9, 1},
    };
    char yaml[512];

    for (size_t i = 0; i < COUNT(t); i++) {
        struct conf *c;

        snprintf(yaml, sizeof(yaml), BGP("%s"), t[i].keys);
        c = reload(load(yaml));
        ck_assert_uint_eq(c->bgp.hold_time, t[i].hold);
        ck_assert_uint_eq(c->bgp.keepalive, t[i].keepalive);
        conf_free(c);
    }
}
END_TEST

/* R2.5: a session may run over either family. Its source: the peer's, else the section's, else the
 * underlay's. */
START_TEST(test_R2_5_sources)
{
    struct conf *c =
        reload(load(BGP("source: fd00::1, peers: [ { address: fd00::2 }, { address: 198.18.0.2 }, "
                        "{ address: fd00::3, source: fd00::9 }, "
                        "{ address: 198.18.0.3, source: 10.0.0.9 } ]")));
    static const char *const want[] = {"fd00::1", "198.18.0.1", "fd00::9", "10.0.0.9"};

    ck_assert_uint_eq(c->bgp.n_peers, COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++)
        ck_address(&c->bgp.peers[i].source, want[i]);
    conf_free(c);
    c = reload(load(BGP("source: 10.0.0.1, peers: [ { address: 10.0.0.2 } ]")));
    ck_address(&c->bgp.peers[0].source, "10.0.0.1");
    ck_assert_uint_eq(c->bgp.router_id, 0xc6120001);
    conf_free(c);
}
END_TEST

/* ---- every key */

static const char all_keys[] =
    HEAD UNDER ACC "networks:\n"
                   "  - { name: a, vlan: 100, vni: 1, rd: \"65000:7\", route_targets: { import: [ "
                   "\"65000:10100\", 198.18.0.1:5 ], export: [ 4200000001:9 ] } }\n"
                   "  - { name: b, vlan: 200, vni: 2, rd: auto, route_targets: auto, static_macs: [ { mac: "
                   "02:00:00:00:00:01, port: t }, { mac: 02:00:00:00:00:02, port: t } ] }\n"
                   "bgp:\n"
                   "  asn: 4200000001\n"
                   "  router_id: 255.0.0.1\n"
                   "  source: 10.0.0.1\n"
                   "  port: 1179\n"
                   "  hold_time: 90\n"
                   "  keepalive: 10\n"
                   "  connect_retry: 65535\n"
                   "  graceful_restart: 4095\n"
                   "  route_targets: rfc8365\n"
                   "  duplicate: { moves: 32, seconds: 60, hold_down: 600 }\n"
                   "  peers:\n"
                   "    - address: 10.0.0.2\n"
                   "      asn: 65001\n"
                   "      name: \"on\"\n"
                   "      source: 10.0.0.3\n"
                   "      port: 65535\n"
                   "      passive: on\n"
                   "      password: 12345\n"
                   "      multihop: 255\n"
                   "      max_prefixes: unlimited\n"
                   "      max_prefixes_warning: 100\n"
                   "      graceful_restart: off\n"
                   "      default_encapsulation: none\n"
                   "    - { address: 10.0.0.4, ttl_security: 254, max_prefixes: 1 }\n"
                   "    - { address: 10.0.0.5, ttl_security: off }\n";

START_TEST(test_all_keys)
{
    struct conf *c = reload(load(all_keys));
    const struct conf_bgp *b = &c->bgp;
    const struct conf_bgp_peer *p = b->peers;

    ck_assert_uint_eq(b->asn, 4200000001);
    ck_assert_uint_eq(b->router_id, 0xff000001);
    ck_address(&b->source, "10.0.0.1");
    ck_assert(b->port == 1179 && b->hold_time == 90 && b->keepalive == 10 && b->connect_retry == 65535);
    ck_assert_uint_eq(b->graceful_restart, 4095);
    ck_assert_int_eq(b->rt_form, CONF_RT_RFC8365);
    ck_assert(b->duplicate_moves == 32 && b->duplicate_seconds == 60 && b->duplicate_hold_down == 600);
    ck_assert_uint_eq(b->n_peers, 3);
    ck_assert_uint_eq(p->asn, 65001);
    ck_assert_str_eq(p->name, "on");
    ck_address(&p->source, "10.0.0.3");
    ck_assert(p->port == 65535 && p->passive);
    ck_assert_str_eq(p->password, "12345");
    ck_assert(p->multihop == 255 && p->ttl_security == 0);
    ck_assert(p->max_prefixes == CONF_NO_LIMIT && p->max_prefixes_warning == 100);
    ck_assert(!p->graceful_restart && !p->default_vxlan);
    ck_assert_uint_eq(p[1].asn, 4200000001);
    ck_address(&p[1].source, "10.0.0.1");
    ck_assert(p[1].ttl_security == 254 && p[1].max_prefixes == 1);
    ck_assert_uint_eq(p[2].ttl_security, 0);
    conf_free(c);
}
END_TEST

START_TEST(test_all_keys_networks)
{
    struct conf *c = reload(load(all_keys));
    const struct conf_network *a = &c->networks[0], *b = &c->networks[1];
    char buf[CONF_RT_STRLEN];

    ck_assert(!a->rd_auto && b->rd_auto);
    ck_rd(&a->rd, "65000:7");
    ck_rd(&b->rd, "255.0.0.1:200");
    ck_assert(a->n_rt_import == 2 && a->n_rt_export == 1);
    ck_assert_str_eq(conf_rt_format(&a->rt_import[0], buf), "65000:10100");
    ck_assert_str_eq(conf_rt_format(&a->rt_import[1], buf), "198.18.0.1:5");
    ck_assert_str_eq(conf_rt_format(&a->rt_export[0], buf), "4200000001:9");
    ck_assert(b->n_rt_import == 0 && b->n_rt_export == 0);
    conf_free(c);
}
END_TEST

START_TEST(test_off)
{
    struct conf *c = reload(load(BGP("graceful_restart: off, duplicate: { moves: off }")));

    ck_assert_uint_eq(c->bgp.graceful_restart, 0);
    ck_assert_uint_eq(c->bgp.duplicate_moves, 0);
    conf_free(c);
    c = reload(load(BGP("graceful_restart: 0, duplicate: {}")));
    ck_assert_uint_eq(c->bgp.graceful_restart, 0);
    ck_assert_uint_eq(c->bgp.duplicate_moves, 5);
    conf_free(c);
}
END_TEST

/* R3.3: one for each network; it stays when other networks come and go. */
START_TEST(test_R3_3_auto_rd)
{
    static const char yaml[] = HEAD UNDER "access: [ { name: t, interface: lan0, networks: [ a, u ] }, { "
                                          "name: v, interface: lan1, networks: [ w ] } ]\n"
                                          "networks:\n%s"
                                          "  - { name: a, vlan: 4094, vni: 1 }\n"
                                          "  - { name: u, vlan: untagged, vni: 2 }\n"
                                          "  - { name: w, vlan: untagged, vni: 3 }\nbgp: { asn: 1 }\n";
    char text[1024];

    for (int more = 0; more < 2; more++) {
        struct conf *c;

        snprintf(text, sizeof(text), yaml, more ? "  - { name: new, vlan: 7, vni: 4, rd: 1:1 }\n" : "");
        c = reload(load(text));
        ck_rd(&conf_network_find(c, "a")->rd, "198.18.0.1:4094");
        ck_rd(&conf_network_find(c, "u")->rd, "198.18.0.1:4095");
        ck_rd(&conf_network_find(c, "w")->rd, "198.18.0.1:4096");
        conf_free(c);
    }
}
END_TEST

/* The keys of networks are accepted, and kept, without a bgp section. */
START_TEST(test_networks_without_bgp)
{
    struct conf *c =
        reload(load(NETWORK("rd: \"1:2\", route_targets: { import: [ 1:3 ], export: [ 1:4 ] }")));
    char *text;

    ck_assert(!c->bgp.on && !c->networks[0].rd_auto && c->networks[0].n_rt_export == 1);
    ck_rd(&c->networks[0].rd, "1:2");
    conf_free(c);
    c = load(BASE);
    text = print(c, false);
    ck_assert(c->networks[0].rd_auto);
    ck_assert_msg(!strstr(text, "rd:") && !strstr(text, "bgp:"), "%s", text);
    free(text);
    conf_free(c);
}
END_TEST

/* ---- printing */

START_TEST(test_print_says_the_defaults)
{
    static const char *const lines[] = {
        "  router_id: \"198.18.0.1\"\n",
        "  source: \"198.18.0.1\"\n",
        "  port: 179\n",
        "  hold_time: 9\n",
        "  keepalive: 3\n",
        "  connect_retry: 5\n",
        "  graceful_restart: 120\n",
        "  route_targets: auto\n",
        "    moves: 5\n",
        "    seconds: 180\n",
        "    hold_down: 0\n",
        "    - address: \"198.18.0.2\"\n",
        "      asn: 65000\n",
        "      source: \"198.18.0.1\"\n",
        "      port: 179\n",
        "      passive: off\n",
        "      ttl_security: off\n",
        "      max_prefixes: 393216\n",
        "      max_prefixes_warning: 80\n",
        "      graceful_restart: on\n",
        "      default_encapsulation: vxlan\n",
        "    rd: auto # 198.18.0.1:100\n",
        "    route_targets: auto\n",
    };
    struct conf *c = load(PEERS("{ address: 198.18.0.2 }"));
    char *text = print(c, false);

    for (size_t i = 0; i < COUNT(lines); i++)
        ck_assert_msg(strstr(text, lines[i]), "no %sin\n%s", lines[i], text);
    ck_assert(!strstr(text, "password") && !strstr(text, "multihop"));
    free(text);
    conf_free(c);
}
END_TEST

/* R3.3: of an AS above 65535 the targets have the low 16 bits: 4200000001 is 0xfa56ea01. */
START_TEST(test_R3_3_long_asn_is_said)
{
    struct conf *c = load(BASE "bgp: { asn: 4200000001 }\n");
    char *text = print(c, false);

    ck_assert_msg(strstr(text, "  route_targets: auto # with AS 59905, the low 16 bits of ours\n"), "%s",
                  text);
    free(text);
    conf_free(reload(c));
    c = load(BASE "bgp: { asn: 65535 }\n");
    text = print(c, false);
    ck_assert(!strstr(text, "low 16 bits"));
    free(text);
    conf_free(c);
}
END_TEST

/* As they are in the file, and as they come out: printed ones load to the same, whatever is in them. */
static const struct {
    const char *yaml, *password;
} passwords[] = {
    {"secret", "secret"},
    {"\"null\"", "null"},
    {"on", "on"},
    {"0x10", "0x10"},
    {"\"#a: b\"", "#a: b"},
    {"'  two  blanks  '", "  two  blanks  "},
    {"' '", " "},
    {"'a\"b\\c\"d\\e\"f\\g'", "a\"b\\c\"d\\e\"f\\g"},
    {"\"a'b'c'd'e\"", "a'b'c'd'e"},
    {"|-\n          \"a'b\\c'd\"e'f\"g'#: \\", "\"a'b\\c'd\"e'f\"g'#: \\"},
    {"|2-\n          '\"", "  '\""},
    {"|2-\n        '\"  ", "'\"  "},
    {"|-\n          - '\\", "- '\\"},
    {"'\"%s%n{{[[&*!|>@`,'", "\"%s%n{{[[&*!|>@`,"},
    {"a2345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "a2345678901234567890123456789012345678901234567890123456789012345678901234567890"},
};

START_TEST(test_R2_6_passwords)
{
    char yaml[1024];
    struct conf *c;

    snprintf(yaml, sizeof(yaml),
             BASE
             "bgp:\n  asn: 1\n  peers:\n    - address: 198.18.0.2\n      password: %s\n      port: 180\n",
             passwords[_i].yaml);
    c = reload(load(yaml));
    ck_assert_str_eq(c->bgp.peers[0].password, passwords[_i].password);
    ck_assert_uint_eq(c->bgp.peers[0].port, 180);
    conf_free(c);
}
END_TEST

/* Printable text of any kind, from a seed that is the test's number. */
START_TEST(test_R2_6_random_passwords)
{
    static const char often[] = "'\"\\ #:-|";
    struct conf *c = load(PEER("password: x"));
    uint32_t x = 2463534242u + (uint32_t)_i;
    char want[CONF_PASSWORD_LEN];
    size_t n = 1 + (size_t)_i % (CONF_PASSWORD_LEN - 1);

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        want[i] = x & 1 ? often[(x >> 8) % (sizeof(often) - 1)] : (char)(' ' + (x >> 8) % 95);
    }
    want[n] = '\0';
    strcpy(c->bgp.peers[0].password, want);
    c = reload(c);
    ck_assert_str_eq(c->bgp.peers[0].password, want);
    conf_free(c);
}
END_TEST

START_TEST(test_R2_6_masked)
{
    struct conf *c = load(PEERS("{ address: 198.18.0.2, password: geheim1 }, { address: 198.18.0.3 }, "
                                "{ address: 198.18.0.4, password: 'a\"''\\geheim2' }"));
    char *masked = print(c, true), *clear = print(c, false);
    struct conf_errors errors;

    ck_assert_msg(strstr(clear, "geheim1") && strstr(clear, "geheim2"), "%s", clear);
    ck_assert_msg(!strstr(masked, "geheim"), "%s", masked);
    ck_assert(!conf_load_string("FILE", masked, strlen(masked), &errors));
    ck_assert_uint_eq(errors.n, 2);
    for (size_t i = 0; i < errors.n; i++)
        ck_assert_msg(
            strstr(errors.text[i], "password: <hidden> only stands where one was not shown, expected 1 to"),
            "%s", errors.text[i]);
    conf_errors_free(&errors);
    free(masked);
    free(clear);
    conf_free(c);
    /* without passwords both are the same */
    c = load(PEER("port: 5"));
    masked = print(c, true);
    clear = print(c, false);
    ck_assert_str_eq(masked, clear);
    free(masked);
    free(clear);
    conf_free(c);
}
END_TEST

/* ---- mistakes */

static const struct mistake mistakes[] = {
    /* keys and types */
    {"misspelt key", BGP("@hold_tiem: 9"),
     "unknown key \"hold_tiem\" in the bgp section, did you mean \"hold_time\"?"},
    {"misspelt key of a peer", PEER("@ttl_securty: 1"),
     "unknown key \"ttl_securty\" in a BGP peer, did you mean"},
    {"misspelt key of duplicate", BGP("duplicate: { @move: 5 }"),
     "in the duplicate section, did you mean \"moves\"?"},
    {"peer without address", PEERS("@{ asn: 1 }"), "address is missing in a BGP peer"},
    {"text for a peer", PEERS("@198.18.0.2"), "peers: found \"198.18.0.2\", expected a mapping"},
    {"no asn", BASE "bgp: @{ router_id: 1.2.3.4 }\n", "asn is missing in the bgp section"},

    /* ranges */
    {"asn 0", BASE "bgp: { asn: @0 }\n",
     "asn: 0 is out of range, expected a whole number from 1 to 4294967294"},
    {"asn 2^32-1", BASE "bgp: { asn: @4294967295 }\n", "out of range"},
    {"asn AS_TRANS", BASE "bgp: { asn: @23456 }\n", "asn: 23456 is reserved (AS_TRANS, RFC 6793)"},
    {"peer's asn", PEER("asn: @4294967295"), "out of range"},
    {"peer's asn AS_TRANS", PEER("asn: @23456"), "asn: 23456 is reserved"},
    {"asn with a dot", BASE "bgp: { asn: @64086.1 }\n", "asn: found \"64086.1\", expected a whole number"},
    {"hold_time 1", BGP("hold_time: @1"),
     "hold_time: 1 is out of range, expected a whole number from 3 to 65535 or 0"},
    {"hold_time 2", BGP("hold_time: @2"), "hold_time: 2 is out of range"},
    {"hold_time 65536", BGP("hold_time: @65536"), "out of range"},
    {"keepalive 0", BGP("keepalive: @0"), "keepalive: 0 is out of range"},
    {"keepalive above a third", BGP("keepalive: @4"),
     "keepalive: 4 is more than a third of the hold_time of 9 (RFC 4271 section 4.4), expected at most 3"},
    {"keepalive above a third of one given", BGP("keepalive: @31, hold_time: 92"), "expected at most 30"},
    {"keepalive without hold_time", BGP("hold_time: 0, keepalive: @3"), "given with a hold_time of 0"},
    {"connect_retry 0", BGP("connect_retry: @0"), "expected a whole number from 1 to 65535"},
    {"graceful_restart", BGP("graceful_restart: @4096"), "expected a whole number from 0 to 4095 or off"},
    {"route_targets", BGP("route_targets: @manual"), "expected auto or rfc8365"},
    {"duplicate moves 1", BGP("duplicate: { moves: @1 }"), "expected a whole number from 2 to 32 or off"},
    {"duplicate seconds 0", BGP("duplicate: { seconds: @0 }"), "expected a whole number from 1 to 1000000"},
    {"duplicate hold_down", BGP("duplicate: { hold_down: @-1 }"), "out of range"},
    {"port 0", BGP("port: @0"), "expected a whole number from 1 to 65535"},
    {"peer's port", PEER("port: @65536"), "expected a whole number from 1 to 65535"},
    {"passive", PEER("passive: @sometimes"), "passive: found \"sometimes\", expected on or off"},
    {"ttl_security 255", PEER("ttl_security: @255"), "expected a whole number from 0 to 254 or off"},
    {"multihop 0", PEER("asn: 1, multihop: @0"), "expected a whole number from 1 to 255"},
    {"multihop 256", PEER("asn: 1, multihop: @256"), "expected a whole number from 1 to 255"},
    {"max_prefixes 0", PEER("max_prefixes: @0"), "expected a whole number from 1 to 1000000000 or unlimited"},
    {"max_prefixes_warning 0", PEER("max_prefixes_warning: @0"), "expected a whole number from 1 to 100"},
    {"max_prefixes_warning 101", PEER("max_prefixes_warning: @101"), "out of range"},
    {"graceful_restart of a peer", PEER("graceful_restart: @120"), "expected on or off"},
    {"default_encapsulation", PEER("default_encapsulation: @mpls"), "expected vxlan or none"},
    {"name of a peer", PEER("name: @route reflector"), "name: \"route reflector\" has characters"},

    /* router id, addresses */
    {"router_id 0", BGP("router_id: @0.0.0.0"),
     "router_id: \"0.0.0.0\" is 0, which no router has (RFC 6286)"},
    {"router_id in IPv6", BGP("router_id: @fd00::1"),
     "router_id: \"fd00::1\" is not in IPv4 form, expected a number in IPv4 form like 198.18.0.1, different "
     "for"},
    {"router_id as a number", BGP("router_id: @17"), "is not in IPv4 form"},
    {"router_id missing", BASE6 "bgp: @{ asn: 1 }\n",
     "router_id is missing in the bgp section and the underlay's address is IPv6, expected router_id: a "
     "number"},
    {"source", BGP("source: @wan0"),
     "source: \"wan0\" is no IP address, expected an IPv4 or IPv6 address of this"},
    {"source loopback", BGP("source: @127.0.0.1"), "is not the unicast address of a host"},
    {"source of the other family", PEER("source: @fd00::1"),
     "source: fd00::1 is IPv6 but the peer's address is IPv4, expected an IPv4 address"},
    {"no source of that family", PEERS("{ address: @fd00::2 }"),
     "address: fd00::2 is IPv6 but no address of this gateway is known that is, expected source: with one "
     "beside"},
    {"no source of that family, over IPv6",
     BASE6 "bgp: { asn: 1, router_id: 1.1.1.1, source: fd00::9, peers: [ { "
           "address: @198.18.0.2 } ] }\n",
     "address: 198.18.0.2 is IPv4 but no address"},
    {"peer twice", PEERS("{ address: 198.18.0.2 }, { address: @198.18.0.2, source: 10.0.0.1 }"),
     "address: BGP peer 198.18.0.2 is there twice (first on line 6), keep one"},
    {"peer is the underlay", PEERS("{ address: @198.18.0.1 }"), "198.18.0.1 is this gateway's own address"},
    {"peer is the source", BGP("source: 10.0.0.1, peers: [ { address: @10.0.0.1 } ]"),
     "this gateway's own address"},
    {"peer is its source", PEERS("{ address: @10.0.0.2, source: 10.0.0.2 }"), "this gateway's own address"},
    {"peer is another's source", PEERS("{ address: @10.0.0.2 }, { address: 10.0.0.3, source: 10.0.0.2 }"),
     "this gateway's own address"},
    {"name twice", PEERS("{ address: 10.0.0.2, name: rr }, { address: 10.0.0.3, name: @rr }"),
     "name: BGP peer rr is there twice (first on line 6), each needs its own name"},

    /* how far away */
    {"multihop with iBGP", PEER("multihop: @5"),
     "multihop: given for a peer of our own AS 65000 (iBGP), which may be any number of hops away without "
     "it, leave "
     "it out or give the peer's asn"},
    {"multihop with iBGP given", PEER("asn: 65000, multihop: @5"), "without it, leave it out"},
    {"multihop and ttl_security", PEER("asn: 1, multihop: 5, ttl_security: @5"),
     "multihop and ttl_security are both given in a BGP peer, keep one"},
    {"ttl_security and multihop", PEER("asn: 1, ttl_security: 5, multihop: @5"), "keep one"},

    /* passwords: not one of them is shown */
    {"empty password", PEER("password: @''"),
     "password: the text is empty, expected 1 to 80 printable ASCII"},
    {"no password", PEER("@password: "), "password: found nothing"},
    {"password of 81",
     PEER("password: @a23456789012345678901234567890123456789012345678901234567890123456789012345"
          "678901"),
     "password: the text is too long, expected 1 to 80"},
    {"password with an umlaut", PEER("password: @k\xc3\xb6ln"),
     "password: the text has characters other than"},
    {"password with a tab", PEER("password: @\"a\tb\""), "password: the text has characters other than"},
    {"password with a NUL", PEER("password: @\"a\\0b\""), "password: the text has characters other than"},
    {"password of two lines",
     BASE "bgp:\n  asn: 1\n  peers:\n    - address: 198.18.0.2\n      password: |-\n"
          "@        a\n        b\n",
     "password: the text has characters other than"},
    {"password that is a mask", PEER("password: @<hidden>"), "password: <hidden> only stands where"},
    {"password that is a list", PEER("password: @[a]"), "password: found a list"},

    /* route distinguishers */
    {"rd text", NETWORK("rd: @automatic"),
     "rd: \"automatic\" is neither ASN:NUMBER nor A.B.C.D:NUMBER, expected auto, or an RD like"},
    {"rd of AS 0", NETWORK("rd: @\"0:1\""), "begins with AS 0, which nobody has"},
    {"rd of 0.0.0.0", NETWORK("rd: @\"0.0.0.0:1\""), "begins with 0.0.0.0"},
    {"rd with a NUL", NETWORK("rd: @\"1:1\\0\""), "has a NUL character"},
    {"rd auto with a NUL", NETWORK("rd: @\"auto\\0\""), "has a NUL character"},
    {"rd with a long number", NETWORK("rd: @198.18.0.1:65536"),
     "has a number above 65535, which is the most behind an address"},
    {"rd with a long ASN and number", NETWORK("rd: @65536:65536"), "the most behind an ASN above 65535"},
    {"rd number", NETWORK("rd: @1:4294967296"), "has no whole number up to 4294967295 behind the colon"},
    {"rd twice",
     NETWORKS("  - { name: a, vlan: 7, vni: 1, rd: 1:1 }\n  - { name: b, vlan: 8, vni: 2, rd: @\"1:1\" }\n"),
     "rd: 1:1 is used twice (first on line 6), each network needs its own"},
    {"rd of another network by itself",
     NETWORKS("  - { name: a, vlan: 7, vni: 1, rd: @198.18.0.1:8 }\n  - { name: b, vlan: 8, vni: 2 }\nbgp: { "
              "asn: 1 "
              "}\n"),
     "rd: 198.18.0.1:8 is that of network b by itself (auto), expected another one"},

    /* route targets */
    {"targets word", TARGETS("@rfc8365"), "route_targets: found \"rfc8365\", expected auto, or { import:"},
    {"targets list", TARGETS("@[ 1:1 ]"), "route_targets: found a list, expected auto, or { import:"},
    {"no export", TARGETS("@{ import: [ 1:1 ] }"), "export is missing in the route targets of a network"},
    {"no import", TARGETS("@{ export: [ 1:1 ] }"), "import is missing in the route targets of a network"},
    {"empty import", TARGETS("{ import: @[], export: [ 1:1 ] }"),
     "import: the list is empty, give at least one"},
    {"target text", TARGETS("{ import: [ 1:1, @any ], export: [ 1:1 ] }"),
     "import: \"any\" is neither ASN:NUMBER nor A.B.C.D:NUMBER, expected a route target like"},
    {"target with a long number", TARGETS("{ import: [ 1:1 ], export: [ @70000:70000 ] }"),
     "export: \"70000:70000\" has a number above 65535"},
    {"target twice", TARGETS("{ import: [ 1:1, 1:2, @\"1:1\" ], export: [ 1:1 ] }"),
     "import: 1:1 is listed twice in this network (first on line 5), keep one"},
    {"export twice", TARGETS("{ import: [ 1:1 ], export: [ 1:2, @1:2 ] }"), "export: 1:2 is listed twice"},

    /* no second message for what hangs on a wrong value */
    {"asn wrong", BASE "bgp: { asn: @x, peers: [ { address: 198.18.0.2, multihop: 5 } ] }\n",
     "asn: found \"x\""},
    {"peer's asn wrong", PEER("asn: @x, multihop: 5"), "asn: found \"x\""},
    {"router_id wrong", BASE6 "bgp: { asn: 1, router_id: @x }\n", "is not in IPv4 form"},
    {"underlay wrong",
     HEAD "underlay: { address: @x, port: { interface: wan0 } }\n" ACC NETS
          "bgp: { asn: 1, peers: [ { address: fd00::1 } ] }\n",
     "is no IP address"},
    {"peer wrong", PEERS("{ address: @x, source: fd00::1 }"), "is no IP address"},
    {"source wrong", PEERS("{ address: fd00::1, source: @x }"), "is no IP address"},
    {"source of the section wrong", BGP("source: @x, peers: [ { address: fd00::1 } ]"), "is no IP address"},
    {"hold_time wrong", BGP("hold_time: @1, keepalive: 60"), "hold_time: 1 is out of range"},
    {"keepalive wrong", BGP("hold_time: 0, keepalive: @x"), "keepalive: found"},
    {"multihop wrong", PEER("multihop: @x"), "multihop: found"},
    {"section that is none", BASE6 "bgp: @off\n", "bgp: found \"off\", expected a mapping"},
    {"vlan wrong",
     NETWORKS("  - { name: a, vlan: @x, vni: 1 }\n  - { name: b, vlan: 7, vni: 2, rd: 198.18.0.1:4095 "
              "}\nbgp: { asn: 1 "
              "}\n"),
     "vlan: found"},
    {"two rds wrong",
     NETWORKS("  - { name: a, vlan: 7, vni: 1, rd: @x }\n  - { name: b, vlan: 8, vni: 2, rd: 1:1 }\n"),
     "rd: \"x\" is neither"},
};

START_TEST(test_one_mistake)
{
    const struct mistake *m = &mistakes[_i];

    expect(m->what, m->yaml, (const char *const[]){m->needle});
}
END_TEST

START_TEST(test_many_mistakes_in_order)
{
    static const char yaml[] = HEAD UNDER6 ACC
        "networks:\n"
        "  - { name: a, vlan: 7, vni: 1, rd: @x, route_targets: { import: [ @y ], @exprt: [ 1:1 ] } }\n"
        "  - { name: b, vlan: 8, vni: 2, rd: 1:1, static_macs: [ { mac: 02:00:00:00:00:01, vtep: "
        "@198.18.0.1 } ] }\n"
        "  - { name: c, vlan: 9, vni: 3, rd: @1:1 }\n"
        "bgp:\n"
        "  @asn: @23456\n"
        "  hold_time: @2\n"
        "  duplicate: { moves: @0 }\n"
        "  peers:\n"
        "    - { address: @fd00::1, multihop: @3 }\n"
        "    - { address: @198.18.0.2, password: @'' }\n"
        "    - { address: fd00::5, source: @198.18.0.1, asn: @0 }\n";

    expect("many", yaml,
           (const char *const[]){"rd: \"x\"", "import: \"y\"", "did you mean \"export\"?",
                                 "198.18.0.1 is IPv4", "rd: 1:1 is used twice", "router_id is missing",
                                 "asn: 23456", "hold_time: 2", "moves: 0", "own address", "multihop: given",
                                 "no address of this", "password: the text is empty",
                                 "source: 198.18.0.1 is IPv4", "asn: 0 is out"});
}
END_TEST

/* ---- limits */

START_TEST(test_too_many_targets)
{
    char yaml[4096] = HEAD UNDER ACC "networks:\n  - name: a\n    vlan: 1\n    vni: 1\n    route_targets:\n"
                                     "      export: [ 1:1 ]\n      import:\n";

    for (unsigned i = 0; i <= CONF_MAX_RTS; i++)
        snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "        - %s1:%u\n",
                 i == CONF_MAX_RTS ? "@" : "", i);
    expect("targets", yaml, (const char *const[]){"import: more than 64, which is the most there may be"});
}
END_TEST

/* All peers that there may be, and 4,094 networks with targets of their own: linear. */
START_TEST(test_largest)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct conf *c;

    ck_assert_ptr_nonnull(f);
    fputs(HEAD UNDER ACC "networks:\n", f);
    for (int i = 1; i <= CONF_MAX_NETWORKS; i++) {
        fprintf(f,
                "  - name: n%d\n    vlan: %d\n    vni: %d\n    route_targets: { export: [ 1:%d ], import: [ ",
                i, i, i, i);
        for (int k = 0; k < 16; k++)
            fprintf(f, "%s1:%d", k ? ", " : "", i + k);
        fputs(" ] }\n", f);
    }
    fputs("bgp:\n  asn: 65000\n  peers:\n", f);
    for (int i = 0; i < CONF_MAX_BGP_PEERS; i++)
        fprintf(f, "    - { address: 198.19.%d.%d, name: p%d }\n", i / 250, i % 250 + 1, i);
    fclose(f);
    c = reload(load(text));
    ck_assert_uint_eq(c->bgp.n_peers, CONF_MAX_BGP_PEERS);
    ck_rd(&c->networks[4093].rd, "198.18.0.1:4094");
    conf_free(c);
    free(text);
}
END_TEST

/* ---- the examples */

static struct conf *example(const char *path)
{
    struct conf_errors errors;
    struct conf *c = conf_load(path, &errors);

    ck_assert_msg(c, "%s", errors.n ? errors.text[0] : path);
    conf_errors_free(&errors);
    return c;
}

/* Direct peering: no static peers, everything comes from BGP. */
START_TEST(test_example_direct)
{
    struct conf *c = example("conf/evpn-paris.yaml");

    ck_assert(c->bgp.on && c->bgp.n_peers == 1);
    ck_assert_uint_eq(c->bgp.peers[0].asn, c->bgp.asn);
    for (size_t i = 0; i < c->n_networks; i++)
        ck_assert(c->networks[i].n_peers == 0 && c->networks[i].rd_auto && c->networks[i].n_rt_import == 0);
    conf_free(c);
}
END_TEST

START_TEST(test_example_route_reflectors)
{
    struct conf *c = example("conf/evpn-rr.yaml");

    ck_assert_uint_eq(c->bgp.n_peers, 2);
    for (size_t i = 0; i < c->bgp.n_peers; i++) {
        ck_assert_uint_eq(c->bgp.peers[i].asn, c->bgp.asn);
        ck_assert_str_ne(c->bgp.peers[i].password, "");
    }
    conf_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf_bgp");
    TCase *tc = tcase_create("conf_bgp"), *large = tcase_create("large");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, test_defaults);
    tcase_add_test(tc, test_small_sections);
    tcase_add_test(tc, test_timers);
    tcase_add_test(tc, test_R2_5_sources);
    tcase_add_test(tc, test_all_keys);
    tcase_add_test(tc, test_all_keys_networks);
    tcase_add_test(tc, test_off);
    tcase_add_test(tc, test_R3_3_auto_rd);
    tcase_add_test(tc, test_networks_without_bgp);
    tcase_add_test(tc, test_print_says_the_defaults);
    tcase_add_test(tc, test_R3_3_long_asn_is_said);
    tcase_add_loop_test(tc, test_R2_6_passwords, 0, (int)COUNT(passwords));
    tcase_add_loop_test(tc, test_R2_6_random_passwords, 0, 400);
    tcase_add_test(tc, test_R2_6_masked);
    tcase_add_loop_test(tc, test_one_mistake, 0, (int)COUNT(mistakes));
    tcase_add_test(tc, test_many_mistakes_in_order);
    tcase_add_test(tc, test_too_many_targets);
    tcase_add_test(tc, test_example_direct);
    tcase_add_test(tc, test_example_route_reflectors);
    suite_add_tcase(s, tc);
    tcase_set_timeout(large, 30); /* a busy machine with sanitizers */
    tcase_add_test(large, test_largest);
    suite_add_tcase(s, large);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
