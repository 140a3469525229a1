/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Messages between gateways: the codec, and the exchange on a clock that the test moves.
 */
#include "controlplane/oam.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static const struct mac own = {{0x02, 1, 2, 3, 4, 5}};

static struct {
    unsigned sent, requests, done;
    dp_net_id net;
    dp_vtep_id vtep;
    uint8_t frame[UINT16_MAX];
    size_t len;
    int rc;
    struct oam_message request, answer;
    bool answered;
    uint64_t rtt;
} seen;

static mono_t ms(unsigned n)
{
    return (mono_t){UINT64_C(5000000000) + n * UINT64_C(1000000)};
}

static int op_send(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len)
{
    (void)arg;
    seen.sent++;
    seen.net = net;
    seen.vtep = vtep;
    seen.len = len;
    memcpy(seen.frame, frame, len);
    return seen.rc;
}

static void op_request(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                       struct oam_message *answer)
{
    (void)arg, (void)net, (void)from, (void)at;
    seen.requests++;
    seen.request = *m;
    if (m->type <= OAM_REPORT)
        answer->status = OAM_BUSY;
}

static void done(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    (void)arg, (void)now;
    seen.done++;
    seen.answered = answer != NULL;
    if (answer)
        seen.answer = *answer;
    seen.rtt = rtt;
}

static bool op_known(void *arg, dp_net_id net, dp_vtep_id vtep)
{
    (void)arg;
    return net != 7 || vtep != 66;
}

static const struct oam_ops ops = {.send = op_send, .request = op_request, .known = op_known};
static struct oam *o;

static void setup(void)
{
    memset(&seen, 0, sizeof(seen));
    o = oam_new(own, UINT32_MAX, &ops, NULL);
}

static void teardown(void)
{
    oam_free(o);
}

static struct dp_own_frame last_frame(dp_vtep_id from, mono_t at)
{
    struct dp_own_frame f = {
        .net = seen.net, .from = DP_WHERE_VTEP, .source = from, .at = at, .len = (uint16_t)seen.len};

    memcpy(f.data, seen.frame, seen.len < DP_OWN_SNAP ? seen.len : DP_OWN_SNAP);
    return f;
}

static struct dp_own_frame frame_of(const struct oam_message *m, dp_vtep_id from, mono_t at)
{
    struct dp_own_frame f = {.net = 7, .from = DP_WHERE_VTEP, .source = from, .at = at};
    uint8_t bytes[UINT16_MAX];

    f.len = (uint16_t)oam_encode(m, own, bytes, sizeof(bytes));
    ck_assert_uint_gt(f.len, 0);
    memcpy(f.data, bytes, f.len < DP_OWN_SNAP ? f.len : DP_OWN_SNAP);
    return f;
}

static const struct oam_message full = {.type = OAM_TAKE,
                                        .id = 0x01020304,
                                        .mac = {{2, 0, 0, 0, 0, 9}},
                                        .ip = {.family = 6, .b = {0xfd, [15] = 1}},
                                        .seconds = 60,
                                        .values = {1, 2, 3, 4, 5, 0xffffffff},
                                        .length = 9,
                                        .token = 0x0123456789abcdef};

/* ---- codec */

START_TEST(test_message_survives_the_wire)
{
    struct oam_message back;
    uint8_t frame[256];
    size_t len = oam_encode(&full, own, frame, sizeof(frame));

    ck_assert_uint_ge(len, OAM_FRAME_MIN);
    ck_assert_mem_eq(frame + 6, own.b, 6);
    ck_assert_uint_eq(frame[12] << 8 | frame[13], DP_OAM_ETHERTYPE);
    ck_assert(oam_decode(frame, len, len, &back));
    ck_assert_mem_eq(&back, &full, sizeof(full));
    for (size_t room = 0; room < len; room++)
        ck_assert_uint_eq(oam_encode(&full, own, frame, room), 0);
}
END_TEST

