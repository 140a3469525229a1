/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the BGP state machine decided, in words for the log and `show bgp`. Whatever the peer said is cleaned
 * first: it may hold anything. Control thread only.
 */
#include "controlplane/bgp_fsm_private.h"

#include <stdio.h>

const char *bgp_state_name(enum bgp_state s)
{
    static const char *const names[BGP_N_STATES] = {"Idle",     "Connect",     "Active",
                                                    "OpenSent", "OpenConfirm", "Established"};

    return (unsigned)s < BGP_N_STATES ? names[s] : "?";
}

/* Subcode names; NULL: has none. RFC 4271 section 4.5, RFC 5492, RFC 6608, RFC 4486, RFC 8538, RFC 9384. */
static const char *subcode_name(uint8_t code, uint8_t subcode)
{
    static const char *const names[9][11] = {
        [ERR_HEADER] = {NULL, "Connection Not Synchronized", "Bad Message Length", "Bad Message Type"},
        [ERR_OPEN] = {NULL, "Unsupported Version Number", "Bad Peer AS", "Bad BGP Identifier",
                      "Unsupported Optional Parameter", NULL, "Unacceptable Hold Time",
                      "Unsupported Capability"},
        [ERR_UPDATE] = {NULL, "Malformed Attribute List", "Unrecognized Well-known Attribute",
                        "Missing Well-known Attribute", "Attribute Flags Error", "Attribute Length Error",
                        "Invalid ORIGIN Attribute", NULL, "Invalid NEXT_HOP Attribute",
                        "Optional Attribute Error", "Invalid Network Field"},
        [ERR_FSM] = {NULL, "Unexpected Message in OpenSent", "Unexpected Message in OpenConfirm",
                     "Unexpected Message in Established"},
        [ERR_CEASE] = {NULL, "Maximum Number of Prefixes Reached", "Administrative Shutdown",
                       "Peer De-configured", "Administrative Reset", "Connection Rejected",
                       "Other Configuration Change", "Connection Collision Resolution", "Out of Resources",
                       "Hard Reset", "BFD Down"},
        [ERR_REFRESH] = {NULL, "Invalid Message Length"},
    };

    if (code == ERR_UPDATE && subcode == 11)
        return "Malformed AS_PATH";
    return code < 9 && subcode < 11 ? names[code][subcode] : NULL;
}

const char *bgp_notification_name(uint8_t code, uint8_t subcode, char *buf, size_t size)
{
    static const char *const codes[] = {
        NULL,
        "Message Header Error",
        "OPEN Message Error",
        "UPDATE Message Error",
        "Hold Timer Expired",
        "Finite State Machine Error",
        "Cease",
        "ROUTE-REFRESH Message Error",
        "Send Hold Timer Expired",
    };
    const char *name = code < 9 ? codes[code] : NULL, *sub = subcode_name(code, subcode);

    if (!name)
        snprintf(buf, size, "error %u/%u", code, subcode);
    else if (sub)
        snprintf(buf, size, "%s/%s", name, sub);
    else if (subcode)
        snprintf(buf, size, "%s/%u", name, subcode);
    else
        snprintf(buf, size, "%s", name);
    return buf;
}

/* Octets of the UTF-8 sequence at s (RFC 3629: no overlong forms, no surrogates), 0 if it is none or a
 * control character; C1 controls and the line separators count as those. */
