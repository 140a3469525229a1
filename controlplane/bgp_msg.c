/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Frames: the checks of RFC 4271 section 6.1, and the small messages. Any thread.
 */
#include "controlplane/bgp_msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define OPEN_MIN         29
#define UPDATE_MIN       23
#define NOTIFICATION_MIN 21
#define REFRESH_MIN      23

void bgp_error_set(struct bgp_error *err, uint8_t code, uint8_t subcode, const void *data, size_t data_len,
                   const char *fmt, ...)
{
    va_list ap;

    err->code = code;
    err->subcode = subcode;
    err->data_len = (uint16_t)(!data ? 0 : data_len > BGP_ERROR_DATA ? BGP_ERROR_DATA : data_len);
    if (err->data_len)
        memcpy(err->data, data, err->data_len);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
}

static size_t min_len(uint8_t type)
{
    switch (type) {
    case BGP_OPEN:
        return OPEN_MIN;
    case BGP_UPDATE:
        return UPDATE_MIN;
    case BGP_NOTIFICATION:
        return NOTIFICATION_MIN;
    case BGP_ROUTE_REFRESH:
        return REFRESH_MIN;
    default:
        return BGP_HEADER_LEN;
    }
}

/* RFC 8654 section 4: OPEN and KEEPALIVE stay within 4096; a KEEPALIVE is its header anyway. */
static size_t max_len(uint8_t type, size_t max)
{
    if (type == BGP_KEEPALIVE)
        return BGP_HEADER_LEN;
    return type == BGP_OPEN && max > BGP_MSG_MAX ? BGP_MSG_MAX : max;
}

int bgp_frame_next(const uint8_t *data, size_t len, size_t max, struct bgp_frame *frame,
                   struct bgp_error *err)
{
    struct buf_in in;
    size_t total;
    uint8_t type;

    buf_in_init(&in, data, len);
    if (len < BGP_HEADER_LEN)
        return 0;
    for (int i = 0; i < 16; i++) {
        if (buf_get_u8(&in) != 0xff) {
            bgp_error_set(err, BGP_ERR_HEADER, BGP_HEADER_SYNC, NULL, 0, "the marker is not all ones");
            return -EPROTO;
        }
    }
    total = buf_get_u16(&in);
    type = buf_get_u8(&in);
    if (total < BGP_HEADER_LEN || total > max) {
        bgp_error_set(err, BGP_ERR_HEADER, BGP_HEADER_LENGTH, data + 16, 2, "a message of %zu bytes", total);
        return -EPROTO;
    }
    if (type < BGP_OPEN || type > BGP_ROUTE_REFRESH) {
        bgp_error_set(err, BGP_ERR_HEADER, BGP_HEADER_TYPE, data + 18, 1, "a message of type %u", type);
        return -EPROTO;
    }
    if (total < min_len(type) || total > max_len(type, max)) {
        bgp_error_set(err, BGP_ERR_HEADER, BGP_HEADER_LENGTH, data + 16, 2, "%s of %zu bytes",
                      bgp_type_name(type), total);
        return -EPROTO;
    }
    if (len < total)
        return 0;
    *frame = (struct bgp_frame){type, data + BGP_HEADER_LEN, total - BGP_HEADER_LEN};
    return (int)total;
}

int bgp_refresh_decode(const uint8_t *body, size_t len, struct bgp_refresh *out, struct bgp_error *err)
{
    struct buf_in in;

    buf_in_init(&in, body, len);
    out->family.afi = buf_get_u16(&in);
    out->subtype = buf_get_u8(&in);
    out->family.safi = buf_get_u8(&in);
    /* RFC 7313 section 5: the data of 7/1 is the whole message. */
    if (in.failed ||
        ((out->subtype == BGP_REFRESH_BEGIN || out->subtype == BGP_REFRESH_END) && buf_left(&in))) {
        uint8_t msg[BGP_ERROR_DATA];
        struct buf_out copy;
        int n;

        bgp_msg_begin(&copy, msg, sizeof(msg), BGP_ROUTE_REFRESH);
        buf_put(&copy, body, len);
        n = bgp_msg_end(&copy);
        bgp_error_set(err, BGP_ERR_REFRESH, 1, msg, n < 0 ? 0 : (size_t)n, "ROUTE-REFRESH of %zu bytes",
                      len + BGP_HEADER_LEN);
        return -EPROTO;
    }
    return 0;
}

void bgp_msg_begin(struct buf_out *out, uint8_t *msg, size_t size, enum bgp_type type)
{
    buf_out_init(out, msg, size > BGP_MSG_EXT_MAX ? BGP_MSG_EXT_MAX : size);
    for (int i = 0; i < 4; i++)
        buf_put_u32(out, 0xffffffff);
    buf_put_u16(out, 0);
    buf_put_u8(out, (uint8_t)type);
}

int bgp_msg_end(struct buf_out *out)
{
    if (out->failed)
        return -ENOSPC;
    out->start[16] = (uint8_t)(out->len >> 8);
    out->start[17] = (uint8_t)out->len;
    return (int)out->len;
}

int bgp_keepalive_encode(uint8_t *msg, size_t size)
{
    struct buf_out out;

    bgp_msg_begin(&out, msg, size, BGP_KEEPALIVE);
    return bgp_msg_end(&out);
}

int bgp_refresh_encode(const struct bgp_refresh *r, uint8_t *msg, size_t size)
{
    struct buf_out out;

    bgp_msg_begin(&out, msg, size, BGP_ROUTE_REFRESH);
    buf_put_u16(&out, r->family.afi);
    buf_put_u8(&out, r->subtype);
    buf_put_u8(&out, r->family.safi);
    return bgp_msg_end(&out);
}

const char *bgp_type_name(uint8_t type)
{
    static const char *const names[] = {"unknown",      "OPEN",      "UPDATE",
                                        "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH"};

    return names[type <= BGP_ROUTE_REFRESH ? type : 0];
}

bool bgp_family_is_evpn(struct bgp_family f)
{
    return f.afi == BGP_AFI_L2VPN && f.safi == BGP_SAFI_EVPN;
}

const char *bgp_id_format(uint32_t id, char buf[BGP_ID_TEXT])
{
    snprintf(buf, BGP_ID_TEXT, "%u.%u.%u.%u", id >> 24, id >> 16 & 0xff, id >> 8 & 0xff, id & 0xff);
    return buf;
}