START_TEST(test_cut_and_wrong_lengths_are_refused)
{
    struct oam_message back;
    uint8_t frame[256];
    size_t len = oam_encode(&full, own, frame, sizeof(frame)), used;

    used = 24u + (size_t)(frame[22] << 8 | frame[23]);
    for (size_t n = 0; n < used; n++)
        ck_assert(!oam_decode(frame, n, n, &back));
    ck_assert(oam_decode(frame, used, len, &back));
    frame[25]++; /* the first TLV's length */
    ck_assert(!oam_decode(frame, len, len, &back));
    frame[25]--;
    frame[14] = 2; /* version */
    ck_assert(!oam_decode(frame, len, len, &back));
}
END_TEST

START_TEST(test_unknown_tlv_is_skipped)
{
    struct oam_message m = {.type = OAM_COMMIT, .mac = {{2, 0, 0, 0, 0, 9}}}, back;
    uint8_t frame[256];
    size_t len = oam_encode(&m, own, frame, sizeof(frame));

    frame[24] = 200;
    ck_assert(oam_decode(frame, len, len, &back));
    ck_assert(mac_is_zero(back.mac));
}
END_TEST

START_TEST(test_echo_is_as_long_as_it_says)
{
    struct oam_message m = {.type = OAM_ECHO, .length = 9000}, back;
    static uint8_t frame[9000];

    ck_assert_uint_eq(oam_encode(&m, own, frame, sizeof(frame)), 9000);
    ck_assert(oam_decode(frame, DP_OWN_SNAP, 9000, &back));
    ck_assert(!oam_decode(frame, DP_OWN_SNAP, 8999, &back));
}
END_TEST

/* ---- exchange */

START_TEST(test_request_is_repeated_until_it_is_answered)
{
    struct oam_message m = {.type = OAM_PREPARE, .mac = {{2, 0, 0, 0, 0, 1}}, .seconds = 60}, answer;
    struct dp_own_frame f;
    mono_t next;

    ck_assert_int_eq(oam_send(o, 7, 3, &m, 3, 200, ms(0), done, NULL), 0);
    ck_assert_uint_eq(m.id, UINT32_MAX);
    ck_assert_uint_eq(seen.sent, 1);
    ck_assert(oam_next(o, &next));
    ck_assert_uint_eq(next.ns, ms(200).ns);
    oam_run(o, ms(199));
    ck_assert_uint_eq(seen.sent, 1);
    oam_run(o, ms(200));
    ck_assert_uint_eq(seen.sent, 2);
    answer = (struct oam_message){.type = OAM_PREPARE | OAM_ANSWER, .status = OAM_NOT_HERE, .id = m.id};
    f = frame_of(&answer, 4, ms(201)); /* another VTEP's */
    oam_receive(o, &f, ms(201));
    ck_assert_uint_eq(seen.done, 0);
    f = frame_of(&answer, 3, ms(201));
    f.net = 8;
    oam_receive(o, &f, ms(201));
    ck_assert_uint_eq(seen.done, 0);
    f.net = 7;
    oam_receive(o, &f, ms(201));
    ck_assert_uint_eq(seen.done, 1);
    ck_assert(seen.answered);
    ck_assert_uint_eq(seen.answer.status, OAM_NOT_HERE);
    ck_assert_uint_eq(seen.rtt, 1000000);
    oam_receive(o, &f, ms(202));
    ck_assert_uint_eq(seen.done, 1);
    ck_assert_uint_eq(oam_counts(o).stray, 3);
    ck_assert(!oam_next(o, &next));
}
END_TEST

START_TEST(test_nobody_answers)
{
    struct oam_message m = {.type = OAM_LEAVE};

    seen.rc = -ENOBUFS;
    ck_assert_int_eq(oam_send(o, 7, 3, &m, 2, 100, ms(0), done, NULL), 0);
    oam_run(o, ms(100));
    ck_assert_uint_eq(seen.done, 0);
    oam_run(o, ms(200));
    ck_assert_uint_eq(seen.done, 1);
    ck_assert(!seen.answered);
    ck_assert_uint_eq(seen.sent, 2);
    ck_assert_uint_eq(oam_counts(o).timeouts, 1);
}
END_TEST

