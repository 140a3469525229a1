/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The way to the VTEPs, against the real kernel. Each test is a process of its own in a network namespace of
 * its own, joined by a veth pair (wan0 - wan1) to a helper process in another; both namespaces are gone with
 * the processes. Needs root.
 */
#include "conf/conf.h"
#include "conf/log.h"
#include "controlplane/underlay.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEER_MAC  "02:00:00:00:00:02"
#define OTHER_MAC "02:00:00:00:00:99"

static struct event_base *base;
static struct underlay *u;
static pid_t peer;
static unsigned callbacks, empty_callbacks;

/* What the last callback left; a callback must differ from it in something. */
static struct ipaddr watched[16];
static unsigned n_watched;
static struct underlay_hop last_hop[16];
static struct underlay_link last_link;

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void sh(const char *fmt, ...)
{
    char cmd[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    if (system(cmd) != 0)
        ck_abort_msg("command failed: %s", cmd);
}

/* A process that holds a network namespace and dies with us. */
static pid_t spawn_peer(void)
{
    int ready[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static struct ipaddr ip(const char *text)
{
    struct ipaddr a;

    ck_assert(ipaddr_parse(text, &a));
    return a;
}

static const struct underlay_hop *hop(const char *vtep)
{
    struct ipaddr a = ip(vtep);
    const struct underlay_hop *h = underlay_hop(u, &a);

    ck_assert_ptr_nonnull(h);
    return h;
}

static bool snapshot(void)
{
    bool changed = memcmp(&last_link, underlay_link(u), sizeof(last_link)) != 0;

    last_link = *underlay_link(u);
    for (unsigned i = 0; i < n_watched; i++) {
        const struct underlay_hop *h = underlay_hop(u, &watched[i]);

        changed |= memcmp(&last_hop[i], h, sizeof(*h)) != 0;
        last_hop[i] = *h;
    }
    return changed;
}

static void on_changed(void *arg)
{
    ck_assert_ptr_eq(arg, &base);
    callbacks++;
    if (!snapshot())
        empty_callbacks++;
}

static void track(const char *vtep)
{
    struct ipaddr a = ip(vtep);

    ck_assert_int_eq(underlay_track(u, &a), 0);
    watched[n_watched++] = a;
    snapshot();
}

static void start(const char *source)
{
    struct ipaddr a = ip(source);
    char err[256] = "";

    u = underlay_start(base, "wan0", &a, on_changed, &base, err, sizeof(err));
    ck_assert_msg(u != NULL, "%s", err);
    snapshot();
}

/* Turns the loop until the condition holds; fails after 15 s. */
static bool timed_out;

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    timed_out = true;
}

static void wait_until(bool (*condition)(const void *), const void *arg, const char *what)
{
    struct event *deadline = evtimer_new(base, on_deadline, NULL);
    struct timeval tv = {.tv_sec = 15};

    timed_out = false;
    event_add(deadline, &tv);
    while (!condition(arg) && !timed_out)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(deadline);
    ck_assert_msg(condition(arg), "never came: %s", what);
    ck_assert_uint_eq(empty_callbacks, 0);
}

struct want {
    const char *vtep;
    enum underlay_state state;
    const char *mac, *next_hop;
    unsigned mtu;
};

static bool has_come(const void *arg)
{
    const struct want *w = arg;
    const struct underlay_hop *h = hop(w->vtep);
    char text[IPADDR_STRLEN], mac[MAC_STRLEN];

    return h->state == w->state && (!w->mac || strcmp(mac_format(h->mac, mac), w->mac) == 0) &&
           (!w->next_hop || strcmp(ipaddr_format(&h->next_hop, text), w->next_hop) == 0) &&
           (!w->mtu || h->mtu == w->mtu);
}

static void wait_state(const char *vtep, enum underlay_state state)
{
    struct want w = {.vtep = vtep, .state = state};

    wait_until(has_come, &w, underlay_state_text(state));
}

static void wait_hop(const char *vtep, const char *mac, const char *next_hop, unsigned mtu)
{
    struct want w = {vtep, UNDERLAY_RESOLVED, mac, next_hop, mtu};

    wait_until(has_come, &w, mac);
}

static void make_wan(void)
{
    sh("ip link add wan0 mtu 1500 type veth peer name wan1 mtu 1500 address " PEER_MAC " netns %d", peer);
    sh("ip addr add 198.18.0.1/24 dev wan0 && ip -6 addr add fd00:18::1/64 dev wan0 nodad && ip link set "
       "wan0 up");
    sh("nsenter -t %d -n sh -c 'ip link set lo up; ip link set wan1 up; ip addr add 198.18.0.2/24 dev wan1;"
       " ip -6 addr add fd00:18::2/64 dev wan1 nodad; ip addr replace 198.19.0.9/32 dev lo'",
       peer);
}

static void setup(void)
{
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    sh("ip link set lo up");
    peer = spawn_peer();
    make_wan();
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
}

static void teardown(void)
{
    underlay_stop(u);
    event_base_free(base);
    kill(peer, SIGKILL);
    waitpid(peer, NULL, 0);
}

START_TEST(test_resolves_on_link)
{
    start("198.18.0.1");
    track("198.18.0.2");
    ck_assert(underlay_link(u)->up);
    wait_hop("198.18.0.2", PEER_MAC, "198.18.0.2", 1500);
    ck_assert_str_eq(hop("198.18.0.2")->interface, "wan0");
    ck_assert_int_eq(underlay_track(u, &watched[0]), -EEXIST);
    underlay_untrack(u, &watched[0]);
    ck_assert_ptr_null(underlay_hop(u, &watched[0]));
    underlay_untrack(u, &watched[0]);
}
END_TEST

START_TEST(test_resolves_ipv6)
{
    start("fd00:18::1");
    track("fd00:18::2");
    wait_hop("fd00:18::2", PEER_MAC, "fd00:18::2", 1500);
    track("fd00:19::9");
    ck_assert_int_eq(hop("fd00:19::9")->state, UNDERLAY_NO_ROUTE);
    sh("ip -6 route add fd00:19::/64 via fd00:18::2 mtu 1400");
    wait_hop("fd00:19::9", PEER_MAC, "fd00:18::2", 1400);
    sh("ip -6 neigh replace fd00:18::2 lladdr " OTHER_MAC " dev wan0 nud permanent");
    wait_hop("fd00:19::9", OTHER_MAC, "fd00:18::2", 1400);
    sh("ip -6 route replace unreachable fd00:19::/64");
    sh("ip -6 route del fd00:19::/64 via fd00:18::2 2>/dev/null || true");
    wait_state("fd00:19::9", UNDERLAY_NO_ROUTE);
    track("fd00:18::1");
    ck_assert_int_eq(hop("fd00:18::1")->state, UNDERLAY_LOCAL);
}
END_TEST

START_TEST(test_ipv4_over_ipv6_next_hop)
{
    start("198.18.0.1");
    sh("ip route add 198.19.0.0/24 via inet6 fd00:18::2 dev wan0");
    track("198.19.0.9");
    wait_hop("198.19.0.9", PEER_MAC, "fd00:18::2", 1500);
}
END_TEST

START_TEST(test_follows_neighbour)
{
    start("198.18.0.1");
    track("198.18.0.2");
    wait_hop("198.18.0.2", PEER_MAC, NULL, 0);
    sh("ip neigh replace 198.18.0.2 lladdr " OTHER_MAC " dev wan0 nud reachable");
    wait_hop("198.18.0.2", OTHER_MAC, NULL, 0);
    /* Gone: asked for again, and the real one answers. */
    sh("ip neigh del 198.18.0.2 dev wan0");
    wait_hop("198.18.0.2", PEER_MAC, NULL, 0);
    sh("nsenter -t %d -n ip link set wan1 address 02:00:00:00:00:03", peer);
    sh("ip neigh del 198.18.0.2 dev wan0 2>/dev/null || true");
    wait_hop("198.18.0.2", "02:00:00:00:00:03", NULL, 0);
}
END_TEST

static bool not_stale(const void *arg)
{
    (void)arg;
    return system("ip neigh show 198.18.0.2 dev wan0 | grep -q STALE") != 0;
}

START_TEST(test_stale_is_probed_again)
{
    start("198.18.0.1");
    track("198.18.0.2");
    wait_hop("198.18.0.2", PEER_MAC, NULL, 0);
    /* A stale entry with a wrong MAC is used at first, and found out because we have the kernel probe it. */
    sh("ip neigh replace 198.18.0.2 lladdr " OTHER_MAC " dev wan0 nud stale");
    wait_hop("198.18.0.2", OTHER_MAC, NULL, 0);
    wait_until(not_stale, NULL, "the kernel's probe");
    wait_hop("198.18.0.2", PEER_MAC, NULL, 0);
}
END_TEST

START_TEST(test_follows_route)
{
    start("198.18.0.1");
    track("198.19.0.9");
    ck_assert_int_eq(hop("198.19.0.9")->state, UNDERLAY_NO_ROUTE);
    ck_assert_uint_eq(hop("198.19.0.9")->next_hop.family, 0);
    ck_assert_str_eq(hop("198.19.0.9")->interface, "");
    sh("ip route add 198.19.0.0/24 via 198.18.0.2");
    wait_hop("198.19.0.9", PEER_MAC, "198.18.0.2", 1500);
    sh("ip neigh add 198.18.0.3 lladdr " OTHER_MAC " dev wan0 nud permanent");
    sh("ip route add 198.19.0.9/32 via 198.18.0.3");
    wait_hop("198.19.0.9", OTHER_MAC, "198.18.0.3", 1500);
    sh("ip route del 198.19.0.9/32");
    wait_hop("198.19.0.9", PEER_MAC, "198.18.0.2", 1500);
    sh("ip route replace blackhole 198.19.0.0/24");
    wait_state("198.19.0.9", UNDERLAY_NO_ROUTE);
    sh("ip route replace 198.19.0.0/24 via 198.18.0.2");
    wait_state("198.19.0.9", UNDERLAY_RESOLVED);
    sh("ip rule add to 198.19.0.9 prohibit");
    wait_state("198.19.0.9", UNDERLAY_NO_ROUTE);
    sh("ip rule del to 198.19.0.9 prohibit");
    wait_state("198.19.0.9", UNDERLAY_RESOLVED);
}
END_TEST

START_TEST(test_follows_nexthop_object)
{
    start("198.18.0.1");
    track("198.19.0.9");
    sh("ip neigh add 198.18.0.3 lladdr " OTHER_MAC " dev wan0 nud permanent");
    sh("ip nexthop add id 7 via 198.18.0.2 dev wan0 && ip route add 198.19.0.0/24 nhid 7");
    wait_hop("198.19.0.9", PEER_MAC, "198.18.0.2", 1500);
    sh("ip nexthop replace id 7 via 198.18.0.3 dev wan0");
    wait_hop("198.19.0.9", OTHER_MAC, "198.18.0.3", 1500);
}
END_TEST

START_TEST(test_R11_1_follows_mtu)
{
    start("198.18.0.1");
    sh("ip route add 198.19.0.0/24 via 198.18.0.2");
    track("198.19.0.9");
    wait_hop("198.19.0.9", PEER_MAC, NULL, 1500);
    sh("ip route replace 198.19.0.0/24 via 198.18.0.2 mtu 1400");
    wait_hop("198.19.0.9", PEER_MAC, NULL, 1400);
    sh("ip link set wan0 mtu 1380");
    wait_hop("198.19.0.9", PEER_MAC, NULL, 1380);
    ck_assert_uint_eq(underlay_link(u)->mtu, 1380);
}
END_TEST

START_TEST(test_link_down_and_up)
{
    start("198.18.0.1");
    track("198.18.0.2");
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    sh("ip link set wan0 down");
    wait_state("198.18.0.2", UNDERLAY_LINK_DOWN);
    ck_assert(!underlay_link(u)->up);
    sh("ip link set wan0 up");
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    /* the other end: no carrier */
    sh("nsenter -t %d -n ip link set wan1 down", peer);
    wait_state("198.18.0.2", UNDERLAY_LINK_DOWN);
    sh("nsenter -t %d -n ip link set wan1 up", peer);
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    ck_assert(underlay_link(u)->up);
}
END_TEST

START_TEST(test_link_is_made_anew)
{
    int ifindex;

    start("198.18.0.1");
    track("198.18.0.2");
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    ifindex = underlay_link(u)->ifindex;
    sh("ip link del wan0");
    wait_state("198.18.0.2", UNDERLAY_LINK_DOWN);
    ck_assert_int_eq(underlay_link(u)->ifindex, 0);
    make_wan();
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    ck_assert_int_ne(underlay_link(u)->ifindex, ifindex);
}
END_TEST

START_TEST(test_own_mac_changes)
{
    char mac[MAC_STRLEN];

    start("198.18.0.1");
    track("198.18.0.2");
    wait_state("198.18.0.2", UNDERLAY_RESOLVED);
    callbacks = 0;
    sh("ip link set wan0 address 02:00:00:00:00:11");
    while (callbacks == 0)
        event_base_loop(base, EVLOOP_ONCE);
    ck_assert_str_eq(mac_format(underlay_link(u)->mac, mac), "02:00:00:00:00:11");
}
END_TEST

START_TEST(test_own_address_and_other_port)
{
    start("198.18.0.1");
    track("198.18.0.1");
    ck_assert_int_eq(hop("198.18.0.1")->state, UNDERLAY_LOCAL);
    sh("ip link add other0 type veth peer name other1 && ip link set other0 up && ip link set other1 up");
    sh("ip addr add 10.9.0.1/24 dev other0 && ip route add 198.19.0.0/24 via 10.9.0.2");
    track("198.19.0.9");
    ck_assert_int_eq(hop("198.19.0.9")->state, UNDERLAY_WRONG_PORT);
    ck_assert_str_eq(hop("198.19.0.9")->interface, "other0");
    sh("ip addr add 198.19.0.9/32 dev other0");
    wait_state("198.19.0.9", UNDERLAY_LOCAL);
}
END_TEST

START_TEST(test_source_not_configured_yet)
{
    start("198.18.0.200");
    track("198.18.0.2");
    ck_assert_int_eq(hop("198.18.0.2")->state, UNDERLAY_NO_ROUTE);
    sh("ip addr add 198.18.0.200/32 dev wan0");
    wait_hop("198.18.0.2", PEER_MAC, "198.18.0.2", 1500);
}
END_TEST

START_TEST(test_asked_until_answered)
{
    start("198.18.0.1");
    track("198.18.0.77");
    ck_assert_int_eq(hop("198.18.0.77")->state, UNDERLAY_NO_NEIGHBOUR);
    /* First asked in vain: the entry is FAILED, and is asked for again. */
    for (bool failed = false; !failed; failed = system("ip neigh show 198.18.0.77 | grep -q FAILED") == 0)
        event_base_loop(base, EVLOOP_ONCE);
    ck_assert_int_eq(hop("198.18.0.77")->state, UNDERLAY_NO_NEIGHBOUR);
    sh("nsenter -t %d -n ip addr add 198.18.0.77/32 dev wan1", peer);
    wait_hop("198.18.0.77", PEER_MAC, NULL, 0);
}
END_TEST

START_TEST(test_missing_interface)
{
    struct ipaddr a = ip("198.18.0.1");
    char err[256] = "";

    ck_assert_ptr_null(underlay_start(base, "nothere0", &a, on_changed, &base, err, sizeof(err)));
    ck_assert_ptr_nonnull(strstr(err, "nothere0"));
    ck_assert_ptr_nonnull(strstr(err, "no such interface"));
}
END_TEST

/* ---- many */

#define MANY 1023

static struct ipaddr many(unsigned i)
{
    return (struct ipaddr){.family = 4, .b = {198, 19, (uint8_t)(4 + (i >> 8)), (uint8_t)i}};
}

static void track_many(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        struct ipaddr a = many(i);

        ck_assert_int_eq(underlay_track(u, &a), 0);
    }
    watched[n_watched++] = many(0);
    watched[n_watched++] = many(MANY - 1);
    snapshot();
}

static bool all_via(const void *arg)
{
    struct ipaddr want = ip(arg);

    for (unsigned i = 0; i < MANY; i++) {
        struct ipaddr a = many(i);
        const struct underlay_hop *h = underlay_hop(u, &a);

        if (h->state != UNDERLAY_RESOLVED || !ipaddr_eq(&h->next_hop, &want))
            return false;
    }
    return true;
}

START_TEST(test_1023_vteps_in_one_go)
{
    start("198.18.0.1");
    sh("ip neigh add 198.18.0.3 lladdr " OTHER_MAC " dev wan0 nud permanent");
    sh("ip route add 198.19.0.0/16 via 198.18.0.2");
    track_many();
    wait_until(all_via, "198.18.0.2", "all by the first gateway");
    callbacks = 0;
    sh("ip route replace 198.19.0.0/16 via 198.18.0.3");
    wait_until(all_via, "198.18.0.3", "all by the second gateway");
    ck_assert_uint_eq(callbacks, 1);
}
END_TEST

/* Datagrams that the kernel could not give to the netlink sockets of this process. */
static unsigned long netlink_drops(void)
{
    FILE *f = fopen("/proc/net/netlink", "r");
    unsigned long drops, sum = 0;
    char line[256];

    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %lu", &drops) == 1)
            sum += drops;
    fclose(f);
    return sum;
}

START_TEST(test_lost_events_lead_to_a_resync)
{
    FILE *f;

    start("198.18.0.1");
    sh("ip neigh add 198.18.0.3 lladdr " OTHER_MAC " dev wan0 nud permanent");
    sh("ip route add 198.19.0.0/16 via 198.18.0.2");
    track_many();
    wait_until(all_via, "198.18.0.2", "all by the first gateway");
    /* The loop does not turn while more happens than the socket's buffer holds; the change is in the lost
     * part. */
    f = popen("ip -batch - ", "w");
    ck_assert_ptr_nonnull(f);
    for (unsigned i = 0; i < 60000; i++) {
        fprintf(f, "route add 10.%u.%u.%u/32 via 198.18.0.2\n", 1 + (i >> 16), (i >> 8) & 255, i & 255);
        if (i == 50000)
            fprintf(f, "route replace 198.19.0.0/16 via 198.18.0.3\n");
    }
    ck_assert_int_eq(pclose(f), 0);
    ck_assert_uint_gt(netlink_drops(), 0);
    wait_until(all_via, "198.18.0.3", "all by the second gateway");
}
END_TEST

static unsigned ticks;

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    ticks++;
}

