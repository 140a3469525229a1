/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What lies below and beside the commands in cmd_rig.h, made up: the data planes, the underlay, reload and
 * take-over, the moves' lower half, BGP sessions.
 */
#ifndef TESTS_UNIT_CMD_FAKES_H
#define TESTS_UNIT_CMD_FAKES_H

#include "controlplane/cmd.h"
#include "controlplane/gateway.h"
#include "controlplane/gateway_capture.h"
#include "controlplane/gateway_fastpath.h"
#include "controlplane/moves.h"
#include "controlplane/overlay.h"
#include "controlplane/reload.h"
#include "ebpf/fastpath.h"
#include "ebpf/fastpath_trace.h"
#include "ebpf/xdp.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RIG_PEERS 600

/* ---- the made-up lower half */

static struct dp_totals fake_totals;
static bool fake_fastpath, fake_pinned;
static const char *fake_why_not;

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

void fwd_port_counters(const struct forwarding *f, dp_port_id port, struct dp_port_counters *out)
{
    (void)f;
    *out = (struct dp_port_counters){{10 + port, UINT64_MAX}, {20 + port, 2000}, 3, 4};
}

void fwd_net_counters(const struct forwarding *f, dp_net_id net, struct dp_net_counters *out)
{
    (void)f;
    *out = (struct dp_net_counters){.access_in = {{net, 1}, {2, 3}},
                                    .wan_out = {{4, 5}, {6, 7}},
                                    .proxy_arp = 8,
                                    .proxy_nd = 9,
                                    .bounced = 10,
                                    .bicast = 11};
}

void gateway_oam_changed(struct gateway *g)
{
    (void)g;
}

void fwd_vtep_counters(const struct forwarding *f, dp_vtep_id vtep, struct dp_vtep_counters *out)
{
    (void)f;
    *out = (struct dp_vtep_counters){{vtep, 100}, {vtep + 1u, 200}};
}

void fwd_totals(const struct forwarding *f, struct dp_totals *out)
{
    (void)f;
    *out = fake_totals;
}

unsigned dp_worker_number(const struct dp *dp)
{
    (void)dp;
    return 2;
}

/* The second one polls and finds nothing. */
void dp_worker_totals(const struct dp *dp, unsigned worker, struct dp_totals *out)
{
    (void)dp;
    *out = worker == 0 ? fake_totals : (struct dp_totals){.polls = 7, .idle_polls = 7};
}

void fwd_fdb_usage(const struct forwarding *f, uint32_t *used, uint32_t *capacity)
{
    (void)f;
    *used = 5;
    *capacity = 4096;
}

int gateway_capture_start(struct gateway *g, const struct gateway_capture_config *config, char *without_fast,
                          size_t len)
{
    (void)g, (void)config, (void)without_fast, (void)len;
    return -EBUSY;
}

int fwd_trace(const struct forwarding *f, const struct trace_frame *frame, struct trace *out)
{
    (void)f, (void)frame, (void)out;
    return -EINVAL;
}

bool fwd_fdb_seen(const struct forwarding *f, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)f;
    (void)net;
    (void)mac;
    seen->ns = mono_now().ns - 7 * UINT64_C(1000000000);
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

/* reload.c */
int reload_run(struct reload *r, uint64_t call)
{
    (void)r, (void)call;
    return 0;
}

int reload_compare(struct reload *r, uint64_t call, const char *text, size_t len)
{
    (void)r, (void)call, (void)text, (void)len;
    return 0;
}

const char *gateway_fastpath_why_not(const struct gateway *g)
{
    (void)g;
    return fake_why_not;
}

const struct fastpath *gateway_fastpath(const struct gateway *g)
{
    return fake_fastpath ? (const struct fastpath *)g : NULL; /* nobody looks into it */
}

const struct gateway_fast_port *gateway_fastpath_port(const struct gateway *g, dp_port_id index)
{
    static const struct gateway_fast_port served = {.served = true, .refuse = "link down", .lost = 6};

    (void)g, (void)index;
    return &served;
}

struct gateway_takeover_info gateway_takeover_info(const struct gateway *g)
{
    (void)g;
    return (struct gateway_takeover_info){
        .happened = true, .waiting = true, .vteps = 1, .macs_here = 2, .macs_there = 3, .dropped = 4};
}

int gateway_fastpath_detach(struct gateway *g, char *err, size_t err_len)
{
    (void)g;
    if (!fake_why_not) {
        fake_why_not = "detached";
        return 0;
    }
    snprintf(err, err_len, "there is no fast path");
    return -ENOENT;
}

uint64_t fwd_refused(const struct forwarding *f)
{
    (void)f;
    return 12;
}

bool fastpath_pinned(const struct fastpath *fp, const char **why_not)
{
    (void)fp;
    if (why_not)
        *why_not = "no bpffs";
    return fake_pinned;
}

bool fastpath_sees_lost(const struct fastpath *fp, const char **why_not)
{
    (void)fp;
    *why_not = "no tracepoints";
    return false;
}

