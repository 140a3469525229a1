/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a gateway shows to Prometheus, on one made up in cmd_rig.h: that the values are those of the show
 * commands, that each family has its HELP and TYPE once and its samples together, and how many series there
 * are; and when it is ready.
 */
#include "conf/version.h"
#include "controlplane/announce.h"
#include "controlplane/metrics.h"
#include "tests/unit/cmd_rig.h"
#include "tests/unit/suite.h"

#define MANY_NETWORKS 1000

static const char small_conf[] =
    "site: paris\n"
    "gateway: paris-1\n"
    "underlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
    "access:\n"
    "  - { name: trunk, interface: lan0, mac_limit: 50 }\n"
    "  - { name: lab, interface: lan1, untagged: web }\n"
    "networks:\n"
    "  - { name: web, vlan: 100, vni: 10100, mtu: 9000, mac_limit: 2000,\n"
    "      peers: [ { address: 198.18.0.3 }, { address: 198.18.0.4 } ] }\n"
    "  - { name: db, vlan: 200, vni: 10200 }\n"
    "bgp:\n"
    "  asn: 65000\n"
    "  peers: [ { address: 198.18.0.3, name: london-1 }, { address: 198.18.0.5, asn: 65010 } ]\n";

static struct metric_text t;
static struct move_times times;
static uint64_t resyncs;

/* ---- what the rig does not have */

uint64_t underlay_resyncs(const struct underlay *u)
{
    (void)u;
    return resyncs;
}

uint64_t dp_cycles_hz(const struct dp *dp)
{
    (void)dp;
    return 2000000000;
}

const char *dp_version(void)
{
    return "DPDK 22.11";
}

const struct move_times *moves_times(const struct moves *m)
{
    (void)m;
    return &times;
}

unsigned moves_bouncing(const struct moves *m)
{
    (void)m;
    return 4;
}

static bool look(void *arg, dp_net_id net, struct mac mac, struct mac_place *place, struct ipaddr *ips,
                 unsigned n, unsigned *n_ips)
{
    (void)arg, (void)net, (void)mac, (void)ips, (void)n;
    *place = (struct mac_place){1, DP_WHERE_PORT};
    *n_ips = 0;
    return true;
}

static int take(void *arg, dp_net_id net, dp_port_id port, dp_port_id except, const void *frame, size_t len)
{
    (void)arg, (void)net, (void)port, (void)except, (void)frame, (void)len;
    return 0;
}

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

static void start_bgp(void)
{
    static const struct evpn_rib_ops ops = {no_mac, no_binding, no_flood, no_writable, no_alert};
    const struct evpn_rib_config config = {.asn = 65000,
                                           .router_id = 1,
                                           .vtep = {4, {198, 18, 0, 1}},
                                           .max_peers = 4,
                                           .max_routes = 1000,
                                           .max_attr_bytes = 1 << 20};

    rib = evpn_rib_new(&config, &ops, NULL);
    ck_assert_ptr_nonnull(rib);
    gw.overlay = (struct overlay *)&gw;
    memset(peers, 0, sizeof(peers));
    for (n_peers = 0; n_peers < gw.conf->bgp.n_peers; n_peers++) {
        bgp_peer_config_default(&peers[n_peers].config);
        peers[n_peers].config.address = gw.conf->bgp.peers[n_peers].address;
        peers[n_peers].config.asn = gw.conf->bgp.peers[n_peers].asn;
    }
    peers[0].status.state = BGP_ESTABLISHED;
    peers[0].fsm.established = 3;
    peers[1].status.state = BGP_ACTIVE;
}

static void begin(const char *yaml)
{
    static const struct announce_ops ops = {.look = look, .send = take};

    start(yaml);
    gw.announce = announce_new(&gw.conf->moves, (struct mac){{2, 0, 0, 0, 0, 9}}, &ops, NULL);
    ck_assert_ptr_nonnull(gw.announce);
    gw.started_unix_ns = 1777636800500000000;
    memset(&times, 0, sizeof(times));
    resyncs = 6;
    rib = NULL;
    n_peers = 0;
}

static void setup(void)
{
    begin(small_conf);
    start_bgp();
}

