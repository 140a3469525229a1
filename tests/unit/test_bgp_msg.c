/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames, OPEN, NOTIFICATION and ROUTE-REFRESH: what RFC 4271 sections 6.1 and 6.2 want for every error,
 * messages of real routers, and truncation of each at every byte.
 */
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_open.h"
#include "tests/unit/bgp_vectors.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#define N_VECTORS ((int)(sizeof(bgp_vectors) / sizeof(bgp_vectors[0])))
#define OPEN_HEAD "04 fde8 0009 c6124d02" /* version, AS 65000, hold time 9, id 198.18.77.2 */

static uint8_t msg[BGP_MSG_EXT_MAX];
static struct bgp_error err;
static struct bgp_frame frame;

/* ---- frames */

/* A header with this length and type, and `have` bytes in all. */
static int header(unsigned len, uint8_t type, size_t have, size_t max)
{
    memset(msg, 0, sizeof(msg));
    memset(msg, 0xff, 16);
    msg[16] = (uint8_t)(len >> 8);
    msg[17] = (uint8_t)len;
    msg[18] = type;
    memset(&err, 0, sizeof(err));
    return bgp_frame_next(msg, have, max, &frame, &err);
}

static void check_error(uint8_t code, uint8_t subcode, const char *data_hex)
{
    uint8_t data[64];
    size_t n = unhex(data_hex, data);

    ck_assert_uint_eq(err.code, code);
    ck_assert_uint_eq(err.subcode, subcode);
    ck_assert_uint_eq(err.data_len, n);
    ck_assert_mem_eq(err.data, data, n);
    ck_assert_uint_gt(strlen(err.text), 0);
}

START_TEST(test_RFC4271_6_1_marker)
{
    for (size_t i = 0; i < 16; i++) {
        header(19, BGP_KEEPALIVE, 19, BGP_MSG_MAX);
        msg[i] = 0xfe;
        ck_assert_int_eq(bgp_frame_next(msg, 19, BGP_MSG_MAX, &frame, &err), -EPROTO);
        check_error(BGP_ERR_HEADER, BGP_HEADER_SYNC, "");
    }
}
END_TEST

START_TEST(test_RFC4271_6_1_length)
{
    static const struct {
        unsigned len;
        uint8_t type;
        const char *data;
    } bad[] = {{0, BGP_KEEPALIVE, "0000"},
               {18, BGP_KEEPALIVE, "0012"},
               {20, BGP_KEEPALIVE, "0014"},
               {28, BGP_OPEN, "001c"},
               {22, BGP_UPDATE, "0016"},
               {20, BGP_NOTIFICATION, "0014"},
               {22, BGP_ROUTE_REFRESH, "0016"},
               {4097, BGP_UPDATE, "1001"},
               {65535, BGP_UPDATE, "ffff"},
               {4097, 99, "1001"},
               {18, 99, "0012"}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(header(bad[i].len, bad[i].type, 19, BGP_MSG_MAX), -EPROTO);
        check_error(BGP_ERR_HEADER, BGP_HEADER_LENGTH, bad[i].data);
    }
}
END_TEST

START_TEST(test_RFC4271_6_1_least_lengths_are_good)
{
    ck_assert_int_eq(header(29, BGP_OPEN, 29, BGP_MSG_MAX), 29);
    ck_assert_int_eq(header(23, BGP_UPDATE, 23, BGP_MSG_MAX), 23);
    ck_assert_int_eq(header(21, BGP_NOTIFICATION, 21, BGP_MSG_MAX), 21);
    ck_assert_int_eq(header(19, BGP_KEEPALIVE, 19, BGP_MSG_MAX), 19);
    ck_assert_int_eq(header(23, BGP_ROUTE_REFRESH, 23, BGP_MSG_MAX), 23);
    ck_assert_int_eq(header(4096, BGP_UPDATE, 4096, BGP_MSG_MAX), 4096);
    ck_assert_uint_eq(frame.body_len, 4096 - 19);
    ck_assert_ptr_eq(frame.body, msg + 19);
}
END_TEST

START_TEST(test_RFC4271_6_1_type)
{
    ck_assert_int_eq(header(19, 0, 19, BGP_MSG_MAX), -EPROTO);
    check_error(BGP_ERR_HEADER, BGP_HEADER_TYPE, "00");
    ck_assert_int_eq(header(19, 6, 19, BGP_MSG_MAX), -EPROTO);
    check_error(BGP_ERR_HEADER, BGP_HEADER_TYPE, "06");
}
END_TEST

