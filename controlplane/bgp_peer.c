/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp_peer.h.
 */
#include "controlplane/bgp_peer.h"

static const struct bgp_family evpn_family = {BGP_AFI_L2VPN, BGP_SAFI_EVPN};

void bgp_peer_config_default(struct bgp_peer_config *c)
{
    *c = (struct bgp_peer_config){.port = BGP_PORT,
                                  .hold_s = 9,
                                  .connect_retry_s = 5,
                                  .open_wait_s = 60,
                                  .graceful_restart_s = 120,
                                  .stale_path_s = 360,
                                  .warning_percent = 80};
}

bool bgp_peer_is_ebgp(const struct bgp_peer_config *c, const struct bgp_local *local)
{
    return c->asn != local->asn;
}

const char *bgp_peer_config_check(const struct bgp_peer_config *c, const struct bgp_local *local)
{
    if (c->address.family != 4 && c->address.family != 6)
        return "a peer needs an address";
    if (c->source.family != 0 && c->source.family != c->address.family)
        return "the source address is of another family than the peer's address";
    if (ipaddr_eq(&c->source, &c->address))
        return "the peer's address is our own";
    if (c->asn == 0 || local->asn == 0)
        return "AS 0 is reserved (RFC 7607)";
    if (c->port == 0)
        return "port 0 cannot be dialled";
    if (c->hold_s == 1 || c->hold_s == 2)
        return "the hold time must be 0 or at least 3 s (RFC 4271 section 4.2)";
    if (c->graceful_restart_s > 4095)
        return "the graceful restart time must be at most 4095 s (RFC 4724 section 3)";
    if (c->ttl_security > 0 && c->multihop > 0)
        return "ttl_security and multihop exclude each other: the former says how far the peer may be";
    if (c->warning_percent > 100)
        return "the warning level must be at most 100 %";
    return NULL;
}

bool bgp_peer_config_resets(const struct bgp_peer_config *a, const struct bgp_peer_config *b)
{
    return a->asn != b->asn || !ipaddr_eq(&a->source, &b->source) || a->port != b->port ||
           strcmp(a->password, b->password) != 0 || a->ttl_security != b->ttl_security ||
           a->multihop != b->multihop || a->hold_s != b->hold_s || a->keepalive_s != b->keepalive_s ||
           a->graceful_restart_s != b->graceful_restart_s;
}

void bgp_peer_fsm_config(const struct bgp_peer_config *c, const struct bgp_local *local,
                         struct bgp_fsm_config *out)
{
    struct bgp_fsm_caps *caps = &out->local.caps;

    bgp_fsm_config_default(out, local->asn, local->router_id, c->asn);
    out->passive = c->passive;
    out->local.hold_s = c->hold_s;
    out->keepalive_s = c->keepalive_s;
    out->connect_retry_s = c->connect_retry_s;
    out->open_wait_s = c->open_wait_s;
    out->send_hold_s = c->send_hold_s;
    out->max_prefix_restart_s = c->max_prefix_restart_s;
    caps->gr = caps->gr_evpn = caps->gr_notification = c->graceful_restart_s > 0;
    caps->gr_time_s = c->graceful_restart_s;
    caps->gr_restarting = caps->gr && local->restarting;
    caps->gr_forwarding = caps->gr && local->forwarding;
}

void bgp_peer_open_encode(const struct bgp_fsm_open *in, struct bgp_open *out)
{
    const struct bgp_fsm_caps *c = &in->caps;
    struct bgp_graceful *gr = &out->caps.graceful;

    memset(out, 0, sizeof(*out));
    out->version = 4;
    out->asn = in->asn;
    out->hold_time = in->hold_s;
    out->id = in->router_id;
    out->caps.as4 = c->as4;
    out->caps.route_refresh = c->refresh;
    out->caps.extended_message = c->extended_message;
    if (c->evpn)
        out->caps.families[out->caps.n_families++] = evpn_family;
    gr->present = c->gr;
    gr->restarted = c->gr_restarting;
    gr->notification = c->gr_notification;
    gr->time = c->gr_time_s;
    if (c->gr_evpn)
        gr->families[gr->n_families++] = (struct bgp_gr_family){evpn_family, c->gr_forwarding};
}

void bgp_peer_open_decode(const struct bgp_open *in, struct bgp_fsm_open *out)
{
    const struct bgp_gr_family *gr = in->caps.graceful.present ? bgp_caps_graceful_evpn(&in->caps) : NULL;

    *out = (struct bgp_fsm_open){.asn = in->asn,
                                 .router_id = in->id,
                                 .hold_s = in->hold_time,
                                 .caps = {.evpn = bgp_caps_has_family(&in->caps, evpn_family),
                                          .refresh = in->caps.route_refresh,
                                          .as4 = in->caps.as4,
                                          .extended_message = in->caps.extended_message,
                                          .gr = in->caps.graceful.present,
                                          .gr_restarting = in->caps.graceful.restarted,
                                          .gr_notification = in->caps.graceful.notification,
                                          .gr_evpn = gr != NULL,
                                          .gr_forwarding = gr && gr->forwarding,
                                          .gr_time_s = in->caps.graceful.time}};
}
