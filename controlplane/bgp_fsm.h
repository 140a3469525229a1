/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The BGP session state machine of one peer (RFC 4271 section 8): pure. It takes events and `now` and returns
 * a bounded list of actions; it knows no socket, timer, allocation or global, so every order of events can be
 * tried in a test. The shell owns the sockets and what goes over them, and does the actions in the order of
 * the list; of the codec the machine has code points and the text in NOTIFICATIONs.
 *
 * A peer has up to two connections at once, numbered 0 and 1, because both sides dial (RFC 4271 section 6.8).
 * A number means nothing by itself; it is free again after BGP_ACT_CLOSE, and the same list may reuse it.
 *
 * What the shell must keep to:
 *  - A connection ends with BGP_ACT_CLOSE and with nothing else, also after BGP_EV_LOST. Send a NOTIFICATION
 *    that precedes the CLOSE as far as the socket takes it at once, then close. No event of that connection
 *    may come after its CLOSE; data that it still holds unread is thrown away.
 *  - BGP_EV_INCOMING is answered by exactly one ADOPT (the new socket is now connection N) or REJECT (send it
 *    the NOTIFICATION, close it).
 *  - A message is reported before anything that was made of it is applied, and an UPDATE that decodes badly
 * is one BGP_EV_MSG_ERROR if it resets the session, or BGP_EV_UPDATE if RFC 7606 keeps it.
 *  - What the sockets hold is read before bgp_fsm_timer() is called, else a late loop kills a live session.
 *  - BGP_EV_SENT comes when a whole message went to the socket, not when it was queued: the send hold timer
 *    (RFC 9687) lives on it.
 *
 * Deviations from RFC 4271 section 8, all on purpose: no DelayOpen; a NOTIFICATION is never answered by one,
 * in no state; a failed dial or a lost connection goes to Active, not to Idle, so that the peer can reach us
 * at once; the dial timer goes on while an incoming connection waits for its OPEN, so that a half-open one
 * cannot keep us from dialling; a collision is decided by one side alone (bgp_fsm_collide.c).
 *
 * DampPeerOscillations: after an error that would come again (a bad OPEN or message, FSM errors, the
 * NOTIFICATIONs that say so) the peer stays Idle, refusing connections, for idle_hold_min_s, doubled each
 * time up to idle_hold_max_s; a session that was up for stable_s, or the operator's START or RESET, begins
 * again at the minimum. Lost connections, expired timers, collisions and administrative NOTIFICATIONs do not
 * count. Every interval is shortened by up to a quarter at random (RFC 4271 section 10).
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_BGP_FSM_H
#define CONTROLPLANE_BGP_FSM_H

#include "conf/types.h"
#include "controlplane/bgp_notify.h"

#define BGP_FSM_CONNS       2
#define BGP_FSM_MAX_ACTIONS 12
#define BGP_FSM_WORDS_LEN   400 /* holds any bgp_fsm_words() */
#define BGP_FSM_NEVER       UINT64_MAX
#define BGP_FSM_COLLISION_S 5 /* a new connection beside a younger session is no restart of the peer */
#define BGP_FSM_YIELD_S     1 /* so long after its beginning a connection keeps the other one waiting */

/* Of the peer, and of one connection, which knows IDLE (no connection), CONNECT, and from OPENSENT on. */
enum bgp_state { BGP_IDLE, BGP_CONNECT, BGP_ACTIVE, BGP_OPENSENT, BGP_OPENCONFIRM, BGP_ESTABLISHED };
#define BGP_N_STATES 6

/* What an OPEN says about capabilities, ours or the peer's (R2.1). */
struct bgp_fsm_caps {
    bool evpn;             /* multiprotocol 25/70 */
    bool refresh;          /* RFC 2918 */
    bool as4;              /* RFC 6793 */
    bool extended_message; /* RFC 8654 */
    bool gr;               /* graceful restart is in the OPEN at all (RFC 4724) */
    bool gr_restarting;    /* R: the sender restarted */
    bool gr_notification;  /* N: RFC 8538 */
    bool gr_evpn;          /* 25/70 is among its families */
    bool gr_forwarding;    /* F of 25/70: forwarding state was kept */
    uint16_t gr_time_s;    /* how long to wait for the sender to come back */
};

struct bgp_fsm_open {
    uint32_t asn; /* the 4-octet one where the capability is there */
    uint32_t router_id;
    uint16_t hold_s;
    struct bgp_fsm_caps caps;
};

/* R2.7: gr_restarting and gr_forwarding of `local` are what the first session after our own restart is told.
 * Once a session was Established the peer knows, and from then on an OPEN says that nothing restarted and
 * that we went on forwarding. When gr_time_s passed without one the peer holds nothing of us any more, and R
 * is no longer said. */