START_TEST(test_RFC8654_extended_message)
{
    ck_assert_int_eq(header(65535, BGP_UPDATE, 65535, BGP_MSG_EXT_MAX), 65535);
    ck_assert_int_eq(header(65535, BGP_NOTIFICATION, 100, BGP_MSG_EXT_MAX), 0);
    ck_assert_int_eq(header(4097, BGP_OPEN, 19, BGP_MSG_EXT_MAX), -EPROTO);
    check_error(BGP_ERR_HEADER, BGP_HEADER_LENGTH, "1001");
    ck_assert_int_eq(header(20, BGP_KEEPALIVE, 20, BGP_MSG_EXT_MAX), -EPROTO);
}
END_TEST

START_TEST(test_frames_truncated_anywhere)
{
    size_t len = vector_bytes(bgp_vectors[_i], msg);

    for (size_t have = 0; have < len; have++) {
        uint8_t *exact = malloc(have + 1);

        memcpy(exact, msg, have);
        ck_assert_int_eq(bgp_frame_next(exact, have, BGP_MSG_MAX, &frame, &err), 0);
        free(exact);
    }
    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_MAX, &frame, &err), (int)len);
    msg[len] = 0x55; /* what follows is not looked at */
    ck_assert_int_eq(bgp_frame_next(msg, len + 1, BGP_MSG_MAX, &frame, &err), (int)len);
}
END_TEST

START_TEST(test_keepalive)
{
    uint8_t want[19];

    ck_assert_int_eq(bgp_keepalive_encode(msg, 18), -ENOSPC);
    ck_assert_int_eq(bgp_keepalive_encode(msg, sizeof(msg)), 19);
    vector_bytes("001304", want);
    ck_assert_mem_eq(msg, want, 19);
}
END_TEST

/* ---- ROUTE-REFRESH */

START_TEST(test_RFC2918_route_refresh_as_FRR_sends_it)
{
    struct bgp_refresh r;
    uint8_t want[23];

    vector_bytes(FRR_REFRESH, want);
    ck_assert_int_eq(bgp_frame_next(want, 23, BGP_MSG_MAX, &frame, &err), 23);
    ck_assert_int_eq(bgp_refresh_decode(frame.body, frame.body_len, &r, &err), 0);
    ck_assert(bgp_family_is_evpn(r.family));
    ck_assert_uint_eq(r.subtype, BGP_REFRESH_REQUEST);
    ck_assert_int_eq(bgp_refresh_encode(&r, msg, sizeof(msg)), 23);
    ck_assert_mem_eq(msg, want, 23);
}
END_TEST

START_TEST(test_RFC7313_refresh_subtypes_and_lengths)
{
    struct bgp_refresh r;
    uint8_t body[8];

    unhex("0019 01 46 aabb", body);
    ck_assert_int_eq(bgp_refresh_decode(body, 4, &r, &err), 0);
    ck_assert_uint_eq(r.subtype, BGP_REFRESH_BEGIN);
    ck_assert_int_eq(bgp_refresh_decode(body, 6, &r, &err), -EPROTO);
    check_error(BGP_ERR_REFRESH, 1, "ffffffffffffffffffffffffffffffff 0019 05 0019 01 46 aabb");
    body[2] = 0; /* outbound filters, RFC 5291 */
    ck_assert_int_eq(bgp_refresh_decode(body, 6, &r, &err), 0);
    body[2] = 200;
    ck_assert_int_eq(bgp_refresh_decode(body, 4, &r, &err), 0);
    ck_assert_uint_eq(r.subtype, 200);
    ck_assert_int_eq(bgp_refresh_decode(body, 3, &r, &err), -EPROTO);
}
END_TEST

/* ---- OPEN */

static int open_hex(const char *hex, struct bgp_open *o)
{
    uint8_t body[4096];
    size_t n = unhex(hex, body);
    uint8_t *exact = malloc(n ? n : 1);
    int rc;

    memcpy(exact, body, n);
    memset(&err, 0, sizeof(err));
    rc = bgp_open_decode(exact, n, o, &err);
    free(exact);
    return rc;
}

static void open_vector(const char *hex, struct bgp_open *o)
{
    size_t len = vector_bytes(hex, msg);

    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_MAX, &frame, &err), (int)len);
    ck_assert_int_eq(bgp_open_decode(frame.body, frame.body_len, o, &err), 0);
}

