/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two gateways that rehearse a move, on a clock that the test moves: each has its view of where the synthetic
 * MACs are, BGP and WAN take their time, and frames longer than the path's MTU are lost.
 */
#include "controlplane/rehearse_private.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define NET    3
#define QUEUE  4096
#define WAN_NS (400 * UINT64_C(1000))
#define BGP_NS (700 * UINT64_C(1000))

enum kind { OAM_FRAME, OWN_FRAME, ROUTE };

struct item {
    mono_t at;
    enum kind kind;
    int to;
    struct dp_own_frame f;
    struct mac mac;
    bool present;
};

struct view {
    struct mac mac;
    bool here, known;
};

static struct gw {
    int self;
    struct oam *oam;
    struct rehearse *r;
    struct view macs[16];
    unsigned n;
    bool cannot_learn, deaf, no_bgp;
} gws[2];

static struct {
    mono_t now;
    struct item q[QUEUE];
    unsigned n;
    size_t mtu;
    uint64_t wan_loss_from, wan_loss_to; /* ns */
} w;

static struct view *view(struct gw *g, struct mac mac)
{
    for (unsigned i = 0; i < g->n; i++)
        if (mac_eq(g->macs[i].mac, mac))
            return &g->macs[i];
    ck_assert_uint_lt(g->n, 16);
    g->macs[g->n] = (struct view){.mac = mac};
    return &g->macs[g->n++];
}

static struct item *later(uint64_t ns, enum kind kind, int to)
{
    struct item *i = &w.q[w.n];

    ck_assert_uint_lt(w.n, QUEUE);
    w.n++;
    memset(i, 0, sizeof(*i));
    i->at.ns = w.now.ns + ns;
    i->kind = kind;
    i->to = to;
    return i;
}

static void send_frame(enum kind kind, int to, uint64_t delay, enum dp_where from, const void *frame,
                       size_t len)
{
    struct item *i;

    if (from == DP_WHERE_VTEP && (len > w.mtu || (w.now.ns >= w.wan_loss_from && w.now.ns < w.wan_loss_to)))
        return;
    i = later(delay, kind, to);
    i->f = (struct dp_own_frame){.net = NET, .from = from, .source = 1, .len = (uint16_t)len};
    memcpy(i->f.data, frame, len < DP_OWN_SNAP ? len : DP_OWN_SNAP);
}

static int op_oam_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    const struct gw *g = arg;

    ck_assert_uint_eq(net, NET);
    ck_assert_uint_eq(vtep, 1);
    send_frame(OAM_FRAME, !g->self, WAN_NS, DP_WHERE_VTEP, frame, len);
    return 0;
}

static void op_oam_request(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                           struct oam_message *answer)
{
    (void)at;
    rehearse_request(((struct gw *)arg)->r, net, from, m, w.now, answer);
}

static int op_take(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip)
{
    struct gw *g = arg;
    struct view *v = view(g, mac);

    (void)net, (void)ip;
    if (g->cannot_learn)
        return -ENOSPC;
    v->here = v->known = true;
    if (!g->no_bgp) {
        struct item *i = later(BGP_NS, ROUTE, !g->self);

        i->mac = mac;
        i->present = true;
    }
    return 0;
}

static bool op_known_away(void *arg, dp_net_id net, struct mac mac)
{
    const struct view *v = view(arg, mac);

    (void)net;
    return v->known && !v->here;
}

static void op_forget(void *arg, dp_net_id net, struct mac mac)
{
    struct gw *g = arg;
    struct view *v = view(g, mac);

    (void)net;
    if (v->here) {
        struct item *i = later(BGP_NS, ROUTE, !g->self);

        i->mac = mac;
        v->here = v->known = false;
    }
}

