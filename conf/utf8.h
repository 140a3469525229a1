/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One character of UTF-8, and whether it may be shown as it is. For text from a file, the wire or a socket
 * that goes to a log or a terminal. Pure; any thread.
 */
#ifndef CONF_UTF8_H
#define CONF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the character at p, of which left > 0 bytes may be read, and its value; 0 when there is
 * none (RFC 3629 section 4: shortest form, no surrogates, up to U+10FFFF). */
size_t utf8_char(const void *p, size_t left, uint32_t *value);

/* No control character (C0, DEL, C1), line or paragraph separator, none that is invisible or turns the
 * direction of writing: it neither ends a line nor hides or rearranges what stands beside it. */
bool utf8_harmless(uint32_t value);

#endif
