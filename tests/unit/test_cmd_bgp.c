/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The commands of the API about BGP and about what comes from it, on a gateway made up in cmd_rig.h: its RIB
 * is a real one, and gets its routes as UPDATE messages from a second RIB, which stands for a peer.
 */
#include "tests/unit/cmd_rig.h"
#include "tests/unit/suite.h"

#define MANY_MACS 1234

static const char bgp_conf[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay:\n"
    "  address: 198.18.0.1\n"
    "  port: { interface: wan0 }\n"
    "access:\n"
    "  - { name: trunk, interface: lan0 }\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100, peers: [ { address: 198.18.0.3 } ] }\n"
    "  - name: db\n"
    "    vlan: 200\n"
    "    vni: 10200\n"
    "    rd: \"198.18.0.1:7\"\n"
    "    route_targets: { import: [\"65000:1\", \"65000:2\"], export: [\"65000:1\"] }\n"
    "bgp:\n"
    "  asn: 65000\n"
    "  peers:\n"
    "    - { address: 198.18.0.2, name: london-1, password: \"very secret\", max_prefixes: 1000 }\n"
    "    - { address: 198.18.0.5, asn: 65010, name: rr, multihop: 3 }\n";

static struct evpn_rib *far_rib; /* of the peer */

/* ---- RIBs */

static void no_mac(void *arg, dp_net_id net, struct mac mac, const struct evpn_rib_best *best)
{
    (void)arg, (void)net, (void)mac, (void)best;
}

static void no_binding(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip, bool present,
                       uint8_t nd_flags)
{
    (void)arg, (void)net, (void)mac, (void)ip, (void)present, (void)nd_flags;
}

static void no_flood(void *arg, dp_net_id net, const struct ipaddr *vtep, rib_peer_id by)
{
    (void)arg, (void)net, (void)vtep, (void)by;
}

static void no_writable(void *arg, rib_peer_id peer)
{
    (void)arg, (void)peer;
}

static void no_alert(void *arg, rib_peer_id peer, enum evpn_rib_alert alert_given)
{
    (void)arg, (void)peer, (void)alert_given;
}

static struct evpn_rib *new_rib(uint32_t id, struct ipaddr vtep)
{
    static const struct evpn_rib_ops ops = {no_mac, no_binding, no_flood, no_writable, no_alert};
    const struct evpn_rib_config config = {.asn = 65000,
                                           .router_id = id,
                                           .vtep = vtep,
                                           .max_peers = 4,
                                           .max_routes = 100000,
                                           .max_attr_bytes = 1 << 20};
    struct evpn_rib_rt rts[2] = {{bgp_extcom_rt_vni(65000, 10100), false},
                                 {bgp_extcom_rt_as2(65000, 1), false}};
    struct evpn_rib *r = evpn_rib_new(&config, &ops, NULL);

    ck_assert_ptr_nonnull(r);
    for (unsigned i = 0; i < 2; i++) {
        const struct evpn_rib_network n = {.id = (dp_net_id)(i + 1),
                                           .vni = i ? 10200 : 10100,
                                           .rd = evpn_rd_make(id, (uint16_t)(100 * (i + 1))),
                                           .import_rts = &rts[i],
                                           .n_import = 1,
                                           .export_rts = &rts[i],
                                           .n_export = 1};

        ck_assert_int_eq(evpn_rib_network_set(r, &n), 0);
    }
    evpn_rib_apply(r);
    return r;
}

static rib_peer_id connect_rib(struct evpn_rib *r, struct ipaddr address, uint32_t id)
{
    const struct evpn_rib_peer config = {.address = address};
    const struct evpn_rib_session session = {.router_id = id, .as4 = true};
    int peer = evpn_rib_peer_add(r, &config);

    ck_assert_int_gt(peer, 0);
    ck_assert_int_eq(evpn_rib_peer_up(r, (rib_peer_id)peer, &session), 0);
    return (rib_peer_id)peer;
}

/* What the peer has to say arrives. */
static void deliver(rib_peer_id from)
{
    static const struct bgp_rules rules = {.as4 = true, .peer_as = 65000};
    static struct bgp_update update;
    static struct bgp_error error;
    static uint8_t msg[BGP_MSG_MAX];
    int n;

    while ((n = evpn_rib_pull(far_rib, 1, msg, sizeof(msg))) > 0) {
        ck_assert_int_eq(
            bgp_update_decode(msg + BGP_HEADER_LEN, (size_t)n - BGP_HEADER_LEN, &rules, &update, &error), 0);
        if (!update.end_of_rib)
            evpn_rib_update(rib, from, &update);
    }
    ck_assert_int_eq(n, 0);
}

/* ---- the gateway */

static const struct ipaddr here = {4, {198, 18, 0, 1}}, there = {4, {198, 18, 0, 2}};
static const struct mac host = {{2, 0, 0x5e, 0, 0, 1}}, far_host = {{2, 0, 0x5e, 0, 0, 2}};

static void established(struct bgp_session *s)
{
    s->caps = (struct bgp_caps){.route_refresh = true, .as4 = true, .as4_number = 65000, .n_families = 1};
    s->caps.families[0] = (struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN};
    s->negotiated = (struct bgp_fsm_session){
        .incoming = true, .hold_s = 9, .keepalive_s = 3, .refresh = true, .as4 = true, .helper = true};
    s->negotiated.peer = (struct bgp_fsm_open){.asn = 65000, .router_id = 0xc6120002};
    s->negotiated.peer.caps = (struct bgp_fsm_caps){.gr_time_s = 120};
    s->status = (struct bgp_session_status){.state = BGP_ESTABLISHED,
                                            .since = {mono_now().ns - 60000000000u},
                                            .local = here,
                                            .remote = there,
                                            .local_port = 179,
                                            .remote_port = 40001,
                                            .queued = 77,
                                            .negotiated = &s->negotiated,
                                            .capabilities = &s->caps};
    s->counters.in = (struct bgp_traffic){{0, 1, 5, 0, 20, 1}, 1234};
    s->counters.out = (struct bgp_traffic){{0, 1, 6, 0, 21, 0}, 4321};
    s->counters.refused_ttl = 3;
    s->fsm = (struct bgp_fsm_counters){.established = 2, .dropped = 1, .dials = 9};
}

static void setup(void)
{
    start(bgp_conf);
    gw.overlay = (struct overlay *)&gw;
    fake_bgp_local = (struct bgp_local){.asn = 65000, .router_id = 0xc6120001};
    fake_bgp_counters = (struct bgp_counters){.accepted = 8, .unknown = 5, .md5 = {1, 2, 3}};
    memset(peers, 0, sizeof(peers));
    for (n_peers = 0; n_peers < gw.conf->bgp.n_peers; n_peers++) {
        const struct conf_bgp_peer *p = &gw.conf->bgp.peers[n_peers];

        bgp_peer_config_default(&peers[n_peers].config);
        peers[n_peers].config.address = p->address;
        peers[n_peers].config.asn = p->asn;
        strcpy(peers[n_peers].config.password, p->password);
        peers[n_peers].config.max_prefixes = p->max_prefixes == CONF_NO_LIMIT ? 0 : p->max_prefixes;
    }
    rib = new_rib(0xc6120001, here);
    far_rib = new_rib(0xc6120002, there);
    connect_rib(far_rib, here, 0xc6120001);
    peers[0].rib = connect_rib(rib, peers[0].config.address, 0xc6120002);
    peers[1].rib = connect_rib(rib, peers[1].config.address, 0xc6120005);
    peers[0].error = "hold timer expired: nothing heard from the peer";
    established(&peers[0]);
    peers[1].status = (struct bgp_session_status){.state = BGP_ACTIVE, .ebgp = true};
    peers[1].refresh_rc = -ENOTCONN;
    deliver(peers[0].rib); /* its type 3 routes */
}

static void cleanup(void)
{
    evpn_rib_free(rib);
    evpn_rib_free(far_rib);
    teardown();
}

static void announce_far(struct mac mac, const struct ipaddr *ip, uint32_t sequence, bool sticky)
{
    ck_assert_int_eq(evpn_rib_announce(far_rib, 1, mac, ip, sequence, sticky, 0), 0);
    deliver(peers[0].rib);
}

/* ---- show bgp */

START_TEST(test_bgp)
{
    cJSON *r;

    announce_far(far_host, NULL, 3, false);
    r = ask("{\"cmd\":\"show bgp\"}");
    ck_at(r, "asn", "65000");
    ck_at(r, "router_id", "\"198.18.0.1\"");
    ck_at(r, "port", "179");
    ck_at(r, "peers/total", "2");
    ck_at(r, "peers/Established", "1");
    ck_at(r, "peers/Active", "1");
    ck_at(r, "peers/Idle", "0");
    ck_at(r, "routes/macs", "1");
    ck_at(r, "routes/vteps", "2");
    ck_at(r, "routes/own", "2");
    ck_at(r, "routes/stale", "0");
    ck_assert_str_ne(at(r, "routes/memory_bytes"), "0");
    ck_at(r, "routes/ignored", "[]");
    ck_at(r, "connections/unknown", "5");
    ck_at(r, "md5_drops/unexpected", "2");
    cJSON_Delete(r);
    ck_ask("{\"cmd\":\"show status\"}", {"bgp/peers", "2"}, {"bgp/peers_established", "1"},
           {"bgp/routes", "3"}, {"bgp/own_routes", "2"});
}
END_TEST

START_TEST(test_bgp_ignored)
{
    evpn_rib_free(rib);
    rib = new_rib(0xc6120001, there); /* so the peer's next hop is our own address */
    peers[0].rib = connect_rib(rib, there, 0xc6120002);
    peers[1].rib = 0;
    evpn_rib_refresh(far_rib, 1);
    deliver(peers[0].rib);
    ck_ask("{\"cmd\":\"show bgp\"}", {"routes/ignored/0", "{\"reason\":\"next hop\",\"count\":2}"},
           {"routes/ignored/1", "missing"});
}
END_TEST

START_TEST(test_bgp_peers)
{
    ck_ask("{\"cmd\":\"show bgp peers\"}", {"peers/0/address", "\"198.18.0.2\""},
           {"peers/0/name", "\"london-1\""}, {"peers/0/asn", "65000"}, {"peers/0/state", "\"Established\""},
           {"peers/0/up_s", "60"}, {"peers/0/down_s", "missing"}, {"peers/0/routes", "2"},
           {"peers/0/messages_in", "27"}, {"peers/0/messages_out", "28"},
           {"peers/0/last_error", "\"hold timer expired: nothing heard from the peer\""},
           {"peers/0/settings", "missing"}, {"peers/1/state", "\"Active\""}, {"peers/1/ebgp", "true"},
           {"peers/1/up_s", "missing"}, {"peers/1/down_s", "missing"}, {"peers/1/last_error", "missing"},
           {"peers/2", "missing"});
}
END_TEST

/* By address and by name alike. */
START_TEST(test_bgp_peer_in_detail)
{
    static const char *const requests[] = {"{\"cmd\":\"show bgp peers\",\"peer\":\"198.18.0.2\"}",
                                           "{\"cmd\":\"show bgp peers\",\"peer\":\"london-1\"}"};
    ck_ask(requests[_i], {"peers/1", "missing"}, {"peers/0/address", "\"198.18.0.2\""},
           {"peers/0/connection/local_port", "179"}, {"peers/0/connection/queued_bytes", "77"},
           {"peers/0/negotiated/hold_s", "9"}, {"peers/0/negotiated/router_id", "\"198.18.0.2\""},
           {"peers/0/negotiated/graceful_restart/helper", "true"},
           {"peers/0/capabilities", "\"multiprotocol 25/70, route refresh, 4-octet AS 65000\""},
           {"peers/0/settings/max_prefixes", "1000"}, {"peers/0/settings/password", "true"},
           {"peers/0/received/vteps", "2"}, {"peers/0/received/announced/type_3", "2"},
           {"peers/0/messages/in/keepalive", "20"}, {"peers/0/messages/out/bytes", "4321"},
           {"peers/0/errors/ttl_refused", "3"}, {"peers/0/sessions/established", "2"});
}
END_TEST

START_TEST(test_bgp_peer_without_a_session)
{
    peers[1].config.max_prefixes = 0;
    ck_ask("{\"cmd\":\"show bgp peers\",\"peer\":\"rr\"}", {"peers/0/state", "\"Active\""},
           {"peers/0/negotiated", "missing"}, {"peers/0/connection", "missing"},
           {"peers/0/capabilities", "missing"}, {"peers/0/settings/max_prefixes", "null"},
           {"peers/0/settings/password", "false"});
}
END_TEST

START_TEST(test_bgp_peers_pages)
{
    int pages;

    for (n_peers = 2; n_peers < RIG_PEERS; n_peers++)
        peers[n_peers].config.address =
            (struct ipaddr){4, {198, 19, (uint8_t)(n_peers >> 8), (uint8_t)n_peers}};
    ck_assert_int_eq(count_pages("show bgp peers", "peers", "", &pages), RIG_PEERS);
    ck_assert_int_eq(pages, 3);
    cJSON_Delete(ask("{\"cmd\":\"show bgp peers\",\"after\":4294967295}"));
}
END_TEST

/* Whatever the command, the password of a peer is not in its answer. */
START_TEST(test_password_is_never_shown)
{
    static const char *const requests[] = {"{\"cmd\":\"show bgp peers\",\"peer\":\"london-1\"}",
                                           "{\"cmd\":\"show bgp\"}", "{\"cmd\":\"show config\"}"};
    char *text = raw(requests[_i]);

    ck_assert_ptr_nonnull(strstr(text, "{\"ok\":true"));
    ck_assert_ptr_null(strstr(text, "secret"));
    if (_i == 2)
        ck_assert_ptr_nonnull(strstr(text, CONF_MASK));
    cJSON_free(text);
}
END_TEST

/* ---- show routes */

START_TEST(test_routes_received)
{
    const struct ipaddr ip = {4, {10, 1, 0, 5}};

    announce_far(far_host, &ip, 3, false);
    ck_ask("{\"cmd\":\"show routes\",\"type\":2}", {"routes/1", "missing"}, {"next", "missing"},
           {"routes/0/type", "2"}, {"routes/0/network", "\"web\""}, {"routes/0/own", "false"},
           {"routes/0/best", "true"}, {"routes/0/stale", "false"}, {"routes/0/peer", "\"198.18.0.2\""},
           {"routes/0/rd", "\"198.18.0.2:100\""}, {"routes/0/mac", "\"02:00:5e:00:00:02\""},
           {"routes/0/ip", "\"10.1.0.5\""}, {"routes/0/esi", "missing"}, {"routes/0/vni", "10100"},
           {"routes/0/next_hop", "\"198.18.0.2\""}, {"routes/0/route_targets", "[\"65000:10100\"]"},
           {"routes/0/encapsulation", "\"vxlan\""}, {"routes/0/sequence", "3"}, {"routes/0/sticky", "false"},
           {"routes/0/bgp_origin", "\"IGP\""}, {"routes/0/as_path", "\"\""}, {"routes/0/local_pref", "100"});
    ck_ask("{\"cmd\":\"show routes\",\"type\":3,\"peer\":\"london-1\",\"network\":\"web\"}",
           {"routes/1", "missing"}, {"routes/0/originator", "\"198.18.0.2\""}, {"routes/0/mac", "missing"},
           {"routes/0/vni", "10100"},
           {"routes/0/pmsi", "{\"tunnel_type\":6,\"flags\":0,\"label\":10100,\"endpoint\":\"198.18.0.2\"}"});
}
END_TEST

START_TEST(test_routes_own_and_stale)
{
    ck_assert_int_eq(evpn_rib_announce(rib, 2, host, NULL, 0, true, 0), 0);
    announce_far(far_host, NULL, 0, false);
    evpn_rib_peer_down(rib, peers[0].rib, true);
    ck_ask("{\"cmd\":\"show routes\",\"type\":2}", {"routes/0/own", "true"}, {"routes/0/peer", "missing"},
           {"routes/0/network", "\"db\""}, {"routes/0/next_hop", "\"198.18.0.1\""},
           {"routes/0/route_targets", "[\"65000:1\"]"}, {"routes/0/sequence", "0"},
           {"routes/0/sticky", "true"}, {"routes/1/own", "false"}, {"routes/1/stale", "true"},
           {"routes/1/sequence", "null"});
    ck_ask("{\"cmd\":\"show routes\",\"mac\":\"02:00:5e:00:00:01\"}", {"routes/1", "missing"},
           {"routes/0/own", "true"});
    ck_ask("{\"cmd\":\"show routes\",\"network\":\"db\",\"peer\":\"198.18.0.5\"}", {"routes", "[]"});
}
END_TEST

/* What a route reflector and other vendors add, all of it shown. */
START_TEST(test_routes_all_attributes)
{
    static struct bgp_update u;
    static uint8_t bytes[64];
    const struct evpn_nlri nlri = {.type = EVPN_MACIP,
                                   .mac = far_host,
                                   .rd = evpn_rd_make(0xc6120009, 1),
                                   .esi = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
                                   .n_labels = 1,
                                   .label = 10100};
    struct buf_out out;

    memset(&u, 0, sizeof(u));
    bgp_attrs_init(&u.attrs);
    buf_out_init(&out, bytes, sizeof(bytes));
    evpn_encode(&nlri, &out);
    u.has_reach = true;
    u.n_reach = 1;
    buf_in_init(&u.reach, bytes, out.len);
    u.attrs.next_hop = (struct ipaddr){4, {198, 18, 0, 9}};
    u.attrs.med = 7;
    u.attrs.local_pref = 200;
    u.attrs.originator_id = 0xc6120009;
    u.attrs.clusters[u.attrs.n_clusters++] = 0x01010101;
    u.attrs.communities[u.attrs.n_communities++] = 65000u << 16 | 33;
    u.attrs.large[u.attrs.n_large++] = (struct bgp_large){{65000, 1, 2}};
    ck_assert(bgp_as_path_prepend(&u.attrs.as_path, 65020));
    ck_assert(bgp_attrs_add_extcom(&u.attrs, bgp_extcom_rt_vni(65000, 10100)));
    ck_assert(bgp_attrs_add_extcom(&u.attrs, bgp_extcom_encapsulation(BGP_TUNNEL_VXLAN)));
    ck_assert(bgp_attrs_add_extcom(&u.attrs, bgp_extcom_mobility(true, 0)));
    ck_assert(bgp_attrs_add_extcom(&u.attrs, bgp_extcom_default_gateway()));
    for (unsigned i = 0; i < 9; i++) {
        static const enum bgp_attr_type types[] = {BGP_ORIGIN,       BGP_AS_PATH,       BGP_MED,
                                                   BGP_LOCAL_PREF,   BGP_COMMUNITY,     BGP_ORIGINATOR_ID,
                                                   BGP_CLUSTER_LIST, BGP_EXT_COMMUNITY, BGP_LARGE_COMMUNITY};

        bgp_attrs_set(&u.attrs, types[i]);
    }
    bgp_attrs_set(&u.attrs, BGP_MP_REACH);
    evpn_rib_update(rib, peers[1].rib, &u);
    ck_ask("{\"cmd\":\"show routes\",\"mac\":\"02:00:5e:00:00:02\"}",
           {"routes/0/esi", "\"00:01:02:03:04:05:06:07:08:09\""}, {"routes/0/next_hop", "\"198.18.0.9\""},
           {"routes/0/ip", "null"}, {"routes/0/as_path", "\"65020\""}, {"routes/0/med", "7"},
           {"routes/0/local_pref", "200"}, {"routes/0/originator_id", "\"198.18.0.9\""},
           {"routes/0/cluster_list", "[\"1.1.1.1\"]"}, {"routes/0/communities", "[\"65000:33\"]"},
           {"routes/0/large_communities", "[\"65000:1:2\"]"},
           {"routes/0/ext_communities", "[\"Default Gateway\"]"}, {"routes/0/sticky", "true"});
}
END_TEST

START_TEST(test_routes_pages)
{
    char request[128], cursor[32] = "", before[32] = "";
    int rows = 0, pages = 0;

    for (unsigned i = 0; i < MANY_MACS; i++)
        ck_assert_int_eq(evpn_rib_announce(i % 2 ? rib : far_rib, 1,
                                           (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}}, NULL, 0,
                                           false, 0),
                         0);
    deliver(peers[0].rib);
    do {
        const cJSON *next;
        cJSON *r;

        snprintf(request, sizeof(request), "{\"cmd\":\"show routes\",\"type\":2%s%s%s}",
                 *cursor ? ",\"cursor\":\"" : "", cursor, *cursor ? "\"" : "");
        r = ask(request);
        rows += cJSON_GetArraySize(cJSON_GetObjectItem(r, "routes"));
        next = cJSON_GetObjectItem(r, "next");
        strcpy(before, cursor);
        snprintf(cursor, sizeof(cursor), "%s", next ? next->valuestring : "");
        /* causewayctl relies on it. */
        ck_assert(!next || strcmp(cursor, before) > 0);
        cJSON_Delete(r);
        ck_assert_int_lt(pages++, 10);
    } while (*cursor);
    ck_assert_int_eq(rows, MANY_MACS);
    ck_assert_int_eq(pages, 3);
}
END_TEST

