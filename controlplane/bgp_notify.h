/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFICATION: codec, the names of all codes and subcodes (RFC 4271 section 4.5, RFC 4486, 5492, 6608, 7313,
 * 8538, 9234, 9384, 9687), the shutdown communication of RFC 9003 and the hard reset of RFC 8538. Pure, any
 * thread.
 */
#ifndef CONTROLPLANE_BGP_NOTIFY_H
#define CONTROLPLANE_BGP_NOTIFY_H

#include "controlplane/bgp_msg.h"

#define BGP_NOTIFY_NAME  96
#define BGP_SHUTDOWN_MAX 255 /* RFC 9003 section 2: bytes of a shutdown communication */

struct bgp_notification {
    uint8_t code;
    uint8_t subcode;
    const uint8_t *data; /* in the frame */
    size_t data_len;
};

/* Body of a NOTIFICATION. Never answered, so it cannot fail: too short a body has code and subcode 0. */
void bgp_notification_decode(const uint8_t *body, size_t len, struct bgp_notification *out);
/* A whole message. Length or -ENOSPC. */
int bgp_notification_encode(const struct bgp_notification *n, uint8_t *msg, size_t size);

/* RFC 8538 section 3: true for a hard reset, which ends the session for good, graceful restart or not. *n
 * becomes the notification that is meant, if there is one in it; looked into once, however deep it nests. */
bool bgp_notification_unwrap(struct bgp_notification *n);

/* Data of Cease/shutdown and Cease/reset: length and text, made harmless and cut at a whole UTF-8 character.
 * Returns the length of the data, 0 when there is no text. */
size_t bgp_shutdown_data(const uint8_t *text, size_t n, uint8_t data[BGP_SHUTDOWN_MAX + 1]);
/* The text in a NOTIFICATION received, made harmless; "" where there is none, or it is ill-formed, which is
 * no error (RFC 9003 section 4). */
void bgp_shutdown_text(const struct bgp_notification *n, char text[BGP_SHUTDOWN_MAX + 1]);

/* "Cease/Administrative Shutdown", "UPDATE Message Error/12"; returns buf. */
const char *bgp_notification_name(uint8_t code, uint8_t subcode, char buf[BGP_NOTIFY_NAME]);

/* Copies up to n bytes of text from the wire: control characters, direction marks and invalid UTF-8 become
 * '?', the end is always there, no character is cut in the middle. */
void bgp_text_sanitise(const uint8_t *in, size_t n, char *out, size_t size);

#endif
