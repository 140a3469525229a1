/* SPDX-License-Identifier: BSD-3-Clause
 *
 * OPEN codec. Tricky: parameters have a length of one byte, or two by RFC 9072, and capabilities always one;
 * a capability may be given several times (RFC 5492 section 4), which adds for multiprotocol, and of graceful
 * restart the last one counts. Any thread.
 */
#include "controlplane/bgp_open.h"

#include <errno.h>
#include <stdio.h>

#define PARAM_CAPABILITIES 2
#define PARAM_EXTENDED     255
#define GR_R               0x8000
#define GR_N               0x4000
#define GR_TIME            0x0fff
#define GR_F               0x80

static int open_error(struct bgp_error *err, uint8_t subcode, const char *text)
{
    bgp_error_set(err, BGP_ERR_OPEN, subcode, NULL, 0, "%s", text);
    return -EPROTO;
}

/* ---- decoding */

static bool family_eq(struct bgp_family a, struct bgp_family b)
{
    return a.afi == b.afi && a.safi == b.safi;
}

static bool get_multiprotocol(struct buf_in *v, struct bgp_caps *c)
{
    struct bgp_family f;

    f.afi = buf_get_u16(v);
    buf_get_u8(v);
    f.safi = buf_get_u8(v);
    if (!buf_done(v))
        return false;
    if (bgp_caps_has_family(c, f))
        return true;
    if (c->n_families < BGP_CAP_FAMILIES) {
        c->families[c->n_families++] = f;
        return true;
    }
    c->cut++;
    if (bgp_family_is_evpn(f)) /* the one that matters always has a place */
        c->families[BGP_CAP_FAMILIES - 1] = f;
    return true;
}

static bool get_graceful(struct buf_in *v, struct bgp_caps *c)
{
    struct bgp_graceful g = {.present = true};
    uint16_t flags = buf_get_u16(v);

    g.restarted = flags & GR_R;
    g.notification = flags & GR_N;
    g.time = flags & GR_TIME;
    while (buf_left(v) > 0) {
        struct bgp_gr_family f;

        f.family.afi = buf_get_u16(v);
        f.family.safi = buf_get_u8(v);
        f.forwarding = buf_get_u8(v) & GR_F;
        if (v->failed)
            return false;
        if (g.n_families < BGP_CAP_FAMILIES) {
            g.families[g.n_families++] = f;
            continue;
        }
        c->cut++;
        if (bgp_family_is_evpn(f.family))
            g.families[BGP_CAP_FAMILIES - 1] = f;
    }
    if (!buf_done(v))
        return false;
    c->graceful = g;
    return true;
}

static void keep_other(struct bgp_caps *c, uint8_t code, struct buf_in *v)
{
    size_t len = buf_left(v);

    c->n_other++;
    if (sizeof(c->other) - c->other_len < len + 2) {
        c->cut++;
        return;
    }
    c->other[c->other_len++] = code;
    c->other[c->other_len++] = (uint8_t)len;
    buf_get_copy(v, c->other + c->other_len, len);
    c->other_len = (uint16_t)(c->other_len + len);
}

/* False when the value has not the length that its capability wants. */
static bool get_capability(uint8_t code, struct buf_in *v, struct bgp_caps *c)
{
    switch (code) {
    case BGP_CAP_MULTIPROTOCOL:
        return get_multiprotocol(v, c);
    case BGP_CAP_ROUTE_REFRESH:
        c->route_refresh = true;
        return buf_done(v);
    case BGP_CAP_EXTENDED_MESSAGE:
        c->extended_message = true;
        return buf_done(v);
    case BGP_CAP_ENHANCED_REFRESH:
        c->enhanced_refresh = true;
        return buf_done(v);
    case BGP_CAP_AS4:
        c->as4 = true;
        c->as4_number = buf_get_u32(v);
        return buf_done(v);
    case BGP_CAP_GRACEFUL:
        return get_graceful(v, c);
    default:
        keep_other(c, code, v);
        return true;
    }
}

