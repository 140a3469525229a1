/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All orders of what can happen to one MAC between three gateways (see mobility_world.h), within a budget of
 * frames, ageings and restarts: a breadth-first search over the states of the whole world. A state is reached
 * again by playing its path from the start; states seen before are pruned by a hash of 128 bits.
 *
 * Whenever nothing is under way, at most one gateway has the MAC, all FDBs point to it and all sequences are
 * its own; nobody knows a MAC that nobody has.
 *
 * The host is where its last frame was seen. That gateway need not be the owner once all is quiet: it is not
 * when it aged or restarted since, or when, at the time of that last frame, a route of another gateway was
 * still under way to it (which may have the same or a higher sequence), or its session was not up yet. In
 * these cases the host has to speak once more, and then all must point to it, in all orders of delivery. In
 * all other cases they must already ("sure" below).
 *
 * A failure prints the path: fN frame at N, dNM delivery from N to M, aN ageing at N, rN restart of N, x the
 * host speaks once more.
 */
#include "tests/unit/mobility_world.h"

#define MAX_NODES (2u << 20)
#define MAX_DEPTH 100
#define PORT      1

enum { EV_DELIVER = 0, EV_FRAME = 9, EV_AGE = 12, EV_RESTART = 15, EV_CLOSE = 18, EV_N };

struct budget {
    unsigned frames[GATEWAYS], all_frames, ages, restarts;
};

struct scene {
    struct budget budget;
    unsigned dup_moves; /* 0: no detection */
    uint32_t first_seq; /* what the gateways have seen before */
    bool clones;        /* at gateways 0 and 1, without restarts */
};

/* Beside the world. */
static struct play {
    struct budget left;
    unsigned host; /* where it spoke last */
    bool sure, closed;
} play;

static struct node {
    uint32_t parent;
    uint8_t event;
} * nodes;
static uint64_t (*seen)[2]; /* hash set, open addressing */
static uint32_t n_nodes, n_quiet, n_closed, n_frozen;
static const struct scene *scene;

/* ---- events */

static bool told_everything(unsigned g)
{
    for (unsigned p = 0; p < GATEWAYS; p++) {
        const struct channel *c = &w.ch[p][g];

        if (p == g)
            continue;
        if (!w.up[p][g])
            return false;
        for (unsigned i = 0; i < c->n; i++)
            if (c->q[(c->head + i) % CHANNEL_LEN].type == ADVERTISE)
                return false;
    }
    return true;
}

static void host_speaks(unsigned g)
{
    play.host = g;
    play.sure = told_everything(g);
    world_frame(g, 0, PORT);
}

static bool is_local(unsigned g)
{
    const struct mac_entry *e = entry_at(g, 0);

    return e && e->origin == MAC_LOCAL;
}

static bool enabled(unsigned ev)
{
    if (ev < EV_FRAME)
        return w.ch[ev / GATEWAYS][ev % GATEWAYS].n > 0;
    if (ev == EV_CLOSE)
        return !play.closed && quiet() && play.host != NOBODY && !is_local(play.host);
    if (play.closed)
        return false;
    if (ev < EV_AGE)
        return play.left.all_frames && play.left.frames[ev - EV_FRAME];
    if (ev < EV_RESTART)
        return play.left.ages && is_local(ev - EV_AGE);
    return play.left.restarts > 0;
}

static void happen(unsigned ev)
{
    if (ev < EV_FRAME) {
        world_deliver(ev / GATEWAYS, ev % GATEWAYS);
    } else if (ev < EV_AGE) {
        play.left.all_frames--;
        play.left.frames[ev - EV_FRAME]--;
        host_speaks(ev - EV_FRAME);
    } else if (ev < EV_RESTART) {
        play.left.ages--;
        play.sure = play.sure && ev - EV_AGE != play.host;
        world_age(ev - EV_AGE);
    } else if (ev < EV_CLOSE) {
        play.left.restarts--;
        play.sure = play.sure && ev - EV_RESTART != play.host;
        world_restart(ev - EV_RESTART);
    } else {
        play.closed = true;
        host_speaks(play.host);
    }
}

/* ---- states */

static void start_again(void)
{
    world_reset();
    play = (struct play){.left = scene->budget, .host = NOBODY};
    if (scene->first_seq == 0)
        return;
    world_arrive(0, 0, scene->first_seq);
    play.host = 0;
    play.sure = true;
}

static uint64_t h1, h2;

