/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_text.h. One thread.
 */
#include "controlplane/ctl_text.h"

#include "conf/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void ctl_no_memory(void)
{
    fputs("causewayctl: not enough memory\n", stderr);
    exit(1);
}

void *ctl_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        ctl_no_memory();
    return p;
}

size_t ctl_char(const char *text, bool *harmless)
{
    uint32_t value;
    size_t n = utf8_char(text, strnlen(text, 4), &value);

    *harmless = n > 0 && utf8_harmless(value);
    return n ? n : 1;
}

char *ctl_safe(const char *text, bool lines)
{
    char *out = ctl_alloc(strlen(text) * 4 + 1), *p = out;

    while (*text) {
        bool harmless;
        size_t n = ctl_char(text, &harmless);

        if (harmless || (lines && *text == '\n')) {
            memcpy(p, text, n);
            p += n;
        } else {
            for (size_t i = 0; i < n; i++)
                p += sprintf(p, "\\x%02x", (unsigned char)text[i]);
        }
        text += n;
    }
    *p = '\0';
    return out;
}

void ctl_put(FILE *out, const char *text, bool lines)
{
    char *safe = ctl_safe(text, lines);

    fputs(safe, out);
    free(safe);
}

size_t ctl_width(const char *safe)
{
    size_t n = 0;

    for (; *safe; safe++)
        n += ((unsigned char)*safe & 0xc0) != 0x80;
    return n;
}

size_t ctl_bytes(const char *safe, size_t n)
{
    const char *end = safe;
    bool harmless;

    while (n-- > 0 && *end)
        end += ctl_char(end, &harmless);
    return (size_t)(end - safe);
}

void ctl_put_spaces(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

void ctl_put_wrapped(FILE *out, const char *safe, size_t room, size_t indent)
{
    if (room == 0)
        room = 1;
    while (ctl_width(safe) > room) {
        size_t cut = ctl_bytes(safe, room + 1);

        while (cut > 0 && safe[cut - 1] != ' ')
            cut--;
        if (cut <= 1) {
            cut = ctl_bytes(safe, room);
            fprintf(out, "%.*s\n", (int)cut, safe);
        } else {
            fprintf(out, "%.*s\n", (int)(cut - 1), safe);
        }
        ctl_put_spaces(out, indent);
        safe += cut;
    }
    fputs(safe, out);
}

const char *ctl_units(double v, char buf[CTL_NUMBER_LEN])
{
    static const char units[] = " kMGTPE";
    int unit = 0;

    while (v >= 999.5 && unit < 6) {
        v /= 1000;
        unit++;
    }
    if (unit == 0) {
        snprintf(buf, CTL_NUMBER_LEN, "%.0f", v);
    } else {
        snprintf(buf, CTL_NUMBER_LEN, "%.*f%c", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[unit]);
    }
    return buf;
}

const char *ctl_grouped(double v, char buf[CTL_NUMBER_LEN])
{
    char digits[CTL_NUMBER_LEN], *p = buf;
    size_t n;

    if (!(v >= 0 && v < 1e19)) {
        snprintf(buf, CTL_NUMBER_LEN, "?");
        return buf;
    }
    snprintf(digits, sizeof(digits), "%" PRIu64, (uint64_t)v);
    n = strlen(digits);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return buf;
}

const char *ctl_duration(double seconds, char buf[CTL_NUMBER_LEN])
{
    uint64_t s = seconds >= 0 && seconds < 1e15 ? (uint64_t)seconds : 0;

    if (s < 60) {
        snprintf(buf, CTL_NUMBER_LEN, "%us", (unsigned)s);
    } else if (s < 3600) {
        snprintf(buf, CTL_NUMBER_LEN, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    } else if (s < 86400) {
        snprintf(buf, CTL_NUMBER_LEN, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    } else {
        snprintf(buf, CTL_NUMBER_LEN, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
    }
    return buf;
}