/* Events that each put all 1023 routes in doubt, for a while: the loop goes on doing other things. */
START_TEST(test_storm_leaves_the_loop_its_time)
{
    struct timeval ms10 = {.tv_usec = 10000};
    struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    mono_t from;
    uint64_t ns;
    int status = 0;
    pid_t pid;

    start("198.18.0.1");
    sh("ip route add 198.19.0.0/16 via 198.18.0.2");
    track_many();
    wait_until(all_via, "198.18.0.2", "all by the gateway");
    event_add(tick, &ms10);
    from = mono_now();
    pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c",
              "for i in $(seq 40000); do echo addr add 10.8.0.1/32 dev lo; echo addr del 10.8.0.1/32 dev lo; "
              "done |"
              " ip -batch -",
              (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0)
        event_base_loop(base, EVLOOP_ONCE);
    ns = mono_now().ns - from.ns;
    ck_assert_int_eq(status, 0);
    printf("storm: %.0f ms, %u of %.0f ticks\n", (double)ns / 1e6, ticks, (double)ns / 1e7);
    ck_assert_uint_gt(ticks, ns / 10000000 / 10);
    event_free(tick);
    sh("ip neigh add 198.18.0.3 lladdr " OTHER_MAC " dev wan0 nud permanent");
    sh("ip route replace 198.19.0.0/16 via 198.18.0.3");
    wait_until(all_via, "198.18.0.3", "all by the second gateway");
}
END_TEST