START_TEST(test_R2_1_open_of_GoBGP)
{
    const struct bgp_gr_family *g;
    struct bgp_open o;
    char text[BGP_CAPS_TEXT];

    open_vector(GOBGP_OPEN, &o);
    ck_assert_uint_eq(o.version, 4);
    ck_assert_uint_eq(o.my_as, 65000);
    ck_assert_uint_eq(o.asn, 65000);
    ck_assert_uint_eq(o.hold_time, 9);
    ck_assert_uint_eq(o.id, 0xc6124d02);
    ck_assert(o.caps.route_refresh && o.caps.as4 && !o.caps.extended_message && !o.caps.enhanced_refresh);
    ck_assert(bgp_caps_has_family(&o.caps, (struct bgp_family){25, 70}));
    ck_assert(!bgp_caps_has_family(&o.caps, (struct bgp_family){1, 1}));
    ck_assert(o.caps.graceful.present && o.caps.graceful.notification && !o.caps.graceful.restarted);
    ck_assert_uint_eq(o.caps.graceful.time, 60);
    g = bgp_caps_graceful_evpn(&o.caps);
    ck_assert_ptr_nonnull(g);
    ck_assert(!g->forwarding);
    ck_assert_uint_eq(o.caps.n_other, 2); /* hostname, extended next hop */
    ck_assert_str_eq(bgp_caps_format(&o.caps, text),
                     "multiprotocol 25/70, route refresh, 4-octet AS 65000, graceful restart 60 s, with "
                     "notification, code 73, code 5");
}
END_TEST

START_TEST(test_R2_1_open_of_FRR)
{
    struct bgp_open o;

    open_vector(FRR_OPEN, &o);
    ck_assert_uint_eq(o.asn, 65000);
    ck_assert(o.caps.route_refresh && o.caps.as4 && o.caps.extended_message && o.caps.enhanced_refresh);
    ck_assert(o.caps.graceful.present && o.caps.graceful.restarted && o.caps.graceful.notification);
    ck_assert_uint_eq(o.caps.graceful.time, 120);
    ck_assert(!bgp_caps_graceful_evpn(&o.caps)->forwarding);
    ck_assert_uint_eq(o.caps.n_other, 4); /* 128, ADD-PATH, hostname, 71 */
    ck_assert_uint_eq(o.caps.cut, 0);
}
END_TEST

START_TEST(test_open_round_trip)
{
    struct bgp_open o = {.version = 4, .asn = 4200000001, .hold_time = 180, .id = 0x0a000001};
    struct bgp_open back;

    o.caps = (struct bgp_caps){.route_refresh = true,
                               .extended_message = true,
                               .as4 = true,
                               .n_families = 2,
                               .families = {{25, 70}, {1, 1}},
                               .graceful = {.present = true,
                                            .restarted = true,
                                            .notification = true,
                                            .time = 4095,
                                            .n_families = 1,
                                            .families = {{{25, 70}, true}}}};
    for (size_t size = 0; size < 61; size++)
        ck_assert_int_eq(bgp_open_encode(&o, msg, size), -ENOSPC);
    ck_assert_int_eq(bgp_open_encode(&o, msg, sizeof(msg)), 61);
    ck_assert_int_eq(bgp_frame_next(msg, sizeof(msg), BGP_MSG_MAX, &frame, &err), 61);
    ck_assert_int_eq(bgp_open_decode(frame.body, frame.body_len, &back, &err), 0);
    ck_assert_uint_eq(back.my_as, BGP_AS_TRANS);
    ck_assert_uint_eq(back.asn, 4200000001);
    ck_assert_uint_eq(back.hold_time, 180);
    ck_assert_uint_eq(back.id, 0x0a000001);
    ck_assert_uint_eq(back.caps.n_families, 2);
    ck_assert_uint_eq(back.caps.graceful.time, 4095);
    ck_assert(back.caps.graceful.restarted && back.caps.graceful.families[0].forwarding);
}
END_TEST