static void cleanup(void)
{
    metric_text_free(&t);
    evpn_rib_free(rib);
    announce_free(gw.announce);
    teardown();
}

/* Writes all; returns in how many parts. */
static unsigned render(bool openmetrics)
{
    struct metrics_cursor at = {0};
    unsigned n = 1;

    metric_text_free(&t);
    metric_text_init(&t, openmetrics);
    while (metrics_part(&gw, &at, &t))
        ck_assert_uint_lt(n++, 1000);
    metric_labels_u64(&t, NULL, 0, 0);
    ck_assert(!t.failed);
    t.text[t.len - 1] = '\0';
    return n;
}

static bool has_line(const char *line)
{
    size_t n = strlen(line);

    for (const char *at_line = t.text; (at_line = strstr(at_line, line)) != NULL; at_line += n)
        if ((at_line == t.text || at_line[-1] == '\n') && at_line[n] == '\n')
            return true;
    return false;
}

#define ck_line(line) ck_assert_msg(has_line(line), "no line %s in\n%s", line, t.text)

static unsigned count(const char *needle)
{
    unsigned n = 0;

    for (const char *p = t.text; (p = strstr(p, needle)) != NULL; p++)
        n++;
    return n;
}

/* ---- values */

START_TEST(test_values)
{
    fake_totals.drops[DROP_vni_unknown] = 3;
    fake_totals.polls = 100;
    fake_totals.idle_polls = 60;
    fake_totals.frames = 500;
    fake_totals.busy_cycles = 3000000001;
    fake_totals.events_lost = 9;
    learn(1, 1, DP_WHERE_PORT, 1);
    learn(1, 2, DP_WHERE_VTEP, 1);
    announce_mac(gw.announce, 1, (struct mac){{2, 0, 0x5e, 0, 0, 1}}, false, mono_now());
    render(false);
    ck_line("causeway_gateway_info{site=\"paris\",gateway=\"paris-1\",vtep=\"198.18.0.1\"} 1");
    ck_assert_ptr_nonnull(strstr(t.text, "\ncauseway_build_info{version=\"" CAUSEWAY_VERSION "\",build=\""));
    ck_assert_ptr_nonnull(strstr(t.text, "\",dpdk=\"DPDK 22.11\"} 1\n"));
    ck_line("causeway_start_time_seconds 1777636800.500000000");
    ck_line("causeway_config_generation 1");
    ck_line("causeway_ready 0"); /* port lab is down */
    ck_line("causeway_port_up{port=\"trunk\"} 1");
    ck_line("causeway_port_up{port=\"lab\"} 0");
    ck_line("causeway_port_info{port=\"underlay\",role=\"underlay\",driver=\"net_af_xdp\"} 1");
    ck_line("causeway_port_frames_total{port=\"trunk\",direction=\"in\"} 11");
    ck_line("causeway_port_bytes_total{port=\"trunk\",direction=\"in\"} 18446744073709551615");
    ck_line("causeway_port_missed_frames_total{port=\"trunk\"} 4");
    ck_line("causeway_port_macs{port=\"trunk\"} 1");
    ck_line("causeway_port_macs_max{port=\"trunk\"} 50");
    ck_assert_uint_eq(count("\ncauseway_port_macs_max{"), 1);
    ck_line("causeway_drops_total{reason=\"vni_unknown\"} 3");
    ck_line("causeway_drops_total{reason=\"truncated\"} 0");
    ck_line("causeway_learn_events_lost_total 9");
    ck_line("causeway_worker_busy_seconds_total{worker=\"0\"} 1.500000000");
    ck_line("causeway_worker_busy_cycles_total{worker=\"0\"} 3000000001");
    ck_line("causeway_worker_frames_total{worker=\"0\"} 500");
    ck_line("causeway_worker_rounds_total{worker=\"0\",state=\"busy\"} 40");
    ck_line("causeway_worker_busy_seconds_total{worker=\"1\"} 0.000000000");
    ck_line("causeway_worker_busy_cycles_total{worker=\"1\"} 0");
    ck_line("causeway_worker_frames_total{worker=\"1\"} 0");
    ck_line("causeway_worker_rounds_total{worker=\"1\",state=\"busy\"} 0");
    ck_line("causeway_worker_rounds_total{worker=\"1\",state=\"idle\"} 7");
    ck_line("causeway_fdb_entries 5");
    ck_line("causeway_fdb_entries_max 4096");
    ck_line("causeway_macs 2");
    ck_line("causeway_macs_added_total{by=\"frame\"} 2");
    ck_line("causeway_announcements_total{kind=\"rarp\"} 1");
    ck_line("causeway_moves_bouncing 4");
    ck_line("causeway_vtep_up{vtep=\"198.18.0.3\"} 1");
    ck_line("causeway_vtep_up{vtep=\"198.18.0.4\"} 0");
    ck_line("causeway_vtep_path_mtu_bytes{vtep=\"198.18.0.3\"} 1600");
    ck_assert_uint_eq(count("\ncauseway_vtep_path_mtu_bytes{"), 1);
    ck_line("causeway_path_mtu_needed_bytes 9050");
    ck_line("causeway_underlay_resyncs_total 6");
    ck_line("causeway_vtep_macs{vtep=\"198.18.0.3\"} 1");
    ck_line("causeway_vtep_frames_total{vtep=\"198.18.0.3\",direction=\"out\"} 2");
    ck_line("causeway_network_info{network=\"web\",vni=\"10100\",vlan=\"100\"} 1");
    ck_line("causeway_network_vteps{network=\"web\"} 2");
    ck_line("causeway_network_vteps{network=\"db\"} 0");
    ck_line("causeway_network_macs{network=\"web\"} 2");
    ck_line("causeway_network_macs_max{network=\"web\"} 2000");
    ck_line("causeway_network_frames_total{network=\"db\",direction=\"access_in\",kind=\"unicast\"} 2");
    ck_line("causeway_network_bytes_total{network=\"db\",direction=\"wan_out\",kind=\"flooded\"} 7");
    ck_line("causeway_network_proxy_replies_total{network=\"web\",protocol=\"nd\"} 9");
    ck_line("causeway_network_bounced_frames_total{network=\"web\"} 10");
    ck_line("causeway_network_bicast_frames_total{network=\"web\"} 11");
    ck_line("causeway_bgp_peer_info{peer=\"198.18.0.3\",name=\"london-1\",asn=\"65000\"} 1");
    ck_line("causeway_bgp_session_up{peer=\"198.18.0.3\"} 1");
    ck_line("causeway_bgp_session_up{peer=\"198.18.0.5\"} 0");
    ck_line("causeway_bgp_sessions_established_total{peer=\"198.18.0.3\"} 3");
    ck_line("causeway_bgp_routes_ignored_total{reason=\"too_many_of_one_mac\"} 0");
    ck_line("causeway_bgp_routes_ignored_total{reason=\"as_loop\"} 0");
    /* No series for a host. */
    ck_assert_ptr_null(strstr(t.text, "02:00:5e"));
}
END_TEST

