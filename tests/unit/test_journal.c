/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The journal's ring, its open entries and its stages; and an entry's text.
 */
#include "controlplane/journal_text.h"
#include "tests/unit/journal_sample.h"

#include <stdlib.h>

#define SIZE 8

static struct journal *j;
static unsigned n_closed, n_closing;
static uint64_t closed_left_out;
static uint64_t closed_ids[10000];

static void on_closing(void *arg, struct journal_entry *e)
{
    ck_assert_ptr_eq(arg, &n_closed);
    ck_assert(e->open);
    e->announced = 77;
    n_closing++;
}

static void on_closed(void *arg, const struct journal_entry *e)
{
    ck_assert_ptr_eq(arg, &n_closed);
    ck_assert(!e->open);
    ck_assert_uint_eq(e->announced, 77);
    closed_ids[n_closed++] = e->id;
    closed_left_out = e->left_out;
}

static const struct journal_ops ops = {on_closing, on_closed};

static void setup(void)
{
    n_closed = n_closing = 0;
    j = journal_new(SIZE, &ops, &n_closed);
    ck_assert_ptr_nonnull(j);
}

static void teardown(void)
{
    journal_free(j);
}

static struct journal_entry *add(unsigned n, uint64_t s)
{
    struct journal_entry e = sample(n, s);

    return journal_open(j, &e);
}

static struct journal_entry *find(unsigned n)
{
    return journal_find(j, 1, sample(n, 0).mac);
}

static mono_t second(uint64_t s)
{
    return (mono_t){s * 1000000000};
}

START_TEST(test_open_until_its_time_is_over)
{
    mono_t at;

    ck_assert(!journal_next(j, &at));
    add(1, 100);
    add(2, 103);
    ck_assert_uint_eq(find(1)->id, 1);
    ck_assert_uint_eq(find(2)->id, 2);
    ck_assert_ptr_null(find(3));
    ck_assert_ptr_null(journal_find(j, 2, sample(1, 0).mac));
    ck_assert(journal_next(j, &at));
    ck_assert_uint_eq(at.ns, second(110).ns);
    journal_run(j, (mono_t){second(110).ns - 1});
    ck_assert_uint_eq(n_closed, 0);
    journal_run(j, second(110));
    ck_assert_uint_eq(n_closed, 1);
    ck_assert_ptr_null(find(1));
    ck_assert(journal_next(j, &at));
    ck_assert_uint_eq(at.ns, second(113).ns);
    journal_close_all(j);
    ck_assert_uint_eq(n_closed, 2);
    ck_assert(!journal_next(j, &at));
    ck_assert_uint_eq(journal_count(j), 2);
}
END_TEST

/* Thirty moves of one MAC leave thirty entries, one of them open. */
START_TEST(test_R4_7_the_next_move_closes_the_last)
{
    for (unsigned i = 1; i <= 30; i++) {
        ck_assert_uint_eq(add(1, 100 + i)->id, i);
        ck_assert_uint_eq(n_closed, i - 1);
    }
    ck_assert_uint_eq(find(1)->id, 30);
    journal_close_all(j);
    for (unsigned i = 0; i < 30; i++)
        ck_assert_uint_eq(closed_ids[i], i + 1);
}
END_TEST

START_TEST(test_full_ring_closes_the_oldest)
{
    uint64_t cursor = 0;
    const struct journal_entry *e;
    unsigned n = 0;

    for (unsigned i = 1; i <= SIZE + 3; i++)
        add(i, 100);
    ck_assert_uint_eq(n_closed, 3);
    ck_assert_ptr_null(find(3));
    ck_assert_ptr_nonnull(find(4));
    while ((e = journal_walk(j, &cursor)) != NULL)
        ck_assert_uint_eq(e->id, SIZE + 3 - n++);
    ck_assert_uint_eq(n, SIZE);
    ck_assert_uint_eq(journal_count(j), SIZE);
    ck_assert_uint_eq(journal_last_id(j), SIZE + 3);
}
END_TEST

/* Entries that come while somebody walks are not seen, those that are overwritten are passed over. */
START_TEST(test_walk_while_it_goes_on)
{
    uint64_t cursor = 0;

    for (unsigned i = 1; i <= SIZE; i++)
        add(i, 100);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 8);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 7);
    for (unsigned i = 1; i <= 3; i++)
        add(100 + i, 100);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 6);
    for (unsigned i = 1; i <= 3; i++)
        add(200 + i, 100);
    ck_assert_ptr_null(journal_walk(j, &cursor));
    cursor = 9;
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 8);
    cursor = 1000000;
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 14);
}
END_TEST

