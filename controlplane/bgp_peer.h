/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One BGP peer as configured, and what follows from it: the state machine's configuration, our OPEN, which
 * changes need a new session. Plain values; reading YAML is somebody else's. Pure, any thread.
 */
#ifndef CONTROLPLANE_BGP_PEER_H
#define CONTROLPLANE_BGP_PEER_H

#include "controlplane/bgp_fsm.h"
#include "controlplane/bgp_open.h"

#define BGP_PORT         179
#define BGP_PASSWORD_MAX 80 /* of the kernel: TCP_MD5SIG_MAXKEYLEN */

/* What all sessions of an instance say of us. */
struct bgp_local {
    uint32_t asn;
    uint32_t router_id; /* host order */
    bool restarting;    /* R2.7: we may have been here before, so each peer's first session says R, ... */
    bool forwarding;    /* ... and F when forwarding went on meanwhile. See struct bgp_fsm_config */
};

struct bgp_peer_config {
    struct ipaddr address;
    uint32_t asn;
    struct ipaddr source;                /* where to dial from; family 0: the kernel chooses */
    uint16_t port;                       /* where to dial to */
    bool passive;                        /* never dial */
    char password[BGP_PASSWORD_MAX + 1]; /* R2.6: TCP MD5 (RFC 2385); "": none */
    uint8_t ttl_security;     /* R2.6: GTSM (RFC 5082): the peer is at most that many hops away; 0: off */
    uint8_t multihop;         /* eBGP: TTL of what we send; 0: 1, the peer is on our link */
    uint16_t hold_s;          /* 0: sessions without a hold timer; else at least 3 */
    uint16_t keepalive_s;     /* 0: a third of the hold time */
    uint32_t connect_retry_s; /* between dials */
    uint32_t open_wait_s;     /* how long a connection may take to bring its OPEN */
    uint32_t send_hold_s;     /* RFC 9687; 0: the larger of 8 minutes and twice the hold time */
    uint16_t
        graceful_restart_s;  /* R2.7: how long the peer shall wait for us; 0: no graceful restart, nor help */
    uint32_t stale_path_s;   /* how long stale routes may wait for the End-of-RIB of a peer that is back */
    uint32_t max_prefixes;   /* R2.6; 0: no limit */
    uint8_t warning_percent; /* of max_prefixes; 0: no warning */
    uint32_t max_prefix_restart_s; /* pause after too many; 0: until an operator resets the peer */
    bool require_encap;            /* R3.4 */
};

/* Hold time 9 s, port 179, warning at 80 %, graceful restart 120 s; address, asn and limit are left zero. */
void bgp_peer_config_default(struct bgp_peer_config *c);
/* NULL, or a sentence about what is wrong. */
const char *bgp_peer_config_check(const struct bgp_peer_config *c, const struct bgp_local *local);
bool bgp_peer_is_ebgp(const struct bgp_peer_config *c, const struct bgp_local *local);
/* Whether going from a to b needs a new session (or a new dial); limits do not. The address must be the same.
 */
bool bgp_peer_config_resets(const struct bgp_peer_config *a, const struct bgp_peer_config *b);

void bgp_peer_fsm_config(const struct bgp_peer_config *c, const struct bgp_local *local,
                         struct bgp_fsm_config *out);
/* The same OPEN in the words of the codec and of the state machine. */
void bgp_peer_open_encode(const struct bgp_fsm_open *in, struct bgp_open *out);
void bgp_peer_open_decode(const struct bgp_open *in, struct bgp_fsm_open *out);

#endif
