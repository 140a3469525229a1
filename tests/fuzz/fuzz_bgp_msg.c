/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a stream of BGP messages. The first byte chooses what the session negotiated. Whatever decodes
 * must be within its bounds, have a text, and encode to what decodes to the same.
 */
#include "controlplane/bgp_notify.h"
#include "controlplane/bgp_open.h"
#include "controlplane/bgp_pack.h"
#include "controlplane/bgp_update.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_ROUTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

static uint8_t msg[BGP_MSG_EXT_MAX], again[BGP_MSG_EXT_MAX];
static struct bgp_update update, back;
static struct bgp_pack pack;
static struct bgp_error err;

static struct bgp_frame frame_of(const uint8_t *bytes, int len)
{
    struct bgp_frame f;

    require(len >= BGP_HEADER_LEN);
    require(bgp_frame_next(bytes, (size_t)len, BGP_MSG_EXT_MAX, &f, &err) == len);
    return f;
}

static void try_open(const struct bgp_frame *frame)
{
    struct bgp_open o, o2;
    char text[BGP_CAPS_TEXT];
    struct bgp_frame f;
    int len;

    if (bgp_open_decode(frame->body, frame->body_len, &o, &err)) {
        require(err.code == BGP_ERR_OPEN && err.text[0]);
        return;
    }
    bgp_caps_format(&o.caps, text);
    len = bgp_open_encode(&o, msg, sizeof(msg));
    f = frame_of(msg, len);
    require(bgp_open_decode(f.body, f.body_len, &o2, &err) == 0);
    require(o.asn == o2.asn && o.id == o2.id && o.hold_time == o2.hold_time);
    require(o.caps.n_families == o2.caps.n_families && o.caps.other_len == o2.caps.other_len);
    require(memcmp(o.caps.other, o2.caps.other, o.caps.other_len) == 0);
    require(o.caps.graceful.time == o2.caps.graceful.time && o2.caps.cut == 0);
    require(bgp_open_encode(&o2, again, sizeof(again)) == len && memcmp(msg, again, (size_t)len) == 0);
}

static void try_notification(const struct bgp_frame *frame)
{
    char text[BGP_SHUTDOWN_MAX + 1], name[BGP_NOTIFY_NAME];
    struct bgp_notification n, inner;

    bgp_notification_decode(frame->body, frame->body_len, &n);
    inner = n;
    bgp_notification_unwrap(&inner);
    require(bgp_notification_name(inner.code, inner.subcode, name)[0]);
    bgp_shutdown_text(&inner, text);
    for (const char *p = text; *p; p++)
        require((uint8_t)*p >= 0x20 && *p != 0x7f);
    require(bgp_notification_encode(&n, msg, sizeof(msg)) == (int)frame->body_len + BGP_HEADER_LEN);
    require(memcmp(msg + BGP_HEADER_LEN, frame->body, frame->body_len) == 0);
}

static void try_refresh(const struct bgp_frame *frame)
{
    struct bgp_refresh r, r2;
    struct bgp_frame f;

    if (bgp_refresh_decode(frame->body, frame->body_len, &r, &err))
        return;
    f = frame_of(msg, bgp_refresh_encode(&r, msg, sizeof(msg)));
    require(bgp_refresh_decode(f.body, f.body_len, &r2, &err) == 0);
    require(r.subtype == r2.subtype && r.family.afi == r2.family.afi && r.family.safi == r2.family.safi);
}

static void texts(const struct bgp_update *u)
{
    char line[BGP_ERROR_TEXT], c[BGP_EXTCOM_TEXT], path[200];

    for (unsigned i = 0; i < u->n_errors && i < BGP_UPDATE_ERRORS; i++)
        bgp_attr_error_format(&u->errors[i], line);
    for (unsigned i = 0; i < u->attrs.n_extcoms; i++)
        bgp_extcom_format(&u->attrs.extcoms[i], c);
    bgp_as_path_format(&u->attrs.as_path, path, sizeof(path));
    bgp_attrs_loop(&u->attrs, 1, 2, 3);
    bgp_attrs_is_vxlan(&u->attrs);
    bgp_attrs_extcom(&u->attrs, BGP_EXTCOM_MOBILITY);
    bgp_pmsi_endpoint(&u->attrs.pmsi);
}

