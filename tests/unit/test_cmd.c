/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API on a gateway made up here: real configuration and real MAC table, while the data
 * plane, the underlay and the XDP program are answers of this file (their functions are defined here, so the
 * library's are not linked).
 */
#include "conf/version.h"
#include "controlplane/cmd.h"
#include "ebpf/xdp.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY_NETWORKS 1200
#define MANY_VTEPS    600

/* ---- the made-up lower half */

static struct dp_totals fake_totals;

void dp_port_status(struct dp *dp, dp_port_id port, struct dp_port_status *out)
{
    (void)dp;
    *out = (struct dp_port_status){.role = port == 0 ? DP_PORT_UNDERLAY : DP_PORT_ACCESS,
                                   .up = port != 2,
                                   .mac = {{2, 0, 0, 0, 1, (uint8_t)port}},
                                   .mtu = 1500,
                                   .driver = "net_af_xdp",
                                   .device = "lan0"};
}

void dp_port_counters(const struct dp *dp, dp_port_id port, struct dp_port_counters *out)
{
    (void)dp;
    *out = (struct dp_port_counters){{10 + port, UINT64_MAX}, {20 + port, 2000}, 3, 4};
}

void dp_net_counters(const struct dp *dp, dp_net_id net, struct dp_net_counters *out)
{
    (void)dp;
    *out = (struct dp_net_counters){.access_in = {{net, 1}, {2, 3}}, .wan_out = {{4, 5}, {6, 7}}};
}

void dp_vtep_counters(const struct dp *dp, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    (void)dp;
    *out = (struct dp_vtep_counters){{vtep, 100}, {vtep + 1u, 200}};
}

void dp_totals(const struct dp *dp, struct dp_totals *out)
{
    (void)dp;
    *out = fake_totals;
}

void dp_fdb_usage(const struct dp *dp, uint32_t *used, uint32_t *capacity)
{
    (void)dp;
    *used = 5;
    *capacity = 4096;
}

bool dp_fdb_seen(const struct dp *dp, dp_net_id net, struct mac mac, uint32_t *seen_s)
{
    (void)dp;
    (void)net;
    (void)mac;
    *seen_s = (uint32_t)(mono_now().ns / 1000000000u) - 7;
    return true;
}

static const struct underlay_link fake_link = {
    .ifindex = 3, .up = true, .mac = {{2, 0, 0, 0, 0, 9}}, .mtu = 1600};

const struct underlay_link *underlay_link(const struct underlay *u)
{
    (void)u;
    return &fake_link;
}

/* The last octet says how it goes: odd resolved, even waiting. */
const struct underlay_hop *underlay_hop(const struct underlay *u, const struct ipaddr *vtep)
{
    static struct underlay_hop hop;

    (void)u;
    hop = (struct underlay_hop){.vtep = *vtep, .mtu = 1600, .mac = {{2, 0, 0, 0, 0, 5}}, .interface = "wan0"};
    hop.state = vtep->b[3] & 1 ? UNDERLAY_RESOLVED : UNDERLAY_NO_ROUTE;
    if (hop.state == UNDERLAY_RESOLVED)
        hop.next_hop = (struct ipaddr){4, {198, 18, 0, 254}};
    return &hop;
}

const char *underlay_state_text(enum underlay_state state)
{
    return state == UNDERLAY_RESOLVED ? "resolved" : "no route";
}

const char *xdp_mode(const struct xdp *x)
{
    (void)x;
    return "native";
}

static struct gateway gw;

const struct gateway_network *gateway_network(const struct gateway *g, dp_net_id id)
{
    return id > 0 && id <= g->n_networks ? &g->networks[id - 1] : NULL;
}

const struct gateway_vtep *gateway_vtep(const struct gateway *g, dp_vtep_id id)
{
    return id > 0 && id <= g->n_vteps ? &g->vteps[id - 1] : NULL;
}

const struct gateway_port *gateway_port(const struct gateway *g, dp_port_id id)
{
    return id < g->n_ports ? &g->ports[id] : NULL;
}

/* ---- a gateway */

static const char small_conf[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay:\n"
    "  address: 198.18.0.1\n"
    "  port: { interface: wan0 }\n"
    "access:\n"
    "  - { name: trunk, interface: lan0, mac_limit: 50 }\n"
    "  - { name: lab, interface: lan1, untagged: web }\n"
    "networks:\n"
    "  - name: web\n"
    "    vlan: 100\n"
    "    vni: 10100\n"
    "    mac_limit: 2000\n"
    "    peers: [ { address: 198.18.0.3, learning: on }, { address: 198.18.0.4 } ]\n"
    "  - { name: db, vlan: 200, vni: 10200, unknown_unicast: flood, mac_limit: 7,\n"
    "      peers: [ { address: 198.18.0.3 } ] }\n";

static int program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg;
    (void)net;
    (void)mac;
    (void)dest;
    return 0;
}

static void remove_mac(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg;
    (void)net;
    (void)mac;
}

static bool seen(void *arg, dp_net_id net, struct mac mac, uint32_t *seen_s)
{
    (void)arg;
    return dp_fdb_seen(NULL, net, mac, seen_s);
}

static void alert(void *arg, enum mac_alert what, dp_net_id net, dp_port_id port)
{
    (void)arg;
    (void)what;
    (void)net;
    (void)port;
}

static void add_vtep(const struct ipaddr *address)
{
    for (unsigned i = 0; i < gw.n_vteps; i++)
        if (ipaddr_eq(&gw.vteps[i].address, address))
            return;
    gw.vteps[gw.n_vteps] = (struct gateway_vtep){(dp_vtep_id)(gw.n_vteps + 1), *address};
    gw.n_vteps++;
}

static void start(const char *yaml)
{
    static const struct mactable_ops ops = {program, remove_mac, seen, alert};
    struct conf_errors errors = {0};

    memset(&fake_totals, 0, sizeof(fake_totals));
    memset(&gw, 0, sizeof(gw));
    gw.conf = conf_load_string("test", yaml, strlen(yaml), &errors);
    ck_assert_msg(gw.conf != NULL, "%s", errors.n ? errors.text[0] : "?");
    conf_errors_free(&errors);
    gw.macs = mactable_new(gw.conf->dataplane.max_macs, &ops, NULL);
    gw.started = (mono_t){mono_now().ns - 90000000000u};
    gw.networks = calloc(gw.conf->n_networks, sizeof(*gw.networks));
    gw.vteps = calloc(CONF_MAX_VTEPS, sizeof(*gw.vteps));
    gw.ports[gw.n_ports++] = (struct gateway_port){0, NULL, (struct xdp *)&gw, "underlay"};
    for (size_t i = 0; i < gw.conf->n_access; i++) {
        struct gateway_port *p = &gw.ports[gw.n_ports];

        *p = (struct gateway_port){(dp_port_id)gw.n_ports, &gw.conf->access[i], NULL, ""};
        strcpy(p->name, gw.conf->access[i].name);
        gw.n_ports++;
    }
    for (size_t i = 0; i < gw.conf->n_networks; i++) {
        const struct conf_network *n = &gw.conf->networks[i];

        gw.networks[i] = (struct gateway_network){(dp_net_id)(i + 1), n};
        gw.n_networks++;
        mactable_set_network(gw.macs, (dp_net_id)(i + 1), 300, UINT32_MAX);
        for (size_t j = 0; j < n->n_peers; j++)
            add_vtep(&n->peers[j].address);
    }
}

static void learn(dp_net_id net, unsigned n, enum dp_where where, uint16_t target)
{
    struct dp_event e = {DP_EVENT_SOURCE,
                         net,
                         {{2, 0, 0x5e, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}},
                         where,
                         target};

    mactable_source_seen(gw.macs, &e, (mono_t){mono_now().ns - 30000000000u});
}

static void setup(void)
{
    start(small_conf);
}

static void teardown(void)
{
    mactable_free(gw.macs);
    conf_free((struct conf *)gw.conf);
    free(gw.networks);
    free(gw.vteps);
}

/* ---- asking */

#define X(id, name, args, help) {name, args, help, cmd_##id},
static const struct api_command commands[] = {API_COMMANDS(X)};
#undef X

static char *raw(const char *request)
{
    return api_answer(commands, sizeof(commands) / sizeof(commands[0]), &gw, request, strlen(request));
}

static cJSON *ask(const char *request)
{
    char *text = raw(request);
    cJSON *reply = cJSON_Parse(text), *result;

    ck_assert_msg(cJSON_IsTrue(cJSON_GetObjectItem(reply, "ok")), "%s", text);
    result = cJSON_DetachItemFromObject(reply, "result");
    cJSON_Delete(reply);
    cJSON_free(text);
    return result;
}

/* The member at a path like "networks/0/name", printed. */
static const char *at(const cJSON *item, const char *where)
{
    static char out[1024];
    char copy[128], *save = NULL;

    snprintf(copy, sizeof(copy), "%s", where);
    for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save))
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(item, name);
    snprintf(out, sizeof(out), "missing");
    if (item) {
        char *text = cJSON_PrintUnformatted(item);

        snprintf(out, sizeof(out), "%s", text);
        cJSON_free(text);
    }
    return out;
}

