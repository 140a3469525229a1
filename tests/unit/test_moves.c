/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What follows when a MAC moves (moves*.c), with the real MAC table, journal, bounces and prepared moves on a
 * real event loop; the FDB is a few slots of this file, and what is announced or asked is noted.
 */
#include "controlplane/announce.h"
#include "controlplane/api.h"
#include "controlplane/forwarding.h"
#include "controlplane/gateway_private.h"
#include "controlplane/moves_private.h"
#include "controlplane/overlay.h"
#include "controlplane/rehearse.h"
#include "controlplane/watch.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define NET   1
#define PORT  1
#define A     3 /* VTEPs */
#define B     4
#define S     UINT64_C(1000000000)
#define MS    UINT64_C(1000000)
#define SLOTS 512

static struct gateway g;
static struct conf conf;
static struct conf_network net_conf = {.name = "web"};
static struct gateway_network nets[1] = {{.id = NET, .conf = &net_conf}};
static struct gateway_vtep vteps[8];

/* ---- the made-up rest of the gateway */

static struct {
    bool used;
    struct mac mac;
    struct dp_dest dest;
} fdb[SLOTS];

static unsigned n_announced, n_asked, n_settled, n_bicasts;
static uint32_t bounced_frames;
static struct mac announced;
static bool announced_as_arrived;
static int ask_rc;
static dp_vtep_id no_peer; /* serves the network no more */
static struct oam_message asked;
static oam_done_fn ask_done;
static void *ask_arg;

static unsigned slot_of(struct mac mac)
{
    unsigned i = 0;

    while (i < SLOTS && fdb[i].used && !mac_eq(fdb[i].mac, mac))
        i++;
    ck_assert_uint_lt(i, SLOTS);
    return i;
}

bool fwd_fdb_get(const struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest *out)
{
    unsigned i = slot_of(mac);

    (void)f, (void)net;
    *out = fdb[i].dest;
    return fdb[i].used && out->where != 0;
}

int fwd_fdb_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    unsigned i = slot_of(mac);

    (void)f, (void)net;
    fdb[i].used = true;
    fdb[i].mac = mac;
    fdb[i].dest = dest;
    return 0;
}

uint32_t fwd_bounce_counter(const struct forwarding *f, dp_net_id net, struct mac mac, uint32_t *frames)
{
    (void)f, (void)net;
    *frames = bounced_frames;
    return mac.b[5] % DP_BOUNCE_COUNTERS;
}

int fwd_bicast_set(struct forwarding *f, dp_net_id net, struct mac mac, struct dp_dest also)
{
    (void)f, (void)net, (void)mac, (void)also;
    n_bicasts++;
    return 0;
}

int fwd_bicast_del(struct forwarding *f, dp_net_id net, struct mac mac)
{
    (void)f, (void)net, (void)mac;
    n_bicasts--;
    return 0;
}

bool fwd_bicast_count(const struct forwarding *f, dp_net_id net, struct mac mac, uint64_t *frames)
{
    (void)f, (void)net, (void)mac;
    *frames = 0;
    return true;
}

unsigned announce_mac(struct announce *a, dp_net_id net, struct mac mac, bool arrived, mono_t now)
{
    (void)a, (void)net, (void)now;
    announced_as_arrived = arrived;
    n_announced++;
    announced = mac;
    return 1;
}

void announce_routed(struct announce *a, dp_net_id net, struct mac mac, mono_t now)
{
    announce_mac(a, net, mac, false, now);
}

unsigned announce_sent_for(const struct announce *a, dp_net_id net, struct mac mac)
{
    (void)a, (void)net, (void)mac;
    return 1;
}

int oam_send(struct oam *o, dp_net_id net, dp_vtep_id vtep, struct oam_message *m, unsigned tries,
             unsigned interval_ms, mono_t now, oam_done_fn done, void *arg)
{
    (void)o, (void)net, (void)vtep, (void)tries, (void)interval_ms, (void)now;
    n_asked++;
    asked = *m;
    ask_done = done;
    ask_arg = arg;
    return ask_rc;
}

