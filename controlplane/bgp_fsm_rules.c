/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The decisions of the BGP state machine that need no state: is this OPEN good, what was negotiated, which
 * connection wins, does this fault pause the peer, do its routes stay. Control thread only.
 */
#include "controlplane/bgp_fsm_private.h"

void bgp_fsm_config_default(struct bgp_fsm_config *c, uint32_t asn, uint32_t router_id, uint32_t peer_asn)
{
    *c = (struct bgp_fsm_config){
        .local = {.asn = asn,
                  .router_id = router_id,
                  .hold_s = 9,
                  .caps = {.evpn = true,
                           .refresh = true,
                           .as4 = true,
                           .extended_message = true,
                           .gr = true,
                           .gr_notification = true,
                           .gr_evpn = true,
                           .gr_time_s = 120}},
        .peer_asn = peer_asn,
        .connect_retry_s = 5,
        .open_wait_s = 60,
        .idle_hold_min_s = 1,
        .idle_hold_max_s = 60,
        .stable_s = 60,
    };
}

void bgp_fsm_check_open(const struct bgp_fsm_config *cfg, const struct bgp_fsm_open *open,
                        struct bgp_fsm_fault *fault, struct bgp_fsm_data *data)
{
    /* RFC 5492 section 3: the data lists the capabilities that are missing, as an OPEN would. */
    static const uint8_t evpn[] = {1, 4, 0, BGP_AFI_L2VPN, 0, BGP_SAFI_EVPN};

    *fault = (struct bgp_fsm_fault){.code = BGP_ERR_OPEN};
    *data = (struct bgp_fsm_data){NULL, 0};
    if (open->asn != cfg->peer_asn || open->asn == 0) { /* AS 0: RFC 7607 */
        fault->why = BGP_WHY_PEER_AS;
        fault->subcode = BGP_OPEN_PEER_AS;
        fault->value = open->asn;
    } else if (open->router_id == 0 ||
               (open->router_id == cfg->local.router_id && open->asn == cfg->local.asn)) {
        /* RFC 6286 section 2.2: any non-zero value, unique within an AS. */
        fault->why = BGP_WHY_ROUTER_ID;
        fault->subcode = BGP_OPEN_ID;
        fault->value = open->router_id;
    } else if (open->hold_s == 1 || open->hold_s == 2) {
        fault->why = BGP_WHY_HOLD_TIME;
        fault->subcode = BGP_OPEN_HOLD_TIME;
        fault->value = open->hold_s;
    } else if (!open->caps.evpn) {
        fault->why = BGP_WHY_NO_EVPN;
        fault->subcode = BGP_OPEN_CAPABILITY;
        *data = (struct bgp_fsm_data){evpn, sizeof(evpn)};
    } else {
        *fault = (struct bgp_fsm_fault){.why = BGP_WHY_NONE};
    }
}

void bgp_fsm_negotiate(const struct bgp_fsm_config *cfg, struct bgp_fsm_conn *conn)
{
    conn->hold_s = conn->peer.hold_s < conn->local.hold_s ? conn->peer.hold_s : conn->local.hold_s;
    /* RFC 4271 section 4.4: a third of the hold time at most; none at all without a hold time. */
    conn->keepalive_s = conn->hold_s / 3;
    if (cfg->keepalive_s && cfg->keepalive_s < conn->keepalive_s)
        conn->keepalive_s = cfg->keepalive_s;
}

void bgp_fsm_share(struct bgp_fsm_session *s)
{
    const struct bgp_fsm_caps *l = &s->local.caps, *p = &s->peer.caps;

    s->refresh = l->refresh && p->refresh;
    s->as4 = l->as4 && p->as4;
    s->extended_message = l->extended_message && p->extended_message;
    /* A helper says so by having the capability at all, even without families (RFC 4724 section 4). */
    s->helper = l->gr && p->gr && p->gr_evpn;
    s->graceful_notification = l->gr && p->gr && l->gr_notification && p->gr_notification;
}

bool bgp_fsm_wins(const struct bgp_fsm_conn *c, const struct bgp_fsm_conn *other)
{
    const struct bgp_fsm_open *local = &c->local, *peer = &c->peer;
    bool keep_theirs; /* the connection that the peer dialled */

    if (peer->router_id != local->router_id)
        keep_theirs = peer->router_id > local->router_id; /* RFC 4271 section 6.8 */
    else
        keep_theirs = peer->asn > local->asn; /* RFC 6286 section 2.3 */
    if (c->incoming == other->incoming)       /* both dialled by the peer; the letter of section 6.8 */
        return keep_theirs;
    return c->incoming == keep_theirs;
}

bool bgp_fsm_damps(const struct bgp_fsm_fault *fault)
{
    switch (fault->why) {
    case BGP_WHY_MSG_ERROR:
    case BGP_WHY_UNEXPECTED:
    case BGP_WHY_PEER_AS:
    case BGP_WHY_ROUTER_ID:
    case BGP_WHY_HOLD_TIME:
    case BGP_WHY_NO_EVPN:
        return true;
    case BGP_WHY_NOTIFICATION:
        if (fault->code == BGP_ERR_CEASE)
            return fault->subcode == BGP_CEASE_MAX_PREFIXES || fault->subcode == BGP_CEASE_DECONFIGURED ||
                   fault->subcode == BGP_CEASE_RESOURCES;
        return fault->code != BGP_ERR_HOLD_TIMER && fault->code != BGP_ERR_SEND_HOLD;
    default:
        return false;
    }
}

bool bgp_fsm_graceful(const struct bgp_fsm_session *s, const struct bgp_fsm_fault *fault)
{
    if (!s->helper || fault->hard)
        return false;
    if (fault->why == BGP_WHY_LOST || fault->why == BGP_WHY_REPLACED)
        return true; /* no NOTIFICATION: RFC 4724 section 4.2 */
    if (fault->why == BGP_WHY_ADMIN_STOP)
        return false;
    return fault->code && s->graceful_notification; /* either way: RFC 8538 section 4 */
}

bool bgp_fsm_hard_cease(uint8_t subcode)
{
    return subcode == BGP_CEASE_MAX_PREFIXES || subcode == BGP_CEASE_SHUTDOWN ||
           subcode == BGP_CEASE_DECONFIGURED;
}

void bgp_fsm_read_notification(const struct bgp_fsm_event *ev, struct bgp_fsm_fault *fault,
                               char text[BGP_SHUTDOWN_MAX + 1])
{
    struct bgp_notification n = {ev->code, ev->subcode, ev->data, ev->data ? ev->len : 0};

    *fault = (struct bgp_fsm_fault){.why = BGP_WHY_NOTIFICATION, .by_peer = true};
    fault->hard = bgp_notification_unwrap(&n);
    fault->code = n.code;
    fault->subcode = n.subcode;
    if (n.code != BGP_ERR_CEASE || n.subcode != BGP_CEASE_COLLISION)
        bgp_shutdown_text(&n, text); /* else: an error before it is still worth showing, with its text */
}

uint64_t bgp_fsm_jitter(uint64_t *random, uint32_t secs)
{
    uint64_t ns = secs * BGP_FSM_NSEC, z = (*random += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return ns - z % (ns / 4 + 1);
}