START_TEST(test_open_truncated_anywhere)
{
    static const char *const opens[] = {GOBGP_OPEN, FRR_OPEN};
    uint8_t whole[200];
    size_t len = vector_bytes(opens[_i], whole) - 19;
    struct bgp_open o;

    for (size_t have = 0; have < len; have++) {
        uint8_t *exact = malloc(have + 1);

        memcpy(exact, whole + 19, have);
        ck_assert_int_eq(bgp_open_decode(exact, have, &o, &err), -EPROTO);
        ck_assert_uint_eq(err.code, BGP_ERR_OPEN);
        ck_assert_uint_eq(err.subcode, BGP_OPEN_UNSPECIFIC);
        free(exact);
    }
}
END_TEST

START_TEST(test_RFC4271_6_2_version)
{
    struct bgp_open o;

    ck_assert_int_eq(open_hex("03 fde8 0009 c6124d02 00", &o), -EPROTO);
    check_error(BGP_ERR_OPEN, BGP_OPEN_VERSION, "0004");
    ck_assert_int_eq(open_hex("05 fde8 0009 c6124d02 00", &o), -EPROTO);
    check_error(BGP_ERR_OPEN, BGP_OPEN_VERSION, "0004");
}
END_TEST

/* The state machine judges it: one number that counts. */
START_TEST(test_RFC7607_as_zero)
{
    struct bgp_open o;

    ck_assert_int_eq(open_hex("04 0000 0009 c6124d02 00", &o), 0);
    ck_assert_uint_eq(o.asn, 0);
    ck_assert_int_eq(open_hex(OPEN_HEAD "08 0206 4104 00000000", &o), 0);
    ck_assert_uint_eq(o.asn, 0);
    ck_assert_int_eq(open_hex("04 0000 0009 c6124d02 08 0206 4104 0000fde8", &o), 0);
    ck_assert_uint_eq(o.asn, 0);
}
END_TEST

START_TEST(test_RFC4271_6_2_parameters)
{
    struct bgp_open o;

    ck_assert_int_eq(open_hex(OPEN_HEAD "03 0101 00", &o), -EPROTO); /* authentication, long gone */
    check_error(BGP_ERR_OPEN, BGP_OPEN_PARAMETER, "");
    ck_assert_int_eq(open_hex(OPEN_HEAD "02 0201", &o), -EPROTO); /* longer than what is left */
    check_error(BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, "");
    ck_assert_int_eq(open_hex(OPEN_HEAD "01 02", &o), -EPROTO);
    check_error(BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, "");
    ck_assert_int_eq(open_hex(OPEN_HEAD "00 02", &o), -EPROTO); /* bytes behind the parameters */
    check_error(BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, "");
}
END_TEST

START_TEST(test_RFC5492_capability_lengths)
{
    static const char *const bad[] = {
        "04 0202 0201",                /* longer than its parameter */
        "03 0201 02",                  /* half a header */
        "05 0203 0201 00",             /* route refresh with a value */
        "05 0203 0601 00",             /* extended message */
        "05 0203 4601 00",             /* enhanced refresh */
        "07 0205 0103 0019 00",        /* multiprotocol */
        "09 0207 0105 0019 00 46 00",  /* multiprotocol */
        "07 0205 4103 00fde8",         /* 4-octet AS */
        "05 0203 4001 40",             /* graceful restart */
        "09 0207 4005 4078 0019 46",   /* graceful restart with half a family */
        "0a 0202 0200 0204 4102 fde8", /* wrong in the second parameter */
    };
    struct bgp_open o;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char hex[128];

        snprintf(hex, sizeof(hex), OPEN_HEAD "%s", bad[i]);
        ck_assert_msg(open_hex(hex, &o) == -EPROTO, "%s", bad[i]);
        check_error(BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, "");
    }
}
END_TEST

START_TEST(test_RFC5492_several_parameters_and_repetitions)
{
    struct bgp_open o;

    ck_assert_int_eq(open_hex(OPEN_HEAD "1e 020c 0104 0019 00 46 0104 0019 00 46"
                                        "020e 0200 4002 8001 4006 0005 0019 46 80",
                              &o),
                     0);
    ck_assert_uint_eq(o.caps.n_families, 1);
    ck_assert(o.caps.route_refresh);
    ck_assert_uint_eq(o.caps.graceful.time, 5); /* the last one counts, RFC 4724 section 3 */
    ck_assert(!o.caps.graceful.restarted);
    ck_assert(bgp_caps_graceful_evpn(&o.caps)->forwarding);
}
END_TEST