void oam_forget(struct oam *o, const void *arg)
{
    (void)o;
    if (ask_arg == arg)
        ask_done = NULL;
}

unsigned api_watchers(const struct api *api)
{
    (void)api;
    return 0;
}

void api_reply(struct api *api, uint64_t call, cJSON *result, const char *error)
{
    (void)api, (void)call, (void)error;
    cJSON_Delete(result);
}

void watch_move(const struct gateway *gw, const struct journal_entry *e, bool done)
{
    (void)gw, (void)e, (void)done;
}

void watch_prepared(const struct gateway *gw, const struct prepared *p)
{
    (void)gw, (void)p;
}

void watch_prepared_json(const struct gateway *gw, const struct prepared *p, cJSON *o)
{
    (void)gw, (void)p, (void)o;
}

const char *watch_prepared_warning(const struct prepared *p)
{
    (void)p;
    return NULL;
}

bool overlay_all_sent(const struct overlay *o)
{
    (void)o;
    return true;
}

bool rehearse_is_ours(const struct rehearse *r, dp_net_id net, struct mac mac)
{
    (void)r, (void)net, (void)mac;
    return false;
}

void gateway_oam_changed(struct gateway *gw)
{
    (void)gw;
}

const struct gateway_network *gateway_network(const struct gateway *gw, dp_net_id id)
{
    (void)gw;
    return id == NET ? &nets[0] : NULL;
}

const struct gateway_vtep *gateway_vtep(const struct gateway *gw, dp_vtep_id id)
{
    (void)gw;
    return id > 0 && id <= 8 ? &vteps[id - 1] : NULL;
}

bool gateway_has_peer(const struct gateway *gw, dp_net_id net, dp_vtep_id vtep)
{
    (void)gw;
    return net == NET && vtep != no_peer;
}

const struct gateway_port *gateway_port(const struct gateway *gw, dp_port_id id)
{
    (void)gw, (void)id;
    return NULL;
}

/* Not from within the MAC table: it must have told all by then. */
void neighbor_settle(struct neighbors *n)
{
    const struct mac_entry *e = mactable_find(g.macs, NET, (struct mac){{2, 0, 0, 0, 0, 1}});

    (void)n;
    n_settled += e && e->where == DP_WHERE_PORT;
}

/* ---- the MAC table above it */

static int mac_program(void *arg, dp_net_id net, struct mac mac, struct dp_dest dest)
{
    (void)arg;
    return fwd_fdb_set(NULL, net, mac, moves_mark(g.moves, net, mac, dest));
}

static void mac_remove(void *arg, dp_net_id net, struct mac mac)
{
    (void)arg, (void)net;
    fdb[slot_of(mac)].dest = (struct dp_dest){0};
}

static bool mac_seen(void *arg, dp_net_id net, struct mac mac, mono_t *seen)
{
    (void)arg, (void)net, (void)mac, (void)seen;
    return false;
}

static void mac_alert(void *arg, const struct mac_alert_info *info)
{
    (void)arg, (void)info;
}

static void mac_moved(void *arg, const struct mac_moved *m)
{
    (void)arg;
    moves_moved(g.moves, m);
}

static const struct mactable_ops mac_ops = {
    .program = mac_program, .remove = mac_remove, .seen = mac_seen, .alert = mac_alert, .moved = mac_moved};

static void setup(void)
{
    char err[128];

    memset(fdb, 0, sizeof(fdb));
    n_announced = n_asked = n_settled = n_bicasts = bounced_frames = 0;
    ask_rc = 0;
    no_peer = 0;
    ask_done = NULL;
    conf.moves = (struct conf_moves){.journal_size = 64, .bounce = 3600};
    g = (struct gateway){.conf = &conf, .networks = nets, .n_networks = 1};
    for (unsigned i = 0; i < 8; i++)
        vteps[i] =
            (struct gateway_vtep){.id = (dp_vtep_id)(i + 1), .address = {4, {198, 18, 0, (uint8_t)(i + 1)}}};
    g.base = event_base_new();
    g.macs = mactable_new(1024, &mac_ops, NULL);
    ck_assert(g.base && g.macs);
    mactable_set_network(g.macs, NET, 300, UINT32_MAX);
    ck_assert_msg(moves_start(&g, err, sizeof(err)) == 0, "%s", err);
}