/* A filter that few routes pass does not hold the loop: pages may be empty and still have a next one. */
START_TEST(test_routes_walk_is_bounded)
{
    char request[128], cursor[32] = "";
    int rows = 0, pages = 0, empty = 0;

    for (unsigned i = 0; i < 120000; i++)
        ck_assert_int_eq(
            evpn_rib_announce(rib, 1,
                              (struct mac){{2, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}},
                              NULL, 0, false, 0),
            0);
    do {
        const cJSON *next;
        cJSON *r;
        int n;

        snprintf(request, sizeof(request), "{\"cmd\":\"show routes\",\"mac\":\"02:00:00:01:d4:bf\"%s%s%s}",
                 *cursor ? ",\"cursor\":\"" : "", cursor, *cursor ? "\"" : "");
        r = ask(request);
        n = cJSON_GetArraySize(cJSON_GetObjectItem(r, "routes"));
        rows += n;
        empty += n == 0;
        next = cJSON_GetObjectItem(r, "next");
        ck_assert(!next || strcmp(next->valuestring, cursor) > 0);
        snprintf(cursor, sizeof(cursor), "%s", next ? next->valuestring : "");
        cJSON_Delete(r);
        ck_assert_int_lt(pages++, 10);
    } while (*cursor);
    ck_assert_int_eq(rows, 1); /* the last one of all */
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(empty, 2);
}
END_TEST