static int get_capabilities(struct buf_in *in, struct bgp_caps *c, struct bgp_error *err)
{
    while (buf_left(in) > 0) {
        uint8_t code = buf_get_u8(in);
        struct buf_in value;

        if (!buf_get_sub(in, buf_get_u8(in), &value))
            return open_error(err, BGP_OPEN_UNSPECIFIC, "a capability is longer than its parameter");
        if (!get_capability(code, &value, c)) {
            bgp_error_set(err, BGP_ERR_OPEN, BGP_OPEN_UNSPECIFIC, NULL, 0, "capability %u has a wrong length",
                          code);
            return -EPROTO;
        }
    }
    return 0;
}

static int get_parameters(struct buf_in *in, struct bgp_caps *c, struct bgp_error *err)
{
    size_t len = buf_get_u8(in);
    struct buf_in params, value;
    bool extended = false;
    int rc = 0;

    /* RFC 9072 section 2: the type 255 tells; the one-byte length before it does not count. */
    if (len > 0 && buf_left(in) > 0 && *in->at == PARAM_EXTENDED) {
        extended = true;
        buf_get_u8(in);
        len = buf_get_u16(in);
    }
    if (!buf_get_sub(in, len, &params) || !buf_done(in))
        return open_error(err, BGP_OPEN_UNSPECIFIC, "the optional parameters are not as long as they say");
    while (rc == 0 && buf_left(&params) > 0) {
        uint8_t type = buf_get_u8(&params);
        size_t n = extended ? buf_get_u16(&params) : buf_get_u8(&params);

        if (!buf_get_sub(&params, n, &value))
            return open_error(err, BGP_OPEN_UNSPECIFIC, "an optional parameter is longer than what is left");
        if (type != PARAM_CAPABILITIES) {
            bgp_error_set(err, BGP_ERR_OPEN, BGP_OPEN_PARAMETER, NULL, 0, "optional parameter %u", type);
            return -EPROTO;
        }
        rc = get_capabilities(&value, c, err);
    }
    return rc;
}

int bgp_open_decode(const uint8_t *body, size_t len, struct bgp_open *out, struct bgp_error *err)
{
    static const uint8_t our_version[2] = {0, 4};
    struct buf_in in;
    int rc;

    memset(out, 0, sizeof(*out));
    buf_in_init(&in, body, len);
    out->version = buf_get_u8(&in);
    out->my_as = buf_get_u16(&in);
    out->hold_time = buf_get_u16(&in);
    out->id = buf_get_u32(&in);
    if (in.failed)
        return open_error(err, BGP_OPEN_UNSPECIFIC, "the OPEN is too short");
    if (out->version != 4) {
        bgp_error_set(err, BGP_ERR_OPEN, BGP_OPEN_VERSION, our_version, 2, "BGP version %u", out->version);
        return -EPROTO;
    }
    rc = get_parameters(&in, &out->caps, err);
    if (rc)
        return rc;
    if (out->my_as != 0)
        out->asn = out->caps.as4 ? out->caps.as4_number : out->my_as;
    return 0;
}

/* ---- encoding */

static void put_flag_capability(struct buf_out *out, bool on, uint8_t code)
{
    if (!on)
        return;
    buf_put_u8(out, code);
    buf_put_u8(out, 0);
}

static void put_graceful(struct buf_out *out, const struct bgp_graceful *g)
{
    size_t hole;

    if (!g->present)
        return;
    buf_put_u8(out, BGP_CAP_GRACEFUL);
    hole = buf_hole_u8(out);
    buf_put_u16(out,
                (uint16_t)((g->restarted ? GR_R : 0) | (g->notification ? GR_N : 0) | (g->time & GR_TIME)));
    for (unsigned i = 0; i < g->n_families; i++) {
        buf_put_u16(out, g->families[i].family.afi);
        buf_put_u8(out, g->families[i].family.safi);
        buf_put_u8(out, g->families[i].forwarding ? GR_F : 0);
    }
    buf_fill_u8(out, hole);
}