static void teardown(void)
{
    moves_stop(&g);
    mactable_free(g.macs);
    event_base_free(g.base);
}

static struct mac mac_no(unsigned i)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static void seen_here(unsigned i)
{
    const struct dp_event e = {.type = DP_EVENT_SOURCE,
                               .net = NET,
                               .mac = mac_no(i),
                               .where = DP_WHERE_PORT,
                               .target = PORT,
                               .evidence = DP_EVIDENCE_RARP};

    mactable_source_seen(g.macs, &e, mono_now());
}

/* vtep 0: the route is withdrawn. */
static void routed(unsigned i, dp_vtep_id vtep, uint32_t seq)
{
    const struct mac_route route = {.vtep = vtep, .address = {4, {198, 18, 0, (uint8_t)vtep}}, .seq = seq};

    mactable_remote(g.macs, NET, mac_no(i), vtep ? &route : NULL, mono_now());
}

/* Turns of the loop until it is so. */
#define turn_until(condition)                                                                                \
    do {                                                                                                     \
        mono_t begin = mono_now();                                                                           \
        while (!(condition)) {                                                                               \
            ck_assert_msg(mono_now().ns - begin.ns < 10 * S, "never: %s", #condition);                       \
            event_base_loop(g.base, EVLOOP_NONBLOCK);                                                        \
            usleep(1000);                                                                                    \
        }                                                                                                    \
    } while (0)

/* ---- time */

static enum prepared_state state_of(unsigned i)
{
    const struct prepared *p = move_prepare_find(moves_prepared(g.moves), NET, mac_no(i));

    return p ? p->state : PREPARED_ENDED;
}

/* What the timer itself makes due (here: that nobody could be asked, which the next turn tells) is done in
 * the next turn, not when the timer would have come anyway; again and again. */
START_TEST(test_the_timer_asks_for_itself)
{
    const struct prepared *p;

    ask_rc = -ENOSPC;
    for (unsigned i = 1; i <= 3; i++) {
        seen_here(i);
        ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(i), A, 60, &p), 0);
        ck_assert_int_eq(state_of(i), PREPARED_ASKING);
        turn_until(state_of(i) == PREPARED_ALONE);
    }
}
END_TEST

/* A request to the other gateway is repeated by oam.h until it is answered: who asks for the same again
 * meanwhile puts no other one beside it. */
START_TEST(test_R5_2_asks_once_at_a_time)
{
    const struct prepared *p;
    struct oam_message answer = {.type = OAM_PREPARE | OAM_ANSWER, .status = OAM_OK};

    seen_here(1);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 60, &p), 0);
    ck_assert_uint_eq(n_asked, 1);
    ck_assert_ptr_nonnull(ask_done);
    ask_done(ask_arg, &answer, 0, mono_now());
    ck_assert_int_eq(state_of(1), PREPARED_READY);
    ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 60, &p), 0);
    ck_assert_uint_eq(n_asked, 2);
    /* Another time is another request, and the first one's answer is of no use. */
    ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 90, &p), 0);
    ck_assert_uint_eq(n_asked, 3);
    ck_assert_uint_eq(asked.seconds, 90);
    ask_done(ask_arg, &answer, 0, mono_now());
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(moves_commit(g.moves, NET, mac_no(1)), 0);
    ck_assert_uint_eq(n_asked, 4);
    ck_assert_uint_eq(asked.type, OAM_COMMIT);
}
END_TEST

