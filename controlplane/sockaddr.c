/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sockaddr.h.
 */
#include "controlplane/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

socklen_t sockaddr_make(const struct ipaddr *a, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == 4) {
        struct sockaddr_in *sin = (struct sockaddr_in *)out;

        sin->sin_family = AF_INET;
        sin->sin_port = htons(port);
        memcpy(&sin->sin_addr, a->b, 4);
        return sizeof(*sin);
    }
    struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)out;

    sin6->sin6_family = AF_INET6;
    sin6->sin6_port = htons(port);
    memcpy(&sin6->sin6_addr, a->b, 16);
    return sizeof(*sin6);
}

bool sockaddr_read(const struct sockaddr_storage *in, struct ipaddr *a, uint16_t *port)
{
    *a = (struct ipaddr){0};
    *port = 0;
    if (in->ss_family == AF_INET) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *)in;

        a->family = 4;
        memcpy(a->b, &sin->sin_addr, 4);
        *port = ntohs(sin->sin_port);
        return true;
    }
    if (in->ss_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)in;

        a->family = 6;
        memcpy(a->b, &sin6->sin6_addr, 16);
        *port = ntohs(sin6->sin6_port);
        return true;
    }
    return false;
}