START_TEST(test_RFC9072_extended_parameters)
{
    struct bgp_open o;
    uint8_t body[1024];
    struct buf_out out;

    ck_assert_int_eq(open_hex(OPEN_HEAD "ff ff 000b 02 0008 0104 0019 00 46 0200", &o), 0);
    ck_assert(o.caps.route_refresh && o.caps.n_families == 1);
    /* "The receiver ... by the type alone": a length other than 255 before it is good too. */
    ck_assert_int_eq(open_hex(OPEN_HEAD "0e ff 000b 02 0008 0104 0019 00 46 0200", &o), 0);
    ck_assert_int_eq(open_hex(OPEN_HEAD "ff ff 000c 02 0008 0104 0019 00 46 0200", &o), -EPROTO);
    check_error(BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, "");

    /* 300 bytes of capabilities, back and forth. */
    buf_out_init(&out, body, sizeof(body));
    out.len = unhex(OPEN_HEAD "ff ff 012f 02 012c", body);
    for (int i = 0; i < 3; i++) {
        buf_put_u8(&out, (uint8_t)(200 + i));
        buf_put_u8(&out, 98);
        for (int j = 0; j < 98; j++)
            buf_put_u8(&out, (uint8_t)j);
    }
    ck_assert_int_eq(bgp_open_decode(body, out.len, &o, &err), 0);
    ck_assert_uint_eq(o.caps.n_other, 3);
    ck_assert_uint_eq(o.caps.other_len, 300);
    ck_assert_int_eq(bgp_open_encode(&o, msg, sizeof(msg)), (int)out.len + 19);
    ck_assert_mem_eq(msg + 19, body, out.len);
}
END_TEST

START_TEST(test_open_lists_are_bounded)
{
    uint8_t body[4096];
    struct bgp_open o;
    struct buf_out out;

    buf_out_init(&out, body, sizeof(body));
    out.len = unhex(OPEN_HEAD "ff ff 0453 02 0450", body); /* 1104 = 40 * 6 + 6 * 144 */
    for (int i = 0; i < 40; i++) {
        buf_put_u32(&out, 0x01040000u + (uint32_t)i);
        buf_put_u16(&out, 1);
    }
    for (int i = 0; i < 6; i++) {
        buf_put_u16(&out, 0xc88e);
        for (int j = 0; j < 142; j++)
            buf_put_u8(&out, 0);
    }
    ck_assert_int_eq(bgp_open_decode(body, out.len, &o, &err), 0);
    ck_assert_uint_eq(o.caps.n_families, BGP_CAP_FAMILIES);
    ck_assert_uint_eq(o.caps.n_other, 6);
    ck_assert_uint_eq(o.caps.cut, 8 + 3);
    ck_assert_uint_le(o.caps.other_len, BGP_CAP_OTHER_SIZE);
}
END_TEST

/* 32 other families, then EVPN, in both lists that have families; without it there would be no session, and
 * no graceful restart. */
START_TEST(test_R2_1_R2_7_evpn_is_kept_behind_many_families)
{
    uint8_t body[4096];
    struct bgp_open o;
    struct buf_out out;

    buf_out_init(&out, body, sizeof(body));
    out.len = unhex(OPEN_HEAD "ff ff 0151 02 014e", body); /* 334 = 33 * 6 + 2 + 2 + 33 * 4 */
    for (int i = 0; i < 33; i++) {
        buf_put_u32(&out, i < 32 ? 0x01040000u + (uint32_t)i : 0x01040019u);
        buf_put_u16(&out, i < 32 ? 1 : 70);
    }
    buf_put_u16(&out, 0x4086);
    buf_put_u16(&out, 0x0078);
    for (int i = 0; i < 32; i++)
        buf_put_u32(&out, (uint32_t)i << 16 | 0x0100);
    buf_put_u32(&out, 0x00194680);
    ck_assert_int_eq(bgp_open_decode(body, out.len, &o, &err), 0);
    ck_assert(bgp_caps_has_family(&o.caps, (struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN}));
    ck_assert_ptr_nonnull(bgp_caps_graceful_evpn(&o.caps));
    ck_assert(bgp_caps_graceful_evpn(&o.caps)->forwarding);
    ck_assert_uint_eq(o.caps.cut, 2);
}
END_TEST

/* ---- NOTIFICATION */