/* It is cancelled before the other gateway has answered, and so before its token is known. */
START_TEST(test_R5_2_cancelled_before_it_was_answered)
{
    struct oam_message answer = {.type = OAM_PREPARE | OAM_ANSWER, .status = OAM_OK, .token = 4711};
    const struct prepared *p;

    for (int again = 0; again < 2; again++) {
        seen_here(1);
        n_asked = 0;
        ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 60, &p), 0);
        ck_assert_uint_ne(asked.token, 0);
        ck_assert_uint_ne(asked.token, answer.token);
        ck_assert_int_eq(moves_cancel(g.moves, NET, mac_no(1)), 0);
        ck_assert_uint_eq(n_asked, 1);
        answer.status = again ? OAM_UNKNOWN_MAC : OAM_OK;
        ask_done(ask_arg, &answer, 0, mono_now());
        ck_assert_uint_eq(n_asked, again ? 1 : 2);
    }
    ck_assert_uint_eq(asked.type, OAM_PREPARE);
    answer.status = OAM_OK;
    ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 60, &p), 0);
    ask_done(ask_arg, &answer, 0, mono_now());
    ck_assert_int_eq(moves_cancel(g.moves, NET, mac_no(1)), 0);
    ck_assert(asked.type == OAM_CANCEL && asked.token == 4711 && mac_eq(asked.mac, mac_no(1)));
}
END_TEST

/* Its copies must not go to who gets the VTEP's id next; nor to who has left this network alone. */
START_TEST(test_R5_2_the_other_gateway_leaves_the_network)
{
    const struct prepared *p;

    for (unsigned i = 1; i <= 3; i++) {
        seen_here(i);
        ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(i), i == 2 ? B : A, 60, &p), 0);
    }
    ck_assert_uint_eq(n_bicasts, 3);
    moves_peers_gone(g.moves);
    ck_assert_uint_eq(n_bicasts, 3);
    no_peer = A;
    moves_peers_gone(g.moves);
    ck_assert_uint_eq(n_bicasts, 1);
    ck_assert(state_of(1) == PREPARED_ENDED && state_of(3) == PREPARED_ENDED);
    ck_assert_int_ne(state_of(2), PREPARED_ENDED);
    ck_assert_uint_eq(move_prepare_count(moves_prepared(g.moves)), 1);
}
END_TEST

static unsigned lines_of(FILE *f)
{
    unsigned n = 0;
    int c;

    rewind(f);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    return n;
}

/* A gateway that asks and takes back without end does not fill the log; what is asked for here is in it. */
START_TEST(test_R5_2_lines_of_what_others_ask)
{
    struct oam_message answer,
        m = {.type = OAM_PREPARE, .mac = mac_no(1), .seconds = 60, .values = {OAM_TO_SENDER}};
    const struct prepared *p;
    FILE *log = tmpfile();
    int err = dup(STDERR_FILENO);
    unsigned before;

    ck_assert(log && err >= 0 && dup2(fileno(log), STDERR_FILENO) >= 0);
    for (unsigned i = 1; i <= 200; i++)
        seen_here(i);
    for (unsigned i = 0; i < 1000; i++) {
        m.mac = mac_no(2 + i % 199);
        m.type = OAM_PREPARE;
        moves_asked(g.moves, NET, A, &m, &answer);
        ck_assert_int_eq(answer.status, OAM_OK);
        m.type = OAM_CANCEL;
        m.token = answer.token;
        moves_asked(g.moves, NET, A, &m, &answer);
        ck_assert_int_eq(answer.status, OAM_OK);
    }
    before = lines_of(log);
    ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), A, 60, &p), 0);
    ck_assert_uint_eq(lines_of(log), before + 1);
    dup2(err, STDERR_FILENO);
    close(err);
    fclose(log);
    ck_assert_uint_ge(before, 10);
    ck_assert_uint_lt(before, 500);
}
END_TEST

/* Its IPs come with it, as with a frame of it: what the neighbour table has to say of that is said at once.
 */
