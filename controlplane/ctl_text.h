/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text for a terminal: what came from the daemon made harmless, and numbers made readable. One thread.
 */
#ifndef CONTROLPLANE_CTL_TEXT_H
#define CONTROLPLANE_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CTL_NUMBER_LEN 32

/* Decodes one character of UTF-8. Returns its length in bytes (1 when it is no valid UTF-8), and whether a
 * terminal may be given it: no control character (C0, DEL, C1), none that turns the writing direction or is
 * invisible. */
size_t ctl_char(const char *text, bool *harmless);

/* The text with every harmful byte written as \xNN; with lines, newlines stay. To be freed. */
char *ctl_safe(const char *text, bool lines);
void ctl_put(FILE *out, const char *text, bool lines);

/* Columns that a safe text takes: one per character. */
size_t ctl_width(const char *safe);

/* Bytes of the first n characters. */
size_t ctl_bytes(const char *safe, size_t n);
void ctl_put_spaces(FILE *out, size_t n);
/* A safe text on lines of at most `room` characters, broken between words where it can be; what goes on below
 * is indented. No newline after the last. */
void ctl_put_wrapped(FILE *out, const char *safe, size_t room, size_t indent);

/* 999, 12.3k, 4.56M: at most 5 characters; decimal units. */
const char *ctl_units(double v, char buf[CTL_NUMBER_LEN]);
/* 1,048,576 */
const char *ctl_grouped(double v, char buf[CTL_NUMBER_LEN]);
/* 45s, 3m12s, 5h02m, 12d04h */
const char *ctl_duration(double seconds, char buf[CTL_NUMBER_LEN]);

/* Memory, or the end of the program. */
void *ctl_alloc(size_t size);
__attribute__((noreturn)) void ctl_no_memory(void);

#endif