static unsigned utf8_len(const unsigned char *s)
{
    unsigned char c = s[0];

    if (c < 0x80)
        return c >= 0x20 && c != 0x7f;
    if (c < 0xc2 || c > 0xf4 || (s[1] & 0xc0) != 0x80)
        return 0;
    if (c < 0xe0)
        return c == 0xc2 && s[1] < 0xa0 ? 0 : 2;
    if ((s[2] & 0xc0) != 0x80)
        return 0;
    if (c < 0xf0) {
        if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f))
            return 0;
        return c == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9) ? 0 : 3;
    }
    if ((s[3] & 0xc0) != 0x80 || (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return 4;
}

/* Copies text, each octet that may not be printed as '?'. Cuts between characters. */
static void clean(const char *text, char *buf, size_t size)
{
    size_t n = 0;

    while (*text) {
        unsigned len = utf8_len((const unsigned char *)text);
        unsigned step = len ? len : 1;

        if (n + step + 1 > size)
            break;
        if (len)
            memcpy(buf + n, text, len);
        else
            buf[n] = '?';
        n += step;
        text += step;
    }
    buf[n] = '\0';
}

/* "what: the error" or the plain word without an errno. */
static const char *with_err(const char *what, int err, const char *plain, char *buf, size_t size)
{
    const char *desc = err ? strerrordesc_np(err) : NULL;

    snprintf(buf, size, "%s: %s", what, desc ? desc : plain);
    return buf;
}

static const char *why_words(const struct bgp_fsm_fault *f, char *buf, size_t size)
{
    static const char *const words[] = {
        [BGP_WHY_NONE] = "",
        [BGP_WHY_ADMIN_STOP] = "shut down by the operator",
        [BGP_WHY_ADMIN_RESET] = "reset by the operator",
        [BGP_WHY_CONNECT_TIMEOUT] = "connection timed out",
        [BGP_WHY_REFUSED] = "incoming connection refused: the peer is stopped or pausing after errors",
        [BGP_WHY_OPEN_TIMEOUT] = "no OPEN message came",
        [BGP_WHY_HOLD_TIMER] = "hold timer expired: nothing heard from the peer",
        [BGP_WHY_SEND_HOLD_TIMER] = "send hold timer expired: the peer takes no data",
        [BGP_WHY_MAX_PREFIXES] = "the peer sent more routes than its limit",
        [BGP_WHY_COLLISION] = "connection collision: the other connection is kept",
        [BGP_WHY_REPLACED] = "the peer restarted and opened a new connection",
        [BGP_WHY_NO_EVPN] = "the peer does not speak L2VPN EVPN (25/70)",
    };
    uint32_t v = f->value;

    switch (f->why) {
    case BGP_WHY_CONNECT_FAILED:
        return with_err("connection failed", f->err, "refused", buf, size);
    case BGP_WHY_LOST:
        return with_err("connection lost", f->err, "closed by the peer", buf, size);
    case BGP_WHY_PEER_AS:
        snprintf(buf, size, "the peer says it is AS %u, which is not the one configured", v);
        return buf;
    case BGP_WHY_ROUTER_ID:
        snprintf(buf, size, "the peer's router id %u.%u.%u.%u is zero or ours", v >> 24, v >> 16 & 255,
                 v >> 8 & 255, v & 255);
        return buf;
    case BGP_WHY_HOLD_TIME:
        snprintf(buf, size, "the peer's hold time of %u s is not acceptable", v);
        return buf;
    default: /* NOTIFICATION, MSG_ERROR, UNEXPECTED: the NOTIFICATION says it */
        return (unsigned)f->why < sizeof(words) / sizeof(words[0]) && words[f->why] ? words[f->why] : "";
    }
}

const char *bgp_fsm_words(const struct bgp_fsm_fault *fault, const char *text, char *buf, size_t size)
{
    char why[128], name[96], said[BGP_FSM_TEXT_MAX + 1];
    const char *words = why_words(fault, why, sizeof(why));
    int n;

    if (!fault->code) {
        snprintf(buf, size, "%s", words);
        return buf;
    }
    n = snprintf(buf, size, "%s%s%s%s: %s", words, *words ? "; " : "",
                 fault->by_peer ? "NOTIFICATION received" : "NOTIFICATION sent",
                 fault->hard ? " (hard reset)" : "",
                 bgp_notification_name(fault->code, fault->subcode, name, sizeof(name)));
    if (fault->by_peer && text && *text && n > 0 && (size_t)n < size) {
        clean(text, said, sizeof(said));
        snprintf(buf + n, size - n, ", \"%s\"", said);
    }
    return buf;
}
