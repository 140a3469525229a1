/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFICATION in bytes and words. The text of a peer ends in logs and terminals: see bgp_text_sanitise().
 * Any thread.
 */
#include "controlplane/bgp_notify.h"

#include <stdio.h>

struct words {
    uint8_t code;
    uint8_t subcode;
    const char *text;
};

static const char *const code_words[] = {"unknown error", "Message header error", "OPEN error",
                                         "UPDATE error",  "Hold timer expired",   "State machine error",
                                         "Cease",         "ROUTE-REFRESH error"};

static const struct words subcode_words[] = {
    {BGP_ERR_HEADER, BGP_HEADER_SYNC, "connection not synchronised"},
    {BGP_ERR_HEADER, BGP_HEADER_LENGTH, "bad message length"},
    {BGP_ERR_HEADER, BGP_HEADER_TYPE, "bad message type"},
    {BGP_ERR_OPEN, BGP_OPEN_VERSION, "unsupported version number"},
    {BGP_ERR_OPEN, BGP_OPEN_PEER_AS, "bad peer AS"},
    {BGP_ERR_OPEN, BGP_OPEN_ID, "bad BGP identifier"},
    {BGP_ERR_OPEN, BGP_OPEN_PARAMETER, "unsupported optional parameter"},
    {BGP_ERR_OPEN, 5, "authentication failure"},
    {BGP_ERR_OPEN, BGP_OPEN_HOLD_TIME, "unacceptable hold time"},
    {BGP_ERR_OPEN, BGP_OPEN_CAPABILITY, "unsupported capability"},
    {BGP_ERR_OPEN, 11, "role mismatch"},
    {BGP_ERR_UPDATE, BGP_UPDATE_ATTR_LIST, "malformed attribute list"},
    {BGP_ERR_UPDATE, BGP_UPDATE_UNKNOWN_WELL_KNOWN, "unrecognised well-known attribute"},
    {BGP_ERR_UPDATE, BGP_UPDATE_MISSING, "missing well-known attribute"},
    {BGP_ERR_UPDATE, BGP_UPDATE_FLAGS, "attribute flags error"},
    {BGP_ERR_UPDATE, BGP_UPDATE_LENGTH, "attribute length error"},
    {BGP_ERR_UPDATE, BGP_UPDATE_ORIGIN, "invalid ORIGIN attribute"},
    {BGP_ERR_UPDATE, 7, "AS routing loop"},
    {BGP_ERR_UPDATE, BGP_UPDATE_NEXT_HOP, "invalid NEXT_HOP attribute"},
    {BGP_ERR_UPDATE, BGP_UPDATE_OPTIONAL, "optional attribute error"},
    {BGP_ERR_UPDATE, BGP_UPDATE_NETWORK, "invalid network field"},
    {BGP_ERR_UPDATE, BGP_UPDATE_AS_PATH, "malformed AS_PATH"},
    {BGP_ERR_FSM, BGP_FSM_OPENSENT, "unexpected message in OpenSent"},
    {BGP_ERR_FSM, BGP_FSM_OPENCONFIRM, "unexpected message in OpenConfirm"},
    {BGP_ERR_FSM, BGP_FSM_ESTABLISHED, "unexpected message in Established"},
    {BGP_ERR_CEASE, BGP_CEASE_MAX_PREFIXES, "maximum number of prefixes reached"},
    {BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN, "administrative shutdown"},
    {BGP_ERR_CEASE, BGP_CEASE_DECONFIGURED, "peer de-configured"},
    {BGP_ERR_CEASE, BGP_CEASE_RESET, "administrative reset"},
    {BGP_ERR_CEASE, BGP_CEASE_REJECTED, "connection rejected"},
    {BGP_ERR_CEASE, BGP_CEASE_CONFIG_CHANGE, "other configuration change"},
    {BGP_ERR_CEASE, BGP_CEASE_COLLISION, "connection collision resolution"},
    {BGP_ERR_CEASE, BGP_CEASE_RESOURCES, "out of resources"},
    {BGP_ERR_CEASE, BGP_CEASE_HARD_RESET, "hard reset"},
    {BGP_ERR_CEASE, BGP_CEASE_BFD_DOWN, "BFD down"},
    {BGP_ERR_REFRESH, 1, "invalid message length"},
};

void bgp_notification_decode(const uint8_t *body, size_t len, struct bgp_notification *out)
{
    struct buf_in in;

    buf_in_init(&in, body, len);
    out->code = buf_get_u8(&in);
    out->subcode = buf_get_u8(&in);
    out->data_len = buf_left(&in);
    out->data = buf_get(&in, out->data_len);
}

int bgp_notification_encode(const struct bgp_notification *n, uint8_t *msg, size_t size)
{
    struct buf_out out;

    bgp_msg_begin(&out, msg, size, BGP_NOTIFICATION);
    buf_put_u8(&out, n->code);
    buf_put_u8(&out, n->subcode);
    buf_put(&out, n->data, n->data_len);
    return bgp_msg_end(&out);
}

int bgp_error_encode(const struct bgp_error *err, uint8_t *msg, size_t size)
{
    struct bgp_notification n = {err->code, err->subcode, err->data, err->data_len};

    return bgp_notification_encode(&n, msg, size);
}