static int op_send(void *arg, dp_net_id net, const void *frame, size_t len)
{
    struct gw *g = arg;
    struct mac to;
    struct view *v;

    (void)net;
    memcpy(to.b, frame, 6);
    v = view(g, to);
    if (v->here)
        send_frame(OWN_FRAME, g->self, 1000, DP_WHERE_PORT, frame, len);
    else if (v->known)
        send_frame(OWN_FRAME, !g->self, WAN_NS, DP_WHERE_VTEP, frame, len);
    return 0;
}

static unsigned op_announced(void *arg, dp_net_id net, struct mac mac)
{
    (void)net, (void)mac;
    return ((struct gw *)arg)->self ? 6 : 4;
}

static void deliver(const struct item *i)
{
    struct gw *g = &gws[i->to];
    struct dp_own_frame f = i->f;
    struct view *v;
    struct mac to;

    f.at = w.now;
    if (i->kind == ROUTE) {
        v = view(g, i->mac);
        v->known = i->present || v->here;
        v->here = v->here && !i->present;
        return;
    }
    if (g->deaf)
        return;
    if (i->kind == OAM_FRAME) {
        oam_receive(g->oam, &f, w.now);
        return;
    }
    memcpy(to.b, f.data, 6);
    if (view(g, to)->here)
        rehearse_receive(g->r, &f, w.now);
}

/* One step of 100 us. */
static void step(void)
{
    w.now.ns += 100000;
    for (unsigned i = 0; i < w.n;) {
        struct item item = w.q[i];

        if (item.at.ns > w.now.ns) {
            i++;
            continue;
        }
        memmove(&w.q[i], &w.q[i + 1], (--w.n - i) * sizeof(item));
        deliver(&item);
    }
    for (int i = 0; i < 2; i++) {
        mono_t due;

        oam_run(gws[i].oam, w.now);
        if (rehearse_next(gws[i].r, &due) && due.ns <= w.now.ns)
            rehearse_run(gws[i].r, w.now);
    }
}