#define ck_at(json, where, text) ck_assert_str_eq(at(json, where), text)

/* Asks page after page; returns how many rows `array` had in all, and how many pages that took. */
static int count_pages(const char *command, const char *array, const char *more, int *pages)
{
    char request[256];
    unsigned after = 0;
    int rows = 0;

    for (*pages = 1;; ++*pages) {
        const cJSON *next;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"%s\",\"after\":%u%s}", command, after, more);
        r = ask(request);
        rows += cJSON_GetArraySize(cJSON_GetObjectItem(r, array));
        next = cJSON_GetObjectItem(r, "next");
        if (!next) {
            cJSON_Delete(r);
            return rows;
        }
        ck_assert_uint_gt((unsigned)next->valuedouble, after);
        after = (unsigned)next->valuedouble;
        cJSON_Delete(r);
        ck_assert_int_lt(*pages, 1000);
    }
}

/* ---- tests */

START_TEST(test_status)
{
    cJSON *r;

    fake_totals.drops[DROP_vni_unknown] = 3;
    fake_totals.drops[DROP_tx_full] = 4;
    fake_totals.events_lost = 9;
    learn(1, 1, DP_WHERE_PORT, 1);
    r = ask("{\"cmd\":\"show status\"}");
    ck_at(r, "site", "\"paris\"");
    ck_at(r, "gateway", "\"paris-1\"");
    ck_at(r, "version", "\"" CAUSEWAY_VERSION "\"");
    ck_at(r, "uptime_s", "90");
    ck_at(r, "underlay/address", "\"198.18.0.1\"");
    ck_at(r, "underlay/up", "true");
    ck_at(r, "ports", "3");
    ck_at(r, "ports_up", "2");
    ck_at(r, "networks", "2");
    ck_at(r, "vteps", "2");
    ck_at(r, "vteps_resolved", "1");
    ck_at(r, "macs", "1");
    ck_at(r, "fdb_used", "5");
    ck_at(r, "events_lost", "9");
    ck_at(r, "drops", "7");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_ports)
{
    cJSON *r = ask("{\"cmd\":\"show ports\"}");
    char *text = raw("{\"cmd\":\"show ports\"}");

    ck_at(r, "ports/0/name", "\"underlay\"");
    ck_at(r, "ports/0/role", "\"underlay\"");
    ck_at(r, "ports/0/xdp", "\"native\"");
    ck_at(r, "ports/0/macs", "missing");
    ck_at(r, "ports/1/name", "\"trunk\"");
    ck_at(r, "ports/1/role", "\"access\"");
    ck_at(r, "ports/1/xdp", "missing");
    ck_at(r, "ports/1/mac_limit", "50");
    ck_at(r, "ports/1/rx/frames", "11");
    ck_at(r, "ports/1/drops", "3");
    ck_at(r, "ports/2/up", "false");
    ck_at(r, "ports/2/mac_limit", "null");
    /* All 64 bits of a counter reach the client. */
    ck_assert_ptr_nonnull(strstr(text, "\"bytes\":18446744073709551615"));
    cJSON_free(text);
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_networks)
{
    cJSON *r = ask("{\"cmd\":\"show networks\"}");

    ck_at(r, "networks/0/name", "\"web\"");
    ck_at(r, "networks/0/vlan", "100");
    ck_at(r, "networks/0/ports", "[{\"port\":\"trunk\",\"vlan\":100},{\"port\":\"lab\",\"vlan\":null}]");
    ck_at(r, "networks/0/unknown_unicast", "\"drop\"");
    ck_at(r, "networks/0/mac_limit", "2000");
    ck_at(r, "networks/0/vteps", "2");
    ck_at(r, "networks/0/peers", "missing");
    ck_at(r, "networks/0/counters/wan_out/flooded", "{\"frames\":6,\"bytes\":7}");
    ck_at(r, "networks/1/unknown_unicast", "\"flood\"");
    ck_at(r, "networks/1/mac_limit", "7");
    ck_at(r, "networks/1/ports", "[{\"port\":\"trunk\",\"vlan\":200}]");
    ck_at(r, "networks/1/counters/access_in/unicast/frames", "2");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show networks\",\"network\":\"web\"}");
    ck_at(r, "networks/1", "missing");
    ck_at(r, "networks/0/peers/0", "{\"vtep\":\"198.18.0.3\",\"learning\":true,\"state\":\"resolved\"}");
    ck_at(r, "networks/0/peers/1/learning", "false");
    ck_at(r, "networks/0/peers/1/state", "\"no route\"");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_unknown_names)
{
    static const char *const requests[] = {
        "{\"cmd\":\"show networks\",\"network\":\"none\"}", "{\"cmd\":\"show macs\",\"network\":\"none\"}",
        "{\"cmd\":\"clear macs\",\"network\":\"none\"}", "{\"cmd\":\"show vteps\",\"vtep\":\"198.18.0.77\"}"};

    learn(1, 1, DP_WHERE_PORT, 1);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char *text = raw(requests[i]);

        ck_assert_msg(strstr(text, "{\"ok\":false,\"error\":\"no ") == text, "%s", text);
        cJSON_free(text);
    }
    ck_assert_uint_eq(mactable_count(gw.macs), 1);
}
END_TEST