START_TEST(test_R6_2_arrival_by_the_api_settles_its_addresses)
{
    struct conf_access access = {0};
    const struct prepared *p;

    g.ports[0] = (struct gateway_port){.id = PORT, .access = &access};
    g.n_ports = 1;
    routed(1, A, 1);
    ck_assert_int_eq(moves_prepare(g.moves, NET, mac_no(1), 0, 60, &p), 0);
    ck_assert_int_eq(moves_commit(g.moves, NET, mac_no(1)), 0);
    ck_assert_int_eq(mactable_find(g.macs, NET, mac_no(1))->where, DP_WHERE_PORT);
    ck_assert_uint_eq(n_settled, 1);
    g.n_ports = 0;
}
END_TEST

/* ---- the journal */

static const struct journal_entry *last_move(unsigned i)
{
    const struct journal_entry *e = NULL;
    uint64_t cursor = 0;

    do
        e = journal_walk(moves_journal(g.moves), &cursor);
    while (e && !mac_eq(e->mac, mac_no(i)));
    return e;
}

/* The list of bounces is full, and the oldest must go: what it bounced is known then, and final. */
START_TEST(test_R6_5_bounce_that_ends_early_is_counted)
{
    struct move_bounce ended;
    struct dp_dest dest;

    bounced_frames = 5;
    for (unsigned i = 1; i <= 2; i++) {
        seen_here(i);
        if (i == 2)
            for (unsigned j = 1; j < MOVE_BOUNCES; j++)
                ck_assert(!move_bounces_begin(g.moves->bounces, 2, mac_no(j), 99, mono_now(), &ended));
        bounced_frames = i == 1 ? 5 : 12;
        routed(i, A, 1);
        ck_assert(fwd_fdb_get(NULL, NET, mac_no(i), &dest) && dest.bounce);
    }
    ck_assert(fwd_fdb_get(NULL, NET, mac_no(1), &dest) && !dest.bounce);
    bounced_frames = 1000;
    ck_assert_uint_eq(last_move(1)->bounced, 7);
    ck_assert_uint_eq(moves_entry_now(g.moves, last_move(1)).bounced, 7);
    ck_assert_uint_eq(moves_entry_now(g.moves, last_move(2)).bounced, 988);
}
END_TEST

/* Its route was under way when it moved on: the peers got that one, and of the later move nothing yet. */
START_TEST(test_R3_6_a_route_under_way_is_of_its_own_move)
{
    routed(1, A, 1);
    seen_here(1);
    moves_advertised(g.moves, NET, mac_no(1));
    routed(1, B, 5);
    ck_assert_uint_eq(last_move(1)->sequence, 5);
    moves_sent(g.moves);
    event_base_loop(g.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(last_move(1)->bgp_ns, JOURNAL_UNKNOWN);
    seen_here(1);
    moves_advertised(g.moves, NET, mac_no(1));
    moves_sent(g.moves);
    event_base_loop(g.base, EVLOOP_NONBLOCK);
    ck_assert_uint_lt(last_move(1)->bgp_ns, 10 * S);
}
END_TEST

static uint64_t observed(const struct histogram *h)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
        sum += h->counts[i];
    return sum;
}

/* A MAC that two sites claim in turn without end, as a third one sees it: what it bounced is final with the
 * last entry, and another MAC's move is in the journal all the same. */