static void setup(void)
{
    static const struct oam_ops oam_ops = {.send = op_oam_send, .request = op_oam_request};
    static const struct rehearse_ops ops = {.take = op_take,
                                            .known_away = op_known_away,
                                            .forget = op_forget,
                                            .send = op_send,
                                            .announced = op_announced};

    memset(&w, 0, sizeof(w));
    memset(gws, 0, sizeof(gws));
    w.now.ns = UINT64_C(1000000000);
    w.mtu = 9000;
    for (int i = 0; i < 2; i++) {
        gws[i].self = i;
        gws[i].oam = oam_new((struct mac){{2, 0, 0, 0, 0, (uint8_t)(i + 1)}}, 100, &oam_ops, &gws[i]);
        gws[i].r = rehearse_new(gws[i].oam, &ops, &gws[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        rehearse_free(gws[i].r);
        oam_free(gws[i].oam);
    }
}

static const struct ipaddr ip = {.family = 4, .b = {169, 254, 7, 9}};

static struct rehearse_result play(unsigned seconds)
{
    struct rehearse_result result;

    ck_assert_int_eq(rehearse_start(gws[0].r, NET, 1, &ip, 1514, 0xabcd0001, w.now), 0);
    for (unsigned i = 0; i < seconds * 10000; i++) {
        step();
        rehearse_result(gws[0].r, &result);
        if (result.stage >= REHEARSE_DONE)
            break;
    }
    for (unsigned i = 0; i < 20000; i++) /* what is left behind shows by then */
        step();
    return result;
}

static void nothing_is_left(void)
{
    mono_t at;

    for (int i = 0; i < 2; i++) {
        ck_assert(!rehearse_next(gws[i].r, &at));
        for (unsigned n = 0; n < gws[i].n; n++)
            ck_assert(!gws[i].macs[n].here && !gws[i].macs[n].known);
    }
}

START_TEST(test_there_and_back)
{
    struct rehearse_result r = play(20);

    ck_assert_msg(r.stage == REHEARSE_DONE, "%s: %s", rehearse_stage_name(r.stage), r.error);
    ck_assert_uint_eq(r.rtt, 2 * WAN_NS);
    ck_assert_uint_eq(r.frame_max, 1514);
    /* The route is on its way for BGP_NS, then a probe for a round trip; a step is 0.1 ms, a probe comes each
     * 1 ms. */
    ck_assert_uint_ge(r.dark_there, BGP_NS);
    ck_assert_uint_le(r.dark_there, BGP_NS + 2 * WAN_NS + 3000000);
    ck_assert_uint_ge(r.dark_there_away, BGP_NS);
    ck_assert_uint_le(r.dark_back, 1300000);
    ck_assert_uint_le(r.dark_back_away, BGP_NS + 2 * WAN_NS + 3000000);
    ck_assert_uint_gt(r.probes, 500);
    ck_assert_uint_gt(r.probes_away, 500);
    ck_assert_uint_le(r.lost, 5);
    /* What is neither answered nor lost is still under way. */
    ck_assert_uint_gt(r.answered, 500);
    ck_assert_uint_le(r.answered + r.lost, r.probes);
    ck_assert_uint_gt(r.answered_away, 500);
    ck_assert_uint_le(r.answered_away + r.lost_away, r.probes_away);
    ck_assert_uint_eq(r.announced, 4);
    ck_assert_uint_eq(r.announced_away, 6);
    nothing_is_left();
}
END_TEST

START_TEST(test_path_mtu_is_found)
{
    struct rehearse_result r;

    w.mtu = 1433;
    r = play(30);
    ck_assert_int_eq(r.stage, REHEARSE_DONE);
    ck_assert_uint_eq(r.frame_max, 1433);
    nothing_is_left();
}
END_TEST

START_TEST(test_nobody_there)
{
    struct rehearse_result r;

    gws[1].deaf = true;
    r = play(20);
    ck_assert_int_eq(r.stage, REHEARSE_FAILED);
    ck_assert_ptr_nonnull(strstr(r.error, "no answer"));
    nothing_is_left();
}
END_TEST

START_TEST(test_without_bgp_it_says_so)
{
    struct rehearse_result r;

    gws[0].no_bgp = true;
    r = play(30);
    ck_assert_int_eq(r.stage, REHEARSE_FAILED);
    ck_assert_ptr_nonnull(strstr(r.error, "BGP"));
    nothing_is_left();
}
END_TEST

START_TEST(test_mac_limit_at_either_end)
{
    struct rehearse_result r;

    gws[_i].cannot_learn = true;
    r = play(30);
    ck_assert_int_eq(r.stage, REHEARSE_FAILED);
    nothing_is_left();
}
END_TEST

/* The other gateway dies in the middle, and ours in the middle: the one that lives ends by itself. */
START_TEST(test_one_end_dies)
{
    struct rehearse_result r;
    mono_t at;

    ck_assert_int_eq(rehearse_start(gws[0].r, NET, 1, &ip, 1514, 7, w.now), 0);
    do {
        step();
        rehearse_result(gws[0].r, &r);
    } while (r.stage < REHEARSE_THERE);
    w.wan_loss_from = w.now.ns;
    w.wan_loss_to = UINT64_MAX;
    ck_assert(rehearse_next(gws[1].r, &at));
    for (unsigned i = 0; i < 400000; i++)
        step();
    rehearse_result(gws[0].r, &r);
    ck_assert_int_eq(r.stage, REHEARSE_FAILED);
    ck_assert(!rehearse_next(gws[0].r, &at));
    ck_assert(!rehearse_next(gws[1].r, &at));
    for (int i = 0; i < 2; i++)
        for (unsigned n = 0; n < gws[i].n; n++)
            ck_assert(!gws[i].macs[n].here);
}
END_TEST

START_TEST(test_abort_cleans_up)
{
    struct rehearse_result r;

    ck_assert_int_eq(rehearse_start(gws[0].r, NET, 1, &ip, 1514, 7, w.now), 0);
    ck_assert_int_eq(rehearse_start(gws[0].r, NET, 1, &ip, 1514, 8, w.now), -EBUSY);
    do {
        step();
        rehearse_result(gws[0].r, &r);
    } while (r.stage < REHEARSE_THERE);
    ck_assert(rehearse_is_ours(gws[0].r, NET, r.mac));
    ck_assert(rehearse_is_ours(gws[1].r, NET, r.mac));
    rehearse_abort(gws[0].r, w.now);
    for (unsigned i = 0; i < 10000; i++)
        step();
    nothing_is_left();
    r = play(20);
    ck_assert_int_eq(r.stage, REHEARSE_DONE);
}
END_TEST

/* Nobody makes us take a real MAC, or announce a real IP. */
START_TEST(test_only_synthetic_addresses_are_taken)
{
    struct oam_message m = {.type = OAM_TAKE, .mac = {{0x52, 0x54, 0, 1, 2, 3}}, .ip = ip},
                       answer = {.type = 0};
    mono_t at;

    view(&gws[1], m.mac)->known = true;
    m.values[0] = 7;
    rehearse_request(gws[1].r, NET, 1, &m, w.now, &answer);
    ck_assert_uint_eq(answer.status, OAM_REFUSED);
    m.mac = rehearse_mac(7, REHEARSE_MOVER);
    view(&gws[1], m.mac)->known = true;
    m.ip = (struct ipaddr){.family = 4, .b = {10, 0, 0, 1}};
    rehearse_request(gws[1].r, NET, 1, &m, w.now, &answer);
    ck_assert_uint_eq(answer.status, OAM_REFUSED);
    m.ip = ip;
    rehearse_request(gws[1].r, NET, 1, &m, w.now, &answer);
    ck_assert_uint_eq(answer.status, OAM_OK);
    rehearse_request(gws[1].r, NET, 2, &m, w.now, &answer); /* another VTEP, the same session */
    ck_assert_uint_eq(answer.status, OAM_REFUSED);
    for (uint32_t session = 8; session < 8 + REHEARSE_GUESTS; session++) {
        m.values[0] = session;
        m.mac = rehearse_mac(session, REHEARSE_MOVER);
        view(&gws[1], m.mac)->known = true;
        rehearse_request(gws[1].r, NET, 1, &m, w.now, &answer);
    }
    ck_assert_uint_eq(answer.status, OAM_BUSY);
    rehearse_abort(gws[1].r, w.now);
    ck_assert(!rehearse_next(gws[1].r, &at));
}
END_TEST

START_TEST(test_probe_survives_the_wire)
{
    struct rehearse_probe p = {.to = {{2, 1}},
                               .from = {{2, 2}},
                               .session = 1,
                               .sequence = 2,
                               .answer = true,
                               .holder = 2},
                          back;
    uint8_t frame[REHEARSE_PROBE_LEN];

    rehearse_probe_encode(&p, frame);
    ck_assert(rehearse_probe_decode(frame, sizeof(frame), &back));
    ck_assert(mac_eq(p.to, back.to) && mac_eq(p.from, back.from) && back.session == 1 && back.sequence == 2 &&
              back.answer && back.holder == 2);
    for (size_t n = 0; n < 28; n++)
        ck_assert(!rehearse_probe_decode(frame, n, &back));
    frame[27] = 3;
    ck_assert(!rehearse_probe_decode(frame, sizeof(frame), &back));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rehearse");
    TCase *c = tcase_create("rehearse");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, test_there_and_back);
    tcase_add_test(c, test_path_mtu_is_found);
    tcase_add_test(c, test_nobody_there);
    tcase_add_test(c, test_without_bgp_it_says_so);
    tcase_add_loop_test(c, test_mac_limit_at_either_end, 0, 2);
    tcase_add_test(c, test_one_end_dies);
    tcase_add_test(c, test_abort_cleans_up);
    tcase_add_test(c, test_only_synthetic_addresses_are_taken);
    tcase_add_test(c, test_probe_survives_the_wire);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