void fastpath_fdb_usage(const struct fastpath *fp, uint32_t *used, uint32_t *capacity)
{
    (void)fp;
    *used = 7;
    *capacity = 8192;
}

void fastpath_port_counters(const struct fastpath *fp, dp_port_id port, struct dp_port_counters *out)
{
    (void)fp;
    *out = (struct dp_port_counters){{5 + port, 500}, {6, 600}, 2, 0};
}

void fastpath_port_work(const struct fastpath *fp, dp_port_id port, struct fastpath_port_work *out)
{
    (void)fp, (void)port;
    *out = (struct fastpath_port_work){.punts = {[1] = 9}, .passed = 8, .unserved = 7};
}

void fwd_port_fast(const struct forwarding *f, dp_port_id port, struct dp_port_counters *counters,
                   struct fastpath_port_work *work)
{
    (void)f;
    *counters = (struct dp_port_counters){0};
    *work = (struct fastpath_port_work){0};
    if (!fake_fastpath)
        return;
    fastpath_port_counters(NULL, port, counters);
    fastpath_port_work(NULL, port, work);
}

unsigned fastpath_punt_reasons(void)
{
    return 2;
}

const char *fastpath_punt_name(unsigned reason)
{
    return reason ? "source" : "no_topology";
}

const char *fastpath_punt_text(unsigned reason)
{
    return reason ? "because" : "why";
}

/* ebpf/fastpath_trace.c */
int fastpath_tracer_open(const struct fastpath *fp, dp_port_id port, struct fastpath_tracer **out, char *err,
                         size_t err_len)
{
    (void)fp, (void)port, (void)out, (void)err, (void)err_len;
    return -ENOENT;
}

int fastpath_tracer_run(const struct fastpath_tracer *tracer, const void *frame, size_t len,
                        struct fastpath_trace *out)
{
    (void)tracer, (void)frame, (void)len, (void)out;
    return -EINVAL;
}

void fastpath_tracer_close(struct fastpath_tracer *tracer)
{
    (void)tracer;
}

size_t fastpath_trace_from_vtep(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep, const void *frame,
                                size_t len, uint8_t *out, dp_port_id *port)
{
    (void)fp, (void)net, (void)vtep, (void)frame, (void)len, (void)out, (void)port;
    return 0;
}

void xdp_status(const struct xdp *x, struct xdp_status *out)
{
    (void)x;
    *out = (struct xdp_status){
        .program = "fp_wan", .program_id = 42, .mode = "native", .fast = true, .pinned = true};
}

const char *xdp_mode(const struct xdp *x)
{
    (void)x;
    return "native";
}

static struct gateway gw;
static struct {
    struct gateway_peer *peers;
    size_t n;
} * flood_lists; /* by network - 1 */

const struct gateway_network *gateway_network(const struct gateway *g, dp_net_id id)
{
    return id > 0 && id <= g->n_networks ? &g->networks[id - 1] : NULL;
}

const struct gateway_peer *gateway_peers(const struct gateway *g, dp_net_id net, size_t *n)
{
    (void)g;
    *n = flood_lists[net - 1].n;
    return flood_lists[net - 1].peers;
}

const struct gateway_vtep *gateway_vtep(const struct gateway *g, dp_vtep_id id)
{
    return id > 0 && id <= g->n_vteps && g->vteps[id - 1].address.family ? &g->vteps[id - 1] : NULL;
}

const struct gateway_port *gateway_port(const struct gateway *g, dp_port_id id)
{
    return id < g->n_ports ? &g->ports[id] : NULL;
}

/* ---- moves: a real journal and real prepared moves, with nothing below */

static struct journal *rig_journal;
static struct move_prepare *rig_prepared;
static unsigned rig_arrivals, rig_waits;
static int rig_arrive_rc;

const struct journal *moves_journal(const struct moves *m)
{
    (void)m;
    return rig_journal;
}

const struct move_prepare *moves_prepared(const struct moves *m)
{
    (void)m;
    return rig_prepared;
}

struct journal_entry moves_entry_now(const struct moves *m, const struct journal_entry *e)
{
    struct journal_entry now = *e;

    (void)m;
    if (now.open)
        now.announced = 99;
    return now;
}

int moves_prepare(struct moves *m, dp_net_id net, struct mac mac, dp_vtep_id to, unsigned seconds,
                  const struct prepared **out)
{
    (void)m;
    return move_prepare_begin(rig_prepared, mactable_find(gw.macs, net, mac), to, seconds, mono_now(), out);
}

int moves_commit(struct moves *m, dp_net_id net, struct mac mac)
{
    (void)m;
    return move_prepare_commit(rig_prepared, net, mac, mono_now());
}

int moves_cancel(struct moves *m, dp_net_id net, struct mac mac)
{
    (void)m;
    return move_prepare_cancel(rig_prepared, net, mac, mono_now());
}