START_TEST(test_macs)
{
    struct mac flooded = {{2, 0, 0, 0, 0, 0xf0}}, fixed = {{2, 0, 0, 0, 0, 0xf1}};
    cJSON *r;

    learn(1, 1, DP_WHERE_PORT, 1);
    learn(2, 1, DP_WHERE_VTEP, 1);
    mactable_add_static(gw.macs, 1, flooded, (struct dp_dest){DP_WHERE_FLOOD, 0, true}, mono_now());
    mactable_add_static(gw.macs, 1, fixed, (struct dp_dest){DP_WHERE_VTEP, 2, true}, mono_now());
    r = ask("{\"cmd\":\"show macs\",\"network\":\"web\",\"mac\":\"02:00:5e:00:00:01\"}");
    ck_at(r, "macs/1", "missing");
    ck_at(r, "macs/0/network", "\"web\"");
    ck_at(r, "macs/0/mac", "\"02:00:5e:00:00:01\"");
    ck_at(r, "macs/0/origin", "\"local\"");
    ck_at(r, "macs/0/port", "\"trunk\"");
    ck_at(r, "macs/0/vtep", "missing");
    ck_at(r, "macs/0/age_s", "7");
    ck_at(r, "macs/0/since_s", "30");
    ck_at(r, "macs/0/moves", "0");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:01\"}");
    ck_at(r, "macs/1/network", "\"db\"");
    ck_at(r, "macs/1/origin", "\"remote\"");
    ck_at(r, "macs/1/vtep", "\"198.18.0.3\"");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:f0\"}");
    ck_at(r, "macs/0/origin", "\"flood\"");
    ck_at(r, "macs/0/port", "missing");
    ck_at(r, "macs/0/age_s", "missing");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:f1\"}");
    ck_at(r, "macs/0/origin", "\"static\"");
    ck_at(r, "macs/0/vtep", "\"198.18.0.4\"");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:00:00:00:99\"}");
    ck_at(r, "macs", "[]");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show macs\",\"network\":\"db\"}");
    ck_at(r, "total", "1");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "macs")), 1);
    cJSON_Delete(r);
}
END_TEST