START_TEST(test_restored_entries)
{
    struct journal_entry e = sample(1, 5);
    uint64_t cursor = 0;
    mono_t at;

    e.id = 40;
    journal_restore(j, &e);
    e.id = 40; /* twice: once */
    journal_restore(j, &e);
    e.id = 7; /* closed after 40 was */
    journal_restore(j, &e);
    e.id = 50; /* lines of a file may be lost */
    journal_restore(j, &e);
    e.id = 0; /* none has that */
    journal_restore(j, &e);
    journal_restored(j);
    ck_assert_uint_eq(journal_count(j), 3);
    ck_assert(!journal_next(j, &at));
    ck_assert_ptr_null(find(1));
    ck_assert_uint_eq(add(1, 100)->id, 51);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 51);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 50);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 40);
    ck_assert_uint_eq(journal_walk(j, &cursor)->id, 7);
    ck_assert_uint_eq(cursor, 7);
    ck_assert_ptr_null(journal_walk(j, &cursor));
    ck_assert_uint_eq(n_closed, 0);
}
END_TEST

/* More than there is room for: the ring goes on behind the newest. */
START_TEST(test_restored_ring_is_full)
{
    struct journal_entry e = sample(1, 5);
    uint64_t cursor = 0;

    for (unsigned i = 1; i <= SIZE + 3; i++) {
        e.id = i % 2 ? i + 1 : i - 1; /* 2, 1, 4, 3, ... */
        journal_restore(j, &e);
    }
    journal_restored(j);
    ck_assert_uint_eq(journal_count(j), SIZE);
    ck_assert_uint_eq(add(2, 100)->id, SIZE + 5);
    ck_assert_uint_eq(add(3, 100)->id, SIZE + 6);
    for (uint64_t id = SIZE + 6, n = 0, last = id + 1; n < SIZE; n++, last = id) {
        id = journal_walk(j, &cursor)->id;
        ck_assert_uint_lt(id, last);
    }
    ck_assert_ptr_null(journal_walk(j, &cursor));
    ck_assert_uint_eq(n_closed, 0);
}
END_TEST

/* One MAC may have three entries at once and one more each second; what it had last is closed for news with
 * the first that is left out, once, and the next entry comes when there is room. */
START_TEST(test_limit_of_a_mac)
{
    journal_set_limits(j, (struct journal_limit){3, 1000000000}, (struct journal_limit){0});
    for (unsigned i = 1; i <= 3; i++)
        ck_assert_uint_eq(add(1, 100)->id, i);
    for (unsigned i = 1; i <= 5; i++) {
        ck_assert_ptr_null(add(1, 100));
        ck_assert_uint_eq(journal_left_out(j), i);
    }
    ck_assert_uint_eq(n_closed, 2);
    ck_assert_uint_eq(n_closing, 3);
    ck_assert_ptr_null(find(1));
    ck_assert_uint_eq(add(2, 100)->id, 4); /* another MAC */
    ck_assert_uint_eq(find(2)->id, 4);
    ck_assert_uint_eq(add(1, 101)->id, 5);
    ck_assert_uint_eq(n_closing, 3);
    ck_assert_uint_eq(n_closed, 3);
    ck_assert_uint_eq(closed_left_out, 5);
    ck_assert_ptr_null(add(1, 101));
    journal_run(j, second(111));
    ck_assert_uint_eq(n_closed, 5);
    /* Forgotten with the last of its open entries. */
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(add(1, 111));
    ck_assert_ptr_null(add(1, 111));
}
END_TEST

/* All MACs together: six at once, one more in two seconds. */
START_TEST(test_limit_of_all)
{
    unsigned n = 0;

    journal_set_limits(j, (struct journal_limit){0}, (struct journal_limit){6, 2000000000});
    for (unsigned i = 1; i <= 1000; i++)
        n += add(i, 100) != NULL;
    ck_assert_uint_eq(n, 6);
    ck_assert_uint_eq(journal_left_out(j), 994);
    ck_assert_ptr_nonnull(find(6));
    ck_assert_ptr_null(find(7));
    for (unsigned s = 101; s <= 120; s++)
        n += add(s, s) != NULL;
    ck_assert_uint_eq(n, 6 + 10);
    for (unsigned i = 1; i <= 7; i++)
        ck_assert_int_eq(add(i, 1000) != NULL, i <= 6);
}
END_TEST