int moves_wait(struct moves *m, uint64_t prepared, uint64_t call)
{
    (void)m, (void)prepared, (void)call;
    rig_waits++;
    return 0;
}

static int rig_bicast(void *arg, dp_net_id net, struct mac mac, struct dp_dest also)
{
    (void)arg, (void)net, (void)mac, (void)also;
    return 0;
}

static uint64_t rig_bicast_end(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
    return 5;
}

static int rig_expect(void *arg, dp_net_id net, struct mac mac, dp_vtep_id vtep, mono_t until)
{
    (void)arg;
    return mactable_expect_move(gw.macs, net, mac, vtep, until);
}

static void rig_ask(void *arg, const struct prepared *p, enum oam_type type, uint64_t id, uint16_t seconds)
{
    (void)arg, (void)p, (void)type, (void)id, (void)seconds;
}

static uint64_t rig_token(void *arg)
{
    (void)arg;
    return 7;
}

static int rig_arrive(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net, (void)mac;
    rig_arrivals++;
    return rig_arrive_rc;
}

static void rig_changed(void *arg, const struct prepared *p)
{
    (void)arg, (void)p;
}

static void start_moves(void)
{
    static const struct move_prepare_ops ops = {.bicast = rig_bicast,
                                                .bicast_end = rig_bicast_end,
                                                .expect = rig_expect,
                                                .ask = rig_ask,
                                                .token = rig_token,
                                                .arrive = rig_arrive,
                                                .changed = rig_changed};

    gw.moves = (struct moves *)&gw; /* nobody looks into it */
    rig_journal = journal_new(gw.conf->moves.journal_size, &(struct journal_ops){NULL, NULL}, NULL);
    rig_prepared = move_prepare_new(&ops, NULL);
    ck_assert(rig_journal && rig_prepared);
    rig_arrivals = rig_waits = 0;
    rig_arrive_rc = 0;
}

/* ---- made-up BGP sessions */

struct bgp_session {
    struct bgp_peer_config config;
    struct bgp_session_status status;
    struct bgp_session_counters counters;
    struct bgp_fsm_counters fsm;
    struct bgp_fsm_session negotiated;
    struct bgp_caps caps;
    const char *error;
    rib_peer_id rib;
    unsigned resets, refreshes, wakes;
    char reason[64];
    int refresh_rc;
};

static struct bgp_session peers[RIG_PEERS];
static unsigned n_peers;
static struct bgp_counters fake_bgp_counters;
static struct bgp_local fake_bgp_local;
static struct evpn_rib *rib;

struct bgp *overlay_bgp(const struct overlay *o)
{
    return (struct bgp *)o; /* nobody looks into it */
}

struct evpn_rib *overlay_rib(const struct overlay *o)
{
    (void)o;
    return rib;
}

rib_peer_id overlay_rib_peer(const struct overlay *o, const struct bgp_session *s)
{
    (void)o;
    return s->rib;
}

struct bgp_session *overlay_session(const struct overlay *o, rib_peer_id peer)
{
    (void)o;
    for (unsigned i = 0; i < n_peers; i++)
        if (peers[i].rib == peer)
            return &peers[i];
    return NULL;
}

struct bgp_session *bgp_peer_find(const struct bgp *b, const struct ipaddr *address)
{
    (void)b;
    for (unsigned i = 0; i < n_peers; i++)
        if (ipaddr_eq(&peers[i].config.address, address))
            return &peers[i];
    return NULL;
}

struct bgp_session *bgp_peer_next(const struct bgp *b, const struct bgp_session *s)
{
    unsigned i = s ? (unsigned)(s - peers) + 1 : 0;

    (void)b;
    return i < n_peers ? &peers[i] : NULL;
}

const struct bgp_counters *bgp_counters(const struct bgp *b)
{
    (void)b;
    return &fake_bgp_counters;
}

const struct bgp_local *bgp_local(const struct bgp *b)
{
    (void)b;
    return &fake_bgp_local;
}

void bgp_session_status(const struct bgp_session *s, struct bgp_session_status *out)
{
    *out = s->status;
    out->counters = &s->counters;
    out->fsm = &s->fsm;
}

const char *bgp_session_last_error(const struct bgp_session *s, char buf[BGP_ERROR_WORDS])
{
    snprintf(buf, BGP_ERROR_WORDS, "%s", s->error ? s->error : "");
    return buf;
}

const struct bgp_peer_config *bgp_session_config(const struct bgp_session *s)
{
    return &s->config;
}

const char *bgp_session_name(const struct bgp_session *s)
{
    static char text[IPADDR_STRLEN];

    return ipaddr_format(&s->config.address, text);
}

void bgp_session_reset(struct bgp_session *s, const char *text)
{
    s->resets++;
    snprintf(s->reason, sizeof(s->reason), "%s", text ? text : "none");
}

int bgp_session_refresh(struct bgp_session *s)
{
    s->refreshes++;
    return s->refresh_rc;
}

void bgp_session_wake(struct bgp_session *s)
{
    s->wakes++;
}

#endif