/* A cursor from anywhere, as a client may make one up. */
START_TEST(test_macs_cursor_of_ones_own)
{
    learn(1, 1, DP_WHERE_PORT, 1);
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"after\":77}"));
    cJSON_Delete(ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:01\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show networks\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show vteps\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show counters\",\"after\":4294967295}"));
    cJSON_Delete(ask("{\"cmd\":\"show config\",\"after\":4294967295}"));
}
END_TEST

START_TEST(test_macs_pages)
{
    int pages;

    for (unsigned i = 0; i < 3500; i++)
        learn((dp_net_id)(1 + i % 2), i, DP_WHERE_PORT, 1);
    ck_assert_int_eq(count_pages("show macs", "macs", "", &pages), 3500);
    ck_assert_int_ge(pages, 4);
    ck_assert_int_eq(count_pages("show macs", "macs", ",\"network\":\"db\"", &pages), 1750);
}
END_TEST

START_TEST(test_clear_macs)
{
    cJSON *r;

    for (unsigned i = 0; i < 10; i++)
        learn((dp_net_id)(1 + i % 2), i / 2, DP_WHERE_PORT, 1);
    r = ask("{\"cmd\":\"clear macs\",\"mac\":\"02:00:5e:00:00:01\",\"network\":\"web\"}");
    ck_at(r, "cleared", "1");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"clear macs\",\"mac\":\"02:00:5e:00:00:02\"}");
    ck_at(r, "cleared", "2");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"clear macs\",\"network\":\"db\"}");
    ck_at(r, "cleared", "4");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"clear macs\"}");
    ck_at(r, "cleared", "3");
    cJSON_Delete(r);
    ck_assert_uint_eq(mactable_count(gw.macs), 0);
}
END_TEST