/* Length in bytes of the UTF-8 character at p, and its value; 0 when there is none (RFC 3629 section 4). */
static size_t utf8_char(const uint8_t *p, size_t n, uint32_t *value)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    uint32_t v = len == 1 ? p[0] : p[0] & (0x7fu >> len);

    if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *value = v;
    return len;
}

/* Control characters, line and paragraph separators, and marks that turn the direction of a line. */
static bool is_harmful(uint32_t v)
{
    return v < 0x20 || (v >= 0x7f && v < 0xa0) || (v >= 0x200b && v <= 0x200f) ||
           (v >= 0x2028 && v <= 0x202e) || (v >= 0x2066 && v <= 0x2069) || v == 0xfeff;
}

void bgp_text_sanitise(const uint8_t *in, size_t n, char *out, size_t size)
{
    size_t at = 0;

    while (n > 0) {
        uint32_t value = 0;
        size_t len = utf8_char(in, n, &value);
        bool ok = len > 0 && !is_harmful(value);
        size_t need = ok ? len : 1;

        if (at + need >= size)
            break;
        memcpy(out + at, ok ? (const char *)in : "?", need);
        at += need;
        len = len ? len : 1;
        in += len;
        n -= len;
    }
    if (size > 0)
        out[at] = '\0';
}

size_t bgp_shutdown_data(const char *text, uint8_t data[BGP_SHUTDOWN_MAX + 1])
{
    char clean[BGP_SHUTDOWN_MAX + 1];
    size_t n;

    if (!text || !*text)
        return 0;
    bgp_text_sanitise((const uint8_t *)text, strlen(text), clean, sizeof(clean));
    n = strlen(clean);
    data[0] = (uint8_t)n;
    memcpy(data + 1, clean, n);
    return n + 1;
}

bool bgp_notification_is_hard(const struct bgp_notification *n)
{
    return n->code == BGP_ERR_CEASE && n->subcode == BGP_CEASE_HARD_RESET;
}

static const char *subcode_text(uint8_t code, uint8_t subcode)
{
    for (size_t i = 0; i < sizeof(subcode_words) / sizeof(subcode_words[0]); i++) {
        if (subcode_words[i].code == code && subcode_words[i].subcode == subcode)
            return subcode_words[i].text;
    }
    return NULL;
}

/* What the data says, as ": ...", or nothing. */
static void format_data(const struct bgp_notification *n, char *buf, size_t size)
{
    char text[BGP_SHUTDOWN_MAX + 1];
    struct buf_in in;

    buf[0] = '\0';
    buf_in_init(&in, n->data, n->data_len);
    if (n->code == BGP_ERR_CEASE && (n->subcode == BGP_CEASE_SHUTDOWN || n->subcode == BGP_CEASE_RESET)) {
        size_t len = buf_get_u8(&in);
        const uint8_t *p = buf_get(&in, len);

        if (!p || len == 0)
            return;
        bgp_text_sanitise(p, len, text, sizeof(text));
        snprintf(buf, size, ": \"%s\"", text);
    } else if (n->code == BGP_ERR_CEASE && n->subcode == BGP_CEASE_MAX_PREFIXES && n->data_len == 7) {
        unsigned afi = buf_get_u16(&in), safi = buf_get_u8(&in);

        snprintf(buf, size, ": %u for AFI %u SAFI %u", buf_get_u32(&in), afi, safi);
    } else if (n->code == BGP_ERR_OPEN && n->subcode == BGP_OPEN_VERSION && n->data_len == 2) {
        snprintf(buf, size, ": the highest is %u", buf_get_u16(&in));
    } else if (n->data_len > 0) {
        size_t at = 0;

        for (size_t i = 0; i < n->data_len && i < 16; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", n->data[i]);
        snprintf(buf, size, ": data %s%s", text, n->data_len > 16 ? "..." : "");
    }
}

/* Without looking into a hard reset. */
static void format_one(const struct bgp_notification *n, char buf[BGP_NOTIFY_TEXT])
{
    const char *code = code_words[n->code < sizeof(code_words) / sizeof(code_words[0]) ? n->code : 0];
    const char *subcode = subcode_text(n->code, n->subcode);
    char number[32] = "", data[BGP_SHUTDOWN_MAX + 32];

    format_data(n, data, sizeof(data));
    if (!subcode && (n->subcode || n->code == 0 || n->code > BGP_ERR_REFRESH)) {
        snprintf(number, sizeof(number), "%u/%u", n->code, n->subcode);
        subcode = number;
    }
    snprintf(buf, BGP_NOTIFY_TEXT, "%s%s%s%s", code, subcode ? ": " : "", subcode ? subcode : "", data);
}

const char *bgp_notification_format(const struct bgp_notification *n, char buf[BGP_NOTIFY_TEXT])
{
    static const char prefix[] = "Cease: hard reset: ";
    struct bgp_notification inner;
    char text[BGP_NOTIFY_TEXT];

    if (!bgp_notification_is_hard(n) || n->data_len < 2) {
        format_one(n, buf);
        return buf;
    }
    /* RFC 8538 section 3.1: the data is the notification meant. Looked into once, however deep it nests. */
    bgp_notification_decode(n->data, n->data_len, &inner);
    format_one(&inner, text);
    snprintf(buf, BGP_NOTIFY_TEXT, "%s%.*s", prefix, (int)(BGP_NOTIFY_TEXT - sizeof(prefix)), text);
    return buf;
}