static void put_capabilities(struct buf_out *out, const struct bgp_caps *c, uint32_t asn)
{
    for (unsigned i = 0; i < c->n_families; i++) {
        buf_put_u8(out, BGP_CAP_MULTIPROTOCOL);
        buf_put_u8(out, 4);
        buf_put_u16(out, c->families[i].afi);
        buf_put_u8(out, 0);
        buf_put_u8(out, c->families[i].safi);
    }
    put_flag_capability(out, c->route_refresh, BGP_CAP_ROUTE_REFRESH);
    put_flag_capability(out, c->extended_message, BGP_CAP_EXTENDED_MESSAGE);
    put_graceful(out, &c->graceful);
    if (c->as4) {
        buf_put_u8(out, BGP_CAP_AS4);
        buf_put_u8(out, 4);
        buf_put_u32(out, asn);
    }
    put_flag_capability(out, c->enhanced_refresh, BGP_CAP_ENHANCED_REFRESH);
    buf_put(out, c->other, c->other_len);
}

int bgp_open_encode(const struct bgp_open *open, uint8_t *msg, size_t size)
{
    uint8_t caps[BGP_MSG_MAX];
    struct buf_out out, cap;

    buf_out_init(&cap, caps, sizeof(caps));
    put_capabilities(&cap, &open->caps, open->asn);
    bgp_msg_begin(&out, msg, size > BGP_MSG_MAX ? BGP_MSG_MAX : size, BGP_OPEN);
    buf_put_u8(&out, open->version);
    buf_put_u16(&out, open->asn > 0xffff ? BGP_AS_TRANS : (uint16_t)open->asn);
    buf_put_u16(&out, open->hold_time);
    buf_put_u32(&out, open->id);
    if (cap.len == 0) {
        buf_put_u8(&out, 0);
    } else if (cap.len + 2 <= 0xfe) { /* 255 would be RFC 9072's own value */
        buf_put_u8(&out, (uint8_t)(cap.len + 2));
        buf_put_u8(&out, PARAM_CAPABILITIES);
        buf_put_u8(&out, (uint8_t)cap.len);
    } else {
        buf_put_u8(&out, 0xff);
        buf_put_u8(&out, PARAM_EXTENDED);
        buf_put_u16(&out, (uint16_t)(cap.len + 3));
        buf_put_u8(&out, PARAM_CAPABILITIES);
        buf_put_u16(&out, (uint16_t)cap.len);
    }
    buf_put(&out, caps, cap.len);
    return cap.failed ? -ENOSPC : bgp_msg_end(&out);
}

/* ---- questions */

bool bgp_caps_has_family(const struct bgp_caps *c, struct bgp_family f)
{
    for (unsigned i = 0; i < c->n_families; i++) {
        if (family_eq(c->families[i], f))
            return true;
    }
    return false;
}

const struct bgp_gr_family *bgp_caps_graceful_evpn(const struct bgp_caps *c)
{
    for (unsigned i = 0; c->graceful.present && i < c->graceful.n_families; i++) {
        if (bgp_family_is_evpn(c->graceful.families[i].family))
            return &c->graceful.families[i];
    }
    return NULL;
}

static void add_text(char buf[BGP_CAPS_TEXT], bool on, const char *text)
{
    size_t at = strlen(buf);

    if (on)
        snprintf(buf + at, BGP_CAPS_TEXT - at, "%s%s", at ? ", " : "", text);
}

const char *bgp_caps_format(const struct bgp_caps *c, char buf[BGP_CAPS_TEXT])
{
    char text[64];

    buf[0] = '\0';
    for (unsigned i = 0; i < c->n_families; i++) {
        snprintf(text, sizeof(text), "multiprotocol %u/%u", c->families[i].afi, c->families[i].safi);
        add_text(buf, true, text);
    }
    add_text(buf, c->route_refresh, "route refresh");
    add_text(buf, c->enhanced_refresh, "enhanced route refresh");
    add_text(buf, c->extended_message, "extended message");
    snprintf(text, sizeof(text), "4-octet AS %u", c->as4_number);
    add_text(buf, c->as4, text);
    snprintf(text, sizeof(text), "graceful restart %u s%s%s", c->graceful.time,
             c->graceful.notification ? ", with notification" : "",
             c->graceful.restarted ? ", restarted" : "");
    add_text(buf, c->graceful.present, text);
    for (size_t at = 0; at + 2 <= c->other_len; at += 2u + c->other[at + 1]) {
        snprintf(text, sizeof(text), "code %u", c->other[at]);
        add_text(buf, true, text);
    }
    return buf;
}