START_TEST(test_vteps)
{
    cJSON *r = ask("{\"cmd\":\"show vteps\"}");

    learn(1, 1, DP_WHERE_VTEP, 1);
    ck_at(r, "vteps/0/address", "\"198.18.0.3\"");
    ck_at(r, "vteps/0/resolved", "true");
    ck_at(r, "vteps/0/next_hop", "\"198.18.0.254\"");
    ck_at(r, "vteps/0/next_hop_mac", "\"02:00:00:00:00:05\"");
    ck_at(r, "vteps/0/mtu", "1600");
    ck_at(r, "vteps/0/networks", "2");
    ck_at(r, "vteps/0/network_names", "missing");
    ck_at(r, "vteps/1/networks", "1");
    ck_at(r, "vteps/1/resolved", "false");
    ck_at(r, "vteps/1/state", "\"no route\"");
    ck_at(r, "vteps/1/next_hop", "null");
    ck_at(r, "vteps/1/next_hop_mac", "missing");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show vteps\",\"vtep\":\"198.18.0.3\"}");
    ck_at(r, "vteps/1", "missing");
    ck_at(r, "vteps/0/networks", "2");
    ck_at(r, "vteps/0/network_names", "[\"web\",\"db\"]");
    ck_at(r, "vteps/0/macs", "1");
    ck_at(r, "vteps/0/tx/frames", "2");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_drops)
{
    cJSON *r = ask("{\"cmd\":\"show drops\"}");

    ck_at(r, "total", "0");
    ck_at(r, "drops", "[]");
    cJSON_Delete(r);
    fake_totals.drops[DROP_vni_unknown] = 3;
    r = ask("{\"cmd\":\"show drops\"}");
    ck_at(r, "total", "3");
    ck_at(r, "drops", "[{\"reason\":\"vni_unknown\",\"count\":3,\"text\":\"VNI not configured (R1.9)\"}]");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show drops\",\"all\":true}");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "drops")), DROP_N);
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"show drops\",\"all\":false}");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r, "drops")), 1);
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_counters)
{
    cJSON *r;

    fake_totals.replicas = 12;
    fake_totals.drops[DROP_path_mtu] = 2;
    r = ask("{\"cmd\":\"show counters\"}");
    ck_at(r, "totals/replicas", "12");
    ck_at(r, "totals/drops", "2");
    ck_at(r, "drops/path_mtu", "2");
    ck_at(r, "drops/tx_full", "0");
    ck_at(r, "ports/2/port", "\"lab\"");
    ck_at(r, "ports/2/tx/frames", "22");
    ck_at(r, "networks/1/network", "\"db\"");
    ck_at(r, "networks/1/access_in_unicast/frames", "2");
    ck_at(r, "vteps/1/vtep", "\"198.18.0.4\"");
    ck_at(r, "vteps/1/rx/frames", "2");
    ck_at(r, "next", "missing");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_config_parses_to_the_same)
{
    cJSON *r = ask("{\"cmd\":\"show config\"}");
    const char *yaml = cJSON_GetObjectItem(r, "yaml")->valuestring;
    struct conf_errors errors = {0};
    struct conf *again = conf_load_string("again", yaml, strlen(yaml), &errors);

    ck_assert_msg(again != NULL, "%s", errors.n ? errors.text[0] : "?");
    ck_assert_str_eq(again->networks[0].name, "web");
    ck_assert_uint_eq(again->networks[0].n_peers, 2);
    conf_errors_free(&errors);
    conf_free(again);
    cJSON_Delete(r);
}
END_TEST