static void mix(uint64_t v)
{
    h1 = (h1 ^ v) * 0x9e3779b97f4a7c15u;
    h1 ^= h1 >> 29;
    h2 = (h2 + v) * 0xc2b2ae3d27d4eb4fu;
    h2 ^= h2 >> 31;
}

static void mix_gateway(const struct gateway_model *g)
{
    const struct mac_entry *e = mactable_find(g->t, net_of(0), mac_of(0));
    struct mac_move moves[MAC_DUP_MAX_MOVES];

    mix(e != NULL);
    if (e) {
        mix((uint64_t)e->seq << 32 | e->route_seq);
        mix((uint64_t)e->origin << 40 | (uint64_t)e->where << 32 | (uint32_t)e->target << 16 | e->route_vtep);
        mix((unsigned)(e->route_sticky | e->sticky << 1 | e->advertised << 2 | e->duplicate << 3));
        mix(mactable_moves(g->t, net_of(0), mac_of(0), moves, MAC_DUP_MAX_MOVES));
    }
    if (scene->clones)
        mix(g->adverts);
    for (unsigned p = 0; p < GATEWAYS; p++)
        mix((uint64_t)g->in[p][0][0].valid << 32 | (g->in[p][0][0].valid ? g->in[p][0][0].seq : 0));
}

static void hash_state(void)
{
    h1 = 1;
    h2 = 2;
    for (unsigned g = 0; g < GATEWAYS; g++)
        mix_gateway(&w.g[g]);
    for (unsigned i = 0; i < GATEWAYS * GATEWAYS; i++) {
        const struct channel *c = &w.ch[i / GATEWAYS][i % GATEWAYS];

        mix((uint64_t)c->n << 1 | w.up[i / GATEWAYS][i % GATEWAYS]);
        for (unsigned k = 0; k < c->n; k++) {
            const struct message *msg = &c->q[(c->head + k) % CHANNEL_LEN];

            mix((uint64_t)msg->type << 32 | msg->seq);
        }
    }
    for (unsigned g = 0; g < GATEWAYS; g++)
        mix(play.left.frames[g]);
    mix(play.left.all_frames << 16 | play.left.ages << 8 | play.left.restarts);
    mix(play.host << 2 | (unsigned)play.sure << 1 | (unsigned)play.closed);
}

#define SEEN_SIZE (MAX_NODES * 2ull)

/* True when the state was not there before. */
static bool remember_state(void)
{
    uint64_t i = h1 % SEEN_SIZE;

    while (seen[i][0] || seen[i][1]) {
        if (seen[i][0] == h1 && seen[i][1] == h2)
            return false;
        i = (i + 1) % SEEN_SIZE;
    }
    seen[i][0] = h1;
    seen[i][1] = h2;
    return true;
}

/* ---- the search */

static uint8_t path[MAX_DEPTH + 1];
static unsigned path_len;

static void path_of(uint32_t node)
{
    unsigned n = 0;

    for (uint32_t i = node; i != 0; i = nodes[i].parent)
        n++;
    MUST(n <= MAX_DEPTH);
    path_len = n;
    for (uint32_t i = node; i != 0; i = nodes[i].parent)
        path[--n] = nodes[i].event;
}

static void path_play(void)
{
    start_again();
    for (unsigned i = 0; i < path_len; i++)
        happen(path[i]);
}

/* Before a check that may fail: the path, for the message. */
static char *path_text(void)
{
    static char text[(MAX_DEPTH + 1) * 4 + 1];
    char *p = text;

    for (unsigned i = 0; i < path_len; i++) {
        unsigned ev = path[i];

        if (ev < EV_FRAME)
            p += sprintf(p, "d%u%u ", ev / GATEWAYS, ev % GATEWAYS);
        else if (ev == EV_CLOSE)
            p += sprintf(p, "x ");
        else
            p += sprintf(p, "%c%u ", ev < EV_AGE ? 'f' : ev < EV_RESTART ? 'a' : 'r', ev % GATEWAYS);
    }
    *p = '\0';
    return text;
}

static bool any_frozen(void)
{
    for (unsigned g = 0; g < GATEWAYS; g++) {
        const struct mac_entry *e = entry_at(g, 0);

        if (e && e->duplicate)
            return true;
    }
    return false;
}

static void tell_path(void)
{
    fprintf(stderr, "path: %s\n", path_text());
}