START_TEST(test_R5_1_to_and_fro_without_end)
{
    const struct move_times *t = moves_times(g.moves);
    uint64_t cursor = 0, left_out;
    const struct journal_entry *last;
    unsigned n = 0;

    routed(1, A, 1);
    for (uint32_t i = 2; i <= 1001; i++)
        routed(1, i % 2 ? A : B, i);
    left_out = journal_left_out(moves_journal(g.moves));
    ck_assert_uint_ge(left_out, 900);
    ck_assert_uint_eq(journal_last_id(moves_journal(g.moves)) + left_out, 1000);
    /* Of what the journal leaves out the first stages are known, and no more; its last entry is not over. */
    ck_assert_uint_eq(observed(&t->fdb), 999);
    ck_assert_uint_eq(t->unknown, 999);
    ck_assert_uint_eq(observed(&t->first) + observed(&t->dark), 0);
    last = last_move(1);
    ck_assert_uint_gt(last->left_out, 0);
    ck_assert_uint_eq(n_announced, 1000); /* which has a limit of its own */
    ck_assert_ptr_null(journal_find(g.moves->journal, NET, mac_no(1)));
    moves_advertised(g.moves, NET, mac_no(1));
    moves_sent(g.moves);
    event_base_loop(g.base, EVLOOP_NONBLOCK);
    ck_assert_uint_eq(last_move(1)->bgp_ns, JOURNAL_UNKNOWN);
    while (journal_walk(moves_journal(g.moves), &cursor))
        n++;
    ck_assert_uint_le(n, conf.moves.journal_size / 2 + 1);
}
END_TEST

/* What is over is counted once, by its stages; the sum is known where all of them are. */
START_TEST(test_times)
{
    const struct move_times *t = moves_times(g.moves);
    struct dp_event first = {
        .type = DP_EVENT_FIRST, .net = NET, .mac = mac_no(1), .where = DP_WHERE_VTEP, .target = B};

    seen_here(1);
    routed(1, A, 1);
    ck_assert_uint_eq(observed(&t->fdb), 0);
    routed(1, B, 2); /* the first one is over */
    ck_assert_uint_eq(observed(&t->fdb), 1);
    ck_assert_uint_eq(t->unknown, 1);
    first.at.ns = mono_now().ns + 2 * MS;
    moves_first_frame(g.moves, &first);
    journal_find(g.moves->journal, NET, mac_no(1))->silent_ns = 40 * MS;
    routed(1, A, 3);
    ck_assert_uint_eq(observed(&t->fdb), 2);
    ck_assert_uint_eq(observed(&t->silent), 1);
    ck_assert_uint_eq(observed(&t->first), 1);
    ck_assert_uint_eq(observed(&t->bgp), 0);
    ck_assert_uint_eq(observed(&t->dark), 1);
    ck_assert_uint_ge(t->dark.sum_ns, 42 * MS);
    ck_assert_uint_eq(t->unknown, 1);
}
END_TEST

/* A host that was only forgotten here, and is where a route says again, has not moved. */
START_TEST(test_times_of_what_came_back)
{
    const struct move_times *t = moves_times(g.moves);

    routed(1, A, 1);
    seen_here(1);
    mactable_clear(g.macs, NET, NULL, mono_now());
    ck_assert_int_eq(last_move(1)->how, JOURNAL_BACK);
    ck_assert_uint_eq(t->unknown, 1);
    routed(1, B, 5); /* that one is over */
    ck_assert_uint_eq(t->unknown, 1);
    ck_assert_uint_eq(observed(&t->fdb), 1);
}
END_TEST

/* ---- gone, and new at another place */

static const struct journal_entry *expect_move(unsigned i, unsigned announcements, dp_vtep_id from)
{
    const struct journal_entry *e = last_move(i);

    ck_assert_uint_eq(n_announced, announcements);
    ck_assert(mac_eq(announced, mac_no(i)));
    ck_assert_ptr_nonnull(e);
    ck_assert(ipaddr_eq(&e->from.vtep, &vteps[from - 1].address));
    return e;
}