/* A cursor of one's own gets an answer, and nothing worse. */
START_TEST(test_routes_cursor_of_ones_own)
{
    static const char *const cursors[] = {"ffffffff00000000", "00000000ffffffff", "ffffffffffffffff",
                                          "fffffffe00000000", "00000000fffffffe", "fffffffefffffffe",
                                          "0000000000000001", "0000000100000000", "x",
                                          "0000000000000000", "00000000000000001"};
    char request[128], *text;

    snprintf(request, sizeof(request), "{\"cmd\":\"show routes\",\"cursor\":\"%s\"}", cursors[_i]);
    text = raw(request);
    ck_assert(strstr(text, "{\"ok\":true") == text ||
              strstr(text, "{\"ok\":false,\"error\":\"cursor must be") == text);
    cJSON_free(text);
}
END_TEST

/* ---- clear bgp */

START_TEST(test_clear_bgp)
{
    cJSON *r = ask("{\"cmd\":\"clear bgp\",\"peer\":\"198.18.0.2\",\"reason\":\"new cable\"}");

    ck_at(r, "cleared", "1");
    ck_at(r, "soft", "false");
    ck_assert_uint_eq(peers[0].resets, 1);
    ck_assert_uint_eq(peers[1].resets, 0);
    ck_assert_str_eq(peers[0].reason, "new cable");
    cJSON_Delete(r);
    r = ask("{\"cmd\":\"clear bgp\",\"all\":true}");
    ck_at(r, "cleared", "2");
    ck_assert_uint_eq(peers[0].resets, 2);
    ck_assert_uint_eq(peers[1].resets, 1);
    ck_assert_str_eq(peers[0].reason, "none");
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_clear_bgp_soft)
{
    static uint8_t msg[BGP_MSG_MAX];
    cJSON *r;

    while (evpn_rib_pull(rib, peers[0].rib, msg, sizeof(msg)) > 0)
        ;
    r = ask("{\"cmd\":\"clear bgp\",\"all\":true,\"soft\":true}");
    ck_at(r, "cleared", "1");
    ck_at(r, "not_connected", "1");
    ck_at(r, "without_route_refresh", "0");
    ck_assert_uint_eq(peers[0].resets, 0);
    ck_assert_uint_eq(peers[0].refreshes, 1);
    ck_assert_uint_eq(peers[0].wakes, 1);
    ck_assert(evpn_rib_pending(rib, peers[0].rib));
    cJSON_Delete(r);
    peers[0].refresh_rc = -EOPNOTSUPP;
    r = ask("{\"cmd\":\"clear bgp\",\"peer\":\"london-1\",\"soft\":true}");
    ck_at(r, "cleared", "1");
    ck_at(r, "without_route_refresh", "1");
    ck_assert_uint_eq(peers[0].wakes, 2);
    cJSON_Delete(r);
}
END_TEST