/* Many MACs at random against the plainest model: an array. */
START_TEST(test_random_against_a_model)
{
    uint64_t open_id[20] = {0}, opened_s[20] = {0}, ids = 0, now = 100;
    unsigned closed = 0;

    srand(_i + 1);
    for (unsigned step = 0; step < 5000; step++) {
        unsigned n = (unsigned)rand() % 20;

        if (rand() % 3) {
            closed += open_id[n] != 0;
            open_id[n] = 0;
            ids++;
            for (unsigned i = 0; i < 20; i++)
                if (open_id[i] && open_id[i] + SIZE <= ids) {
                    open_id[i] = 0;
                    closed++;
                }
            open_id[n] = ids;
            opened_s[n] = now;
            ck_assert_uint_eq(add(n, now)->id, ids);
        } else {
            now += (uint64_t)rand() % 6;
            journal_run(j, second(now));
            for (unsigned i = 0; i < 20; i++)
                if (open_id[i] && opened_s[i] + 10 <= now) {
                    open_id[i] = 0;
                    closed++;
                }
        }
        for (unsigned i = 0; i < 20; i++) {
            ck_assert_int_eq(find(i) != NULL, open_id[i] != 0);
            if (find(i))
                ck_assert_uint_eq(find(i)->id, open_id[i]);
        }
        ck_assert_uint_eq(n_closed, closed);
    }
}
END_TEST

START_TEST(test_dark_time_is_what_is_known)
{
    struct journal_entry e = sample(1, 100);
    bool complete;

    ck_assert_uint_eq(journal_dark_ns(&e, &complete), 230000000 + 61000 + 310000);
    ck_assert(complete); /* bgp goes on beside it */
    e.silent_ns = JOURNAL_UNKNOWN;
    ck_assert_uint_eq(journal_dark_ns(&e, &complete), 61000 + 310000);
    ck_assert(!complete);
    e.first_ns = e.fdb_ns = JOURNAL_UNKNOWN;
    ck_assert_uint_eq(journal_dark_ns(&e, &complete), 0);
    ck_assert(!complete);
}
END_TEST

/* ---- text */

static void round_trip(const struct journal_entry *e)
{
    char *line = journal_line(e);
    struct journal_entry back;
    size_t len;

    ck_assert_ptr_nonnull(line);
    len = strlen(line);
    ck_assert_uint_lt(len, JOURNAL_LINE_MAX);
    ck_assert_int_eq(line[len - 1], '\n');
    ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
    ck_assert_msg(journal_parse(line, len - 1, &back), "%s", line);
    ck_assert(same_entry(e, &back));
    ck_assert(back.net == 0 && !back.open);
    cJSON_free(line);
}

START_TEST(test_text_round_trip)
{
    struct journal_entry e = sample(1, 100);
    bool complete;

    e.id = 1;
    round_trip(&e);
    e.how = (enum journal_how)_i;
    e.prepared = 9;
    e.expected = true;
    e.bounced = 0;
    e.bicast = 12;
    e.left_out = 3;
    e.to = (struct journal_place){.site = "", .vtep = {6, {0x20, 1, [15] = 1}}};
    e.from = (struct journal_place){0};
    round_trip(&e);
    /* The longest of everything; a machine that is up for years. */
    memset(e.network, 'n', sizeof(e.network) - 1);
    memset(e.from.site, 's', sizeof(e.from.site) - 1);
    memset(e.from.port, 'p', sizeof(e.from.port) - 1);
    e.to = e.from;
    e.n_ips = UINT8_MAX;
    for (unsigned i = 0; i < JOURNAL_IPS; i++) {
        e.ips[i] = (struct ipaddr){.family = 6};
        memset(e.ips[i].b, 0xf1, sizeof(e.ips[i].b));
    }
    e.id = e.announced = e.left_out = e.bounced = e.bicast = e.prepared = 1ull << 53;
    e.silent_ns = e.fdb_ns = e.bgp_ns = e.first_ns = e.at.ns = 1ull << 62;
    e.sequence = UINT32_MAX;
    e.wall_ns = 253402300799ull;
    journal_dark_ns(&e, &complete);
    round_trip(&e);
}
END_TEST