/* 1,200 networks, 600 VTEPs: all that is paged, and the text of the configuration in whole lines. */
START_TEST(test_many)
{
    char *yaml = malloc(1 << 20), *text = calloc(1, 4 << 20);
    struct conf_errors errors = {0};
    struct conf *again;
    int n, pages;
    unsigned after = 0;

    n = sprintf(yaml, "site: a\ngateway: b\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
                      "access: [ { name: t, interface: lan0 } ]\nnetworks:\n");
    for (unsigned i = 0; i < MANY_NETWORKS; i++) {
        unsigned v = i % MANY_VTEPS;

        n += sprintf(yaml + n, "  - { name: n%u, vlan: %u, vni: %u, peers: [ { address: 198.18.%u.%u } ] }\n",
                     i, i + 1, i + 1, 1 + v / 200, 1 + v % 200);
    }
    teardown();
    start(yaml);
    ck_assert_int_eq(count_pages("show networks", "networks", "", &pages), MANY_NETWORKS);
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(count_pages("show vteps", "vteps", "", &pages), MANY_VTEPS);
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(count_pages("show counters", "networks", "", &pages), MANY_NETWORKS);
    ck_assert_int_eq(count_pages("show counters", "vteps", "", &pages), MANY_VTEPS);
    ck_assert_int_eq(pages, 2);
    for (pages = 0;; pages++) {
        char request[64];
        const cJSON *next;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"show config\",\"after\":%u}", after);
        r = ask(request);
        strcat(text, cJSON_GetObjectItem(r, "yaml")->valuestring);
        next = cJSON_GetObjectItem(r, "next");
        after = next ? (unsigned)next->valuedouble : 0;
        ck_assert_int_eq(text[strlen(text) - 1], '\n');
        cJSON_Delete(r);
        if (!after)
            break;
    }
    ck_assert_int_ge(pages, 1);
    again = conf_load_string("again", text, strlen(text), &errors);
    ck_assert_msg(again != NULL, "%s", errors.n ? errors.text[0] : "?");
    ck_assert_uint_eq(again->n_networks, MANY_NETWORKS);
    conf_errors_free(&errors);
    conf_free(again);
    free(yaml);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd");
    TCase *c = tcase_create("commands");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, test_status);
    tcase_add_test(c, test_ports);
    tcase_add_test(c, test_networks);
    tcase_add_test(c, test_unknown_names);
    tcase_add_test(c, test_macs);
    tcase_add_test(c, test_macs_cursor_of_ones_own);
    tcase_add_test(c, test_macs_pages);
    tcase_add_test(c, test_clear_macs);
    tcase_add_test(c, test_vteps);
    tcase_add_test(c, test_drops);
    tcase_add_test(c, test_counters);
    tcase_add_test(c, test_config_parses_to_the_same);
    tcase_add_test(c, test_many);
    suite_add_tcase(suite, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