/* ---- the TAP */

START_TEST(test_setup_tap)
{
    struct conf_route routes[2] = {{.via = ip("198.18.7.254")}, {.via = ip("198.18.7.254")}};
    struct conf_underlay c = {.address = ip("198.18.7.1"),
                              .prefix_len = 24,
                              .tap = "cw-t0",
                              .mtu = 1600,
                              .routes = routes,
                              .n_routes = 1};
    char err[256] = "";

    ck_assert_int_eq(underlay_setup_tap(&c, err, sizeof(err)), -ENODEV);
    ck_assert_ptr_nonnull(strstr(err, "cw-t0"));
    sh("ip tuntap add cw-t0 mode tap");
    ck_assert(ipprefix_parse("198.19.0.0/24", &routes[0].to));
    ck_assert(ipprefix_parse("0.0.0.0/0", &routes[1].to));
    ck_assert_msg(underlay_setup_tap(&c, err, sizeof(err)) == 0, "%s", err);
    sh("ip link show cw-t0 up | grep -q 'mtu 1600'");
    sh("ip addr show dev cw-t0 | grep -q 'inet 198.18.7.1/24 '");
    sh("ip route get 198.19.0.9 2>&1 | grep -q 'via 198.18.7.254 dev cw-t0'");
    /* A route of the machine's own is not touched. */
    sh("ip route flush 198.19.0.0/24 && ip route add default via 198.18.0.2 dev wan0");
    routes[0].to = ((struct conf_route *)&routes[1])->to;
    ck_assert_int_eq(underlay_setup_tap(&c, err, sizeof(err)), -EEXIST);
    ck_assert_ptr_nonnull(strstr(err, "0.0.0.0/0 via 198.18.7.254"));
    sh("ip route show default | grep -q 'dev wan0'");
}
END_TEST