START_TEST(test_who_is_forgotten_is_not_called)
{
    struct oam_message m = {.type = OAM_LEAVE};
    mono_t next;
    int who;

    ck_assert_int_eq(oam_send(o, 7, 3, &m, 1, 100, ms(0), done, &who), 0);
    oam_forget(o, &who);
    oam_run(o, ms(1000));
    ck_assert_uint_eq(seen.done, 0);
    ck_assert(!oam_next(o, &next));
}
END_TEST

START_TEST(test_waiting_is_bounded)
{
    struct oam_message m = {.type = OAM_LEAVE};

    for (unsigned i = 0; i < OAM_MAX_WAITING; i++)
        ck_assert_int_eq(oam_send(o, 7, 3, &m, 1, 100, ms(0), done, NULL), 0);
    ck_assert_int_eq(oam_send(o, 7, 3, &m, 1, 100, ms(0), done, NULL), -ENOSPC);
    oam_run(o, ms(100));
    ck_assert_uint_eq(seen.done, OAM_MAX_WAITING);
    ck_assert_int_eq(oam_send(o, 7, 3, &m, 1, 100, ms(0), done, NULL), 0);
}
END_TEST

START_TEST(test_repeated_request_is_carried_out_once)
{
    struct oam_message m = {.type = OAM_CANCEL, .id = 5, .mac = {{2, 0, 0, 0, 0, 1}}}, back;
    struct dp_own_frame f = frame_of(&m, 3, ms(0));

    oam_receive(o, &f, ms(0));
    oam_receive(o, &f, ms(100));
    ck_assert_uint_eq(seen.requests, 1);
    ck_assert_uint_eq(seen.sent, 2);
    f = last_frame(3, ms(100));
    ck_assert(oam_decode(f.data, f.len, f.len, &back));
    ck_assert_uint_eq(back.type, OAM_CANCEL | OAM_ANSWER);
    ck_assert_uint_eq(back.status, OAM_BUSY);
    ck_assert_uint_eq(back.id, 5);
    f = frame_of(&m, 4, ms(200)); /* another gateway's request by the same id */
    oam_receive(o, &f, ms(200));
    ck_assert_uint_eq(seen.requests, 2);
    f = frame_of(&m, 3, ms(10001)); /* forgotten by now */
    oam_receive(o, &f, ms(10001));
    ck_assert_uint_eq(seen.requests, 3);
}
END_TEST

START_TEST(test_unknown_request_is_answered_as_such)
{
    struct oam_message m = {.type = 77, .id = 5}, back;
    struct dp_own_frame f = frame_of(&m, 3, ms(0));

    oam_receive(o, &f, ms(0));
    f = last_frame(3, ms(0));
    ck_assert(oam_decode(f.data, f.len, f.len, &back));
    ck_assert_uint_eq(back.status, OAM_UNSUPPORTED);
    ck_assert_str_eq(oam_type_name(back.type), "unknown");
}
END_TEST

START_TEST(test_echo_answer_is_short)
{
    struct oam_message m = {.type = OAM_ECHO, .id = 5, .length = 4000}, back;
    struct dp_own_frame f = frame_of(&m, 3, ms(0));

    oam_receive(o, &f, ms(0));
    ck_assert_uint_eq(seen.requests, 0);
    ck_assert_uint_le(seen.len, 64);
    f = last_frame(3, ms(0));
    ck_assert(oam_decode(f.data, f.len, f.len, &back));
    ck_assert_uint_eq(back.length, 4000);
}
END_TEST

