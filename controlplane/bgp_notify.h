/* SPDX-License-Identifier: BSD-3-Clause
 *
 * NOTIFICATION: codec, and every code and subcode in words (RFC 4271 section 4.5, RFC 4486, 5492, 6608, 7313,
 * 8538, 9384), with the shutdown communication of RFC 9003. Pure, any thread.
 */
#ifndef CONTROLPLANE_BGP_NOTIFY_H
#define CONTROLPLANE_BGP_NOTIFY_H

#include "controlplane/bgp_msg.h"

#define BGP_NOTIFY_TEXT  512
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
/* The same from an error of ours. */
int bgp_error_encode(const struct bgp_error *err, uint8_t *msg, size_t size);

/* Data of Cease/shutdown and Cease/reset: length and text, cut at a whole UTF-8 character. Returns the
 * length of the data, 0 when `text` is NULL or empty. */
size_t bgp_shutdown_data(const char *text, uint8_t data[BGP_SHUTDOWN_MAX + 1]);

/* RFC 8538 section 3: does this one end the session for good, graceful restart or not? */
bool bgp_notification_is_hard(const struct bgp_notification *n);

/* "Cease: administrative shutdown: \"maintenance at noon\"". What the peer wrote is made harmless: anything
 * but printable UTF-8 becomes '?'. Returns buf. */
const char *bgp_notification_format(const struct bgp_notification *n, char buf[BGP_NOTIFY_TEXT]);

/* Copies up to n bytes of text from the wire: control characters, direction marks and invalid UTF-8 become
 * '?', the end is always there, no character is cut in the middle. */
void bgp_text_sanitise(const uint8_t *in, size_t n, char *out, size_t size);

#endif
