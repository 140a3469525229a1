/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One message between two gateways inside the overlay (oam.h), as an Ethernet frame to DP_OAM_MAC:
 *
 *   Ethernet header   DP_OAM_MAC, the sender's MAC, DP_OAM_ETHERTYPE
 *   version (1)       1; another one is not understood
 *   type (1)          enum oam_type, | OAM_ANSWER
 *   status (1)        enum oam_status in answers, else 0
 *   reserved (1)      0, ignored
 *   id (4)            of the request, chosen by its sender; an answer repeats it
 *   length (2)        bytes of TLVs that follow; what comes after them is padding
 *   TLVs              type (1), length (1), value; unknown ones are skipped
 *
 * Encode and decode only; nothing is applied here. Values only, any thread.
 */
#ifndef CONTROLPLANE_OAM_MSG_H
#define CONTROLPLANE_OAM_MSG_H

#include "conf/types.h"

enum oam_type {
    OAM_PREPARE = 1, /* mac, seconds, token, values[0]: it will move, see enum oam_direction; answer: token */
    OAM_COMMIT,      /* mac, token: it is there now, or: consider it there */
    OAM_CANCEL,      /* mac, token: it will not */
    OAM_TAKE,        /* rehearsal: mac, ip, seconds: take this synthetic MAC as if it came to you */
    OAM_LEAVE,       /* rehearsal: mac: let it go */
    OAM_ECHO,        /* the answer is short and says the length: round trip, path MTU */
    OAM_REPORT,      /* rehearsal: what was seen */
    OAM_ANSWER = 0x80, /* | the request's type */
};

/* OAM_PREPARE, values[0]: to whose site. */
enum oam_direction { OAM_TO_RECEIVER, OAM_TO_SENDER };

/* In an answer: how it went. */
enum oam_status {
    OAM_OK,
    OAM_REFUSED,
    OAM_UNKNOWN_MAC,
    OAM_NOT_HERE,
    OAM_BUSY,
    OAM_UNSUPPORTED,
    OAM_STATUSES
};

#define OAM_VALUES    6
#define OAM_FRAME_MIN 60

struct oam_message {
    uint8_t type;
    uint8_t status; /* answers */
    uint32_t id;
    struct mac mac;
    struct ipaddr ip; /* family 0: none */
    uint16_t seconds;
    uint32_t values[OAM_VALUES]; /* what they are, the type says: OAM_PREPARE, rehearse_private.h */
    uint16_t length;             /* OAM_ECHO: of the whole frame */
    uint64_t token;              /* move_prepare.h; 0: none */
};

/* Writes the whole frame (Ethernet header included); returns its length, at least OAM_FRAME_MIN; 0: it does
 * not fit. */
size_t oam_encode(const struct oam_message *m, struct mac source, uint8_t *frame, size_t size);
/* data: the first `have` bytes of a frame of `len` bytes. False: not one, or malformed. */
bool oam_decode(const uint8_t *data, size_t have, size_t len, struct oam_message *out);

/* "prepare", ...; "unknown" */
const char *oam_type_name(uint8_t type);
/* "ok", "refused", ... */
const char *oam_status_name(uint8_t status);

#endif