START_TEST(test_one_vtep_cannot_keep_us_busy)
{
    struct oam_message m = {.type = OAM_COMMIT};
    struct dp_own_frame f;

    for (unsigned i = 0; i < 10 * OAM_RATE; i++) {
        m.id = i;
        f = frame_of(&m, 3, ms(0));
        oam_receive(o, &f, ms(0));
    }
    ck_assert_uint_eq(seen.requests, OAM_RATE);
    ck_assert_uint_eq(oam_counts(o).limited, 9 * OAM_RATE);
    f = frame_of(&m, 4, ms(0));
    oam_receive(o, &f, ms(0));
    ck_assert_uint_eq(seen.requests, OAM_RATE + 1);
    m.id = 1000000;
    f = frame_of(&m, 3, ms(1000));
    oam_receive(o, &f, ms(1000));
    ck_assert_uint_eq(seen.requests, OAM_RATE + 2);
}
END_TEST

/* Who is (no longer) a VTEP of the network, neither by BGP nor configured, has no say, and gets no answer. */
START_TEST(test_strangers_are_not_heard)
{
    struct oam_message m = {.type = OAM_PREPARE}, echo = {.type = OAM_ECHO};
    struct oam_message ours = {.type = OAM_LEAVE}, answer = {.type = OAM_LEAVE | OAM_ANSWER};
    struct dp_own_frame f = frame_of(&m, 66, ms(0));

    oam_receive(o, &f, ms(0));
    f = frame_of(&echo, 66, ms(0));
    oam_receive(o, &f, ms(0));
    ck_assert_int_eq(oam_send(o, 7, 66, &ours, 1, 100, ms(0), done, NULL), 0);
    answer.id = ours.id;
    f = frame_of(&answer, 66, ms(1));
    oam_receive(o, &f, ms(1));
    ck_assert_uint_eq(seen.requests, 0);
    ck_assert_uint_eq(seen.sent, 1);
    ck_assert_uint_eq(seen.done, 0);
    ck_assert_uint_eq(oam_counts(o).strangers, 3);
    f = frame_of(&m, 66, ms(2));
    f.net = 8;
    oam_receive(o, &f, ms(2));
    ck_assert_uint_eq(seen.requests, 1);
}
END_TEST

START_TEST(test_other_frames_are_counted)
{
    struct oam_message m = {.type = OAM_COMMIT};
    struct dp_own_frame f = frame_of(&m, 3, ms(0));

    f.from = DP_WHERE_PORT;
    oam_receive(o, &f, ms(0));
    f.from = DP_WHERE_VTEP;
    f.source = DP_MAX_VTEPS;
    oam_receive(o, &f, ms(0));
    f.source = 3;
    f.data[14] = 9;
    oam_receive(o, &f, ms(0));
    ck_assert_uint_eq(oam_counts(o).malformed, 3);
    ck_assert_uint_eq(seen.sent, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("oam");
    TCase *codec = tcase_create("codec"), *exchange = tcase_create("exchange");
    SRunner *r;
    int failed;

    tcase_add_test(codec, test_message_survives_the_wire);
    tcase_add_test(codec, test_cut_and_wrong_lengths_are_refused);
    tcase_add_test(codec, test_unknown_tlv_is_skipped);
    tcase_add_test(codec, test_echo_is_as_long_as_it_says);
    tcase_add_checked_fixture(exchange, setup, teardown);
    tcase_add_test(exchange, test_request_is_repeated_until_it_is_answered);
    tcase_add_test(exchange, test_nobody_answers);
    tcase_add_test(exchange, test_who_is_forgotten_is_not_called);
    tcase_add_test(exchange, test_waiting_is_bounded);
    tcase_add_test(exchange, test_repeated_request_is_carried_out_once);
    tcase_add_test(exchange, test_unknown_request_is_answered_as_such);
    tcase_add_test(exchange, test_echo_answer_is_short);
    tcase_add_test(exchange, test_one_vtep_cannot_keep_us_busy);
    tcase_add_test(exchange, test_strangers_are_not_heard);
    tcase_add_test(exchange, test_other_frames_are_counted);
    suite_add_tcase(s, codec);
    suite_add_tcase(s, exchange);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