/* R5.1 between two: one stands back and points to the other, and so it ends. */
static void check_clones(unsigned owner)
{
    for (unsigned g = 0; g < GATEWAYS; g++) {
        const struct mac_entry *e = entry_at(g, 0);

        /* Its first advertisement, and those of the counted moves to here. */
        MUST(w.g[g].adverts <= 1 + scene->dup_moves);
        if (!e || !e->duplicate)
            continue;
        MUST(owner == 1 - g);
        MUST(e->target == vtep_of(owner));
    }
}

static void check_quiet(void)
{
    unsigned owner;

    n_quiet++;
    owner = check_agreement(0);
    if (scene->clones)
        check_clones(owner);
    if (any_frozen()) {
        n_frozen++;
        return;
    }
    if (!play.sure && !play.closed)
        return;
    n_closed++;
    MUST(owner == play.host);
}

static void add_child(uint32_t parent, unsigned ev)
{
    hash_state();
    if (!remember_state())
        return;
    MUST(n_nodes < MAX_NODES);
    nodes[n_nodes++] = (struct node){parent, (uint8_t)ev};
}

static void expand(uint32_t node)
{
    bool possible[EV_N];
    bool fresh = true;

    path_of(node);
    path_play();
    if (quiet())
        check_quiet();
    for (unsigned ev = 0; ev < EV_N; ev++)
        possible[ev] = enabled(ev);
    for (unsigned ev = 0; ev < EV_N; ev++) {
        if (!possible[ev])
            continue;
        if (!fresh)
            path_play();
        fresh = false;
        path[path_len++] = (uint8_t)ev; /* for the story of a failure */
        happen(ev);
        path_len--;
        add_child(node, ev);
    }
}

static void explore(const struct scene *s)
{
    mono_t begin = mono_now();

    scene = s;
    nodes = malloc(MAX_NODES * sizeof(*nodes));
    seen = calloc(SEEN_SIZE, sizeof(*seen));
    MUST(nodes && seen);
    world_open(1, 1);
    for (unsigned g = 0; g < GATEWAYS; g++)
        MUST(mactable_set_duplicates(w.g[g].t, s->dup_moves, 180, 0) == 0);
    n_nodes = n_quiet = n_closed = n_frozen = 0;
    start_again();
    add_child(0, 0);
    for (uint32_t i = 0; i < n_nodes; i++)
        expand(i);
    printf("%u states, %u quiet, %u settled, %u frozen, longest path %u, %.1f s\n", n_nodes, n_quiet,
           n_closed, n_frozen, path_len, (double)(mono_now().ns - begin.ns) / 1e9);
    fflush(stdout);
    MUST(n_closed > 0);
    world_close();
    free(nodes);
    free(seen);
}

#if defined(__SANITIZE_ADDRESS__)
#define LESS 1 /* so much slower */
#else
#define LESS 0
#endif

START_TEST(test_R4_all_orders)
{
    static const struct scene scenes[] = {
        {.budget = {{4, 4, 4}, 4 - LESS, 1, 1}},
        {.budget = {{3, 3, 3}, 3, 1, 2 - LESS}},
        {.budget = {{5, 5, 5}, 5 - LESS, 0, 0}},
        {.budget = {{4, 4, 4}, 4 - LESS, 1, 0}, .first_seq = 0xfffffffe}, /* R4.6 */
    };

    explore(&scenes[_i]);
    ck_assert_uint_eq(n_frozen, 0);
}
END_TEST

/* Two gateways whose hosts have one MAC, then any three. */
START_TEST(test_R5_1_all_orders)
{
    static const struct scene scenes[] = {
        {.budget = {{9, 9, 0}, 18, 0, 0}, .dup_moves = 3, .clones = true},
        {.budget = {{6, 6, 0}, 12, 0, 0}, .dup_moves = 4, .clones = true},
        {.budget = {{5, 5, 5}, 5 - LESS, 0, 0}, .dup_moves = 2},
        {.budget = {{3, 3, 3}, 3, 2, 1}, .dup_moves = 2},
    };

    explore(&scenes[_i]);
    ck_assert_uint_gt(n_frozen, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mobility_exhaustive");
    TCase *c = tcase_create("all orders");
    SRunner *r = srunner_create(s);
    int failed;

    world_story = tell_path;
    tcase_add_loop_test(c, test_R4_all_orders, 0, 4);
    tcase_add_loop_test(c, test_R5_1_all_orders, 0, 4);
    tcase_set_timeout(c, 600);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
