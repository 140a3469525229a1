/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text forms of the shared types. Pure functions, any thread.
 */
#include "conf/types.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool mac_parse(const char *text, struct mac *out)
{
    char separator = '\0';
    struct mac m;

    for (int i = 0; i < 6; i++) {
        int hi = hex_digit(text[0]);
        int lo = hi < 0 ? -1 : hex_digit(text[1]);

        if (lo < 0)
            return false;
        m.b[i] = (uint8_t)(hi << 4 | lo);
        text += 2;
        if (i < 5) {
            if (i == 0)
                separator = *text;
            if (*text != separator || (separator != ':' && separator != '-'))
                return false;
            text++;
        }
    }
    if (*text != '\0')
        return false;
    *out = m;
    return true;
}

const char *mac_format(struct mac m, char buf[MAC_STRLEN])
{
    snprintf(buf, MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3], m.b[4],
             m.b[5]);
    return buf;
}

bool ipaddr_parse(const char *text, struct ipaddr *out)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct ipaddr a = {0};

    if (inet_pton(AF_INET, text, a.b) == 1) {
        a.family = 4;
    } else if (inet_pton(AF_INET6, text, a.b) == 1 && memcmp(a.b, mapped, sizeof(mapped)) != 0) {
        a.family = 6;
    } else {
        return false;
    }
    *out = a;
    return true;
}

const char *ipaddr_format(const struct ipaddr *a, char buf[IPADDR_STRLEN])
{
    if (a->family == 0 || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, buf, IPADDR_STRLEN))
        snprintf(buf, IPADDR_STRLEN, "none");
    return buf;
}

bool ipaddr_is_vtep(const struct ipaddr *a)
{
    static const uint8_t zero[16], loopback6[16] = {[15] = 1};

    if (a->family == 4)
        return a->b[0] != 0 && a->b[0] != 127 && a->b[0] < 224;
    return a->family == 6 && a->b[0] != 0xff && memcmp(a->b, zero, 16) != 0 &&
           memcmp(a->b, loopback6, 16) != 0;
}

bool ipprefix_parse(const char *text, struct ipprefix *out)
{
    char addr[IPADDR_STRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    struct ipprefix p = {.len = 0xff};

    if (n >= sizeof(addr))
        return false;
    memcpy(addr, text, n);
    addr[n] = '\0';
    if (!ipaddr_parse(addr, &p.addr))
        return false;
    if (slash) {
        char *end;
        unsigned long len;

        if (!isdigit((unsigned char)slash[1]))
            return false;
        len = strtoul(slash + 1, &end, 10);
        if (*end != '\0' || len > (p.addr.family == 4 ? 32u : 128u))
            return false;
        p.len = (uint8_t)len;
    }
    *out = p;
    return true;
}

mono_t mono_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (mono_t){(uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec};
}