/* At a third site the old gateway's withdrawal may come before the new one's route. */
START_TEST(test_R6_3_withdrawn_before_the_new_route)
{
    struct dp_event first = {
        .type = DP_EVENT_FIRST, .net = NET, .mac = mac_no(1), .where = DP_WHERE_VTEP, .target = B};
    struct dp_dest dest;

    routed(1, A, 1);
    routed(1, 0, 0);
    ck_assert_uint_eq(n_announced, 0);
    routed(1, B, 2);
    ck_assert(ipaddr_eq(&expect_move(1, 1, A)->to.vtep, &vteps[B - 1].address));
    ck_assert_uint_eq(last_move(1)->sequence, 2);
    /* Its first frame from there is looked for as after any move. */
    ck_assert(fwd_fdb_get(NULL, NET, mac_no(1), &dest) && dest.watch && !dest.bounce);
    first.at = mono_now();
    moves_first_frame(g.moves, &first);
    ck_assert_uint_ne(last_move(1)->first_ns, JOURNAL_UNKNOWN);
    /* Once only. */
    routed(1, 0, 0);
    mactable_clear(g.macs, NET, NULL, mono_now());
    routed(1, B, 2);
    ck_assert_uint_eq(n_announced, 1);
}
END_TEST

/* And so may the site to which it comes. */
START_TEST(test_R6_3_withdrawn_before_its_first_frame)
{
    routed(1, A, 1);
    routed(1, 0, 0);
    seen_here(1);
    ck_assert_int_eq(expect_move(1, 1, A)->how, JOURNAL_RARP);
    ck_assert(announced_as_arrived);
}
END_TEST

/* Its port here went down, and it is up again at another site: later than a withdrawal, but a move. */
START_TEST(test_R6_3_port_down_before_the_new_route)
{
    const struct journal_entry *e;
    uint32_t cursor = 0;

    seen_here(1);
    seen_here(2);
    ck_assert(mactable_clear_port(g.macs, PORT, &cursor, 1024, mono_now()));
    ck_assert_ptr_null(mactable_find(g.macs, NET, mac_no(1)));
    routed(1, A, 1);
    e = last_move(1);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(n_announced, 1);
    ck_assert(!announced_as_arrived);
    ck_assert(ipaddr_eq(&e->to.vtep, &vteps[A - 1].address));
    /* The link was away for a moment only. */
    seen_here(2);
    ck_assert_uint_eq(n_announced, 1);
    ck_assert_uint_eq(journal_count(moves_journal(g.moves)), 1);
}
END_TEST

/* What comes back where it was, what was forgotten for another reason, and what is merely new is no move. */
START_TEST(test_R6_3_gone_and_new_but_no_move)
{
    struct dp_dest dest;

    routed(1, A, 1);
    routed(1, 0, 0);
    routed(1, A, 1);
    ck_assert(fwd_fdb_get(NULL, NET, mac_no(1), &dest) && !dest.watch);
    seen_here(2);
    mactable_clear(g.macs, NET, NULL, mono_now());
    routed(2, B, 1);
    routed(3, A, 1);
    ck_assert_uint_eq(n_announced, 0);
    ck_assert_uint_eq(journal_count(moves_journal(g.moves)), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("moves");
    TCase *tc = tcase_create("moves");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_R5_2_the_other_gateway_leaves_the_network);
    tcase_add_test(tc, test_R5_2_lines_of_what_others_ask);
    tcase_add_test(tc, test_R3_6_a_route_under_way_is_of_its_own_move);
    tcase_add_test(tc, test_R5_1_to_and_fro_without_end);
    tcase_add_test(tc, test_times);
    tcase_add_test(tc, test_times_of_what_came_back);
    tcase_add_test(tc, test_the_timer_asks_for_itself);
    tcase_add_test(tc, test_R5_2_asks_once_at_a_time);
    tcase_add_test(tc, test_R6_2_arrival_by_the_api_settles_its_addresses);
    tcase_add_test(tc, test_R6_5_bounce_that_ends_early_is_counted);
    tcase_add_test(tc, test_R6_3_withdrawn_before_the_new_route);
    tcase_add_test(tc, test_R6_3_withdrawn_before_its_first_frame);
    tcase_add_test(tc, test_R6_3_port_down_before_the_new_route);
    tcase_add_test(tc, test_R6_3_gone_and_new_but_no_move);
    tcase_add_test(tc, test_R5_2_cancelled_before_it_was_answered);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