/* Takes the routes of `list` into messages, and compares them with what these give. */
static void repack(struct buf_in list, bool reach, const struct bgp_update *u, const struct bgp_rules *rules,
                   size_t max)
{
    static uint8_t want[BGP_ATTRS_MAX], got[BGP_ATTRS_MAX];
    struct evpn_nlri route, other;
    struct buf_in at = list;
    char text[EVPN_TEXT_LEN];
    bool more = bgp_update_next(&at, &route);

    while (more) {
        int rc =
            reach ? bgp_pack_reach(&pack, msg, max, &u->attrs, rules) : bgp_pack_unreach(&pack, msg, max);
        struct buf_out a, b;
        struct bgp_frame f;

        if (rc == -EMSGSIZE)
            return;
        require(rc == 0);
        while (more && bgp_pack_add(&pack, &route))
            more = bgp_update_next(&at, &route);
        require(pack.n > 0);
        f = frame_of(msg, (int)bgp_pack_end(&pack));
        require(bgp_update_decode(f.body, f.body_len, rules, &back, &err) == 0);
        require(back.verdict == BGP_FINE && back.n_unknown == 0 && back.n_bad == 0);
        require((reach ? back.n_reach : back.n_unreach) == pack.n);
        for (uint32_t i = 0; i < pack.n; i++) {
            require(bgp_update_next(&list, &other));
            require(bgp_update_next(reach ? &back.reach : &back.unreach, &route));
            require(evpn_key_cmp(&route, &other) == 0 && evpn_key_hash(&route) == evpn_key_hash(&other));
            require(route.label == other.label && route.label2 == other.label2);
            evpn_format(&route, text);
        }
        if (reach) {
            require(ipaddr_eq(&back.attrs.next_hop, &u->attrs.next_hop));
            buf_out_init(&a, want, sizeof(want));
            buf_out_init(&b, got, sizeof(got));
            bgp_attrs_encode(&u->attrs, rules, &a);
            bgp_attrs_encode(&back.attrs, rules, &b);
            require(!a.failed && a.len == b.len && memcmp(want, got, a.len) == 0);
        }
        /* The route that did not fit: read it again. */
        at = list;
        more = bgp_update_next(&at, &route);
    }
}

static void try_update(const struct bgp_frame *frame, const struct bgp_rules *rules, size_t max)
{
    struct evpn_nlri route;
    struct buf_in list;
    uint32_t n = 0;

    if (bgp_update_decode(frame->body, frame->body_len, rules, &update, &err)) {
        require(update.verdict == BGP_SESSION_RESET && err.code == BGP_ERR_UPDATE && err.subcode &&
                err.text[0]);
        texts(&update);
        return;
    }
    require(update.verdict < BGP_SESSION_RESET);
    require((update.verdict == BGP_FINE) == (update.n_errors == 0));
    texts(&update);
    for (list = update.reach; bgp_update_next(&list, &route);)
        n++;
    require(n == update.n_reach && n <= MAX_ROUTES);
    repack(update.unreach, false, &update, rules, max);
    if (update.has_reach && update.verdict != BGP_TREAT_AS_WITHDRAW)
        repack(update.reach, true, &update, rules, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bgp_rules rules = {0};
    struct bgp_frame frame;
    size_t max;
    int n;

    if (size == 0)
        return 0;
    rules.ebgp = data[0] & 1;
    rules.as4 = !(data[0] & 2);
    rules.check_first_as = data[0] & 8;
    rules.peer_as = 65000;
    max = data[0] & 4 ? BGP_MSG_EXT_MAX : BGP_MSG_MAX;
    for (data++, size--; (n = bgp_frame_next(data, size, max, &frame, &err)) > 0;
         data += n, size -= (size_t)n) {
        if (frame.type == BGP_OPEN)
            try_open(&frame);
        else if (frame.type == BGP_NOTIFICATION)
            try_notification(&frame);
        else if (frame.type == BGP_ROUTE_REFRESH)
            try_refresh(&frame);
        else if (frame.type == BGP_UPDATE)
            try_update(&frame, &rules, max);
    }
    if (n < 0)
        require(n == -EPROTO && err.code == BGP_ERR_HEADER && err.text[0]);
    return 0;
}