START_TEST(test_setup_tap_ipv6)
{
    struct conf_route route = {.via = ip("fd00:7::fe")};
    struct conf_underlay c = {
        .address = ip("fd00:7::1"), .prefix_len = 64, .tap = "cw-t0", .routes = &route, .n_routes = 1};
    char err[256] = "";

    ck_assert(ipprefix_parse("fd00:19::/64", &route.to));
    sh("ip tuntap add cw-t0 mode tap");
    ck_assert_msg(underlay_setup_tap(&c, err, sizeof(err)) == 0, "%s", err);
    sh("ip -6 addr show dev cw-t0 | grep 'inet6 fd00:7::1/64 ' | grep -vq tentative");
    sh("ip -6 addr show dev cw-t0 scope link | grep 'inet6 fe80::' | grep -vq tentative");
    sh("ip -6 route show fd00:19::/64 | grep -q 'via fd00:7::fe dev cw-t0'");
}
END_TEST

START_TEST(test_R9_5_what_is_lost)
{
    static const struct {
        enum underlay_state state;
        bool after_found, after_lost;
    } cases[] = {
        {UNDERLAY_RESOLVED, false, false},    {UNDERLAY_NO_ROUTE, true, true},
        {UNDERLAY_WRONG_PORT, true, true},    {UNDERLAY_LOCAL, true, true},
        {UNDERLAY_NO_NEIGHBOUR, false, true}, /* not yet, or not yet again */
        {UNDERLAY_LINK_DOWN, true, true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert(underlay_is_lost(cases[i].state, false) == cases[i].after_found);
        ck_assert(underlay_is_lost(cases[i].state, true) == cases[i].after_lost);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("underlay");
    TCase *t = tcase_create("kernel");
    SRunner *r = srunner_create(s);
    int failed;

    if (geteuid() != 0) {
        printf("skipped: network namespaces need root\n");
        srunner_free(r);
        return EXIT_SUCCESS;
    }
    log_set_level(LOG_LEVEL_WARNING);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 90);
    tcase_add_test(t, test_R9_5_what_is_lost);
    tcase_add_test(t, test_resolves_on_link);
    tcase_add_test(t, test_resolves_ipv6);
    tcase_add_test(t, test_ipv4_over_ipv6_next_hop);
    tcase_add_test(t, test_follows_neighbour);
    tcase_add_test(t, test_stale_is_probed_again);
    tcase_add_test(t, test_follows_route);
    tcase_add_test(t, test_follows_nexthop_object);
    tcase_add_test(t, test_R11_1_follows_mtu);
    tcase_add_test(t, test_link_down_and_up);
    tcase_add_test(t, test_link_is_made_anew);
    tcase_add_test(t, test_own_mac_changes);
    tcase_add_test(t, test_own_address_and_other_port);
    tcase_add_test(t, test_source_not_configured_yet);
    tcase_add_test(t, test_asked_until_answered);
    tcase_add_test(t, test_missing_interface);
    tcase_add_test(t, test_1023_vteps_in_one_go);
    tcase_add_test(t, test_lost_events_lead_to_a_resync);
    tcase_add_test(t, test_storm_leaves_the_loop_its_time);
    tcase_add_test(t, test_setup_tap);
    tcase_add_test(t, test_setup_tap_ipv6);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
