/* SPDX-License-Identifier: BSD-3-Clause
 *
 * BGP-4 messages as frames (RFC 4271 section 4.1, RFC 8654): bytes of the stream in, one frame out, and the
 * messages that have hardly a body (KEEPALIVE, ROUTE-REFRESH). The others have files of their own:
 * bgp_open.h, bgp_notify.h, bgp_update.h (which stands on bgp_attr.h and evpn.h). A session shell does
 *
 *     n = bgp_frame_next(bytes, len, max, &frame, &err);      0: read more, -EPROTO: send err, close
 *     switch (frame.type) { case BGP_OPEN: bgp_open_decode(frame.body, frame.body_len, &open, &err); ... }
 *     consume n bytes
 *
 * Decoders only decode: what a message means for the session is the state machine's matter. Whatever they
 * point to lies in the frame. All functions are pure, without allocation and without globals; any thread.
 */
#ifndef CONTROLPLANE_BGP_MSG_H
#define CONTROLPLANE_BGP_MSG_H

#include "conf/types.h"
#include "controlplane/buf.h"

#define BGP_HEADER_LEN  19
#define BGP_MSG_MAX     4096  /* RFC 4271 section 4.1 */
#define BGP_MSG_EXT_MAX 65535 /* RFC 8654, once both sides have the capability */
#define BGP_ERROR_DATA  (BGP_MSG_MAX - BGP_HEADER_LEN - 2)
#define BGP_ERROR_TEXT  128
#define BGP_AFI_L2VPN   25 /* R2.1 */
#define BGP_SAFI_EVPN   70
#define BGP_AS_TRANS    23456 /* RFC 6793 section 9 */
#define BGP_ID_TEXT     16

enum bgp_type {
    BGP_OPEN = 1,
    BGP_UPDATE = 2,
    BGP_NOTIFICATION = 3,
    BGP_KEEPALIVE = 4,
    BGP_ROUTE_REFRESH = 5,
};

/* Error codes of NOTIFICATION; the subcodes of each below. Their names: bgp_notify.h. */
enum bgp_code {
    BGP_ERR_HEADER = 1,
    BGP_ERR_OPEN = 2,
    BGP_ERR_UPDATE = 3,
    BGP_ERR_HOLD_TIMER = 4,
    BGP_ERR_FSM = 5,
    BGP_ERR_CEASE = 6,
    BGP_ERR_REFRESH = 7,   /* RFC 7313 */
    BGP_ERR_SEND_HOLD = 8, /* RFC 9687 */
};

enum bgp_header_subcode { BGP_HEADER_SYNC = 1, BGP_HEADER_LENGTH = 2, BGP_HEADER_TYPE = 3 };

enum bgp_open_subcode {
    BGP_OPEN_UNSPECIFIC = 0,
    BGP_OPEN_VERSION = 1,
    BGP_OPEN_PEER_AS = 2,
    BGP_OPEN_ID = 3,
    BGP_OPEN_PARAMETER = 4,
    BGP_OPEN_HOLD_TIME = 6,
    BGP_OPEN_CAPABILITY = 7, /* RFC 5492: data is the capability that is missed */
};

enum bgp_update_subcode {
    BGP_UPDATE_ATTR_LIST = 1,
    BGP_UPDATE_UNKNOWN_WELL_KNOWN = 2,
    BGP_UPDATE_MISSING = 3,
    BGP_UPDATE_FLAGS = 4,
    BGP_UPDATE_LENGTH = 5,
    BGP_UPDATE_ORIGIN = 6,
    BGP_UPDATE_NEXT_HOP = 8,
    BGP_UPDATE_OPTIONAL = 9,
    BGP_UPDATE_NETWORK = 10,
    BGP_UPDATE_AS_PATH = 11,
};

/* RFC 6608: what an unexpected message is answered with in each state. */
enum bgp_fsm_subcode { BGP_FSM_OPENSENT = 1, BGP_FSM_OPENCONFIRM = 2, BGP_FSM_ESTABLISHED = 3 };

/* RFC 4486, and hard reset of RFC 8538. */
enum bgp_cease_subcode {
    BGP_CEASE_MAX_PREFIXES = 1,
    BGP_CEASE_SHUTDOWN = 2,
    BGP_CEASE_DECONFIGURED = 3,
    BGP_CEASE_RESET = 4,
    BGP_CEASE_REJECTED = 5,
    BGP_CEASE_CONFIG_CHANGE = 6,
    BGP_CEASE_COLLISION = 7,
    BGP_CEASE_RESOURCES = 8,
    BGP_CEASE_HARD_RESET = 9,
    BGP_CEASE_BFD_DOWN = 10, /* RFC 9384 */
};

/* Why a session ends by our decision: what the NOTIFICATION must say, and the log line. */
struct bgp_error {
    uint8_t code;
    uint8_t subcode;
    uint16_t data_len;
    char text[BGP_ERROR_TEXT];
    uint8_t data[BGP_ERROR_DATA];
};

/* One whole message in the caller's bytes. */
struct bgp_frame {
    uint8_t type; /* enum bgp_type, always a known one */
    const uint8_t *body;
    size_t body_len;
};

struct bgp_family {
    uint16_t afi;
    uint8_t safi;
};

/* RFC 2918; subtypes of RFC 7313. */
enum bgp_refresh_subtype { BGP_REFRESH_REQUEST = 0, BGP_REFRESH_BEGIN = 1, BGP_REFRESH_END = 2 };

struct bgp_refresh {
    struct bgp_family family;
    uint8_t subtype; /* any value; all but enum bgp_refresh_subtype are to be ignored (RFC 7313 section 5) */
};

/* Fills *err; `data` (cut to BGP_ERROR_DATA) may be NULL. `fmt` is the log text. */
void bgp_error_set(struct bgp_error *err, uint8_t code, uint8_t subcode, const void *data, size_t data_len,
                   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* The first message of `len` bytes of the stream. `max` is BGP_MSG_MAX, or BGP_MSG_EXT_MAX when extended
 * messages were negotiated. Returns its length (19 to max), 0 when it is not whole yet, or -EPROTO with *err
 * as RFC 4271 section 6.1 wants: marker 1/1, length 1/2 with the length, type 1/3 with the type. The header
 * is judged as soon as its 19 bytes are there, so nobody waits for a body that is not allowed. */
int bgp_frame_next(const uint8_t *data, size_t len, size_t max, struct bgp_frame *frame,
                   struct bgp_error *err);

/* Body of a ROUTE-REFRESH. Outbound filters after the first four bytes (RFC 5291) are stepped over. 0 or
 * -EPROTO. */
int bgp_refresh_decode(const uint8_t *body, size_t len, struct bgp_refresh *out, struct bgp_error *err);

/* Encoders write one whole message and return its length, or -ENOSPC when it does not fit `size`. */
int bgp_keepalive_encode(uint8_t *msg, size_t size);
int bgp_refresh_encode(const struct bgp_refresh *r, uint8_t *msg, size_t size);

/* For the other encoders: begin writes marker, a length to be filled, and the type; end fills the length and
 * returns it, or -ENOSPC. */
void bgp_msg_begin(struct buf_out *out, uint8_t *msg, size_t size, enum bgp_type type);
int bgp_msg_end(struct buf_out *out);

/* "UPDATE", ...; "unknown". */
const char *bgp_type_name(uint8_t type);
bool bgp_family_is_evpn(struct bgp_family f);
/* A router id or any other identifier of four bytes, host order, as dotted quad. Returns buf. */
const char *bgp_id_format(uint32_t id, char buf[BGP_ID_TEXT]);

#endif
