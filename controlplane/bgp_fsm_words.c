/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the BGP state machine decided, in words for the log and `show bgp`. Whatever the peer said was cleaned
 * when it came (bgp_notify.h). Control thread only.
 */
#include "controlplane/bgp_fsm_private.h"

#include <stdio.h>

const char *bgp_state_name(enum bgp_state s)
{
    static const char *const names[BGP_N_STATES] = {"Idle",     "Connect",     "Active",
                                                    "OpenSent", "OpenConfirm", "Established"};

    return (unsigned)s < BGP_N_STATES ? names[s] : "?";
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
    char why[128], name[BGP_NOTIFY_NAME];
    const char *words = why_words(fault, why, sizeof(why));
    int n;

    if (!fault->code) {
        snprintf(buf, size, "%s", words);
        return buf;
    }
    n = snprintf(buf, size, "%s%s%s%s: %s", words, *words ? "; " : "",
                 fault->by_peer ? "NOTIFICATION received" : "NOTIFICATION sent",
                 fault->hard ? " (hard reset)" : "",
                 bgp_notification_name(fault->code, fault->subcode, name));
    if (fault->by_peer && text && *text && n > 0 && (size_t)n < size)
        snprintf(buf + n, size - n, ", \"%s\"", text);
    return buf;
}