START_TEST(test_fastpath)
{
    render(false);
    ck_line("causeway_fastpath_up 0");
    ck_assert_uint_eq(count("\ncauseway_fastpath_"), 1);
    fake_fastpath = fake_pinned = true;
    fake_why_not = NULL;
    render(false);
    ck_line("causeway_fastpath_up 1");
    ck_line("causeway_fastpath_pinned 1");
    ck_line("causeway_fastpath_frames_total{port=\"underlay\",direction=\"in\"} 5");
    ck_line("causeway_fastpath_punts_total{port=\"underlay\",reason=\"source\"} 9");
    ck_line("causeway_fastpath_unserved_frames_total{port=\"underlay\"} 7");
    ck_line("causeway_fastpath_port_target{port=\"underlay\"} 0"); /* its link is down */
    ck_line("causeway_fastpath_lost_frames_total{port=\"underlay\"} 6");
    ck_line("causeway_fastpath_macs 7");
    ck_line("causeway_fastpath_macs_max 8192");
    ck_line("causeway_fastpath_macs_refused_total 12");
}
END_TEST

START_TEST(test_moves)
{
    const struct journal_entry moved = {0};

    journal_set_limits(rig_journal, (struct journal_limit){1, 1}, (struct journal_limit){0});
    for (unsigned i = 0; i < 3; i++)
        journal_open(rig_journal, &moved);
    histogram_add(&times.dark, 40000000);
    histogram_add(&times.fdb, 100000);
    histogram_add(&times.first, 3000000000);
    times.unknown = 5;
    render(true);
    ck_line("causeway_move_dark_seconds_bucket{le=\"0.025\"} 0");
    ck_line("causeway_move_dark_seconds_bucket{le=\"0.05\"} 1");
    ck_line("causeway_move_dark_seconds_sum 0.040000000");
    ck_line("causeway_move_dark_seconds_count 1");
    ck_line("causeway_move_stage_seconds_bucket{stage=\"fdb\",le=\"0.001\"} 1");
    ck_line("causeway_move_stage_seconds_bucket{stage=\"first\",le=\"2.5\"} 0");
    ck_line("causeway_move_stage_seconds_bucket{stage=\"first\",le=\"5.0\"} 1");
    ck_line("causeway_move_stage_seconds_count{stage=\"silent\"} 0");
    ck_line("causeway_moves_dark_unknown_total 5");
    ck_line("causeway_moves_unrecorded_total 2");
}
END_TEST