struct bgp_fsm_config {
    struct bgp_fsm_open local; /* our OPEN */
    uint32_t peer_asn;
    bool passive;                  /* never dial */
    bool collision_established;    /* CollisionDetectEstablishedState: a session may lose a collision */
    uint16_t keepalive_s;          /* 0: a third of the hold time; never more than that */
    uint32_t connect_retry_s;      /* between dials */
    uint32_t open_wait_s;          /* how long a connection may take to bring its OPEN */
    uint32_t idle_hold_min_s;      /* first pause after an error, and before the redial of a lost session */
    uint32_t idle_hold_max_s;      /* longest pause after errors */
    uint32_t stable_s;             /* a session this old forgives former errors */
    uint32_t send_hold_s;          /* RFC 9687; 0: the larger of 8 minutes and twice the hold time */
    uint32_t max_prefix_restart_s; /* pause after too many prefixes; 0: until START or RESET */
};

enum bgp_ev {
    /* Of the peer. */
    BGP_EV_START,        /* administrative */
    BGP_EV_STOP,         /* subcode: Cease subcode, 0: 2; data: shutdown communication; hard, silent */
    BGP_EV_RESET,        /* subcode: 0: 4; as STOP, then begins again */
    BGP_EV_INCOMING,     /* the peer's connection was accepted and waits to be adopted */
    BGP_EV_MAX_PREFIXES, /* data: as RFC 4486 section 4 lays it out, may be empty */
    /* Of one connection. */
    BGP_EV_CONNECTED,
    BGP_EV_CONNECT_FAILED, /* err */
    BGP_EV_LOST,           /* closed or reset by the other side, or by the kernel; err, 0: closed */
    BGP_EV_OPEN,           /* open */
    BGP_EV_UPDATE,
    BGP_EV_NOTIFICATION, /* code, subcode, data */
    BGP_EV_KEEPALIVE,
    BGP_EV_REFRESH,
    BGP_EV_MSG_ERROR, /* what arrived cannot be used: code, subcode, data of the NOTIFICATION to send */
    BGP_EV_SENT,      /* a whole message went to the socket; update */
};
#define BGP_N_EVENTS (BGP_EV_SENT + 1)

struct bgp_fsm_event {
    enum bgp_ev type;
    uint8_t conn;
    uint8_t code, subcode;
    bool hard;   /* STOP, RESET: the peer must not keep our routes (RFC 8538), whatever the subcode */
    bool silent; /* STOP, RESET: no NOTIFICATION, so that the peer keeps our routes: we restart gracefully */
    bool update; /* SENT: it was an UPDATE */
    int err;     /* errno */
    uint16_t len;
    const uint8_t *data;
    const struct bgp_fsm_open *open;
};

/* Why a connection, or an attempt at one, ended. */
enum bgp_why {
    BGP_WHY_NONE,
    BGP_WHY_ADMIN_STOP,
    BGP_WHY_ADMIN_RESET,
    BGP_WHY_CONNECT_FAILED,
    BGP_WHY_CONNECT_TIMEOUT,
    BGP_WHY_REFUSED, /* an incoming connection while stopped or pausing */
    BGP_WHY_LOST,
    BGP_WHY_OPEN_TIMEOUT,
    BGP_WHY_HOLD_TIMER,
    BGP_WHY_SEND_HOLD_TIMER,
    BGP_WHY_NOTIFICATION, /* received */
    BGP_WHY_MSG_ERROR,
    BGP_WHY_UNEXPECTED, /* FSM error */
    BGP_WHY_PEER_AS,
    BGP_WHY_ROUTER_ID,
    BGP_WHY_HOLD_TIME,
    BGP_WHY_NO_EVPN,
    BGP_WHY_MAX_PREFIXES,
    BGP_WHY_COLLISION, /* the other connection was kept */
    BGP_WHY_REPLACED,  /* the peer restarted and came with a new connection (RFC 4724) */
    BGP_WHYS
};

struct bgp_fsm_fault {
    enum bgp_why why;
    uint8_t code, subcode; /* of the NOTIFICATION sent or received; 0: none was */
    bool by_peer;          /* it was received */
    bool hard;             /* it was a Hard Reset (RFC 8538); code and subcode are those inside */
    int err;
    uint32_t value; /* PEER_AS: what the peer said; HOLD_TIME, ROUTER_ID: the same */
};

struct bgp_fsm_session {
    uint8_t conn;
    bool incoming;
    uint16_t hold_s, keepalive_s;        /* negotiated; 0: none */
    struct bgp_fsm_open local, peer;     /* as sent and received on it */
    bool refresh, as4, extended_message; /* both sides can */
    bool helper;                         /* the peer's routes are kept stale when it restarts (RFC 4724) */
    bool graceful_notification;          /* and also after NOTIFICATIONs (RFC 8538) */
};

enum bgp_act {
    BGP_ACT_CONNECT, /* open a TCP connection to the peer: it is `conn` */
    BGP_ACT_ADOPT,   /* the incoming connection is `conn` */
    BGP_ACT_REJECT,  /* refuse the incoming connection: code, subcode */
    BGP_ACT_CLOSE,
    BGP_ACT_SEND_OPEN, /* as bgp_fsm_local_open() says of `conn` */
    BGP_ACT_SEND_KEEPALIVE,
    BGP_ACT_SEND_NOTIFICATION, /* code, subcode, data */
    BGP_ACT_UP,                /* session */
    BGP_ACT_DOWN,              /* of the session on `conn`: fault, graceful, stale_s */
    BGP_ACT_LOG,               /* something else ended: fault */
};