START_TEST(test_R2_3_names_of_notifications)
{
    static const struct {
        uint8_t code, subcode;
        const char *name;
    } t[] = {
        {1, 1, "Message Header Error/Connection Not Synchronized"},
        {2, 0, "OPEN Message Error"},
        {2, 7, "OPEN Message Error/Unsupported Capability"},
        {2, 11, "OPEN Message Error/Role Mismatch"},
        {3, 11, "UPDATE Message Error/Malformed AS_PATH"},
        {3, 12, "UPDATE Message Error/12"},
        {4, 0, "Hold Timer Expired"},
        {5, 3, "Finite State Machine Error/Unexpected Message in Established"},
        {6, 1, "Cease/Maximum Number of Prefixes Reached"},
        {6, 9, "Cease/Hard Reset"},
        {6, 10, "Cease/BFD Down"},
        {6, 200, "Cease/200"},
        {7, 1, "ROUTE-REFRESH Message Error/Invalid Message Length"},
        {8, 0, "Send Hold Timer Expired"},
        {8, 10, "Send Hold Timer Expired/10"},
        {9, 1, "error 9/1"},
        {0, 0, "error 0/0"},
        {255, 255, "error 255/255"},
    };
    char name[BGP_NOTIFY_NAME];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        ck_assert_str_eq(bgp_notification_name(t[i].code, t[i].subcode, name), t[i].name);
}
END_TEST

static const char *shutdown_text(const char *hex)
{
    static char text[BGP_SHUTDOWN_MAX + 1];
    static uint8_t in[600];
    struct bgp_notification n;

    bgp_notification_decode(in, unhex(hex, in), &n);
    bgp_shutdown_text(&n, text);
    return text;
}

START_TEST(test_RFC9003_shutdown_text)
{
    ck_assert_str_eq(shutdown_text("0602 02 6869"), "hi");
    ck_assert_str_eq(shutdown_text("0604 02 6869"), "hi");
    ck_assert_str_eq(shutdown_text("0602 02 6869 00"), "hi");
    ck_assert_str_eq(shutdown_text("0602 02 680a"), "h?");
    ck_assert_str_eq(shutdown_text("0602"), "");
    ck_assert_str_eq(shutdown_text("0602 00"), "");
    ck_assert_str_eq(shutdown_text("0602 05 6869"), ""); /* longer than it is: not shown */
    ck_assert_str_eq(shutdown_text("0603 02 6869"), "");
    ck_assert_str_eq(shutdown_text("0402 02 6869"), "");
    ck_assert_str_eq(shutdown_text(GOBGP_SHUTDOWN + 6), "");
}
END_TEST

START_TEST(test_RFC8538_9003_hard_reset_of_FRR)
{
    struct bgp_notification n;
    char text[BGP_SHUTDOWN_MAX + 1];
    uint8_t again[100];
    size_t len = vector_bytes(FRR_HARD_RESET, msg);

    ck_assert_int_eq(bgp_frame_next(msg, len, BGP_MSG_MAX, &frame, &err), (int)len);
    bgp_notification_decode(frame.body, frame.body_len, &n);
    ck_assert_int_eq(bgp_notification_encode(&n, again, sizeof(again)), (int)len);
    ck_assert_mem_eq(again, msg, len);
    for (size_t size = 0; size < len; size++)
        ck_assert_int_eq(bgp_notification_encode(&n, again, size), -ENOSPC);
    ck_assert(bgp_notification_unwrap(&n));
    ck_assert_uint_eq(n.code, BGP_ERR_CEASE);
    ck_assert_uint_eq(n.subcode, BGP_CEASE_SHUTDOWN);
    bgp_shutdown_text(&n, text);
    ck_assert_str_eq(text, "maintenance at noon");
    ck_assert(!bgp_notification_unwrap(&n));
    /* Nothing in it, or half of something: itself. */
    for (size_t have = 2; have < 4; have++) {
        bgp_notification_decode((const uint8_t *)"\6\11\6", have, &n);
        ck_assert(bgp_notification_unwrap(&n));
        ck_assert_uint_eq(n.subcode, BGP_CEASE_HARD_RESET);
    }
}
END_TEST