START_TEST(test_without_bgp)
{
    gw.overlay = NULL;
    render(false);
    ck_assert_ptr_null(strstr(t.text, "causeway_bgp_"));
    ck_line("causeway_macs 0");
}
END_TEST

/* ---- form */

/* The name of a sample's family: without what a histogram's samples end in, and in OpenMetrics without the
 * suffix of the type. */
static void family_of(const char *line, const char *type, bool openmetrics, char out[128])
{
    static const char *const ends[] = {"_bucket", "_sum", "_count"};
    size_t n = strcspn(line, "{ ");

    snprintf(out, 128, "%.*s", (int)n, line);
    for (unsigned i = 0; strcmp(type, "histogram") == 0 && i < 3; i++)
        if (n > strlen(ends[i]) && strcmp(out + n - strlen(ends[i]), ends[i]) == 0)
            out[n - strlen(ends[i])] = '\0';
    if (openmetrics && (strcmp(type, "counter") == 0 || strcmp(type, "info") == 0)) {
        ck_assert_ptr_nonnull(strrchr(out, '_'));
        *strrchr(out, '_') = '\0';
    }
}

/* HELP, TYPE, then its samples and no others; each family once. */
static void check_form(bool openmetrics)
{
    char families[200][128], family[128] = "", type[32] = "", name[128];
    unsigned n = 0;
    char *save = NULL;

    render(openmetrics);
    for (char *line = strtok_r(t.text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            ck_assert_int_eq(sscanf(line, "# HELP %127s", family), 1);
            ck_assert(strchr(line + 7, ' ') != NULL && strpbrk(line, "\\\"") == NULL);
            ck_assert_msg(strncmp(family, "causeway_", 9) == 0, "%s", line);
            for (unsigned i = 0; i < n; i++)
                ck_assert_str_ne(families[i], family);
            ck_assert_uint_lt(n, 200);
            strcpy(families[n++], family);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            ck_assert_int_eq(sscanf(line, "# TYPE %127s %31s", name, type), 2);
            ck_assert_str_eq(name, family);
        } else if (strcmp(line, "# EOF") == 0) {
            ck_assert(openmetrics);
        } else {
            ck_assert_int_ne(line[0], '#');
            if (strcmp(line, "causeway_network_bicast_frames_total 0") == 0)
                continue; /* render()'s own, for room */
            family_of(line, type, openmetrics, name);
            ck_assert_str_eq(name, family);
        }
    }
    ck_assert_uint_gt(n, 60);
}

START_TEST(test_form)
{
    check_form(_i == 1);
}
END_TEST

START_TEST(test_end)
{
    struct metrics_cursor at = {0};

    metric_text_init(&t, true);
    while (metrics_part(&gw, &at, &t))
        ;
    ck_assert(t.len > 6 && memcmp(t.text + t.len - 6, "# EOF\n", 6) == 0);
}
END_TEST

