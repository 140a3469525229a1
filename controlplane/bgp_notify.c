/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFICATION in bytes and words. The text of a peer ends in logs and terminals: see bgp_text_sanitise().
 * Any thread.
 */
#include "controlplane/bgp_notify.h"

#include "conf/utf8.h"

#include <stdio.h>

#define CODES    9
#define SUBCODES 12

/* [0] is the code's own name. */
static const char *const names[CODES][SUBCODES] = {
    [BGP_ERR_HEADER] = {"Message Header Error", [BGP_HEADER_SYNC] = "Connection Not Synchronized",
                        [BGP_HEADER_LENGTH] = "Bad Message Length", [BGP_HEADER_TYPE] = "Bad Message Type"},
    [BGP_ERR_OPEN] = {"OPEN Message Error", [BGP_OPEN_VERSION] = "Unsupported Version Number",
                      [BGP_OPEN_PEER_AS] = "Bad Peer AS", [BGP_OPEN_ID] = "Bad BGP Identifier",
                      [BGP_OPEN_PARAMETER] = "Unsupported Optional Parameter", [5] = "Authentication Failure",
                      [BGP_OPEN_HOLD_TIME] = "Unacceptable Hold Time",
                      [BGP_OPEN_CAPABILITY] = "Unsupported Capability", [11] = "Role Mismatch"},
    [BGP_ERR_UPDATE] =
        {"UPDATE Message Error", [BGP_UPDATE_ATTR_LIST] = "Malformed Attribute List",
         [BGP_UPDATE_UNKNOWN_WELL_KNOWN] = "Unrecognized Well-known Attribute",
         [BGP_UPDATE_MISSING] = "Missing Well-known Attribute", [BGP_UPDATE_FLAGS] = "Attribute Flags Error",
         [BGP_UPDATE_LENGTH] = "Attribute Length Error", [BGP_UPDATE_ORIGIN] = "Invalid ORIGIN Attribute",
         [7] = "AS Routing Loop", [BGP_UPDATE_NEXT_HOP] = "Invalid NEXT_HOP Attribute",
         [BGP_UPDATE_OPTIONAL] = "Optional Attribute Error", [BGP_UPDATE_NETWORK] = "Invalid Network Field",
         [BGP_UPDATE_AS_PATH] = "Malformed AS_PATH"},
    [BGP_ERR_HOLD_TIMER] = {"Hold Timer Expired"},
    [BGP_ERR_FSM] = {"Finite State Machine Error", [BGP_FSM_OPENSENT] = "Unexpected Message in OpenSent",
                     [BGP_FSM_OPENCONFIRM] = "Unexpected Message in OpenConfirm",
                     [BGP_FSM_ESTABLISHED] = "Unexpected Message in Established"},
    [BGP_ERR_CEASE] =
        {"Cease", [BGP_CEASE_MAX_PREFIXES] = "Maximum Number of Prefixes Reached",
         [BGP_CEASE_SHUTDOWN] = "Administrative Shutdown", [BGP_CEASE_DECONFIGURED] = "Peer De-configured",
         [BGP_CEASE_RESET] = "Administrative Reset", [BGP_CEASE_REJECTED] = "Connection Rejected",
         [BGP_CEASE_CONFIG_CHANGE] = "Other Configuration Change",
         [BGP_CEASE_COLLISION] = "Connection Collision Resolution",
         [BGP_CEASE_RESOURCES] = "Out of Resources", [BGP_CEASE_HARD_RESET] = "Hard Reset",
         [BGP_CEASE_BFD_DOWN] = "BFD Down"},
    [BGP_ERR_REFRESH] = {"ROUTE-REFRESH Message Error", [1] = "Invalid Message Length"},
    [BGP_ERR_SEND_HOLD] = {"Send Hold Timer Expired"},
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

bool bgp_notification_unwrap(struct bgp_notification *n)
{
    if (n->code != BGP_ERR_CEASE || n->subcode != BGP_CEASE_HARD_RESET)
        return false;
    if (n->data_len >= 2)
        bgp_notification_decode(n->data, n->data_len, n);
    return true;
}

const char *bgp_notification_name(uint8_t code, uint8_t subcode, char buf[BGP_NOTIFY_NAME])
{
    const char *name = code < CODES ? names[code][0] : NULL;
    const char *sub = name && subcode && subcode < SUBCODES ? names[code][subcode] : NULL;

    if (!name)
        snprintf(buf, BGP_NOTIFY_NAME, "error %u/%u", code, subcode);
    else if (sub)
        snprintf(buf, BGP_NOTIFY_NAME, "%s/%s", name, sub);
    else if (subcode)
        snprintf(buf, BGP_NOTIFY_NAME, "%s/%u", name, subcode);
    else
        snprintf(buf, BGP_NOTIFY_NAME, "%s", name);
    return buf;
}

void bgp_text_sanitise(const uint8_t *in, size_t n, char *out, size_t size)
{
    size_t at = 0;

    while (n > 0) {
        uint32_t value = 0;
        size_t len = utf8_char(in, n, &value);
        bool ok = len > 0 && utf8_harmless(value);
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

size_t bgp_shutdown_data(const uint8_t *text, size_t n, uint8_t data[BGP_SHUTDOWN_MAX + 1])
{
    char clean[BGP_SHUTDOWN_MAX + 1];
    size_t len;

    bgp_text_sanitise(text, n, clean, sizeof(clean));
    len = strlen(clean);
    if (len == 0)
        return 0;
    data[0] = (uint8_t)len;
    memcpy(data + 1, clean, len);
    return len + 1;
}

void bgp_shutdown_text(const struct bgp_notification *n, char text[BGP_SHUTDOWN_MAX + 1])
{
    const uint8_t *p = NULL;
    struct buf_in in;
    size_t len;

    text[0] = '\0';
    if (n->code != BGP_ERR_CEASE || (n->subcode != BGP_CEASE_SHUTDOWN && n->subcode != BGP_CEASE_RESET))
        return;
    buf_in_init(&in, n->data, n->data_len);
    len = buf_get_u8(&in);
    p = buf_get(&in, len);
    if (p)
        bgp_text_sanitise(p, len, text, BGP_SHUTDOWN_MAX + 1);
}