START_TEST(test_RFC9003_text_is_made_harmless)
{
    static const struct {
        const char *hex, *text;
    } t[] = {
        {"41 0a 42 1b 5b 31 6d", "A?B?[1m"}, /* new line, escape */
        {"c3a9 e282ac f09f9880", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"c3", "?"}, /* cut */
        {"c3 41", "?A"},
        {"c080 e08080 f0808080", "?????????"}, /* longer than needed */
        {"eda080", "???"},                     /* surrogate */
        {"f4908080 ff fe 80", "???????"},
        {"c285 e280ae 7f", "???"}, /* C1, right-to-left override, delete */
        {"00 41", "?A"},
    };
    uint8_t in[32];
    char out[32];

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        bgp_text_sanitise(in, unhex(t[i].hex, in), out, sizeof(out));
        ck_assert_str_eq(out, t[i].text);
    }
    bgp_text_sanitise((const uint8_t *)"ab\xe2\x82\xac", 5, out, 5); /* no half character */
    ck_assert_str_eq(out, "ab");
    bgp_text_sanitise((const uint8_t *)"ab", 2, out, 1);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(test_RFC9003_shutdown_data)
{
    uint8_t data[BGP_SHUTDOWN_MAX + 1];
    char text[400];

    ck_assert_uint_eq(bgp_shutdown_data((const uint8_t *)"", 0, data), 0);
    ck_assert_uint_eq(bgp_shutdown_data((const uint8_t *)"noon", 4, data), 5);
    ck_assert_mem_eq(data, "\4noon", 5);
    ck_assert_uint_eq(bgp_shutdown_data((const uint8_t *)"a\nb", 3, data), 4);
    ck_assert_mem_eq(data, "\3a?b", 4);
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    ck_assert_uint_eq(bgp_shutdown_data((const uint8_t *)text, 398, data), 255); /* 127 whole characters */
    ck_assert_uint_eq(data[0], 254);
}
END_TEST

START_TEST(test_error_data_fits_a_notification)
{
    struct bgp_notification n;

    bgp_error_set(&err, BGP_ERR_OPEN, BGP_OPEN_VERSION, "\0\4", 2, "version %d", 3);
    ck_assert_str_eq(err.text, "version 3");
    ck_assert_uint_eq(err.data_len, 2);
    bgp_error_set(&err, BGP_ERR_UPDATE, 1, msg, 60000, "too much");
    n = (struct bgp_notification){err.code, err.subcode, err.data, err.data_len};
    ck_assert_int_eq(bgp_notification_encode(&n, msg, BGP_MSG_MAX), BGP_MSG_MAX);
}
END_TEST

static void add_codec_tests(TCase *tc)
{
    tcase_add_test(tc, test_R2_1_open_of_GoBGP);
    tcase_add_test(tc, test_R2_1_open_of_FRR);
    tcase_add_test(tc, test_open_round_trip);
    tcase_add_loop_test(tc, test_open_truncated_anywhere, 0, 2);
    tcase_add_test(tc, test_RFC4271_6_2_version);
    tcase_add_test(tc, test_RFC7607_as_zero);
    tcase_add_test(tc, test_RFC4271_6_2_parameters);
    tcase_add_test(tc, test_RFC5492_capability_lengths);
    tcase_add_test(tc, test_RFC5492_several_parameters_and_repetitions);
    tcase_add_test(tc, test_RFC9072_extended_parameters);
    tcase_add_test(tc, test_open_lists_are_bounded);
    tcase_add_test(tc, test_R2_3_names_of_notifications);
    tcase_add_test(tc, test_R2_1_R2_7_evpn_is_kept_behind_many_families);
    tcase_add_test(tc, test_RFC8538_9003_hard_reset_of_FRR);
    tcase_add_test(tc, test_RFC9003_text_is_made_harmless);
    tcase_add_test(tc, test_RFC9003_shutdown_data);
    tcase_add_test(tc, test_RFC9003_shutdown_text);
    tcase_add_test(tc, test_error_data_fits_a_notification);
}

int main(void)
{
    Suite *s = suite_create("bgp_msg");
    TCase *tc = tcase_create("bgp_msg");

    suite_add_tcase(s, tc);
    tcase_add_test(tc, test_RFC4271_6_1_marker);
    tcase_add_test(tc, test_RFC4271_6_1_length);
    tcase_add_test(tc, test_RFC4271_6_1_least_lengths_are_good);
    tcase_add_test(tc, test_RFC4271_6_1_type);
    tcase_add_test(tc, test_RFC8654_extended_message);
    tcase_add_loop_test(tc, test_frames_truncated_anywhere, 0, N_VECTORS);
    tcase_add_test(tc, test_keepalive);
    tcase_add_test(tc, test_RFC2918_route_refresh_as_FRR_sends_it);
    tcase_add_test(tc, test_RFC7313_refresh_subtypes_and_lengths);
    add_codec_tests(tc);
    return run_suite(s);
}