START_TEST(test_refusals)
{
    static const char *const cases[][2] = {
        {"{\"cmd\":\"clear bgp\"}", "which peer? or all"},
        {"{\"cmd\":\"clear bgp\",\"all\":false}", "which peer? or all"},
        {"{\"cmd\":\"clear bgp\",\"all\":true,\"peer\":\"rr\"}", "not both"},
        {"{\"cmd\":\"clear bgp\",\"peer\":\"198.18.0.77\"}", "no BGP peer with that address or name"},
        {"{\"cmd\":\"clear bgp\",\"peer\":\"nobody\"}", "no BGP peer with that address or name"},
        {"{\"cmd\":\"clear bgp\",\"peer\":\"rr\",\"soft\":true}", "no session with 198.18.0.5 now"},
        {"{\"cmd\":\"clear bgp\",\"peer\":\"rr\",\"soft\":true,\"reason\":\"x\"}", "a reason goes with"},
        {"{\"cmd\":\"show bgp peers\",\"peer\":\"nobody\"}", "no BGP peer with that address or name"},
        {"{\"cmd\":\"show routes\",\"peer\":\"nobody\"}", "no BGP peer with that address or name"},
        {"{\"cmd\":\"show routes\",\"network\":\"none\"}", "no network of that name"},
        {"{\"cmd\":\"show routes\",\"type\":4}", "type must be 2"},
        {"{\"cmd\":\"show routes\",\"type\":258}", "type must be 2"},
        {"{\"cmd\":\"show routes\",\"type\":0}", "type must be 2"},
        {"{\"cmd\":\"clear duplicate\"}", "which MAC, or which IP address? or all"},
        {"{\"cmd\":\"clear duplicate\",\"all\":true,\"mac\":\"02:00:5e:00:00:01\"}", "not both"},
        {"{\"cmd\":\"clear duplicate\",\"mac\":\"02:00:5e:00:00:01\"}", "that MAC is not frozen"},
        {"{\"cmd\":\"clear duplicate\",\"all\":true,\"network\":\"none\"}", "no network of that name"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_refused(cases[i][0], cases[i][1]);
    ck_assert_uint_eq(peers[0].resets + peers[1].resets + peers[0].wakes + peers[1].wakes, 0);
}
END_TEST

/* ---- what else follows from BGP */

/* R3.3: the RD and the targets, automatic and as configured. */
START_TEST(test_R3_3_networks)
{
    flood(1, &there, false, false);
    ck_ask("{\"cmd\":\"show networks\"}", {"networks/0/rd", "\"198.18.0.1:100\""},
           {"networks/0/import_targets", "[\"*:10100\"]"}, {"networks/0/export_targets", "[\"65000:10100\"]"},
           {"networks/0/vteps", "2"}, {"networks/1/rd", "\"198.18.0.1:7\""},
           {"networks/1/import_targets", "[\"65000:1\",\"65000:2\"]"},
           {"networks/1/export_targets", "[\"65000:1\"]"}, {"networks/1/vteps", "0"});
    ck_ask("{\"cmd\":\"show networks\",\"network\":\"web\"}", {"networks/0/peers/0/vtep", "\"198.18.0.3\""},
           {"networks/0/peers/0/known_by", "\"static\""}, {"networks/0/peers/1/vtep", "\"198.18.0.2\""},
           {"networks/0/peers/1/known_by", "\"bgp\""});
}
END_TEST

/* R8.1: how a VTEP is known; an id that is not in use is no VTEP. */
START_TEST(test_R8_1_vteps)
{
    const struct ipaddr fixed = {4, {198, 18, 0, 3}}, unused = {4, {198, 18, 0, 99}};

    flood(2, &fixed, false, false);
    gw.vteps[add_vtep(&unused) - 1].address.family = 0;
    flood(1, &there, false, false);
    gw.vteps[add_vtep(&there) - 1].macs = 12;
    ck_assert_uint_eq(gw.n_vteps, 3);
    ck_ask("{\"cmd\":\"show vteps\"}", {"vteps/0/known_by", "\"static, bgp\""}, {"vteps/0/networks", "2"},
           {"vteps/0/networks_static", "1"}, {"vteps/0/networks_bgp", "1"},
           {"vteps/1/address", "\"198.18.0.2\""}, {"vteps/1/known_by", "\"bgp\""}, {"vteps/1/networks", "1"},
           {"vteps/1/mac_routes", "12"}, {"vteps/2", "missing"});
    ck_ask("{\"cmd\":\"show vteps\",\"vtep\":\"198.18.0.3\"}", {"vteps/0/network_names", "[\"web\",\"db\"]"});
    ck_ask("{\"cmd\":\"show counters\"}", {"vteps/1/vtep", "\"198.18.0.2\""}, {"vteps/2", "missing"});
    ck_ask("{\"cmd\":\"show status\"}", {"vteps", "2"});
}
END_TEST

static void remote(struct mac mac, uint32_t sequence, bool sticky)
{
    const struct mac_route route = {
        .vtep = add_vtep(&there), .address = there, .seq = sequence, .sticky = sticky};

    mactable_remote(gw.macs, 1, mac, &route, mono_now());
}

START_TEST(test_macs_of_bgp)
{
    const struct ipaddr ip = {4, {10, 1, 0, 5}};

    mactable_set_own_vtep(gw.macs, &here);
    remote(far_host, 4, true);
    ck_assert_int_eq(mactable_remote_ip(gw.macs, 1, far_host, &ip, true), 0);
    remote(host, 6, false);
    learn(1, 1, DP_WHERE_PORT, 1);
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:02\"}", {"macs/0/origin", "\"evpn\""},
           {"macs/0/vtep", "\"198.18.0.2\""}, {"macs/0/sequence", "4"}, {"macs/0/sticky", "true"},
           {"macs/0/duplicate", "false"}, {"macs/0/ips", "[\"10.1.0.5\"]"}, {"macs/0/route/sequence", "4"},
           {"macs/0/recent_moves", "[]"});
    ck_ask("{\"cmd\":\"show macs\",\"mac\":\"02:00:5e:00:00:01\"}", {"macs/0/origin", "\"local\""},
           {"macs/0/port", "\"trunk\""}, {"macs/0/ips", "missing"},
           {"macs/0/route", "{\"vtep\":\"198.18.0.2\",\"sequence\":6,\"sticky\":false}"},
           {"macs/0/recent_moves/0/from", "{\"vtep\":\"198.18.0.2\"}"},
           {"macs/0/recent_moves/0/to", "{\"port\":\"trunk\"}"});
    ck_ask("{\"cmd\":\"show status\"}", {"macs_at_ports", "1"}, {"macs_at_vteps", "1"});
}
END_TEST

/* R5.1: what is frozen is shown, alone if asked for, until an operator clears it. */
START_TEST(test_R5_1_duplicates)
{
    mactable_set_own_vtep(gw.macs, &here);
    ck_assert_int_eq(mactable_set_duplicates(gw.macs, 3, 180, 0), 0);
    learn(1, 7, DP_WHERE_PORT, 1);
    for (uint32_t i = 0; i < 6; i++) {
        remote(host, 2 * i + 1, false);
        learn(1, 1, DP_WHERE_PORT, 1);
    }
    ck_ask("{\"cmd\":\"show macs\",\"duplicates\":true}", {"frozen", "1"},
           {"macs/0/mac", "\"02:00:5e:00:00:01\""}, {"macs/0/duplicate", "true"}, {"macs/1", "missing"});
    ck_ask("{\"cmd\":\"show status\"}", {"duplicates_frozen", "1"});
    ck_ask("{\"cmd\":\"show macs\",\"duplicates\":true,\"network\":\"db\"}", {"macs", "[]"});
    ck_ask("{\"cmd\":\"clear duplicate\",\"all\":true,\"network\":\"db\"}", {"cleared", "0"});
    ck_ask("{\"cmd\":\"clear duplicate\",\"mac\":\"02:00:5e:00:00:01\"}", {"cleared", "1"});
    ck_assert_uint_eq(mactable_stats(gw.macs).frozen, 0);
    ck_ask("{\"cmd\":\"show macs\",\"duplicates\":true}", {"macs", "[]"});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd_bgp");
    TCase *c = tcase_create("commands");

    tcase_add_checked_fixture(c, setup, cleanup);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, test_bgp);
    tcase_add_test(c, test_bgp_ignored);
    tcase_add_test(c, test_bgp_peers);
    tcase_add_loop_test(c, test_bgp_peer_in_detail, 0, 2);
    tcase_add_test(c, test_bgp_peer_without_a_session);
    tcase_add_test(c, test_bgp_peers_pages);
    tcase_add_loop_test(c, test_password_is_never_shown, 0, 3);
    tcase_add_test(c, test_routes_received);
    tcase_add_test(c, test_routes_own_and_stale);
    tcase_add_test(c, test_routes_all_attributes);
    tcase_add_test(c, test_routes_pages);
    tcase_add_test(c, test_routes_walk_is_bounded);
    tcase_add_loop_test(c, test_routes_cursor_of_ones_own, 0, 11);
    tcase_add_test(c, test_clear_bgp);
    tcase_add_test(c, test_clear_bgp_soft);
    tcase_add_test(c, test_refusals);
    tcase_add_test(c, test_R3_3_networks);
    tcase_add_test(c, test_R8_1_vteps);
    tcase_add_test(c, test_macs_of_bgp);
    tcase_add_test(c, test_R5_1_duplicates);
    suite_add_tcase(suite, c);
    return run_suite(suite);
}