/* The pointers hold until the next call for this peer, and no longer than the event that was given. */
struct bgp_fsm_action {
    enum bgp_act type;
    uint8_t conn;
    uint8_t code, subcode;
    bool graceful;    /* DOWN: keep the peer's routes, marked stale */
    uint16_t stale_s; /* and this long, unless the session comes back */
    uint16_t len;
    const uint8_t *data;
    struct bgp_fsm_fault fault;
    const char *text; /* shutdown communication received, for bgp_fsm_words(); or NULL */
    const struct bgp_fsm_session *session;
};

struct bgp_fsm_actions {
    unsigned n;
    struct bgp_fsm_action a[BGP_FSM_MAX_ACTIONS];
    uint8_t buf[3 + BGP_SHUTDOWN_MAX]; /* Hard Reset, length and text that actions point to */
};

struct bgp_fsm_counters {
    uint64_t established, dropped;
    uint64_t dials, accepted, rejected, collisions;
};

struct bgp_fsm_conn {
    enum bgp_state state;
    bool incoming;
    bool confirmed; /* our KEEPALIVE has answered the peer's OPEN */
    bool heard;     /* the peer's KEEPALIVE has answered our OPEN */
    uint16_t hold_s, keepalive_s;
    mono_t began;      /* our dial; then, and of an incoming one, the TCP connection */
    mono_t wait_until; /* the other connection may go first, and `confirmed` waits */
    mono_t hold_at, keepalive_at, send_hold_at;
    struct bgp_fsm_open local, peer; /* as sent and received on it */
};

/* A value that the caller keeps; its fields are for bgp_fsm*.c alone. */
struct bgp_fsm {
    struct bgp_fsm_config cfg;
    enum { BGP_FSM_STOPPED, BGP_FSM_PAUSED, BGP_FSM_RUNNING } mode;
    struct bgp_fsm_conn conn[BGP_FSM_CONNS];
    struct bgp_fsm_session session; /* of the connection that is Established */
    mono_t idle_until;              /* PAUSED */
    mono_t retry_at;                /* next dial, or the end of the one under way */
    mono_t up_since;
    mono_t begun; /* first START; .ns 0: none yet */
    uint32_t backoff_s;
    uint64_t random;
    struct bgp_fsm_fault last;
    struct {
        mono_t at; /* 0: never */
        struct bgp_fsm_fault fault;
    } logged[BGP_WHYS]; /* the last one of each kind: kinds that take turns are no news either */
    char text[BGP_SHUTDOWN_MAX + 1];
    struct bgp_fsm_counters counters;
};

/* Hold time 9 s, dial every 5 s, 25/70, route refresh, 4-octet AS, extended messages, graceful restart for
 * 120 s. */
void bgp_fsm_config_default(struct bgp_fsm_config *c, uint32_t asn, uint32_t router_id, uint32_t peer_asn);

/* Stopped. `seed` feeds the jitter; the same seed and events give the same actions. */
void bgp_fsm_init(struct bgp_fsm *f, const struct bgp_fsm_config *cfg, uint64_t seed);
/* Holds for what comes; send BGP_EV_RESET with subcode 6 to renegotiate a session. Times of 0 that must not
 * be are taken as 1 s, and a hold time of 1 or 2 s as 3. */
void bgp_fsm_set_config(struct bgp_fsm *f, const struct bgp_fsm_config *cfg);

/* `out` is emptied first. An event that its connection cannot have is ignored (see the table in bgp_fsm.c).
 */
void bgp_fsm_event(struct bgp_fsm *f, const struct bgp_fsm_event *ev, mono_t now,
                   struct bgp_fsm_actions *out);
/* To be called at bgp_fsm_next_deadline() or later; earlier is harmless. */
void bgp_fsm_timer(struct bgp_fsm *f, mono_t now, struct bgp_fsm_actions *out);
/* .ns is BGP_FSM_NEVER when nothing is awaited. Ask again after every call. */
mono_t bgp_fsm_next_deadline(const struct bgp_fsm *f);

enum bgp_state bgp_fsm_state(const struct bgp_fsm *f);
/* NULL unless Established. */
const struct bgp_fsm_session *bgp_fsm_session(const struct bgp_fsm *f);
/* The OPEN of one connection. */
const struct bgp_fsm_open *bgp_fsm_local_open(const struct bgp_fsm *f, unsigned conn);
/* Whether an OPEN that is sent now says that we restarted. */
bool bgp_fsm_restarting(const struct bgp_fsm *f, mono_t now);

const char *bgp_state_name(enum bgp_state s);
/* The fault as a sentence; text: the action's, or bgp_fsm.text for bgp_fsm.last. Safe to print. Returns buf.
 */
const char *bgp_fsm_words(const struct bgp_fsm_fault *fault, const char *text, char *buf, size_t size);

#endif