/* All of them, in parts, without a gap and nothing twice. */
START_TEST(test_many_networks)
{
    char *yaml = malloc(MANY_NETWORKS * 120 + 1000);
    struct timespec from, to;
    int n =
        sprintf(yaml, "site: s\ngateway: g\nunderlay: { address: 198.18.0.1, port: { interface: wan0 } }\n"
                      "access: [ { name: trunk, interface: lan0 } ]\nnetworks:\n");
    char line[128];
    unsigned parts;

    for (unsigned i = 0; i < MANY_NETWORKS; i++)
        n += sprintf(yaml + n, "  - { name: n%u, vlan: %u, vni: %u }\n", i, i + 1, i + 1);
    cleanup();
    begin(yaml);
    free(yaml);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    parts = render(false);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    ck_assert_uint_ge(parts, 20);
    for (unsigned i = 0; i < MANY_NETWORKS; i++) {
        snprintf(line, sizeof(line), "causeway_network_vteps{network=\"n%u\"} 0", i);
        ck_line(line);
    }
    ck_assert_uint_eq(count("\ncauseway_network_info{"), MANY_NETWORKS);
    ck_assert_uint_eq(count("\ncauseway_network_frames_total{"), 8 * MANY_NETWORKS);
    ck_assert_uint_eq(count("# TYPE causeway_network_frames_total "), 1);
    printf("%u networks: %zu bytes in %u parts, %ld us of CPU\n", MANY_NETWORKS, t.len, parts,
           (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
}
END_TEST

/* Reload is between two parts: nothing is read where nothing is. */
START_TEST(test_networks_go_between_parts)
{
    struct metrics_cursor at = {.part = 0};
    unsigned n = gw.n_networks;

    metric_text_init(&t, false);
    while (metrics_part(&gw, &at, &t))
        gw.n_networks = at.part % 2 ? 0 : n;
    gw.n_networks = n;
    ck_assert(!t.failed);
}
END_TEST

/* ---- ready */

static const char *reasons(void)
{
    static char text[METRICS_REASONS_LEN];

    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(metrics_ready(&gw, text), text[0] == '\0');
    return text;
}

START_TEST(test_ready)
{
    ck_assert_str_eq(reasons(), "port lab is down\n");
    gw.n_ports = 2;
    ck_assert_str_eq(reasons(), "");
    /* VTEPs are known, and the way to none of them is. */
    gw.vteps[0].address.b[3] = 6;
    ck_assert_str_eq(reasons(), "VTEP 198.18.0.6: no route\nVTEP 198.18.0.4: no route\n");
    peers[0].status.state = BGP_IDLE;
    ck_assert_str_eq(reasons(), "VTEP 198.18.0.6: no route\nVTEP 198.18.0.4: no route\n"
                                "no BGP session is established (2 configured)\n");
    /* None is known: then a session is enough. */
    gw.n_vteps = 0;
    ck_assert_str_eq(reasons(), "no BGP session is established (2 configured)\n");
    peers[1].status.state = BGP_ESTABLISHED;
    ck_assert_str_eq(reasons(), "");
    gw.overlay = NULL;
    ck_assert_str_eq(reasons(), "there is neither a BGP peer nor a VTEP\n");
}
END_TEST

START_TEST(test_ready_is_bounded)
{
    for (unsigned i = 0; i < DP_MAX_PORTS; i++) {
        gw.ports[i] = gw.ports[2]; /* which is down */
        memset(gw.ports[i].name, 'p', sizeof(gw.ports[i].name) - 1);
    }
    gw.n_ports = DP_MAX_PORTS;
    ck_assert_uint_lt(strlen(reasons()), METRICS_REASONS_LEN);
    ck_assert_int_eq(reasons()[strlen(reasons()) - 1], '\n');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("metrics");
    TCase *c = tcase_create("metrics");

    tcase_add_checked_fixture(c, setup, cleanup);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_values);
    tcase_add_test(c, test_fastpath);
    tcase_add_test(c, test_moves);
    tcase_add_test(c, test_without_bgp);
    tcase_add_loop_test(c, test_form, 0, 2);
    tcase_add_test(c, test_end);
    tcase_add_test(c, test_many_networks);
    tcase_add_test(c, test_networks_go_between_parts);
    tcase_add_test(c, test_ready);
    tcase_add_test(c, test_ready_is_bounded);
    suite_add_tcase(s, c);
    return run_suite(s);
}
