/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Route distinguishers and route targets: their text, "ADMINISTRATOR:NUMBER", and their eight bytes. Both
 * have the same three forms, of which the text decides one (RFC 4364 section 4.2, RFC 4360 section 3, RFC
 * 5668):
 *
 *   ASN up to 65535       : number up to 4294967295
 *   ASN above 65535       : number up to 65535
 *   four numbers with dots: number up to 65535
 *
 * Pure functions, any thread.
 */
#ifndef CONF_CONF_RT_H
#define CONF_CONF_RT_H

#include "conf/conf.h"

#define CONF_RT_STRLEN 24 /* "255.255.255.255:65535" and "4294967295:4294967295" */

/* The whole string must be one. NULL and the value in *out, or why it is none, in words that go on after the
 * text. */
const char *conf_rd_parse(const char *text, struct conf_rd *out);
const char *conf_rt_parse(const char *text, struct conf_rt *out);

/* For what the functions above made; return buf. */
const char *conf_rd_format(const struct conf_rd *rd, char buf[CONF_RT_STRLEN]);
const char *conf_rt_format(const struct conf_rt *rt, char buf[CONF_RT_STRLEN]);

/* The RD of type 1 that R3.3 wants. */
struct conf_rd conf_rd_make(uint32_t router_id, uint16_t number);

#endif