START_TEST(test_text_refused)
{
    static const char good[] =
        "{\"id\":7,\"time\":\"2026-05-01T12:00:00.123456789Z\",\"network\":\"web\",\"mac\":\"02:00:5e:10:00:"
        "01\",\"ips\":[\"10.0.0.1\"],\"ip_count\":1,\"from\":{\"site\":\"paris\",\"vtep\":\"198.18.0.1\"},"
        "\"to\":{\"site\":\"london\",\"port\":\"trunk\"},\"detected\":\"rarp\",\"sequence\":3,\"expected\":"
        "true,\"prepared\":12,\"monotonic_ns\":81230,\"open\":false,\"announcements\":4,\"bounced\":null,"
        "\"bicast\":17,\"stages\":{\"silent_ns\":230000000,\"fdb_ns\":61000,\"bgp_ns\":90000,\"first_ns\":"
        "310000},\"dark_ns\":230371000,\"dark_complete\":true}";
    static const char *const wrong[][2] = {
        {"\"id\":7", "\"id\":0"},
        {"\"id\":7", "\"id\":-1"},
        {"\"id\":7", "\"id\":7.5"},
        {"\"id\":7", "\"id\":9007199254740994"},
        {"\"id\":7", "\"id\":\"7\""},
        {"\"id\":7", "\"it\":7"},
        {"05-01T12", "13-01T12"},
        {"05-01T12", "02-30T12"},
        {"05-01T12", "05-01 12"},
        {"00.123456789Z", "61.123456789Z"},
        {"00.123456789Z", "00.12345678Z"},
        {"\"web\"", "\"\""},
        {"\"web\"", "\"we b\""},
        {"\"web\"", "\"w\\u0007b\""},
        {"\"web\"", "\"a-name-that-is-longer-than-names-are\""},
        {"02:00:5e:10:00:01", "02:00:5e:10:00:0g"},
        {"[\"10.0.0.1\"]", "[\"10.0.0.256\"]"},
        {"[\"10.0.0.1\"]", "[]"},
        {"[\"10.0.0.1\"]", "[\"10.0.0.1\",\"10.0.0.2\"]"},
        {"[\"10.0.0.1\"]", "7"},
        {"\"ip_count\":1", "\"ip_count\":256"},
        {"\"bicast\":17", "\"bicast\":17,\"left_out\":-1"},
        {"\"bicast\":17", "\"bicast\":17,\"left_out\":null"},
        {"\"198.18.0.1\"", "\"198.18.0\""},
        {"\"port\":\"trunk\"", "\"prot\":\"trunk\""},
        {"\"rarp\"", "\"magic\""},
        {"\"sequence\":3", "\"sequence\":4294967296"},
        {"\"expected\":true", "\"expected\":1"},
        {"\"silent_ns\":230000000", "\"silent_ns\":-1"},
        {"\"silent_ns\":230000000", "\"silent_ns\":1e300"},
        {"\"stages\":{", "\"stage\":{"},
        {"true}", "true"},
        {"true}", "true} "},
    };
    struct journal_entry e;
    char line[2 * sizeof(good)];

    ck_assert(journal_parse(good, sizeof(good) - 1, &e));
    ck_assert_uint_eq(e.wall_ns, 1777636800123456789);
    ck_assert_uint_eq(e.prepared, 12);
    ck_assert_str_eq(e.to.port, "trunk");
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *at = strstr(good, wrong[i][0]);

        ck_assert_ptr_nonnull(at);
        snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - good), good, wrong[i][1],
                 at + strlen(wrong[i][0]));
        ck_assert_msg(!journal_parse(line, strlen(line), &e), "%s", line);
    }
    ck_assert(!journal_parse(good, 0, &e));
    /* Cut off anywhere. */
    for (size_t n = 1; n < sizeof(good) - 1; n++)
        ck_assert(!journal_parse(good, n, &e));
    ck_assert(!journal_parse("", 1, &e));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal");
    TCase *c = tcase_create("ring"), *t = tcase_create("text");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_open_until_its_time_is_over);
    tcase_add_test(c, test_R4_7_the_next_move_closes_the_last);
    tcase_add_test(c, test_full_ring_closes_the_oldest);
    tcase_add_test(c, test_walk_while_it_goes_on);
    tcase_add_test(c, test_restored_entries);
    tcase_add_test(c, test_restored_ring_is_full);
    tcase_add_test(c, test_limit_of_a_mac);
    tcase_add_test(c, test_limit_of_all);
    tcase_add_loop_test(c, test_random_against_a_model, 0, 4);
    tcase_add_test(c, test_dark_time_is_what_is_known);
    tcase_add_loop_test(t, test_text_round_trip, 0, JOURNAL_HOWS);
    tcase_add_test(t, test_text_refused);
    suite_add_tcase(s, c);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
