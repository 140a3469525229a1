/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See oam_msg.h. Any thread.
 */
#include "controlplane/oam_msg.h"

#include "controlplane/buf.h"
#include "dataplane/dp.h"

#define VERSION 1
#define HEADER  (14 + 10)

enum tlv { TLV_MAC = 1, TLV_IP, TLV_SECONDS, TLV_VALUES, TLV_LENGTH, TLV_TOKEN };

/* ---- encode */

static void put_tlv(struct buf_out *out, enum tlv type, const void *value, uint8_t n)
{
    buf_put_u8(out, (uint8_t)type);
    buf_put_u8(out, n);
    buf_put(out, value, n);
}

static void put_number(struct buf_out *out, enum tlv type, uint16_t v)
{
    if (v == 0)
        return;
    buf_put_u8(out, (uint8_t)type);
    buf_put_u8(out, 2);
    buf_put_u16(out, v);
}

static void put_values(struct buf_out *out, const uint32_t *values)
{
    static const uint32_t none[OAM_VALUES];

    if (memcmp(values, none, sizeof(none)) == 0)
        return;
    buf_put_u8(out, TLV_VALUES);
    buf_put_u8(out, 4 * OAM_VALUES);
    for (unsigned i = 0; i < OAM_VALUES; i++)
        buf_put_u32(out, values[i]);
}

static void put_token(struct buf_out *out, uint64_t token)
{
    if (token == 0)
        return;
    buf_put_u8(out, TLV_TOKEN);
    buf_put_u8(out, 8);
    buf_put_u32(out, (uint32_t)(token >> 32));
    buf_put_u32(out, (uint32_t)token);
}

size_t oam_encode(const struct oam_message *m, struct mac source, uint8_t *frame, size_t size)
{
    static const struct mac to = DP_OAM_MAC;
    struct buf_out out;
    size_t hole, want;

    buf_out_init(&out, frame, size);
    buf_put(&out, to.b, 6);
    buf_put(&out, source.b, 6);
    buf_put_u16(&out, DP_OAM_ETHERTYPE);
    buf_put_u8(&out, VERSION);
    buf_put_u8(&out, m->type);
    buf_put_u8(&out, m->status);
    buf_put_u8(&out, 0);
    buf_put_u32(&out, m->id);
    hole = buf_hole_u16(&out);
    if (!mac_is_zero(m->mac))
        put_tlv(&out, TLV_MAC, m->mac.b, 6);
    if (m->ip.family)
        put_tlv(&out, TLV_IP, m->ip.b, m->ip.family == 4 ? 4 : 16);
    put_number(&out, TLV_SECONDS, m->seconds);
    put_values(&out, m->values);
    put_number(&out, TLV_LENGTH, m->length);
    put_token(&out, m->token);
    buf_fill_u16(&out, hole);
    want = m->type == OAM_ECHO && m->length > OAM_FRAME_MIN ? m->length : OAM_FRAME_MIN;
    while (!out.failed && out.len < want)
        buf_put_u8(&out, 0);
    return out.failed ? 0 : out.len;
}

/* ---- decode */

static bool get_ip(struct buf_in *in, struct ipaddr *out)
{
    size_t n = buf_left(in);

    if (n != 4 && n != 16)
        return false;
    *out = (struct ipaddr){.family = n == 4 ? 4 : 6};
    return buf_get_copy(in, out->b, n);
}

/* False: a known TLV with another length than it has. */
static bool get_tlv(uint8_t type, struct buf_in *in, struct oam_message *m)
{
    switch (type) {
    case TLV_MAC:
        return buf_get_copy(in, m->mac.b, 6) && buf_done(in);
    case TLV_IP:
        return get_ip(in, &m->ip);
    case TLV_SECONDS:
        m->seconds = buf_get_u16(in);
        return buf_done(in);
    case TLV_VALUES:
        for (unsigned i = 0; i < OAM_VALUES; i++)
            m->values[i] = buf_get_u32(in);
        return buf_done(in);
    case TLV_LENGTH:
        m->length = buf_get_u16(in);
        return buf_done(in);
    case TLV_TOKEN:
        m->token = (uint64_t)buf_get_u32(in) << 32;
        m->token |= buf_get_u32(in);
        return buf_done(in);
    default:
        return true;
    }
}

bool oam_decode(const uint8_t *data, size_t have, size_t len, struct oam_message *out)
{
    static const struct mac to = DP_OAM_MAC;
    struct buf_in in, tlvs, value;

    memset(out, 0, sizeof(*out));
    if (have < HEADER || len < have || memcmp(data, to.b, 6) != 0)
        return false;
    buf_in_init(&in, data + 12, have - 12);
    if (buf_get_u16(&in) != DP_OAM_ETHERTYPE || buf_get_u8(&in) != VERSION)
        return false;
    out->type = buf_get_u8(&in);
    out->status = buf_get_u8(&in);
    (void)buf_get_u8(&in);
    out->id = buf_get_u32(&in);
    if (!buf_get_sub(&in, buf_get_u16(&in), &tlvs))
        return false;
    while (buf_left(&tlvs) > 0) {
        uint8_t type = buf_get_u8(&tlvs);

        if (!buf_get_sub(&tlvs, buf_get_u8(&tlvs), &value) || !get_tlv(type, &value, out))
            return false;
    }
    /* What an echo says of its length is what came. */
    return out->type != OAM_ECHO || out->length <= OAM_FRAME_MIN || out->length == len;
}

/* ---- names */

const char *oam_type_name(uint8_t type)
{
    static const char *const names[] = {
        [OAM_PREPARE] = "prepare", [OAM_COMMIT] = "commit", [OAM_CANCEL] = "cancel", [OAM_TAKE] = "take",
        [OAM_LEAVE] = "leave",     [OAM_ECHO] = "echo",     [OAM_REPORT] = "report"};

    type &= (uint8_t)~OAM_ANSWER;
    return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type] : "unknown";
}

const char *oam_status_name(uint8_t status)
{
    static const char *const names[OAM_STATUSES] = {
        [OAM_OK] = "ok",
        [OAM_REFUSED] = "refused",
        [OAM_UNKNOWN_MAC] = "the MAC is unknown there",
        [OAM_NOT_HERE] = "the MAC is not there",
        [OAM_BUSY] = "busy",
        [OAM_UNSUPPORTED] = "it does not know this request",
    };

    return status < OAM_STATUSES ? names[status] : "unknown";
}
